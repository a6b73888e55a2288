// Dead letters of one group: why each is there, every attempt, and the way back.

import { get, post } from "../account/api.js";
import { confirm } from "../ui/dialog.js";
import { fill, h } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { attempt, toast } from "../ui/toast.js";
import { ago, fullTime } from "../ui/time.js";
import { payload, timeCell, typeName } from "./parts.js";

export class Letters {
  node = h("section", { class: "part", "aria-label": "Dead letters", hidden: true });
  #group;

  async show(group) {
    this.#group = group;
    const found = await attempt(() => get(`/api/flow/dead?group=${encodeURIComponent(group)}`));
    if (!found) return;
    this.node.hidden = false;
    fill(this.node,
      h("header", { class: "part-head" }, h("h2", { tabindex: "-1" }, `Dead letters of ${group}`),
        found.letters.length > 0 && h("button", { type: "button", class: "primary compact", onclick: () => this.#redriveAll(found.letters.length) }, "Redrive all"),
        h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => { this.node.hidden = true; } }, icon("close"))),
      found.letters.length === 0 && h("p", { class: "hint" }, "None."),
      h("ul", { class: "letters" }, found.letters.map((letter) => this.#letter(letter))));
    this.node.querySelector("h2").focus();
  }

  #letter(letter) {
    const { position, type, key, reason, at, history } = letter;
    const words = typeof reason === "string" ? reason : JSON.stringify(reason);
    return h("li", { class: "letter" },
      h("div", { class: "letter-head" }, typeName(type), h("span", { class: "problem" }, words),
        at && h("time", { datetime: at, title: fullTime(Date.parse(at)) }, ago(Date.parse(at))),
        position !== undefined && h("button", { type: "button", class: "quiet", onclick: () => this.#redrive(position) }, "Redrive")),
      key && h("p", { class: "hint mono" }, key),
      history?.length > 0 && h("ol", { class: "steps" }, history.map((step) => h("li", {}, step.at ? timeCell(step.at) : h("span"), h("div", {}, `attempt ${step.attempt}: `, h("span", { class: "problem" }, step.error))))),
      letter.payload !== undefined && payload(letter.payload));
  }

  async #redriveAll(count) {
    if (await confirm("Redrive all?", `${count} dead letters of ${this.#group} are handled again, from their first attempt.`, "Redrive")) this.#redrive();
  }

  async #redrive(position) {
    const done = await attempt(() => post("/api/flow/redrive", { group: this.#group, position }));
    if (!done) return;
    toast(done.redriven === 1 ? "One letter is on its way again." : `${done.redriven} letters are on their way again.`);
    this.show(this.#group);
  }
}
