// Events as they pass, newest first. One that is chosen is followed through its whole life.

import { get } from "../account/api.js";
import { arrange, h, perFrame } from "../ui/dom.js";
import { showLife } from "./life.js";
import { STAGES, duration, short, stageTag, table, timeCell, typeName } from "./parts.js";

const KEPT = 400;
const SHOWN = 150;
const AGAIN_MS = 2_000;

export class Events {
  node;
  #body = h("tbody");
  #status = h("p", { class: "hint", role: "status" }, "Waiting for events…");
  #filter = h("input", { type: "search", class: "search-input", placeholder: "Type, room, handler or id", "aria-label": "Show only events with" });
  #pause = h("button", { type: "button", class: "quiet", "aria-pressed": "false" }, "Pause");
  #stages = new Set(STAGES);
  #events = [];
  #rows = new Map(); // number -> row
  #isPaused = false;
  #dropped = 0;
  #draw = perFrame(() => this.#drawNow());

  constructor() {
    this.#filter.addEventListener("input", this.#draw);
    this.#pause.addEventListener("click", () => {
      this.#isPaused = !this.#isPaused;
      this.#pause.setAttribute("aria-pressed", String(this.#isPaused));
      this.#pause.textContent = this.#isPaused ? "Go on" : "Pause";
      this.#draw();
    });
    this.node = h("section", { class: "part", "aria-label": "Events" },
      h("header", { class: "part-head" }, h("h2", {}, "Events"), this.#filter, STAGES.map((stage) => this.#toggle(stage)), this.#pause),
      this.#status, table("Events", ["Time", "What", "Type", "Room", "Handler", "Attempt", "Took", "Event"], this.#body));
  }

  async start() {
    let after = 0;
    for (;;) {
      try {
        const { events, next, dropped } = await get(`/api/flow/events?after=${after}`);
        after = next;
        this.#dropped += dropped ?? 0;
        if (events.length > 0) {
          this.#events = [...events.reverse(), ...this.#events].slice(0, KEPT);
          if (!this.#isPaused) this.#draw();
        }
      } catch (error) {
        if (error.status === 401 || error.status === 404) {
          location.assign("/");
          return;
        }
        this.#status.textContent = error.message;
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  #toggle(stage) {
    const box = h("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => {
      if (box.checked) this.#stages.add(stage);
      else this.#stages.delete(stage);
      this.#draw();
    });
    return h("label", { class: "check" }, box, stage);
  }

  #drawNow() {
    const wanted = this.#filter.value.trim().toLocaleLowerCase();
    const matches = (event) => this.#stages.has(event.stage) &&
      (!wanted || [event.type, event.room, event.handler, event.id, event.key].some((text) => text?.toLocaleLowerCase().includes(wanted)));
    const shown = this.#events.filter(matches).slice(0, SHOWN);
    const kept = new Set(this.#events.map(({ n }) => n));
    for (const n of this.#rows.keys()) if (!kept.has(n)) this.#rows.delete(n);
    arrange(this.#body, shown.map((event) => this.#row(event)));
    const lost = this.#dropped > 0 ? ` ${this.#dropped} passed too fast to be shown.` : "";
    this.#status.textContent = shown.length === 0 ? "Nothing that matches has passed yet." : `The newest ${shown.length}.${lost}`;
  }

  #row(event) {
    const known = this.#rows.get(event.n);
    if (known) return known;
    const { at, stage, id, type, key, room, handler, attempt, latency_us: latency, error } = event;
    const cell = (...content) => h("td", {}, content);
    const row = h("tr", { class: id ? "" : "closed", title: error },
      cell(timeCell(at)), cell(stageTag(stage)), cell(typeName(type)), h("td", { title: key }, room ?? short(key)), cell(handler ?? ""),
      h("td", { class: "number" }, attempt ?? ""), h("td", { class: "number" }, duration(latency)),
      cell(id ? h("button", { type: "button", class: "link mono", title: "Follow this event", onclick: () => showLife(id) }, short(id)) : "private"));
    this.#rows.set(event.n, row);
    return row;
  }
}
