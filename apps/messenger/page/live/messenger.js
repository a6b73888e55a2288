// Everything live together: the connection, one feed per room, the outbox and the store that the page is drawn from.

import { Connection } from "./connection.js";
import { Feed } from "./feed.js";
import { note } from "./log.js";
import { Outbox } from "../model/outbox.js";
import { Store } from "../model/store.js";

const READ_PAUSE_MS = 300;
const TYPING_PAUSE_MS = 2_200;
const ASK_PAUSE_MS = 50;
const PEOPLE_MAX = 100;

// Events: `state` (detail as the connection's), `ready` once, `signed-out`, `notification` (detail: the notification).
export class Messenger extends EventTarget {
  store;
  outbox;
  connection = new Connection();
  #feeds = new Map(); // room -> feed
  #isReady = false;
  #latest; // what the connection said last
  #reading = new Map(); // room -> offset that is to be marked as read
  #typedAt = 0;
  #typingLater;
  #asked = new Set();
  #asking = [];

  constructor(me) {
    super();
    this.store = new Store(me);
    this.outbox = new Outbox((method, data) => this.call(method, data), me.id, (message) => this.feed(message.room)?.timeline.said(message));
    this.connection.addEventListener("state", ({ detail }) => this.#state(detail));
    this.connection.addEventListener("push", ({ detail }) => this.#push(detail));
    this.connection.addEventListener("signed-out", () => this.dispatchEvent(new Event("signed-out")));
    this.store.addEventListener("rooms", () => this.#follow());
    this.store.addEventListener("unknown", ({ detail }) => this.#ask(detail));
  }

  start() {
    this.connection.connect();
  }

  call(method, data) {
    return this.connection.call(method, data);
  }

  feed(room) {
    return this.#feeds.get(room);
  }

  send(room, text, replyTo) {
    this.outbox.send(room, text, replyTo);
    clearTimeout(this.#typingLater);
  }

  // Told at the pace that the server takes; what is typed too early is told later, if `isStill` says so then.
  typing(room, isStill) {
    clearTimeout(this.#typingLater);
    const pause = this.#typedAt + TYPING_PAUSE_MS - Date.now();
    if (pause > 0) {
      this.#typingLater = setTimeout(() => isStill() && this.typing(room, isStill), pause);
    } else if (this.connection.isConnected) {
      this.#typedAt = Date.now();
      this.call("typing", { room }).catch(() => {});
    }
  }

  // Shown at once, told to the server a little later, so that a burst is one call.
  read(id, offset) {
    const room = this.store.rooms.get(id);
    if (!room || (offset <= room.read && room.unread === 0)) return;
    this.store.change(id, { read: Math.max(offset, room.read), unread: 0, mentions: 0 });
    const isWaiting = this.#reading.has(id);
    this.#reading.set(id, offset);
    if (!isWaiting) setTimeout(() => this.#tellRead(id), READ_PAUSE_MS);
  }

  async #tellRead(id) {
    const offset = this.#reading.get(id);
    this.#reading.delete(id);
    await this.call("read", { room: id, offset }).catch((error) => note("read not told", { message: error.message }));
  }

  async #state(detail) {
    this.#latest = detail;
    if (detail.state === "connected") await this.#sync();
    // What came meanwhile was told, or will be.
    if (this.#latest === detail) this.dispatchEvent(new CustomEvent("state", { detail }));
  }

  async #sync() {
    try {
      const sync = await this.call("sync");
      this.#asked.clear();
      this.store.load(sync);
      for (const room of this.store.rooms.values()) this.feed(room.id)?.recount(room);
      this.store.tell("rooms");
    } catch (error) {
      note("sync failed", { message: error.message });
      if (this.connection.isConnected) setTimeout(() => this.#sync(), 1_000);
      return;
    }
    if (!this.#isReady) {
      this.#isReady = true;
      this.outbox.start();
      this.dispatchEvent(new Event("ready"));
    } else {
      this.outbox.retryUnreachable();
    }
  }

  // Unknown people are asked for together, each once, as many at a time as are answered.
  #ask(person) {
    if (!person || this.#asked.has(person)) return;
    this.#asked.add(person);
    this.#asking.push(person);
    if (this.#asking.length === 1) setTimeout(() => this.#askAll(), ASK_PAUSE_MS);
  }

  async #askAll() {
    while (this.#asking.length > 0) {
      const ids = this.#asking.splice(0, PEOPLE_MAX);
      await this.call("people", { ids, limit: PEOPLE_MAX }).then(({ people }) => this.store.know(people)).catch(() => ids.forEach((id) => this.#asked.delete(id)));
    }
  }

  // One feed per room that one is in, and none for others.
  #follow() {
    for (const [id, feed] of this.#feeds) {
      if (this.store.rooms.has(id)) continue;
      feed.close();
      this.#feeds.delete(id);
    }
    for (const room of this.store.rooms.values()) {
      if (!this.#feeds.has(room.id)) this.#feeds.set(room.id, new Feed(room, this));
    }
  }

  #push(push) {
    const { store } = this;
    switch (push?.kind) {
      case "typing": store.typed(push.room, push.person); break;
      // Most of a large room are nobody whom the page shows.
      case "presence": store.know(push.people.filter(({ id }) => store.people.has(id))); break;
      case "read": store.change(push.room, { read: push.offset, unread: push.unread, mentions: push.mentions }); break;
      case "room": store.put(push.room); break;
      case "room_gone": store.remove(push.room, push.why); break;
      case "notification":
        store.notificationsUnread = push.unread;
        store.tell("notifications");
        this.dispatchEvent(new CustomEvent("notification", { detail: push.notification }));
        break;
      case "notifications_read":
        store.notificationsUnread = push.unread;
        store.tell("notifications", { upTo: push.up_to });
        break;
      default: break;
    }
  }
}
