// Writing. Enter sends, Shift and Enter begins a new line; the field grows with the text. Above it stands what one
// replies to or edits. What is not sent yet is kept for each room until the tab is closed.

import { fill, h } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { Store } from "../model/store.js";
import { Completion } from "./completion.js";

const NEAR_MAX = 200;
const OTHERS_MAX = 20;
const draftOf = (room) => `draft ${room}`;

export class Composer {
  node;
  #parts;
  #text;
  #send = h("button", { type: "submit", class: "send", "aria-label": "Send", disabled: true }, icon("send"));
  #context = h("div", { class: "context", hidden: true });
  #left = h("span", { class: "left", role: "status", hidden: true });
  #completion;
  #others = new Set(); // members whom a large room does not list
  #reply;
  #editing;

  constructor(parts) {
    this.#parts = parts;
    const { app, room } = parts;
    const label = room.kind === "direct" ? `Message to ${room.name}` : `Message in ${room.name}`;
    this.#text = h("textarea", { rows: "1", placeholder: label, "aria-label": label, enterkeyhint: "send", autocapitalize: "sentences" });
    this.#text.value = sessionStorage.getItem(draftOf(room.id)) ?? "";
    const current = () => app.store.rooms.get(room.id) ?? room;
    this.#completion = new Completion(this.#text, () => {
      const ids = new Set([...current().members, ...this.#others]);
      return [...ids].filter((id) => id !== app.store.me.id).map((id) => app.store.person(id)).filter((person) => !person.is_removed);
    }, async (search) => {
      if (search === "" || Store.listsAll(current())) return false;
      const { people } = await app.messenger.call("people", { search, in_room: room.id, limit: OTHERS_MAX }).catch(() => ({ people: [] }));
      app.store.know(people);
      const news = people.filter(({ id }) => !this.#others.has(id));
      news.forEach(({ id }) => this.#others.add(id));
      return news.length > 0;
    });
    const form = h("form", { class: "composer" }, this.#text, this.#left, this.#send);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#text.addEventListener("input", () => {
      this.#fit();
      const isTyping = () => this.node.isConnected && this.#text.value.trim() !== "" && !this.#editing;
      if (isTyping()) app.messenger.typing(room.id, isTyping);
    });
    this.#text.addEventListener("keydown", (event) => this.#key(event, form));
    this.node = h("footer", { class: "foot" }, this.#completion.node, this.#context, form);
    requestAnimationFrame(() => this.#fit());
  }

  focus() {
    this.#text.focus();
  }

  replyTo(message) {
    this.#stopEditing();
    this.#reply = message;
    this.#showContext("reply", `Reply to ${this.#parts.app.store.person(message.sender).name}`, message.text);
    this.focus();
  }

  edit(message) {
    this.keepDraft();
    this.#reply = undefined;
    this.#editing = message;
    this.#text.value = message.text ?? "";
    this.#showContext("edit", "Edit message", message.text);
    this.#fit();
    this.focus();
    this.#text.setSelectionRange(this.#text.value.length, this.#text.value.length);
  }

  keepDraft() {
    if (this.#editing) return;
    const { room } = this.#parts;
    if (this.#text.value.trim()) sessionStorage.setItem(draftOf(room.id), this.#text.value);
    else sessionStorage.removeItem(draftOf(room.id));
  }

  #submit() {
    const text = this.#text.value.trim();
    if (!text || this.#excess() > 0) return;
    const { onSend, onEdit, room } = this.#parts;
    if (this.#editing) {
      const { message, text: before } = this.#editing;
      if (text !== before) onEdit(message, text);
      this.#stopEditing();
    } else {
      onSend(text, this.#reply);
      sessionStorage.removeItem(draftOf(room.id));
      this.#text.value = "";
      this.#clearContext();
    }
    this.#fit();
    this.focus();
  }

  #key(event, form) {
    if (this.#completion.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    } else if (event.key === "Escape" && (this.#reply || this.#editing)) {
      event.preventDefault();
      this.#stopEditing();
      this.#clearContext();
    } else if (event.key === "ArrowUp" && this.#text.value === "") {
      const own = this.#parts.lastOwn();
      if (!own) return;
      event.preventDefault();
      this.edit(own);
    }
  }

  #stopEditing() {
    if (!this.#editing) return;
    this.#editing = undefined;
    this.#text.value = sessionStorage.getItem(draftOf(this.#parts.room.id)) ?? "";
    this.#clearContext();
    this.#fit();
  }

  #showContext(name, title, text) {
    fill(this.#context, icon(name, 18),
      h("div", { class: "context-text" }, h("strong", {}, title), h("span", {}, text ?? "")),
      h("button", {
        type: "button", class: "icon-button small", "aria-label": "Cancel",
        onclick: () => {
          this.#stopEditing();
          this.#clearContext();
          this.focus();
        },
      }, icon("close", 18)));
    this.#context.hidden = false;
  }

  #clearContext() {
    this.#reply = undefined;
    this.#context.hidden = true;
  }

  #excess() {
    return [...this.#text.value.trim()].length - this.#parts.app.store.textMax;
  }

  #fit() {
    const excess = this.#excess();
    this.#left.hidden = excess < -NEAR_MAX;
    this.#left.textContent = excess > 0 ? `${excess} too many` : String(-excess);
    this.#left.classList.toggle("problem", excess > 0);
    this.#send.disabled = this.#text.value.trim() === "" || excess > 0;
    this.#text.style.height = "auto";
    this.#text.style.height = `${this.#text.scrollHeight}px`;
  }
}
