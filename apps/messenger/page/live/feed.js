// One room's channel: its subscription recovers by itself, and what comes goes into the room's timeline and counts.
// Where recovery was not possible, the history is read anew.

import { note } from "./log.js";
import { Store } from "../model/store.js";
import { Timeline } from "../model/timeline.js";
import { messageOf } from "../model/message.js";
import { mentions } from "../chat/text.js";

const PAGE = 50;
const HISTORY = 100;
const KEPT = 150;

export class Feed {
  timeline;
  #id;
  #connection;
  #store;
  #outbox;
  #subscription;
  #newestSeen = 0;
  #filling;
  #loading = new Map(); // direction -> promise

  constructor(room, { connection, store, outbox }) {
    this.#id = room.id;
    this.#connection = connection;
    this.#store = store;
    this.#outbox = outbox;
    this.timeline = new Timeline(room.id, store.me.id, room.offset);
    room.counted = room.offset;
    this.#subscription = connection.client.newSubscription(room.channel, {
      since: { offset: room.offset, epoch: store.epoch },
      minResubscribeDelay: 200,
      maxResubscribeDelay: 5_000,
    });
    this.#subscription
      .on("publication", ({ offset, data }) => this.#came(offset, data))
      .on("subscribed", (context) => this.#subscribed(context))
      .on("unsubscribed", ({ code }) => note("unsubscribed", { room: room.id, code }))
      .on("error", ({ error }) => note("subscription error", { room: room.id, code: error.code }));
    this.#subscription.subscribe();
  }

  close() {
    this.#subscription.unsubscribe();
    this.#connection.client.removeSubscription(this.#subscription);
  }

  // The newest page, or one around an old message: `{ around: offset }` or `{ message: id }`.
  load(where) {
    return this.#once("load", async () => {
      const page = await this.#page(where);
      const isCovered = this.timeline.since(page.offset).length === Math.max(0, this.timeline.applied - page.offset);
      if (!isCovered) this.timeline.applied = page.offset;
      this.timeline.reset(page, { hasNewer: where !== undefined });
      if (!isCovered) this.#fill();
    });
  }

  older() {
    const { isLoaded, hasOlder, oldest } = this.timeline;
    if (!isLoaded || !hasOlder || oldest === undefined || oldest <= 1) return Promise.resolve();
    return this.#once("older", async () => this.timeline.prepend(await this.#page({ before: oldest })));
  }

  newer() {
    const { isLoaded, hasNewer, newest } = this.timeline;
    if (!isLoaded || !hasNewer || newest === undefined) return Promise.resolve();
    return this.#once("newer", async () => this.timeline.append(await this.#page({ after: newest })));
  }

  // Nobody looks at it: back to what a glance needs.
  rest() {
    if (this.timeline.hasNewer) this.timeline.isLoaded = false;
    else this.timeline.trim(KEPT);
  }

  // The counts of a `sync` stand as of its offset; what came after that is counted on top.
  recount(room) {
    room.counted = room.offset;
    for (const { offset, view } of this.timeline.since(room.offset)) this.#observe(offset, view);
  }

  get isLoading() {
    return this.#loading.size > 0;
  }

  #page(where) {
    return this.#connection.call("messages", { room: this.#id, limit: PAGE, ...where });
  }

  #once(direction, load) {
    const running = this.#loading.get(direction);
    if (running) return running;
    const started = load().finally(() => {
      this.#loading.delete(direction);
      this.timeline.dispatchEvent(new Event("change"));
    });
    this.#loading.set(direction, started);
    this.timeline.dispatchEvent(new Event("change"));
    return started;
  }

  #subscribed({ wasRecovering, recovered, streamPosition }) {
    note("subscribed", { room: this.#id, wasRecovering, recovered, ...streamPosition });
    if (recovered || !wasRecovering) return;
    const wasLoaded = this.timeline.isLoaded;
    this.timeline.forget(streamPosition?.offset ?? 0);
    const room = this.#store.rooms.get(this.#id);
    if (room) room.counted = this.timeline.applied;
    if (wasLoaded) this.load().catch(() => {});
  }

  #came(offset, view) {
    this.#newestSeen = Math.max(this.#newestSeen, offset);
    if (this.#take(offset, view) === "gap") this.#fill();
  }

  #take(offset, view) {
    if (view.type === "message_sent" && view.by === this.#store.me.id) this.#outbox.seen(view.client_id);
    const taken = this.timeline.take(offset, view);
    if (taken === "applied") this.#observe(offset, view);
    return taken;
  }

  // A gap is filled from the history, until nothing is missing before what came.
  #fill() {
    this.#filling ??= (async () => {
      let hasMore = true;
      while (hasMore || this.#newestSeen > this.timeline.applied) {
        const { events, has_more } = await this.#connection.call("history", { room: this.#id, after: this.timeline.applied, limit: HISTORY });
        for (const event of events) this.#take(event.offset, event);
        hasMore = has_more && events.length > 0;
        if (events.length === 0) break;
      }
    })().catch((error) => note("gap not filled", { room: this.#id, message: error.message })).finally(() => {
      this.#filling = undefined;
    });
  }

  // What a publication means for the list of rooms.
  #observe(offset, view) {
    const room = this.#store.rooms.get(this.#id);
    if (!room || offset <= room.counted) return;
    room.counted = offset;
    const { me } = this.#store;
    if (view.type === "message_sent") {
      const isOthers = view.by !== me.id;
      const isMention = isOthers && mentions(view.text ?? "", me.name);
      this.#store.stopped(this.#id, view.by);
      this.#store.change(this.#id, {
        last: messageOf(this.#id, offset, view, me.id),
        unread: room.unread + (isOthers ? 1 : 0),
        mentions: room.mentions + (isMention ? 1 : 0),
      });
      this.timeline.dispatchEvent(new CustomEvent("said", { detail: view }));
    } else if (view.message && view.message === room.last?.message) {
      if (view.type === "message_edited" && view.text) this.#store.change(this.#id, { last: { ...room.last, text: view.text } });
      if (view.type === "message_deleted") this.#store.change(this.#id, { last: { ...room.last, text: null, is_deleted: true } });
    } else if (view.person) {
      this.#membership(room, view);
    }
  }

  #membership(room, { type, person }) {
    const isAll = Store.listsAll(room);
    const members = new Set(room.members);
    const step = { joined: 1, left: -1, kicked: -1 }[type] ?? 0;
    if (step > 0 && isAll) members.add(person);
    if (step < 0) members.delete(person);
    this.#store.change(this.#id, { members: [...members], member_count: isAll ? members.size : room.member_count + step });
    this.#store.person(person);
  }
}
