// Initials on a colour that belongs to the person; a sign for a room.

import { h } from "./dom.js";
import { icon } from "./icons.js";

export function avatar(person, size = "") {
  const node = h("span", { class: `avatar ${size}`, "aria-hidden": "true" }, initials(person?.name ?? "?"));
  node.style.setProperty("--hue", String(hue(person?.id ?? "")));
  return node;
}

export function roomMark(room, person, size = "") {
  if (room.kind !== "direct") {
    const mark = h("span", { class: `avatar room-mark ${size}`, "aria-hidden": "true" });
    mark.append(icon(room.kind === "private" ? "lock" : "hash", size === "small" ? 16 : 20));
    return mark;
  }
  const node = avatar(person ?? { id: room.with, name: room.name }, size);
  if (person?.is_online) node.append(h("span", { class: "online-dot" }));
  return node;
}

function initials(name) {
  const words = name.trim().split(/[\s._-]+/).filter(Boolean);
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words;
  return ends.map((word) => [...word][0] ?? "").join("").toLocaleUpperCase() || "?";
}

export function hue(id) {
  let hash = 7;
  for (const character of id) hash = (hash * 31 + character.codePointAt(0)) >>> 0;
  return (hash * 47) % 360;
}
