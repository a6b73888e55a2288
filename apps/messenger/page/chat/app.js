// The whole of the messenger once somebody is signed in: the list at the left, a room in the middle, a panel at the
// right; on a phone one of them at a time.

import { Messenger } from "../live/messenger.js";
import { fill, h } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { announce, toast } from "../ui/toast.js";
import { noticeBar } from "../account/settings.js";
import { PeoplePage } from "../admin/people.js";
import { switchTo } from "./dialogs.js";
import { Panel } from "./panel.js";
import { RoomView } from "./room_view.js";
import { Sidebar } from "./sidebar.js";
import { showShortcuts } from "./shortcuts.js";
import * as routes from "./routes.js";

const BANNER_AFTER_MS = 600;
const GONE = { kicked: "You were removed from", left: "You left", declined: "You declined" };

export class Chat {
  messenger;
  panel;
  mode;
  #place;
  #sidebar;
  #room;
  #main = h("main", { class: "main", id: "main" });
  #banner = h("div", { class: "banner", role: "status", hidden: true });
  #notices = h("div");
  #bannerTimer;

  constructor(place, me, notices, mode) {
    this.#place = place;
    this.mode = mode;
    this.messenger = new Messenger(me);
    this.panel = new Panel(this);
    this.#sidebar = new Sidebar(this);
    this.#showNotices(notices);
  }

  start() {
    const { messenger } = this;
    fill(this.#place,
      h("div", { class: "chat" },
        h("a", { class: "skip", href: "#main", onclick: (event) => this.#skip(event) }, "Skip to the conversation"),
        this.#banner, this.#notices,
        h("div", { class: "columns" }, this.#sidebar.node, this.#main, this.panel.node)));
    this.#waiting();
    messenger.addEventListener("state", ({ detail }) => this.#state(detail));
    messenger.addEventListener("ready", () => this.#route());
    messenger.addEventListener("signed-out", () => location.reload());
    messenger.addEventListener("notification", ({ detail }) => this.#notified(detail));
    messenger.store.addEventListener("gone", ({ detail }) => this.#gone(detail));
    messenger.store.addEventListener("rooms", () => this.#title());
    window.addEventListener("hashchange", () => this.#route());
    document.addEventListener("keydown", (event) => this.#key(event));
    messenger.start();
  }

  get store() {
    return this.messenger.store;
  }

  get openRoom() {
    return this.#room?.id;
  }

  // Opens a room, at an old message if an offset is given.
  open(room, offset) {
    routes.goTo(routes.roomAddress(room) + (offset ? `@${offset}` : ""));
  }

  // Opens a room at a message whose offset is not known.
  async openAt(room, message) {
    this.open(room);
    await this.#room?.jumpTo(message);
  }

  #route() {
    const route = routes.current();
    this.#place.firstElementChild.dataset.view = route.view;
    if (route.view === "room" && this.store.rooms.has(route.room)) {
      if (this.#room?.id === route.room) this.#room.show(route.offset);
      else this.#enter(route.room, route.offset);
    } else {
      this.#leave();
      if (route.view === "people" && this.store.me.is_admin) fill(this.#main, new PeoplePage(this).node);
      else if (route.view === "room") this.#nothing("This room is not here", "You are not in it, or it does not exist.");
      else this.#nothing("Pick a conversation", "Or press Ctrl+K to jump to a room or a person.");
    }
    this.#sidebar.select(this.#room?.id);
    this.#title();
  }

  #enter(room, offset) {
    this.#leave();
    this.#room = new RoomView(this, room);
    fill(this.#main, this.#room.node);
    this.#room.start(offset);
    this.panel.roomChanged();
  }

  #leave() {
    this.#room?.close();
    this.#room = undefined;
    this.panel.roomChanged();
  }

  #nothing(title, words) {
    fill(this.#main, h("div", { class: "nothing-open" },
      h("button", { type: "button", class: "icon-button back", "aria-label": "Back to the list", onclick: () => routes.goTo("#/") }, icon("back")),
      h("img", { src: "/icon.svg", alt: "", width: "64", height: "64" }), h("h2", {}, title), h("p", {}, words)));
  }

  #waiting() {
    fill(this.#main, h("div", { class: "nothing-open" }, h("span", { class: "spinner" }), h("p", {}, "Connecting…")));
  }

  #gone({ room, why }) {
    if (this.#room?.id !== room) return;
    const name = this.#room.name;
    this.#leave();
    routes.goTo("#/");
    toast(`${GONE[why] ?? "You are no longer in"} ${name}.`);
  }

  #state({ state, isFirst }) {
    clearTimeout(this.#bannerTimer);
    document.body.dataset.connection = state;
    if (state === "connected") {
      if (!this.#banner.hidden) announce("Connected again.");
      this.#banner.hidden = true;
      return;
    }
    // A short interruption is not worth a word.
    this.#bannerTimer = setTimeout(() => {
      fill(this.#banner, h("span", { class: "spinner", "aria-hidden": "true" }),
        isFirst ? "Connecting…" : "Connection lost. Reconnecting… What you write is sent as soon as it is back.");
      this.#banner.hidden = false;
    }, BANNER_AFTER_MS);
  }

  #notified({ kind, room, by, room_name: roomName, text }) {
    if (document.hasFocus() && this.#room?.id === room) return;
    const name = this.store.person(typeof by === "object" ? by.id : by).name;
    const what = { mention: `${name} mentioned you in ${roomName}`, reply: `${name} replied to you in ${roomName}`, invitation: `${name} invited you to ${roomName}` }[kind];
    toast(text ? `${what}: ${text}` : what);
  }

  #showNotices(notices = []) {
    fill(this.#notices, noticeBar(notices, () => this.#showNotices([])));
  }

  #title() {
    const unread = this.store.unreadRooms();
    document.title = `${unread > 0 ? `(${unread}) ` : ""}${this.#room ? `${this.#room.name} · ` : ""}Messenger`;
  }

  #skip(event) {
    event.preventDefault();
    this.#room?.focus();
  }

  #key(event) {
    if (document.querySelector("dialog[open]")) return;
    const isCommand = event.ctrlKey || event.metaKey;
    if (isCommand && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      switchTo(this);
    } else if (isCommand && event.shiftKey && event.key.toLowerCase() === "f") {
      event.preventDefault();
      this.panel.show("search");
    } else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      this.#sidebar.step(event.key === "ArrowUp" ? -1 : 1);
    } else if (isCommand && event.key === "/") {
      event.preventDefault();
      showShortcuts();
    } else if (event.key === "Escape" && !event.defaultPrevented) {
      if (this.panel.isOpen) this.panel.close();
      else this.#room?.focus();
    }
  }
}
