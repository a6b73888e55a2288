// Who is in a room, and what one may do about it.

import { avatar } from "../ui/avatar.js";
import { fill, h, perFrame } from "../ui/dom.js";
import { confirm } from "../ui/dialog.js";
import { icon } from "../ui/icons.js";
import { showMenu } from "../ui/popover.js";
import { attempt, toast } from "../ui/toast.js";
import { inviteTo, openConversation } from "./dialogs.js";
import { presence } from "./room_head.js";

const AGAIN_MS = 250;
const AGAIN_MAX = 8;

export class MembersPanel {
  title;
  node = h("div", { class: "panel-body" });
  #app;
  #id;
  #members = [];
  #hasMore = false;
  #invited = [];
  #listening = new AbortController();

  constructor(app) {
    this.#app = app;
    this.#id = app.openRoom;
    this.title = this.#room?.kind === "direct" ? "About" : "Members";
    const draw = perFrame(() => this.#draw());
    const { signal } = this.#listening;
    let count = this.#room?.member_count;
    app.store.addEventListener("people", draw, { signal });
    app.store.addEventListener("rooms", () => {
      if (this.#room?.member_count !== count) {
        count = this.#room?.member_count;
        this.#load();
      }
    }, { signal });
    this.#load();
  }

  close() {
    this.#listening.abort();
  }

  get #room() {
    return this.#app.store.rooms.get(this.#id);
  }

  async #load(again = AGAIN_MAX) {
    if (!this.#room) return;
    if (this.#room.kind !== "direct") {
      const found = await attempt(() => this.#pages(this.#members.length));
      if (!found || this.#listening.signal.aborted) return;
      this.#members = found.members;
      this.#hasMore = found.has_more;
      this.#invited = found.invited;
      this.#app.store.know(found.members.map(({ role, ...person }) => person));
      // An event is here before the list has it.
      if (again > 0 && found.count !== this.#room?.member_count) setTimeout(() => this.#load(again - 1), AGAIN_MS);
    }
    this.#draw();
  }

  // The first page, and as many more as hold so many people.
  async #pages(wanted) {
    const found = await this.#page();
    while (found.has_more && found.members.length < wanted) {
      const next = await this.#page(found.members.at(-1).id);
      found.members.push(...next.members);
      found.has_more = next.has_more;
    }
    return found;
  }

  #page(after) {
    return this.#app.messenger.call("room.members", { room: this.#id, after });
  }

  async #more() {
    const next = await attempt(() => this.#page(this.#members.at(-1).id));
    if (!next || this.#listening.signal.aborted) return;
    this.#members.push(...next.members);
    this.#hasMore = next.has_more;
    this.#app.store.know(next.members.map(({ role, ...person }) => person));
    this.#draw();
  }

  #draw() {
    const room = this.#room;
    if (!room || this.#listening.signal.aborted) return;
    const { store } = this.#app;
    if (room.kind === "direct") {
      const person = store.person(room.with);
      fill(this.node, h("div", { class: "profile" }, avatar(person, "large"), h("h3", {}, person.name), h("p", {}, presence(person))),
        h("p", { class: "hint" }, "Only the two of you can read this conversation."),
        h("div", { class: "panel-actions" }, h("button", { type: "button", class: "quiet", onclick: () => this.#hide(room) }, icon("leave", 18), "Hide conversation")));
      return;
    }
    const rank = (member) => (this.#isOnline(member) ? 0 : 1);
    const members = [...this.#members].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
    fill(this.node,
      h("div", { class: "panel-actions" },
        h("button", { type: "button", class: "primary compact", onclick: () => inviteTo(this.#app, room).then((done) => done && this.#load()) }, icon("add", 18), "Invite"),
        h("button", { type: "button", class: "quiet", onclick: () => this.#leave(room) }, icon("leave", 18), "Leave room")),
      h("ul", { class: "people" }, members.map((member) => this.#row(room, member))),
      this.#hasMore && h("div", { class: "panel-actions" }, h("button", { type: "button", class: "quiet", onclick: () => this.#more() }, "Show more")),
      this.#invited.length > 0 && [h("h3", {}, "Invited"), h("ul", { class: "people" }, this.#invited.map((person) =>
        h("li", { class: "person" }, avatar(person), h("span", { class: "option-text" }, h("strong", {}, person.name), h("small", {}, "has not answered yet")))))]);
  }

  #isOnline({ id }) {
    return id === this.#app.store.me.id || Boolean(this.#app.store.people.get(id)?.is_online);
  }

  #row(room, member) {
    const { me } = this.#app.store;
    const isMe = member.id === me.id;
    const mayKick = !isMe && (room.role === "owner" || me.is_admin);
    const person = { ...this.#app.store.person(member.id), ...(isMe ? { is_online: true } : {}) };
    const more = !isMe && h("button", { type: "button", class: "icon-button small", "aria-label": `More about ${member.name}`, "aria-haspopup": "menu" }, icon("more", 18));
    if (more) {
      more.addEventListener("click", () => showMenu(more, member.name, [
        { label: "Direct message", icon: "send", act: () => openConversation(this.#app, member.id).then(() => this.#app.panel.leaveOnPhone()) },
        mayKick && { label: "Remove from the room", icon: "leave", isDanger: true, act: () => this.#kick(room, member) },
      ]));
    }
    return h("li", { class: "person" },
      h("span", { class: "avatar-place" }, avatar(member), person.is_online && h("span", { class: "online-dot" })),
      h("span", { class: "option-text" }, h("strong", {}, member.name, isMe && " (you)"), h("small", {}, member.role === "owner" ? `owner · ${presence(person)}` : presence(person))), more);
  }

  async #kick(room, member) {
    if (!await confirm(`Remove ${member.name}?`, `${member.name} can read ${room.name} no more, and comes back only when invited.`, "Remove")) return;
    await attempt(() => this.#app.messenger.call("room.kick", { room: room.id, person: member.id }));
    this.#load();
  }

  async #hide(room) {
    await attempt(async () => {
      await this.#app.messenger.call("room.leave", { room: room.id });
      this.#app.store.remove(room.id, "left");
      toast(`Hidden until one of you writes to the other.`);
    });
  }

  async #leave(room) {
    const words = room.kind === "private" ? "You can come back only when somebody invites you." : "You can join again whenever you like.";
    if (!await confirm(`Leave ${room.name}?`, words, "Leave")) return;
    await attempt(async () => {
      await this.#app.messenger.call("room.leave", { room: room.id });
      this.#app.store.remove(room.id, "left");
      toast(`You left ${room.name}.`);
    });
  }
}
