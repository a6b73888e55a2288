// Who handles events: how far behind each group is, and what lies among its dead letters.

import { get } from "../account/api.js";
import { fill, h } from "../ui/dom.js";
import { ago } from "../ui/time.js";
import { table } from "./parts.js";

const EVERY_MS = 2_000;

export class Groups {
  node;
  #body = h("tbody");
  #direct = h("p", { class: "hint" });
  #onLetters;
  #drawn;

  constructor({ onLetters }) {
    this.#onLetters = onLetters;
    this.node = h("section", { class: "part", "aria-label": "Groups" },
      h("header", { class: "part-head" }, h("h2", {}, "Groups")),
      table("Groups", ["Group", "Behind", "Oldest", "Retrying", "Held", "Dead letters", h("span", { class: "hidden" }, "Actions")], this.#body), this.#direct);
  }

  async start() {
    for (;;) {
      await get("/api/flow/groups").then((found) => this.#draw(found)).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  #draw({ groups, direct }) {
    const drawn = JSON.stringify([groups, direct]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const focused = this.node.contains(document.activeElement) ? document.activeElement.dataset.group : undefined;
    fill(this.#body, groups.map((group) => this.#row(group)));
    if (focused) this.#body.querySelector(`[data-group="${CSS.escape(focused)}"]`)?.focus();
    const counts = Object.entries(direct ?? {}).map(([type, count]) => `${type}: ${count}`);
    this.#direct.textContent = counts.length > 0 ? `Direct messages, counted only: ${counts.join(" · ")}` : "";
  }

  #row({ group, lag, oldest, retrying, held, dead, is_active: isActive }) {
    const number = (value) => h("td", { class: value > 0 ? "number some" : "number" }, String(value ?? 0));
    return h("tr", {},
      h("td", {}, h("span", { class: isActive ? "light on" : "light", title: isActive ? "running" : "nobody runs it" }), group,
        h("span", { class: "hidden" }, isActive ? ", running" : ", nobody runs it")),
      number(lag), h("td", {}, oldestWords(oldest)), number(retrying), number(held), number(dead),
      h("td", { class: "cell-more" }, dead > 0 && h("button", { type: "button", class: "quiet", data: { group }, onclick: () => this.#onLetters(group) }, "Look")));
  }
}

// A moment, or an age in seconds.
function oldestWords(oldest) {
  if (oldest === null || oldest === undefined) return "";
  return typeof oldest === "string" ? ago(Date.parse(oldest)) : `${Math.round(oldest)} s ago`;
}
