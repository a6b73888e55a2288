// Search in the rooms one may read, newest first.

import { avatar } from "../ui/avatar.js";
import { fill, h } from "../ui/dom.js";
import { attempt } from "../ui/toast.js";
import { ago, fullTime } from "../ui/time.js";

const SETTLE_MS = 220;
const PAGE = 30;

export class SearchPanel {
  title = "Search";
  node;
  #app;
  #input;
  #here;
  #results = h("ul", { class: "results" });
  #status = h("p", { class: "hint", role: "status" });
  #more = h("button", { type: "button", class: "quiet wide-button", hidden: true }, "Show more");
  #cursor;
  #asked = 0;
  #timer;

  constructor(app) {
    this.#app = app;
    this.#input = h("input", { type: "search", class: "search-input", placeholder: "Search messages", "aria-label": "Search messages", autofocus: true, autocomplete: "off", spellcheck: "false" });
    const room = app.store.rooms.get(app.openRoom);
    this.#here = room && h("input", { type: "checkbox" });
    this.#more.addEventListener("click", () => this.#find(this.#cursor));
    this.#input.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#find(), SETTLE_MS);
    });
    this.#here?.addEventListener("change", () => this.#find());
    this.node = h("div", { class: "panel-body" }, this.#input, room && h("label", { class: "check" }, this.#here, `Only in ${room.name}`), this.#status, this.#results, this.#more);
    this.#room = room?.id;
  }

  #room;

  async #find(before) {
    const text = this.#input.value.trim();
    const mine = ++this.#asked;
    if (!before) fill(this.#results);
    this.#more.hidden = true;
    this.#status.textContent = "";
    if (!text) return;
    const room = this.#here?.checked ? this.#room : undefined;
    const found = await attempt(() => this.#app.messenger.call("search", { text, room, before, limit: PAGE }));
    if (!found || mine !== this.#asked) return;
    this.#results.append(...found.messages.map((message) => this.#row(message, text)));
    this.#cursor = found.cursor;
    this.#more.hidden = !found.cursor;
    this.#status.textContent = this.#results.children.length === 0 ? `Nothing found for “${text}”.` : "";
  }

  #row(message, text) {
    const { store } = this.#app;
    const person = store.person(message.sender);
    const room = store.rooms.get(message.room);
    return h("li", {}, h("button", {
      type: "button", class: "result",
      onclick: () => {
        this.#app.panel.leaveOnPhone();
        this.#app.open(message.room, message.offset);
      },
    },
    avatar(person, "small"),
    h("span", { class: "result-text" },
      h("span", { class: "result-head" }, h("strong", {}, person.name), room && ` in ${room.name}`, h("time", { title: fullTime(Date.parse(message.at)) }, ago(Date.parse(message.at)))),
      h("span", { class: "result-body" }, highlighted(message.text ?? "", text)))));
  }
}

// The words that were looked for stand out.
function highlighted(text, wanted) {
  const words = wanted.split(/\s+/).filter(Boolean).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (words.length === 0) return [text];
  return text.split(new RegExp(`(${words.join("|")})`, "giu")).map((part, index) => (index % 2 === 1 ? h("mark", {}, part) : part));
}
