// Reactions to choose from. They are text, drawn with the fonts of the reader's system.

import { h } from "../ui/dom.js";
import { closePopover } from "../ui/popover.js";

const EMOJI = [
  ["👍", "thumbs up"], ["❤️", "heart"], ["😂", "tears of joy"], ["🎉", "party"], ["😮", "surprised"], ["😢", "sad"],
  ["🙏", "thanks"], ["🔥", "fire"], ["👀", "eyes"], ["✅", "done"], ["👏", "applause"], ["🚀", "rocket"],
  ["😀", "smile"], ["😅", "phew"], ["😍", "love it"], ["🤔", "thinking"], ["😎", "cool"], ["🙌", "hands up"],
  ["💯", "hundred"], ["💡", "idea"], ["☕", "coffee"], ["🌱", "seedling"], ["👎", "thumbs down"], ["❌", "no"],
];

export function emojiGrid(pick) {
  return h("div", { class: "emoji-grid", role: "menu", "aria-label": "React with", data: { columns: "6" } }, EMOJI.map(([emoji, name]) =>
    h("button", {
      type: "button", role: "menuitem", "aria-label": name, title: name,
      onclick: () => {
        closePopover();
        pick(emoji);
      },
    }, emoji)));
}
