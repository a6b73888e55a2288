// The head of a room: its name, who is there or when the other was, and its panels.

import { roomMark } from "../ui/avatar.js";
import { fill, h } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { ago } from "../ui/time.js";
import { Store } from "../model/store.js";
import { goTo } from "./routes.js";

export class RoomHead {
  node;
  #app;
  #mark = h("span", { class: "head-mark" });
  #name = h("h1");
  #about = h("p", { class: "about" });
  #drawn;

  constructor(app, room) {
    this.#app = app;
    const button = (label, name, panel) => h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick: () => app.panel.toggle(panel) }, icon(name));
    this.node = h("header", { class: "room-head" },
      h("button", { type: "button", class: "icon-button back", "aria-label": "Back to the list", onclick: () => goTo("#/") }, icon("back")),
      this.#mark, h("div", { class: "head-text" }, this.#name, this.#about),
      button(`Search in ${room.name}`, "search", "search"),
      button(room.kind === "direct" ? "About this conversation" : "Members", "people", "members"));
  }

  draw(room) {
    if (!room) return;
    const { store } = this.#app;
    const person = store.people.get(room.with);
    const about = this.#words(room, person);
    const drawn = JSON.stringify([room.name, about, person?.is_online]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    fill(this.#mark, roomMark(room, person));
    this.#name.textContent = room.name;
    this.#about.textContent = about;
    this.#about.classList.toggle("typing", about.endsWith("typing…"));
  }

  #words(room, person) {
    const { store } = this.#app;
    const typing = store.typing(room.id).map(({ name }) => name);
    if (room.kind === "direct") {
      if (typing.length > 0) return "typing…";
      return presence(person);
    }
    if (typing.length === 1) return `${typing[0]} is typing…`;
    if (typing.length > 1) return `${typing.slice(0, 2).join(", ")}${typing.length > 2 ? " and others" : ""} are typing…`;
    const { member_count: count } = room;
    const online = room.members.filter((id) => id === store.me.id || store.person(id).is_online).length;
    const members = count === 1 ? "only you" : `${count} members`;
    return `${room.kind === "private" ? "Private" : "Public"} · ${members}${count > 1 && Store.listsAll(room) ? `, ${online} online` : ""}`;
  }
}

export function presence(person) {
  if (person?.is_removed) return "account removed";
  if (person?.is_online) return "online";
  return person?.last_seen ? `last seen ${ago(Date.parse(person.last_seen))}` : "offline";
}
