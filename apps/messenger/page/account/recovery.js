// The recovery code: what one keeps for the day one has forgotten the password. It is shown once.

import { h } from "../ui/dom.js";
import { showDialog } from "../ui/dialog.js";
import { icon } from "../ui/icons.js";
import { toast } from "../ui/toast.js";

export const WORDS = "Write it down, or keep it where you keep your passwords. If you forget yours, an administrator can start a reset, and this code proves that it is you. It is not shown again.";

// The code with a button that copies it.
export function codeRow(code) {
  const input = h("input", { type: "text", readonly: true, class: "code", value: code, "aria-label": "Recovery code", onfocus: (event) => event.target.select() });
  return h("div", { class: "copy-row" }, input, h("button", {
    type: "button", class: "quiet",
    onclick: async () => {
      input.select();
      await navigator.clipboard?.writeText(code).catch(() => {});
      toast("Copied.");
    },
  }, icon("copy", 18), "Copy"));
}

export function showRecovery(code) {
  return showDialog("Your recovery code", (close) => [
    h("p", { class: "lead" }, WORDS), codeRow(code),
    h("div", { class: "dialog-actions" }, h("button", { type: "button", class: "primary", autofocus: true, onclick: () => close() }, "I have kept it")),
  ]);
}
