// One event's life: what it is, who handled it and how often, and what it caused.

import { get } from "../account/api.js";
import { fill, h } from "../ui/dom.js";
import { showDialog } from "../ui/dialog.js";
import { attempt } from "../ui/toast.js";
import { duration, payload, stageTag, timeCell, typeName } from "./parts.js";

export function showLife(id) {
  const body = h("div", { class: "life" }, h("p", { class: "hint" }, "Reading…"));
  load(body, id);
  return showDialog("One event's life", () => body, { isWide: true });
}

async function load(body, id) {
  const life = await attempt(() => get(`/api/flow/event/${encodeURIComponent(id)}`));
  if (!life) {
    fill(body, h("p", { class: "hint" }, "This event is not kept any more."));
    return;
  }
  const { event, handled, caused, metadata } = life;
  fill(body,
    h("h3", {}, typeName(event.type)),
    h("ol", { class: "steps" },
      h("li", {}, timeCell(event.at), h("div", {}, stageTag("published"), event.room && ` in ${event.room}`)),
      handled.map((step) => h("li", {}, timeCell(step.at), h("div", {}, stageTag(step.stage), ` by ${step.handler ?? "?"}`,
        step.attempt > 1 && `, attempt ${step.attempt}`, step.latency_us !== undefined && h("small", {}, ` in ${duration(step.latency_us)}`),
        step.error && h("p", { class: "problem" }, step.error))))),
    caused.length > 0 && [h("h4", {}, "It caused"), h("ul", { class: "caused" }, caused.map((other) => h("li", {}, timeCell(other.at), " ", typeName(other.type), " ",
      other.id && h("button", { type: "button", class: "link", onclick: () => load(body, other.id) }, "Follow"))))],
    h("h4", {}, "Metadata"),
    h("dl", { class: "metadata" }, Object.entries({ id, key: event.key, ...metadata }).filter(([, value]) => value !== null && value !== undefined).map(([name, value]) =>
      h("div", {}, h("dt", {}, name), h("dd", { class: "mono" }, typeof value === "string" ? value : JSON.stringify(value))))),
    payload(life.payload));
}
