// What can be done with a message: a small bar that goes where the pointer or the focus is, and keys.

import { fill, h } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { showMenu, showPopover } from "../ui/popover.js";
import { emojiGrid } from "./emoji.js";

export class MessageActions {
  #parts;
  #row;
  #bar = h("div", { class: "actions", role: "toolbar", "aria-label": "Message" });
  #more;
  #react;

  constructor(parts) {
    this.#parts = parts;
    const button = (label, name, act) => h("button", { type: "button", class: "icon-button small", "aria-label": label, title: label, onclick: act }, icon(name, 18));
    this.#react = button("React", "smile", () => this.#openEmoji());
    this.#more = button("More", "more", () => this.#openMenu());
    this.#more.setAttribute("aria-haspopup", "menu");
    fill(this.#bar, this.#react, button("Reply", "reply", () => parts.onReply(this.#row.message)), this.#more);
  }

  moveTo(row) {
    if (!row?.isSaved || row.message.is_deleted) {
      if (row) this.#bar.remove();
      return;
    }
    if (this.#row === row && this.#bar.parentNode === row.node) return;
    if (this.#bar.querySelector('[aria-expanded="true"]')) return;
    this.#row = row;
    row.node.append(this.#bar);
  }

  react(message, emoji) {
    this.#parts.onReact(message, emoji);
  }

  key(row, key) {
    if (!row?.isSaved || row.message.is_deleted) return false;
    this.moveTo(row);
    const { onReply, onEdit, onDelete } = this.#parts;
    switch (key.toLowerCase()) {
      case "r": onReply(row.message); return true;
      case "+": this.#openEmoji(); return true;
      case "enter": this.#openMenu(); return true;
      case "e": if (this.#isMine) onEdit(row.message); return this.#isMine;
      case "delete": if (this.#mayDelete) onDelete(row.message); return this.#mayDelete;
      default: return false;
    }
  }

  get #isMine() {
    return this.#row.message.sender === this.#parts.store.me.id;
  }

  get #mayDelete() {
    const room = this.#parts.room();
    return this.#isMine || (room.kind !== "direct" && (room.role === "owner" || this.#parts.store.me.is_admin));
  }

  #openEmoji() {
    const { message } = this.#row;
    showPopover(this.#react, emojiGrid((emoji) => this.#parts.onReact(message, emoji)));
  }

  #openMenu() {
    const { message } = this.#row;
    const { onReply, onEdit, onDelete, onCopy } = this.#parts;
    showMenu(this.#more, "Message", [
      { label: "Reply", icon: "reply", act: () => onReply(message) },
      { label: "React", icon: "smile", act: () => this.#openEmoji() },
      { label: "Copy text", icon: "copy", act: () => onCopy(message) },
      this.#isMine && { label: "Edit", icon: "edit", act: () => onEdit(message) },
      this.#mayDelete && { label: "Delete", icon: "trash", isDanger: true, act: () => onDelete(message) },
    ]);
  }
}
