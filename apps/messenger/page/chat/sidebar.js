// The list of rooms and conversations with what is unread, invitations, and the way to everything else.

import { avatar, roomMark } from "../ui/avatar.js";
import { arrange, fill, h, perFrame } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { showMenu } from "../ui/popover.js";
import { attempt } from "../ui/toast.js";
import { briefTime } from "../ui/time.js";
import { accountMenu } from "./account_menu.js";
import { browseRooms, createRoom, startConversation } from "./dialogs.js";
import { roomAddress } from "./routes.js";

export class Sidebar {
  node;
  #app;
  #rows = new Map(); // room -> { node, drawn }
  #rooms = h("ul", { class: "room-list" });
  #direct = h("ul", { class: "room-list" });
  #invitations = h("ul", { class: "room-list" });
  #invitationsPart = h("section", { class: "list-part", "aria-label": "Invitations", hidden: true });
  #me = h("button", { type: "button", class: "me", "aria-haspopup": "menu", "aria-expanded": "false" });
  #bell = h("button", { type: "button", class: "icon-button bell" }, icon("bell"));
  #selected;

  constructor(app) {
    this.#app = app;
    const { store } = app;
    const button = (label, name, act) => h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick: act }, icon(name));
    fill(this.#invitationsPart, h("h2", {}, "Invitations"), this.#invitations);
    this.node = h("nav", { class: "sidebar", "aria-label": "Conversations" },
      h("header", { class: "sidebar-head" }, this.#me,
        button("Search messages", "search", () => app.panel.toggle("search")), this.#bell),
      h("div", { class: "sidebar-body" },
        this.#invitationsPart,
        this.#part("Rooms", this.#rooms, "Add a room", (event) => showMenu(event.currentTarget, "Add a room", [
          { label: "New room", icon: "add", act: () => createRoom(app) },
          { label: "Browse public rooms", icon: "search", act: () => browseRooms(app) },
        ])),
        this.#part("Direct messages", this.#direct, "New direct message", () => startConversation(app))));
    this.#me.addEventListener("click", () => accountMenu(app, this.#me));
    this.#bell.addEventListener("click", () => app.panel.toggle("notifications"));
    const draw = perFrame(() => this.#draw());
    for (const type of ["rooms", "people", "notifications", "typing"]) store.addEventListener(type, draw);
    this.#draw();
  }

  select(room) {
    this.#selected = room;
    this.#draw();
    this.#rows.get(room)?.node.scrollIntoView({ block: "nearest" });
  }

  // The next or the previous conversation, as they stand in the list.
  step(by) {
    const links = [...this.node.querySelectorAll("a.room-row")];
    const at = links.findIndex((link) => link.dataset.room === this.#selected);
    const next = links[at === -1 ? 0 : (at + by + links.length) % links.length];
    if (next) this.#app.open(next.dataset.room);
  }

  #part(title, list, action, act) {
    return h("section", { class: "list-part", "aria-label": title },
      h("header", {}, h("h2", {}, title),
        h("button", { type: "button", class: "icon-button small", "aria-label": action, title: action, "aria-haspopup": "true", onclick: act }, icon("add", 18))),
      list);
  }

  #draw() {
    const { store } = this.#app;
    fill(this.#me, avatar(store.me, "medium"), h("span", { class: "me-name" }, store.me.name), h("span", { class: "hidden" }, ", your account"));
    const rooms = store.list();
    arrange(this.#rooms, this.#filled(rooms.filter((room) => room.kind !== "direct"), "No room yet. Create one, or browse the public ones."));
    arrange(this.#direct, this.#filled(rooms.filter((room) => room.kind === "direct"), "Nobody yet. Write to somebody."));
    this.#drawInvitations([...store.invitations.values()]);
    const unread = store.notificationsUnread;
    this.#bell.setAttribute("aria-label", unread > 0 ? `Notifications, ${unread} unread` : "Notifications");
    this.#bell.title = "Notifications";
    this.#bell.dataset.count = unread > 99 ? "99+" : unread > 0 ? String(unread) : "";
  }

  #filled(rooms, nothing) {
    return rooms.length > 0 ? rooms.map((room) => this.#row(room)) : [h("li", { class: "nothing" }, nothing)];
  }

  #row(room) {
    const { store } = this.#app;
    const person = room.kind === "direct" ? store.people.get(room.with) : undefined;
    const typing = store.typing(room.id).map(({ name }) => name);
    const isSelected = room.id === this.#selected;
    const drawn = JSON.stringify([room.name, room.unread, room.mentions, room.last, person?.is_online, typing, isSelected]);
    const row = this.#rows.get(room.id) ?? { node: h("li") };
    if (row.drawn === drawn) return row.node;
    row.drawn = drawn;
    this.#rows.set(room.id, row);
    const counts = room.unread > 0 && h("span", { class: room.mentions > 0 ? "badge mention-badge" : "badge" },
      room.mentions > 0 && "@", String(room.unread > 99 ? "99+" : room.unread), h("span", { class: "hidden" }, room.mentions > 0 ? " unread, one mentions you" : " unread"));
    const hadFocus = row.node.contains(document.activeElement);
    fill(row.node, h("a", {
      class: "room-row", href: roomAddress(room.id), data: { room: room.id, unread: String(room.unread > 0) }, "aria-current": isSelected ? "page" : undefined,
    },
    roomMark(room, person),
    h("span", { class: "room-text" },
      h("span", { class: "room-name" }, h("span", {}, room.name), person?.is_online && h("span", { class: "hidden" }, " (online)")),
      h("span", { class: typing.length > 0 ? "preview typing" : "preview" }, typing.length > 0 ? `${typing.join(", ")} is typing…` : this.#preview(room))),
    h("span", { class: "room-side" },
      room.last && h("time", { datetime: room.last.at }, briefTime(Date.parse(room.last.at))), counts)));
    if (hadFocus) row.node.firstElementChild.focus({ preventScroll: true });
    return row.node;
  }

  #preview({ last, kind }) {
    const { store } = this.#app;
    if (!last) return "No messages yet";
    const text = last.is_deleted ? "Message deleted" : last.text ?? "";
    if (last.sender === store.me.id) return `You: ${text}`;
    return kind === "direct" ? text : `${store.person(last.sender).name}: ${text}`;
  }

  #drawInvitations(rooms) {
    const { messenger } = this.#app;
    this.#invitationsPart.hidden = rooms.length === 0;
    fill(this.#invitations, rooms.map((room) => {
      const act = (method) => attempt(async () => {
        const joined = await messenger.call(method, { room: room.id });
        if (method === "room.decline") this.#app.store.remove(room.id, "declined");
        else {
          this.#app.store.put(joined);
          this.#app.open(room.id);
        }
      });
      return h("li", { class: "invitation" }, roomMark(room), h("span", { class: "room-text" }, h("span", { class: "room-name" }, room.name),
        h("span", { class: "invitation-actions" },
          h("button", { type: "button", class: "primary compact", onclick: () => act("room.join") }, "Join"),
          h("button", { type: "button", class: "quiet", onclick: () => act("room.decline") }, "Decline"))));
    }));
  }
}
