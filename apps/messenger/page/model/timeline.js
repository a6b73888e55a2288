// A stretch of one room's messages, kept right by the channel's offsets: a publication is applied when it is the next
// one, ignored when it was applied before, and a gap is said to the caller, who fills it.
//
//   loaded page (stands as of offset 40)      live: 41 42 43 ...
//   [ m12 m15 m20 ... m39 ]  <- applied = 40  41 = applied + 1: applied; 40: a repeat; 43: a gap

import { fold, messageOf } from "./message.js";

const RECENT_MAX = 500;
const COMINGS = new Set(["created", "joined", "left", "kicked"]);

export class Timeline extends EventTarget {
  isLoaded = false;
  hasOlder = true;
  hasNewer = false;
  applied;
  #messages = new Map(); // message id -> message
  #comings = new Map(); // offset -> who came or went there
  #recent = []; // the last publications, as { offset, view }
  #room;
  #me;

  constructor(room, me, offset) {
    super();
    this.#room = room;
    this.#me = me;
    this.applied = offset;
  }

  // A page that replaces what is here: the newest one, or one around an old message.
  reset(page, { hasNewer = false } = {}) {
    this.#messages.clear();
    this.#comings.clear();
    this.isLoaded = true;
    this.hasNewer = hasNewer;
    this.hasOlder = page.has_more;
    this.applied = Math.max(this.applied, page.offset);
    this.#add(page);
    this.#changed();
  }

  prepend(page) {
    this.hasOlder = page.has_more && page.messages.length > 0;
    this.#add(page);
    this.#changed();
  }

  append(page) {
    this.hasNewer = page.has_more && page.messages.length > 0;
    this.#add(page);
    this.#changed();
  }

  // Another store, or more missed than can be filled in: everything is read anew.
  forget(offset) {
    this.#messages.clear();
    this.#comings.clear();
    this.#recent = [];
    this.isLoaded = false;
    this.applied = offset;
    this.#changed();
  }

  take(offset, view) {
    if (offset <= this.applied) return "repeat";
    if (offset > this.applied + 1) return "gap";
    this.applied = offset;
    this.#recent.push({ offset, view });
    if (this.#recent.length > RECENT_MAX) this.#recent.shift();
    if (this.isLoaded) {
      this.#apply(offset, view);
      this.#changed();
    }
    return "applied";
  }

  // A message of one's own, answered before its publication came.
  said(message) {
    if (this.#messages.has(message.message) || !this.isLoaded || this.hasNewer) return;
    this.#messages.set(message.message, { ...message, asOf: message.offset, version: 1 });
    this.#changed();
  }

  get(id) {
    return this.#messages.get(id);
  }

  messages() {
    return [...this.#messages.values()].sort((a, b) => a.offset - b.offset);
  }

  // Who came and went, between the messages.
  comings() {
    return [...this.#comings.values()];
  }

  get oldest() {
    return this.messages()[0]?.offset;
  }

  get newest() {
    return this.messages().at(-1)?.offset;
  }

  // Publications later than an offset, of those that are kept; for counting anew.
  since(offset) {
    return this.#recent.filter((recent) => recent.offset > offset);
  }

  // Keeps the newest messages only, so that a room that is not looked at stays small.
  trim(length) {
    const messages = this.messages();
    if (this.hasNewer || messages.length <= length) return;
    for (const { message } of messages.slice(0, -length)) this.#messages.delete(message);
    for (const offset of this.#comings.keys()) if (offset < this.oldest) this.#comings.delete(offset);
    this.hasOlder = true;
  }

  // A page stands as of its own offset: what was applied after that is applied to it again.
  #add(page) {
    for (const message of page.messages) {
      const known = this.#messages.get(message.message);
      if (known && known.asOf >= page.offset) continue;
      this.#messages.set(message.message, { ...message, asOf: page.offset, version: (known?.version ?? 0) + 1 });
    }
    for (const coming of page.comings ?? []) this.#comings.set(coming.offset, coming);
    for (const { offset, view } of this.since(page.offset)) this.#apply(offset, view);
  }

  #apply(offset, view) {
    const known = this.#messages.get(view.message);
    if (known) {
      if (offset > known.asOf) fold(known, offset, view);
    } else if (view.type === "message_sent" && !this.hasNewer) {
      this.#messages.set(view.message, messageOf(this.#room, offset, view, this.#me));
    } else if (COMINGS.has(view.type) && !this.hasNewer) {
      this.#comings.set(offset, { offset, type: view.type, person: view.person ?? view.by, by: view.by, at: view.at });
    }
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
