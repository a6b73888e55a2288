// One open room: its head, its messages, what one writes, and what has been read.

import { announce, attempt, toast } from "../ui/toast.js";
import { confirm } from "../ui/dialog.js";
import { h, perFrame } from "../ui/dom.js";
import { Composer } from "./composer.js";
import { MessageList } from "./message_list.js";
import { MessageActions } from "./message_actions.js";
import { RoomHead } from "./room_head.js";

export class RoomView {
  id;
  node;
  #app;
  #feed;
  #list;
  #composer;
  #head;
  #listening = new AbortController();

  constructor(app, id) {
    this.id = id;
    this.#app = app;
    this.#feed = app.messenger.feed(id);
    const { store, messenger } = app;
    this.#head = new RoomHead(app, this.#room);
    this.#composer = new Composer({
      app,
      room: this.#room,
      onSend: (text, replyTo) => this.#send(text, replyTo),
      onEdit: (message, text) => this.#change("message.edit", { message, text }),
      lastOwn: () => this.#feed.timeline.messages().findLast((message) => message.sender === store.me.id && !message.is_deleted),
    });
    const actions = new MessageActions({
      store,
      room: () => this.#room,
      onReply: (message) => this.#composer.replyTo(message),
      onEdit: (message) => this.#composer.edit(message),
      onDelete: (message) => this.#delete(message),
      onReact: (message, emoji) => this.#react(message, emoji),
      onCopy: (message) => attempt(() => navigator.clipboard.writeText(message.text)).then(() => toast("Copied.")),
    });
    this.#list = new MessageList({
      room: this.#room, store, feed: this.#feed, outbox: messenger.outbox, actions,
      onJump: (message) => this.jumpTo(message),
      onRead: () => this.#read(),
      onWrite: () => this.#composer.focus(),
    });
    this.node = h("section", { class: this.#room.kind === "direct" ? "room direct" : "room", "aria-label": this.name }, this.#head.node, this.#list.node, this.#composer.node);
  }

  get name() {
    return this.#room?.name ?? "";
  }

  get #room() {
    return this.#app.store.rooms.get(this.id) ?? this.known;
  }

  start(offset) {
    const { signal } = this.#listening;
    const { store, messenger } = this.#app;
    this.known = this.#room;
    const draw = perFrame(() => {
      if (signal.aborted) return;
      this.#head.draw(this.#room);
    });
    for (const type of ["rooms", "people", "typing"]) store.addEventListener(type, draw, { signal });
    store.addEventListener("people", () => this.#list.changed(), { signal });
    messenger.outbox.addEventListener("change", ({ detail }) => detail === this.id && this.#list.changed(), { signal });
    messenger.addEventListener("state", ({ detail }) => {
      if (detail.state === "connected" && !this.#feed.timeline.isLoaded) this.show();
    }, { signal });
    this.#feed.timeline.addEventListener("said", ({ detail }) => this.#heard(detail), { signal });
    for (const type of ["focus", "visibilitychange"]) window.addEventListener(type, () => this.#read(), { signal });
    this.#head.draw(this.#room);
    this.show(offset);
    if (matchMedia("(hover: hover)").matches) this.#composer.focus();
  }

  close() {
    this.#listening.abort();
    this.#composer.keepDraft();
    this.#list.close();
    this.#feed.rest();
  }

  focus() {
    this.#composer.focus();
  }

  // The newest messages, or an old one and what is around it.
  async show(offset) {
    const { timeline } = this.#feed;
    if (offset !== undefined && !timeline.messages().some((message) => message.offset === offset)) {
      await attempt(() => this.#feed.load({ around: offset }));
    } else if (!timeline.isLoaded) {
      await attempt(() => this.#feed.load());
    }
    if (this.#listening.signal.aborted) return;
    if (offset !== undefined) this.#list.reveal(timeline.messages().find((message) => message.offset === offset)?.message);
    this.#list.changed();
  }

  // To the message that a reply quotes, or that somebody was notified of, wherever it stands.
  async jumpTo(id) {
    const { timeline } = this.#feed;
    if (!timeline.get(id) && !await attempt(() => this.#feed.load({ message: id }).then(() => true))) return;
    if (!this.#listening.signal.aborted) this.#list.reveal(id);
  }

  #send(text, replyTo) {
    const { messenger } = this.#app;
    const quote = replyTo && { message: replyTo.message, sender: replyTo.sender, text: replyTo.text };
    if (this.#feed.timeline.hasNewer) attempt(() => this.#feed.load());
    messenger.send(this.id, text, quote);
    this.#list.toEnd();
  }

  #change(method, data) {
    return attempt(() => this.#app.messenger.call(method, { room: this.id, ...data }));
  }

  async #delete(message) {
    const isSure = await confirm("Delete this message?", "It is blank for everybody, at its place.", "Delete");
    if (isSure) this.#change("message.delete", { message: message.message });
  }

  #react(message, emoji) {
    const mine = message.reactions.find((reaction) => reaction.emoji === emoji)?.people.includes(this.#app.store.me.id);
    this.#change(mine ? "reaction.remove" : "reaction.add", { message: message.message, emoji });
  }

  // What one sees at the end of the list, in a window that has the focus, is read.
  #read() {
    if (document.hidden || !document.hasFocus() || !this.#list.isAtEnd || !this.#feed.timeline.isLoaded) return;
    this.#app.messenger.read(this.id, this.#feed.timeline.applied);
  }

  #heard({ by, text }) {
    const { store } = this.#app;
    if (by !== store.me.id) announce(`${store.person(by).name}: ${text ?? ""}`);
  }
}
