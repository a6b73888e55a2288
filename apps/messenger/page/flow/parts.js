// How events, times and errors are shown, the same in every table.

import { h } from "../ui/dom.js";
import { fullTime } from "../ui/time.js";

const EXACT = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hour12: false });

export const STAGES = ["published", "handled", "failed"];

export function timeCell(at) {
  return h("time", { datetime: at, title: fullTime(Date.parse(at)) }, EXACT.format(Date.parse(at)));
}

export function stageTag(stage) {
  return h("span", { class: `stage ${stage}` }, stage);
}

// The family is quiet, the last part says what happened.
export function typeName(type) {
  const cut = type.lastIndexOf(".") + 1;
  return h("span", { class: "type" }, h("span", {}, type.slice(0, cut)), h("strong", {}, type.slice(cut)));
}

export function duration(us) {
  if (us === undefined || us === null) return "";
  if (us < 1_000) return `${us} µs`;
  return us < 1_000_000 ? `${(us / 1_000).toFixed(us < 10_000 ? 1 : 0)} ms` : `${(us / 1_000_000).toFixed(1)} s`;
}

export const short = (text) => (text && text.length > 13 ? `${text.slice(0, 12)}…` : text ?? "");

// A payload stays closed until somebody opens it.
export function payload(value) {
  const details = h("details", { class: "payload" }, h("summary", {}, "Payload"));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(h("pre", {}, JSON.stringify(value, null, 2)));
  });
  return details;
}

export function table(label, titles, body) {
  return h("div", { class: "table-place" }, h("table", { class: "table", "aria-label": label },
    h("thead", {}, h("tr", {}, titles.map((title) => h("th", { scope: "col" }, title)))), body));
}
