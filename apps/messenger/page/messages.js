// The list of messages. A change is drawn once per frame, reusing what is there; the reader's place is kept.

import { paintAvatar } from "./avatar.js";
import { richText } from "./text.js";
import { clock, dayName, fullTime, isSameDay } from "./time.js";

const GROUP_MS = 5 * 60_000;
const NEAR_END_PX = 80;
const NEAR_TOP_PX = 300;

const ICONS = {
  saved: ["M3 8.6 6.4 12 13 4.8", "Saved"],
  sending: ["M8 4.5v3.700l2.4 1.6M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Z", "Sending"],
  failed: ["M8 4.5v4.300M8 11.5v.01M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Z", "Not sent"],
};

export class MessageList {
  #timeline;
  #parts;
  #nodes = new Map(); // author and id -> element
  #isScheduled = false;
  #isFirst = true;
  #unseen = 0;
  #newest = 0;

  constructor(timeline, parts) {
    this.#timeline = timeline;
    this.#parts = parts;
    timeline.addEventListener("change", () => this.#schedule());
    parts.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    parts.jump.addEventListener("click", () => this.scrollToEnd());
    this.#schedule();
  }

  scrollToEnd() {
    requestAnimationFrame(() => {
      this.#parts.scroller.scrollTop = this.#parts.scroller.scrollHeight;
    });
  }

  #schedule() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // A page in the background gets no frames, and must not fall behind for that.
    const draw = () => {
      this.#isScheduled = false;
      this.#draw();
    };
    if (document.hidden) setTimeout(draw, 50);
    else requestAnimationFrame(draw);
  }

  #draw() {
    const { scroller, list, empty } = this.#parts;
    const isAtEnd = this.#isAtEnd();
    const anchor = isAtEnd ? null : this.#anchor();
    const messages = this.#timeline.messages();
    this.#arrange(list, messages);
    empty.hidden = messages.length > 0;

    const newest = messages.reduce((most, message) => Math.max(most, message.offset ?? 0), 0);
    if (isAtEnd || this.#isFirst) {
      scroller.scrollTop = scroller.scrollHeight;
      this.#unseen = 0;
    } else {
      if (anchor?.node.isConnected) scroller.scrollTop += anchor.node.getBoundingClientRect().top - anchor.top;
      const isOthers = (message) => message.offset > this.#newest && message.author !== this.#timeline.me.user;
      this.#unseen += messages.filter(isOthers).length;
    }
    this.#newest = Math.max(newest, this.#newest);
    if (messages.length > 0) this.#isFirst = false;
    this.#showJump();
  }

  #arrange(list, messages) {
    const wanted = [];
    const used = new Set();
    messages.forEach((message, index) => {
      const [before, after] = [messages[index - 1], messages[index + 1]];
      if (!before || !isSameDay(before.at, message.at)) wanted.push(this.#day(message.at, used));
      const key = `${message.author} ${message.id}`;
      used.add(key);
      const node = this.#node(key, message);
      node.classList.toggle("first", !isGrouped(before, message));
      node.classList.toggle("last", !isGrouped(message, after));
      wanted.push(node);
    });
    for (const [key, node] of this.#nodes) {
      if (!used.has(key)) {
        node.remove();
        this.#nodes.delete(key);
      }
    }
    let place = list.firstChild;
    for (const node of wanted) {
      if (node === place) place = place.nextSibling;
      else list.insertBefore(node, place);
    }
  }

  #day(at, used) {
    const name = dayName(at);
    const key = `day ${name}`;
    used.add(key);
    let node = this.#nodes.get(key);
    if (!node) {
      node = document.createElement("li");
      node.className = "day";
      node.textContent = name;
      this.#nodes.set(key, node);
    }
    return node;
  }

  #node(key, message) {
    let node = this.#nodes.get(key);
    if (!node) {
      node = create(message, this.#timeline.me, this.#parts.onResend);
      node.classList.toggle("fresh", !this.#isFirst);
      this.#nodes.set(key, node);
    }
    update(node, message, this.#timeline.me);
    return node;
  }

  #scrolled() {
    const { scroller, onReachTop } = this.#parts;
    if (this.#isAtEnd()) this.#unseen = 0;
    this.#showJump();
    if (scroller.scrollTop < NEAR_TOP_PX && !this.#isFirst) onReachTop();
  }

  #showJump() {
    const { jump, jumpText } = this.#parts;
    jump.hidden = this.#isAtEnd();
    jumpText.textContent =
      this.#unseen === 0 ? "Latest" : this.#unseen === 1 ? "1 new message" : `${this.#unseen} new messages`;
  }

  #isAtEnd() {
    const { scroller } = this.#parts;
    return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END_PX;
  }

  // The first message that is in view, and where it stands.
  #anchor() {
    const top = this.#parts.scroller.getBoundingClientRect().top;
    for (const node of this.#parts.list.children) {
      const place = node.getBoundingClientRect();
      if (place.bottom > top) return { node, top: place.top };
    }
    return null;
  }
}

function isGrouped(first, second) {
  return Boolean(first && second) && first.author === second.author && isSameDay(first.at, second.at) &&
    second.at - first.at < GROUP_MS;
}

function create(message, me, onResend) {
  const node = element("li", "message");
  node.dataset.id = message.id;
  const avatar = element("span", "avatar");
  avatar.setAttribute("aria-hidden", "true");
  paintAvatar(avatar, message.author, message.name);
  const body = element("div", "body");
  const author = element("p", "author", message.name);
  const bubble = element("div", "bubble");
  const text = element("span", "text");
  text.append(...richText(message.text, me.name));
  const meta = element("span", "meta");
  const time = element("time");
  const state = element("span", "state");
  state.setAttribute("role", "img");
  meta.append(time, state);
  bubble.append(text, meta);
  const failure = element("p", "failure");
  const resend = element("button", "", "Send again");
  resend.type = "button";
  resend.addEventListener("click", () => onResend(message.id));
  failure.append(element("span", "problem-text"), resend);
  body.append(author, bubble, failure);
  node.append(avatar, body);
  return node;
}

function update(node, message, me) {
  const isMine = message.author === me.user;
  node.classList.toggle("mine", isMine);
  if (node.dataset.state === message.state && node.dataset.at === String(message.at)) return;
  node.dataset.state = message.state;
  node.dataset.at = String(message.at);
  if (message.offset) node.dataset.offset = message.offset;
  const time = node.querySelector("time");
  time.textContent = clock(message.at);
  time.dateTime = new Date(message.at).toISOString();
  time.title = fullTime(message.at);
  const [path, label] = ICONS[message.state];
  const state = node.querySelector(".state");
  state.hidden = !isMine;
  state.setAttribute("aria-label", label);
  state.title = message.state === "saved" ? "Saved on the server's disk" : label;
  state.replaceChildren(icon(path));
  node.querySelector(".failure").hidden = message.state !== "failed";
  node.querySelector(".problem-text").textContent = message.problem ?? "";
}

function element(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("width", "15");
  svg.setAttribute("height", "15");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}
