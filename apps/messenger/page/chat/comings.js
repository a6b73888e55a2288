// Who came and went, in one quiet line between the messages.

import { h } from "../ui/dom.js";

const NAMED_MAX = 3;
const WORDS = {
  created: (who) => `${who} created the room`,
  joined: (who) => `${who} joined`,
  left: (who) => `${who} left`,
};

// Those that stand beside each other, as one line; drawn anew only when its words changed.
export class ComingRow {
  node = h("li", { class: "coming" });
  #words;

  draw(comings, store) {
    const words = sentences(comings, store).join(" · ");
    if (words === this.#words) return;
    this.#words = words;
    this.node.textContent = words;
  }
}

function sentences(comings, store) {
  const name = (id) => (id === store.me.id ? "You" : store.person(id).name);
  const lines = [];
  for (const { type, person, by } of comings) {
    const last = lines.at(-1);
    if (last?.type === type && type !== "kicked") last.people.push(person);
    else lines.push({ type, people: [person], by });
  }
  return lines.map(({ type, people, by }) => {
    const who = list([...new Set(people)].map(name));
    return type === "kicked" ? `${name(by)} removed ${who === "You" ? "you" : who}` : WORDS[type]?.(who) ?? "";
  });
}

function list(names) {
  if (names.length === 1) return names[0];
  const shown = names.slice(0, NAMED_MAX);
  const others = names.length - shown.length;
  if (others > 0) return `${shown.join(", ")} and ${others} ${others === 1 ? "other" : "others"}`;
  return `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}
