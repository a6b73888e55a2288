// One message: who, what, when, how far it has come, and what people think of it. Drawn anew only when it changed.

import { avatar } from "../ui/avatar.js";
import { fill, h } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { clock, fullTime } from "../ui/time.js";
import { richText } from "./text.js";

const STATES = { saved: ["check", "Saved"], sending: ["clock", "Sending"], failed: ["warning", "Not sent"] };

export class MessageRow {
  node;
  message;
  #parts;
  #drawn;
  #avatar = h("span", { class: "avatar-place" });
  #body = h("div", { class: "body" });

  constructor(message, parts, { isFresh }) {
    this.#parts = parts;
    const isMine = message.sender === parts.store.me.id;
    this.node = h("li", { class: `message${isMine ? " mine" : ""}${isFresh ? " fresh" : ""}`, tabindex: "-1" }, !isMine && this.#avatar, this.#body);
    this.node.addEventListener("click", (event) => {
      if (!event.target.closest("a, button")) parts.actions.moveTo(this);
    });
  }

  get isSaved() {
    return this.message.offset !== undefined;
  }

  draw(message, { isFirst, isLast }) {
    this.message = message;
    this.node.classList.toggle("first", isFirst);
    this.node.classList.toggle("last", isLast);
    const quoted = message.reply_to && this.#parts.feed.timeline.get(message.reply_to.message);
    const drawn = `${message.message} ${message.version} ${message.state} ${message.problem} ${quoted?.version} ${this.#parts.store.names}`;
    if (drawn === this.#drawn) return;
    const { store } = this.#parts;
    this.#drawn = drawn;
    const person = store.person(message.sender);
    const { dataset } = this.node;
    if (message.message) dataset.id = message.message;
    if (message.offset) dataset.offset = String(message.offset);
    dataset.state = message.state ?? "saved";
    dataset.deleted = String(Boolean(message.is_deleted));
    this.node.setAttribute("aria-label", this.#label(person));
    if (this.#avatar.dataset.name !== person.name) {
      this.#avatar.dataset.name = person.name;
      fill(this.#avatar, avatar(person));
    }
    this.#keepFocus(() => fill(this.#body,
      h("p", { class: "author", "aria-hidden": "true" }, person.name),
      h("div", { class: "bubble" }, message.is_deleted ? null : this.#quote(quoted), this.#text(), this.#meta()),
      this.#reactions(),
      message.state === "failed" && this.#failure()));
  }

  #label({ name }) {
    const { text, is_deleted: isDeleted, at, state } = this.message;
    const words = isDeleted ? "message deleted" : text ?? "";
    return `${name}, ${clock(Date.parse(at))}: ${words}${state && state !== "saved" ? `, ${STATES[state][1].toLowerCase()}` : ""}`;
  }

  #quote(quoted) {
    const { reply_to: reply } = this.message;
    if (!reply) return null;
    const { store, onJump } = this.#parts;
    const source = quoted ?? reply;
    const words = source.is_deleted || (source.sender && source.text === null) ? "Message deleted" : source.text ?? "An earlier message";
    return h("button", { type: "button", class: "quote", data: { focus: "quote" }, title: "Show this message", onclick: () => onJump(reply.message) },
      h("span", { class: "quote-author" }, source.sender ? store.person(source.sender).name : "Reply"),
      h("span", { class: "quote-text" }, words));
  }

  #text() {
    const { text, is_deleted: isDeleted } = this.message;
    if (isDeleted) return h("span", { class: "text blank" }, "Message deleted");
    if (text === null) return h("span", { class: "text blank" }, "…");
    const { store } = this.#parts;
    const names = new Set([...store.people.values()].map(({ name }) => name.toLocaleLowerCase()));
    return h("span", { class: "text" }, richText(text, store.me.name, (name) => names.has(name.toLocaleLowerCase())));
  }

  #meta() {
    const { at, edited_at: edited, is_deleted: isDeleted, state = "saved", sender } = this.message;
    const [name, words] = STATES[state];
    const time = Date.parse(at);
    return h("span", { class: "meta" },
      edited && !isDeleted && h("span", { class: "edited", title: `Edited ${fullTime(Date.parse(edited))}` }, "edited"),
      h("time", { datetime: at, title: fullTime(time) }, clock(time)),
      sender === this.#parts.store.me.id && !isDeleted &&
        h("span", { class: "state", role: "img", "aria-label": words, title: state === "saved" ? "Saved on the server's disk" : words }, icon(name, 15)));
  }

  #reactions() {
    const { reactions, is_deleted: isDeleted } = this.message;
    if (!reactions?.length || isDeleted) return null;
    const { store, actions } = this.#parts;
    return h("div", { class: "reactions" }, reactions.map(({ emoji, people }) => {
      const names = people.map((id) => (id === store.me.id ? "you" : store.person(id).name)).join(", ");
      return h("button", {
        type: "button", class: "reaction", data: { focus: emoji }, "aria-pressed": String(people.includes(store.me.id)),
        "aria-label": `${emoji}, ${names}`, title: names, onclick: () => actions.react(this.message, emoji),
      }, h("span", {}, emoji), h("span", { class: "count" }, String(people.length)));
    }));
  }

  #failure() {
    const { problem, client_id: id } = this.message;
    const { outbox } = this.#parts;
    return h("p", { class: "failure" }, h("span", {}, problem),
      h("button", { type: "button", data: { focus: "resend" }, onclick: () => outbox.resend(id) }, "Send again"),
      h("button", { type: "button", data: { focus: "discard" }, onclick: () => outbox.discard(id) }, "Discard"));
  }

  // What is drawn anew takes the focus over from what it replaces.
  #keepFocus(draw) {
    const focused = this.#body.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
    draw();
    if (focused) (this.#body.querySelector(`[data-focus="${CSS.escape(focused)}"]`) ?? this.node).focus({ preventScroll: true });
  }
}
