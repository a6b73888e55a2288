// What the keyboard does, in one place.

import { h } from "../ui/dom.js";
import { showDialog } from "../ui/dialog.js";

const SHORTCUTS = [
  ["Jump to a room or a person", "Ctrl K"],
  ["Search messages", "Ctrl Shift F"],
  ["Previous, next conversation", "Alt ↑  Alt ↓"],
  ["Send; begin a new line", "Enter  Shift Enter"],
  ["Edit your last message (in an empty field)", "↑"],
  ["Go into the messages", "Shift Tab"],
  ["In the messages: move", "↑  ↓  Home  End"],
  ["In the messages: reply, react, edit, delete", "R  +  E  Delete"],
  ["Close what is open; back to writing", "Escape"],
];

export function showShortcuts() {
  return showDialog("Keyboard", () => h("dl", { class: "shortcuts" }, SHORTCUTS.map(([what, keys]) =>
    h("div", {}, h("dt", {}, what), h("dd", {}, keys.split("  ").map((key) => h("kbd", {}, key)))))));
}
