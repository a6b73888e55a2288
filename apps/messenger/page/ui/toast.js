// Short words at the edge of the page, read out to those who do not see them.

import { h } from "./dom.js";

const SHOWN_MS = 5_000;

export function toast(words, { isProblem = false } = {}) {
  const place = document.getElementById("toasts");
  const node = h("div", { class: isProblem ? "toast problem" : "toast" }, words);
  place.append(node);
  setTimeout(() => node.remove(), SHOWN_MS);
}

// For screen readers only.
export function announce(words) {
  const place = document.getElementById("announcer");
  place.append(h("p", {}, words));
  while (place.children.length > 5) place.firstChild.remove();
}

// Runs an action of a person; what goes wrong is said.
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    toast(error.message, { isProblem: true });
    return undefined;
  }
}
