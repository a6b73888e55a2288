// One message as it stands, made from its publication and changed by those that follow.

export function messageOf(room, offset, view, me) {
  return {
    message: view.message,
    room,
    offset,
    sender: view.by,
    client_id: view.by === me ? view.client_id : undefined,
    text: view.text ?? null,
    at: view.at,
    reply_to: replyOf(view.reply_to),
    edited_at: view.is_edited ? view.at : undefined,
    is_deleted: Boolean(view.is_deleted),
    reactions: [],
    asOf: offset,
    version: 1,
  };
}

// A publication names the message that it answers; a page brings it along.
function replyOf(reply) {
  if (!reply) return undefined;
  return typeof reply === "string" ? { message: reply } : reply;
}

export function fold(message, offset, view) {
  message.asOf = offset;
  message.version += 1;
  switch (view.type) {
    case "message_edited":
      // Without a text the message was edited again, or deleted: that comes later and brings the rest.
      if (view.text !== null && view.text !== undefined) message.text = view.text;
      message.edited_at = view.at;
      break;
    case "message_deleted":
      Object.assign(message, { is_deleted: true, text: null, reactions: [] });
      break;
    case "reaction_added":
      if (!message.is_deleted) react(message, view.emoji, (people) => people.add(view.by));
      break;
    case "reaction_removed":
      react(message, view.emoji, (people) => people.delete(view.by));
      break;
    default:
      break;
  }
}

function react(message, emoji, change) {
  const people = new Set(message.reactions.find((reaction) => reaction.emoji === emoji)?.people);
  const isNew = people.size === 0;
  change(people);
  const changed = { emoji, people: [...people] };
  const kept = message.reactions.map((reaction) => (reaction.emoji === emoji ? changed : reaction));
  message.reactions = (isNew ? [...message.reactions, changed] : kept).filter((reaction) => reaction.people.length > 0);
}
