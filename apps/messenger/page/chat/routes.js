// Where one is, in the address, so that back and reload do what they should.
//
//   #/            nothing chosen: on a phone, the list
//   #/room/{id}   a room or a conversation, optionally @{offset} to show
//   #/people      the people, for administrators

export function current() {
  const [, kind, rest = ""] = /^#\/(\w+)\/?(.*)$/.exec(location.hash) ?? [];
  if (kind === "room" && rest) {
    const [room, offset] = rest.split("@");
    return { view: "room", room: decodeURIComponent(room), offset: offset ? Number(offset) : undefined };
  }
  return { view: kind === "people" ? "people" : "list" };
}

export const roomAddress = (room) => `#/room/${encodeURIComponent(room)}`;

// Whoever listens to `hashchange` has drawn the place when this returns.
export function goTo(hash) {
  if (location.hash !== hash) history.pushState(null, "", hash);
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}
