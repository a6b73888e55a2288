// A field and a list under it: what is typed narrows the list, arrows choose, Enter takes.

import { fill, freshId, h } from "./dom.js";

const SETTLE_MS = 140;

// `find(text)` gives items; `row(item)` draws one; `pick(item)` takes one.
export function picker({ label, placeholder, find, row, pick, nothing }) {
  const listId = freshId("options");
  const list = h("ul", { id: listId, class: "options", role: "listbox", "aria-label": label });
  const input = h("input", {
    type: "text", class: "search-input", placeholder, autofocus: true, autocomplete: "off", spellcheck: "false",
    role: "combobox", "aria-label": label, "aria-controls": listId, "aria-expanded": "true", "aria-autocomplete": "list",
  });
  let items = [];
  let current = 0;
  let asked = 0;
  let shown;
  let timer;

  const mark = () => {
    [...list.children].forEach((node, index) => node.setAttribute("aria-selected", String(index === current)));
    const node = list.children[current];
    if (node?.id) input.setAttribute("aria-activedescendant", node.id);
    else input.removeAttribute("aria-activedescendant");
    node?.scrollIntoView({ block: "nearest" });
  };
  const refresh = async () => {
    const mine = ++asked;
    let found;
    try {
      found = await find(input.value.trim());
    } catch (error) {
      shown = undefined;
      if (mine === asked) fill(list, h("li", { class: "nothing" }, error.message));
      return;
    }
    if (mine !== asked) return;
    // A list that is the same stays, so that nobody's click goes between two of them.
    const drawn = JSON.stringify(found);
    if (drawn === shown) return;
    shown = drawn;
    items = found;
    current = 0;
    fill(list, items.length === 0 ? h("li", { class: "nothing" }, nothing) : items.map((item) =>
      h("li", { id: freshId("option"), class: "option", role: "option", onclick: () => pick(item) }, row(item))));
    mark();
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, SETTLE_MS);
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && items.length > 0) {
      event.preventDefault();
      current = (current + step + items.length) % items.length;
      mark();
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      if (items[current]) pick(items[current]);
    }
  });
  refresh();
  return h("div", { class: "picker" }, input, list);
}
