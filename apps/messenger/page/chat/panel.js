// The panel at the right: members, search or notifications, one at a time.

import { fill, h } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { MembersPanel } from "./members.js";
import { NotificationsPanel } from "./notifications.js";
import { SearchPanel } from "./search.js";

const KINDS = { members: MembersPanel, search: SearchPanel, notifications: NotificationsPanel };

export class Panel {
  node = h("aside", { class: "panel", hidden: true });
  #app;
  #kind;
  #content;
  #before;

  constructor(app) {
    this.#app = app;
  }

  get isOpen() {
    return !this.node.hidden;
  }

  toggle(kind) {
    if (this.#kind === kind) this.close();
    else this.show(kind);
  }

  show(kind) {
    this.#before ??= document.activeElement;
    this.#content?.close?.();
    this.#kind = kind;
    this.#content = new KINDS[kind](this.#app, this);
    this.node.hidden = false;
    this.node.setAttribute("aria-label", this.#content.title);
    fill(this.node,
      h("header", { class: "panel-head" }, h("h2", {}, this.#content.title),
        h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => this.close() }, icon("close"))),
      this.#content.node);
    (this.node.querySelector("[autofocus]") ?? this.node.querySelector(".panel-head button")).focus();
  }

  close() {
    if (!this.isOpen) return;
    this.#content?.close?.();
    this.#content = undefined;
    this.#kind = undefined;
    this.node.hidden = true;
    if (this.#before?.isConnected) this.#before.focus();
    this.#before = undefined;
  }

  // On a phone the panel covers the room: going somewhere closes it.
  leaveOnPhone() {
    if (matchMedia("(max-width: 760px)").matches) this.close();
  }

  roomChanged() {
    if (this.#kind !== "members") return;
    if (this.#app.openRoom) this.show("members");
    else this.close();
  }
}
