// The list of messages, drawn once per frame and reusing what is there. The reader's place is kept: at the end it
// follows, elsewhere the first message in view stays where it stands.

import { arrange, h, perFrame } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { dayName, isSameDay } from "../ui/time.js";
import { ComingRow } from "./comings.js";
import { MessageRow } from "./message_row.js";

const GROUP_MS = 5 * 60_000;
const NEAR_END_PX = 60;
const NEAR_TOP_PX = 400;
const REVEALED_MS = 1_800;
const CAN_HOVER = matchMedia("(hover: hover)");

export class MessageList {
  node;
  #parts;
  #rows = new Map(); // key -> MessageRow, or an element
  #list = h("ol", { class: "messages", "aria-label": "Messages" });
  #older = h("p", { class: "loading", hidden: true }, "Loading earlier messages…");
  #empty = h("div", { class: "empty", hidden: true });
  #jump = h("button", { type: "button", class: "jump", hidden: true });
  #scroller = h("div", { class: "scroller" });
  #draw = perFrame(() => this.#drawNow());
  #isFirst = true;
  #atEnd = true;
  #divider;
  #seen = 0;
  #unseen = 0;
  #reveal;
  #isClosed = false;

  constructor(parts) {
    this.#parts = parts;
    const { room, feed } = parts;
    this.#divider = room.unread > 0 ? room.read : undefined;
    this.#seen = feed.timeline.newest ?? room.offset;
    this.#empty.append(h("p", { class: "empty-title" }, room.kind === "direct" ? `This is the beginning with ${room.name}` : `This is the beginning of ${room.name}`),
      h("p", {}, "Say hello. A message is on the disk when it shows a tick."));
    this.#scroller.append(this.#older, this.#empty, this.#list);
    this.node = h("div", { class: "stream" }, this.#scroller, this.#jump);
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#jump.addEventListener("click", () => this.#toNewest());
    this.#list.addEventListener("keydown", (event) => this.#key(event));
    this.#list.addEventListener("focusin", (event) => this.#focused(event.target.closest(".message")));
    this.#list.addEventListener("pointerover", (event) => {
      if (event.pointerType === "mouse" && CAN_HOVER.matches) parts.actions.moveTo(this.#rowOf(event.target.closest(".message")));
    });
    feed.timeline.addEventListener("change", this.#draw);
    this.resized = new ResizeObserver(() => this.#atEnd && this.#scrollToEnd());
    this.resized.observe(this.#scroller);
    this.#draw();
  }

  get isAtEnd() {
    return this.#atEnd && !this.#parts.feed.timeline.hasNewer;
  }

  close() {
    this.#isClosed = true;
    this.resized.disconnect();
    this.#parts.feed.timeline.removeEventListener("change", this.#draw);
  }

  changed() {
    this.#draw();
  }

  toEnd() {
    this.#atEnd = true;
    this.#draw();
  }

  // Brings a message into view and shows which it is.
  reveal(id) {
    this.#reveal = id;
    this.#draw();
  }

  #drawNow() {
    if (this.#isClosed) return;
    const { feed, outbox, room } = this.#parts;
    const { timeline } = feed;
    if (!timeline.isLoaded) {
      this.#older.hidden = false;
      return;
    }
    const anchor = this.#atEnd ? null : this.#anchor();
    const pending = timeline.hasNewer ? [] : outbox.of(room.id);
    const messages = [...timeline.messages(), ...pending];
    this.#arrange(messages);
    this.#older.hidden = !timeline.hasOlder;
    this.#empty.hidden = messages.length > 0 || timeline.hasOlder;
    this.#count(messages);
    if (this.#reveal) this.#revealNow();
    else if (this.#isFirst && this.#rows.has("divider")) this.#rows.get("divider").scrollIntoView({ block: "center" });
    else if (this.#atEnd) this.#scrollToEnd();
    else if (anchor?.node.isConnected) this.#scroller.scrollTop += anchor.node.getBoundingClientRect().top - anchor.top;
    this.#isFirst = false;
    this.#scrolled();
  }

  #arrange(messages) {
    const wanted = [];
    const used = new Set();
    const element = (key, make) => {
      used.add(key);
      if (!this.#rows.has(key)) this.#rows.set(key, make());
      const row = this.#rows.get(key);
      wanted.push(row.node ?? row);
      return row;
    };
    const { store, feed } = this.#parts;
    const { me } = store;
    let hasDivider = false;
    // Who comes and goes stands between the messages, as one line where nothing was said between.
    const lines = between(messages, feed.timeline.comings());
    const coming = (index) => {
      const line = lines.get(index);
      if (line) element(`coming ${line[0].offset}`, () => new ComingRow()).draw(line, store);
    };
    messages.forEach((message, index) => {
      const [before, after] = [lines.has(index) ? undefined : messages[index - 1], lines.has(index + 1) ? undefined : messages[index + 1]];
      const day = dayName(Date.parse(message.at));
      const previous = messages[index - 1];
      const isNewDay = !previous || !isSameDay(Date.parse(previous.at), Date.parse(message.at));
      const isOfThatDay = lines.has(index) && isSameDay(Date.parse(lines.get(index)[0].at), Date.parse(message.at));
      if (!isOfThatDay) coming(index);
      if (isNewDay) element(`day ${new Date(message.at).toDateString()}`, () => h("li", { class: "day" }, h("span", {}, day)));
      if (isOfThatDay) coming(index);
      const isDivider = !hasDivider && this.#divider !== undefined && message.offset > this.#divider && message.sender !== me.id;
      if (isDivider) {
        hasDivider = true;
        element("divider", () => h("li", { class: "divider" }, h("span", {}, "New")));
      }
      const key = message.sender === me.id && message.client_id ? `mine ${message.client_id}` : message.message;
      used.add(key);
      if (!this.#rows.has(key)) this.#rows.set(key, new MessageRow(message, this.#parts, { isFresh: !this.#isFirst && !message.state ? message.offset > this.#seen : !this.#isFirst }));
      const row = this.#rows.get(key);
      row.draw(message, { isFirst: isDivider || isNewDay || !isGrouped(before, message), isLast: !isGrouped(message, after) });
      wanted.push(row.node);
    });
    coming(messages.length);
    for (const key of this.#rows.keys()) if (!used.has(key)) this.#rows.delete(key);
    arrange(this.#list, wanted);
    // By keyboard one comes in at the newest.
    if (!this.#list.contains(document.activeElement)) this.#reachable([...this.#list.querySelectorAll(":scope > .message")].at(-1));
  }

  #count(messages) {
    const newest = messages.reduce((most, message) => Math.max(most, message.offset ?? 0), 0);
    if (!this.#isFirst && !this.#atEnd) {
      this.#unseen += messages.filter((message) => message.offset > this.#seen && message.sender !== this.#parts.store.me.id).length;
    }
    this.#seen = Math.max(this.#seen, newest);
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    const { feed, onRead } = this.#parts;
    if (!feed.timeline.isLoaded) return;
    if (this.isAtEnd) {
      this.#unseen = 0;
      onRead();
    }
    this.#jump.hidden = this.isAtEnd;
    const words = this.#unseen === 0 ? "Newest" : this.#unseen === 1 ? "1 new message" : `${this.#unseen} new messages`;
    if (this.#jump.textContent !== words) this.#jump.replaceChildren(icon("down", 16), words);
    if (scrollTop < NEAR_TOP_PX) feed.older().catch(() => {});
    if (this.#atEnd) feed.newer().catch(() => {});
  }

  async #toNewest() {
    const { feed } = this.#parts;
    if (feed.timeline.hasNewer) await feed.load().catch(() => {});
    this.#divider = undefined;
    this.#unseen = 0;
    this.toEnd();
    this.#parts.onWrite();
  }

  #scrollToEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #revealNow() {
    const node = this.#list.querySelector(`[data-id="${CSS.escape(this.#reveal)}"]`);
    this.#reveal = undefined;
    if (!node) return;
    node.scrollIntoView({ block: "center" });
    node.classList.add("revealed");
    setTimeout(() => node.classList.remove("revealed"), REVEALED_MS);
    node.focus({ preventScroll: true });
  }

  // The first message that is in view, and where it stands.
  #anchor() {
    const { top } = this.#scroller.getBoundingClientRect();
    for (const node of this.#list.children) {
      const place = node.getBoundingClientRect();
      if (place.bottom > top && node.classList.contains("message")) return { node, top: place.top };
    }
    return null;
  }

  #rowOf(node) {
    return node && [...this.#rows.values()].find((row) => row.node === node);
  }

  #focused(node) {
    if (!node) return;
    this.#reachable(node);
    this.#parts.actions.moveTo(this.#rowOf(node));
  }

  #reachable(node) {
    for (const other of this.#list.querySelectorAll('.message[tabindex="0"]')) if (other !== node) other.setAttribute("tabindex", "-1");
    node?.setAttribute("tabindex", "0");
  }

  #key(event) {
    const node = event.target.closest(".message");
    if (!node || event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = [...this.#list.querySelectorAll(".message")];
    const at = rows.indexOf(node);
    const next = { ArrowUp: rows[at - 1], ArrowDown: rows[at + 1], Home: rows[0], End: rows.at(-1) }[event.key];
    if (next) {
      event.preventDefault();
      next.focus({ preventScroll: true });
      next.scrollIntoView({ block: "nearest" });
    } else if (event.key === "ArrowDown" || event.key === "Escape") {
      event.preventDefault();
      this.#parts.onWrite();
    } else if (event.target === node && this.#parts.actions.key(this.#rowOf(node), event.key)) {
      event.preventDefault();
    }
  }
}

// Comings by the index of the message that they stand before. What is not saved yet is at the end.
function between(messages, comings) {
  const lines = new Map();
  for (const coming of comings.sort((a, b) => a.offset - b.offset)) {
    const at = messages.findIndex(({ offset }) => offset === undefined || offset > coming.offset);
    const index = at === -1 ? messages.length : at;
    lines.set(index, [...(lines.get(index) ?? []), coming]);
  }
  return lines;
}

function isGrouped(first, second) {
  if (!first || !second || first.sender !== second.sender) return false;
  const [a, b] = [Date.parse(first.at), Date.parse(second.at)];
  return isSameDay(a, b) && b - a < GROUP_MS;
}
