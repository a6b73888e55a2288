// Menus beside what opened them. Arrows move, Escape closes, and the focus goes back where it came from.

import { h } from "./dom.js";
import { icon } from "./icons.js";

let close = () => {};

// Items are `{ label, icon?, isDanger?, act }`.
export function showMenu(anchor, label, items) {
  const menu = h("div", { class: "menu", role: "menu", "aria-label": label }, items.filter(Boolean).map((item) =>
    h("button", {
      type: "button", role: "menuitem", tabindex: "-1", class: item.isDanger ? "menu-item danger" : "menu-item",
      onclick: () => {
        close();
        item.act();
      },
    }, item.icon && icon(item.icon, 18), item.label)));
  show(anchor, menu, menu.firstElementChild);
}

export function showPopover(anchor, node, first = node.querySelector("button, input")) {
  show(anchor, node, first);
}

export function closePopover() {
  close();
}

function show(anchor, node, first) {
  close();
  const before = document.activeElement;
  node.classList.add("popover");
  (anchor.closest("dialog") ?? document.body).append(node);
  anchor.setAttribute("aria-expanded", "true");
  place(anchor, node);
  const outside = (event) => {
    if (!node.contains(event.target) && !anchor.contains(event.target)) close();
  };
  close = () => {
    close = () => {};
    const hadFocus = node.contains(document.activeElement);
    node.remove();
    anchor.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    window.removeEventListener("resize", close);
    if (hadFocus) (before?.isConnected ? before : anchor).focus({ preventScroll: true });
  };
  document.addEventListener("pointerdown", outside, true);
  window.addEventListener("resize", close);
  node.addEventListener("keydown", (event) => moved(event, node));
  first?.focus({ preventScroll: true });
}

function moved(event, node) {
  if (event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    close();
    return;
  }
  if (event.key === "Tab") {
    close();
    return;
  }
  const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
  const items = [...node.querySelectorAll("button")];
  if (!(event.key in steps) && event.key !== "Home" && event.key !== "End") return;
  event.preventDefault();
  event.stopPropagation();
  const columns = event.key.endsWith("Up") || event.key.endsWith("Down") ? Number(node.dataset.columns ?? 1) : 1;
  let next = items.indexOf(document.activeElement) + (steps[event.key] ?? 0) * columns;
  if (event.key === "Home") next = 0;
  if (event.key === "End") next = items.length - 1;
  items[(next + items.length) % items.length]?.focus();
}

function place(anchor, node) {
  const at = anchor.getBoundingClientRect();
  const { width, height } = node.getBoundingClientRect();
  const left = Math.min(Math.max(8, at.right - width), innerWidth - width - 8);
  const isBelow = at.bottom + height + 8 < innerHeight || at.top < height;
  node.style.left = `${Math.max(8, left)}px`;
  node.style.top = `${isBelow ? Math.min(at.bottom + 4, innerHeight - height - 8) : at.top - height - 4}px`;
}
