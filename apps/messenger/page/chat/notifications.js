// What concerned oneself: mentions, replies, invitations. Opening it marks what it shows as read.

import { avatar } from "../ui/avatar.js";
import { fill, h } from "../ui/dom.js";
import { attempt } from "../ui/toast.js";
import { ago, fullTime } from "../ui/time.js";

const PAGE = 30;
const WORDS = { mention: "mentioned you in", reply: "replied to you in", invitation: "invited you to" };

export class NotificationsPanel {
  title = "Notifications";
  node;
  #app;
  #list = h("ul", { class: "results" });
  #status = h("p", { class: "hint", role: "status" });
  #more = h("button", { type: "button", class: "quiet wide-button", hidden: true }, "Show more");
  #shown = [];
  #listening = new AbortController();

  constructor(app) {
    this.#app = app;
    this.#more.addEventListener("click", () => this.#load(this.#shown.at(-1)?.id));
    this.node = h("div", { class: "panel-body" }, this.#status, this.#list, this.#more);
    app.messenger.addEventListener("notification", () => this.#load(), { signal: this.#listening.signal });
    this.#load();
  }

  close() {
    this.#listening.abort();
  }

  async #load(before) {
    const found = await attempt(() => this.#app.messenger.call("notifications", { before, limit: PAGE }));
    if (!found || this.#listening.signal.aborted) return;
    this.#shown = before ? [...this.#shown, ...found.notifications] : found.notifications;
    fill(this.#list, this.#shown.map((notification) => this.#row(notification)));
    this.#more.hidden = !found.has_more;
    this.#status.textContent = this.#shown.length === 0 ? "Nothing yet. Mentions, replies and invitations come here." : "";
    const [newest] = this.#shown;
    if (newest && found.unread > 0) {
      const read = await attempt(() => this.#app.messenger.call("notifications.read", { up_to: newest.id }));
      if (!read) return;
      this.#app.store.notificationsUnread = read.unread;
      this.#app.store.tell("notifications");
    }
  }

  #row(notification) {
    const { kind, room, room_name: roomName, by, message, text, at, is_read: isRead } = notification;
    const person = typeof by === "object" ? by : this.#app.store.person(by);
    const { store } = this.#app;
    return h("li", {}, h("button", {
      type: "button", class: "result", data: { unread: String(!isRead) }, disabled: !store.rooms.has(room),
      onclick: () => {
        this.#app.panel.leaveOnPhone();
        if (message) this.#app.openAt(room, message);
        else this.#app.open(room);
      },
    },
    avatar(person, "small"),
    h("span", { class: "result-text" },
      h("span", { class: "result-head" }, h("strong", {}, person.name), ` ${WORDS[kind] ?? kind} ${roomName}`, h("time", { title: fullTime(Date.parse(at)) }, ago(Date.parse(at)))),
      kind !== "invitation" && h("span", { class: "result-body" }, text ?? "Message deleted"))));
  }
}
