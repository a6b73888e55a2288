// Names after an @: the list narrows while one types, arrows choose, Enter or Tab takes, Escape leaves it. Who is not at hand
// is asked for meanwhile.

import { avatar } from "../ui/avatar.js";
import { fill, freshId, h } from "../ui/dom.js";

const SHOWN_MAX = 6;
const BEGUN = /(?:^|[^\p{L}\p{N}_])@([\p{L}\p{N}_.-]*)$/u;

export class Completion {
  node;
  #text;
  #people;
  #ask;
  #found = [];
  #current = 0;

  // `ask` brings those whose name holds a text to the others, where there are any, and says whether somebody is new.
  constructor(text, people, ask) {
    this.#text = text;
    this.#people = people;
    this.#ask = ask;
    const id = freshId("mentions");
    this.node = h("ul", { id, class: "completion", role: "listbox", "aria-label": "People to mention", hidden: true });
    for (const [name, value] of [["aria-controls", id], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["role", "combobox"]]) text.setAttribute(name, value);
    for (const type of ["input", "click"]) text.addEventListener(type, () => this.#lookAndAsk());
    text.addEventListener("blur", () => this.#close());
  }

  // Whether the key was for the list.
  key(event) {
    if (this.node.hidden) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      this.#current = (this.#current + step + this.#found.length) % this.#found.length;
      this.#mark();
    } else if (event.key === "Enter" || event.key === "Tab") {
      this.#take(this.#found[this.#current]);
    } else if (event.key === "Escape") {
      this.#close();
    } else {
      return false;
    }
    event.preventDefault();
    return true;
  }

  #begun() {
    const { value, selectionStart, selectionEnd } = this.#text;
    if (selectionStart !== selectionEnd) return null;
    return BEGUN.exec(value.slice(0, selectionStart))?.[1] ?? null;
  }

  async #lookAndAsk() {
    this.#look();
    const begun = this.#begun();
    if (begun !== null && await this.#ask(begun) && this.#begun() === begun) this.#look();
  }

  #look() {
    const begun = this.#begun();
    if (begun === null) {
      this.#close();
      return;
    }
    const wanted = begun.toLocaleLowerCase();
    const people = this.#people().filter(({ name }) => name.toLocaleLowerCase().includes(wanted));
    const starts = ({ name }) => Number(!name.toLocaleLowerCase().startsWith(wanted));
    this.#found = people.sort((a, b) => starts(a) - starts(b) || a.name.localeCompare(b.name)).slice(0, SHOWN_MAX);
    this.#current = 0;
    if (this.#found.length === 0) {
      this.#close();
      return;
    }
    fill(this.node, this.#found.map((person) => h("li", {
      id: freshId("mention"), class: "option", role: "option",
      // The field keeps the focus.
      onpointerdown: (event) => {
        event.preventDefault();
        this.#take(person);
      },
    }, avatar(person, "small"), h("span", { class: "option-text" }, h("strong", {}, person.name)))));
    this.node.hidden = false;
    this.#text.setAttribute("aria-expanded", "true");
    this.#mark();
  }

  #mark() {
    [...this.node.children].forEach((node, index) => node.setAttribute("aria-selected", String(index === this.#current)));
    this.#text.setAttribute("aria-activedescendant", this.node.children[this.#current]?.id ?? "");
  }

  #take(person) {
    const { value, selectionStart } = this.#text;
    const start = selectionStart - (this.#begun()?.length ?? 0);
    const rest = value.slice(selectionStart);
    const inserted = `${person.name}${rest.startsWith(" ") ? "" : " "}`;
    this.#text.value = value.slice(0, start) + inserted + rest;
    const at = start + inserted.length;
    this.#text.setSelectionRange(at, at);
    this.#close();
    this.#text.dispatchEvent(new Event("input"));
    this.#close();
  }

  #close() {
    this.node.hidden = true;
    this.#text.setAttribute("aria-expanded", "false");
    this.#text.removeAttribute("aria-activedescendant");
  }
}
