// People, for administrators: who there is, password resets, administrators, removal.

import { get, post } from "../account/api.js";
import { inviteSomebody } from "../account/settings.js";
import { goTo } from "../chat/routes.js";
import { avatar } from "../ui/avatar.js";
import { confirm } from "../ui/dialog.js";
import { fill, h } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { showMenu } from "../ui/popover.js";
import { attempt, toast } from "../ui/toast.js";
import { ago, fullTime } from "../ui/time.js";

export class PeoplePage {
  node;
  #app;
  #body = h("tbody");
  #count = h("p", { class: "about" });

  constructor(app) {
    this.#app = app;
    this.node = h("section", { class: "people-page", "aria-label": "People" },
      h("header", { class: "room-head" },
        h("button", { type: "button", class: "icon-button back", "aria-label": "Back to the list", onclick: () => goTo("#/") }, icon("back")),
        h("div", { class: "head-text" }, h("h1", {}, "People"), this.#count),
        h("button", { type: "button", class: "primary compact", onclick: inviteSomebody }, icon("add", 18), "Invite")),
      h("div", { class: "table-place" }, h("table", { class: "table", "aria-label": "People" },
        h("thead", {}, h("tr", {}, ["Name", "Joined", "Last seen", ""].map((title) => h("th", { scope: "col" }, title || h("span", { class: "hidden" }, "Actions"))))),
        this.#body)));
    this.#load();
  }

  async #load() {
    const found = await attempt(() => get("/api/admin/people"));
    if (!found) return;
    const present = found.people.filter((person) => !person.is_removed);
    this.#count.textContent = present.length === 1 ? "1 account" : `${present.length} accounts`;
    fill(this.#body, [...present, ...found.people.filter((person) => person.is_removed)].map((person) => this.#row(person)));
  }

  #row(person) {
    const isMe = person.id === this.#app.store.me.id;
    const more = h("button", { type: "button", class: "icon-button small", "aria-label": `Change ${person.name}`, "aria-haspopup": "menu" }, icon("more", 18));
    // A removal that broke off half-way is gone on with.
    more.addEventListener("click", () => showMenu(more, person.name, person.is_removed ? [
      { label: "Remove from every room again", icon: "trash", isDanger: true, act: () => this.#remove(person) },
    ] : [
      { label: "Start a password reset", icon: "lock", act: () => this.#reset(person) },
      { label: person.is_admin ? "Take administration away" : "Make administrator", icon: "people", act: () => this.#admin(person) },
      !isMe && { label: "Remove", icon: "trash", isDanger: true, act: () => this.#remove(person) },
    ]));
    const when = (at) => at && h("time", { datetime: at, title: fullTime(Date.parse(at)) }, ago(Date.parse(at)));
    return h("tr", { class: person.is_removed ? "removed" : "" },
      h("td", {}, h("span", { class: "cell-person" }, avatar(person, "small"), h("strong", {}, person.name),
        person.is_admin && h("span", { class: "tag" }, "admin"), person.has_reset && h("span", { class: "tag" }, "reset open"), person.is_removed && h("span", { class: "tag" }, "removed"))),
      h("td", {}, when(person.created_at)), h("td", {}, when(person.last_seen) ?? "never"),
      h("td", { class: "cell-more" }, more));
  }

  async #reset(person) {
    const words = `For a day ${person.name} can choose a new password: with the recovery code, under “Forgot your password?”, or on a device that is still signed in. You are given nothing to do it for them, and they are told that it was you.`;
    if (!await confirm(`Start a password reset for ${person.name}?`, words, "Start the reset", { isDanger: false })) return;
    if (await attempt(() => post(`/api/admin/people/${person.id}/reset`))) toast(`The reset is open for a day. Tell ${person.name}.`);
    this.#load();
  }

  async #admin(person) {
    if (await attempt(() => post(`/api/admin/people/${person.id}/admin`, { is_admin: !person.is_admin }))) {
      toast(person.is_admin ? `${person.name} is no administrator any more.` : `${person.name} is an administrator now.`);
    }
    this.#load();
  }

  async #remove(person) {
    if (!await confirm(`Remove ${person.name}?`, "They are signed out and leave every room. What they wrote stays, and the name stays taken.", "Remove")) return;
    if (await attempt(() => post(`/api/admin/people/${person.id}/remove`))) toast(`${person.name} is removed.`);
    this.#load();
  }
}
