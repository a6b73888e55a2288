// Dialogs on the browser's own <dialog>: it keeps the focus inside, closes on Escape and gives the focus back.

import { fill, freshId, h } from "./dom.js";
import { icon } from "./icons.js";

// Shows a dialog with a title; `build(close)` makes its content. Resolves to what it was closed with.
export function showDialog(title, build, { isWide = false } = {}) {
  return new Promise((resolve) => {
    const titleId = freshId("title");
    const dialog = h("dialog", { class: isWide ? "dialog wide" : "dialog", "aria-labelledby": titleId });
    let result;
    const close = (value) => {
      result = value;
      dialog.close();
    };
    const body = h("div", { class: "dialog-body" });
    fill(
      dialog,
      h("header", { class: "dialog-head" },
        h("h2", { id: titleId }, title),
        h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => close() }, icon("close"))),
      body,
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(result);
    });
    dialog.addEventListener("pointerdown", (event) => {
      if (event.target === dialog) close();
    });
    document.body.append(dialog);
    fill(body, build(close));
    dialog.showModal();
    dialog.querySelector("[autofocus]")?.focus();
  });
}

export function confirm(title, words, action, { isDanger = true } = {}) {
  return showDialog(title, (close) => [
    h("p", { class: "lead" }, words),
    h("div", { class: "dialog-actions" },
      h("button", { type: "button", class: "quiet", onclick: () => close(false) }, "Cancel"),
      h("button", { type: "button", class: isDanger ? "primary danger" : "primary", autofocus: true, onclick: () => close(true) }, action)),
  ]).then(Boolean);
}

// A form whose button waits for `submit(values)`; what it throws is shown above the button.
export function form({ fields, action, submit, autocomplete = "on" }) {
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const button = h("button", { type: "submit", class: "primary" }, action);
  return h("form", {
    class: "stack",
    autocomplete,
    onsubmit: async (event) => {
      event.preventDefault();
      problem.hidden = true;
      button.disabled = true;
      try {
        await submit(Object.fromEntries(new FormData(event.target)), event.target);
      } catch (error) {
        problem.textContent = error.message;
        problem.hidden = false;
      } finally {
        button.disabled = false;
      }
    },
  }, fields, problem, h("div", { class: "dialog-actions" }, button));
}

export function field(label, props, hint) {
  const id = freshId("field");
  const hintId = hint && freshId("hint");
  return h("div", { class: "field" },
    h("label", { for: id }, label),
    h("input", { id, type: "text", "aria-describedby": hintId, ...props }),
    hint && h("p", { id: hintId, class: "hint" }, hint));
}
