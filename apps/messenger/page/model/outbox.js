// What one has written and the server has not answered yet. It survives a reload, is sent one by one in each room, and
// is repeated under the same client id until it is answered: the id makes a repeat harmless.
//
//   sending --answered--> gone (the message is durable)
//      |  \--refused--> failed --send again--> sending
//      \--no answer in time--> failed, and with it what was written later; sent again, in the order of writing, at the
//                                next connection or before what is written next

const STORED = "unsent";
const GIVE_UP_MS = 30_000;
const PAUSE_MS = 400;
const PAUSE_MAX_MS = 5_000;

export class Outbox extends EventTarget {
  #call;
  #me;
  #entries = new Map(); // client id -> entry
  #queues = new Map(); // room -> promise
  #onSaid;

  // `onSaid(message)` hears of each message that is durable.
  constructor(call, me, onSaid) {
    super();
    this.#call = call;
    this.#me = me;
    this.#onSaid = onSaid;
    for (const entry of JSON.parse(sessionStorage.getItem(STORED) ?? "[]")) {
      if (entry.sender === me) this.#entries.set(entry.client_id, { ...entry, state: "sending" });
    }
  }

  start() {
    for (const entry of this.#entries.values()) this.#enqueue(entry);
  }

  send(room, text, replyTo) {
    this.retryUnreachable(room);
    const entry = {
      client_id: crypto.randomUUID(), room, text, sender: this.#me, at: new Date().toISOString(), reply_to: replyTo, state: "sending",
    };
    this.#entries.set(entry.client_id, entry);
    this.#changed(room);
    this.#enqueue(entry);
  }

  resend(id) {
    const entry = this.#entries.get(id);
    if (!entry || entry.state !== "failed") return;
    Object.assign(entry, { state: "sending", problem: undefined, isUnreachable: false });
    this.#changed(entry.room);
    this.#enqueue(entry);
  }

  discard(id) {
    const entry = this.#entries.get(id);
    if (!entry || entry.state !== "failed") return;
    this.#entries.delete(id);
    this.#changed(entry.room);
  }

  // What failed for want of a connection goes out again: in one room, or in all when there is one again.
  retryUnreachable(room) {
    for (const entry of this.#entries.values()) {
      if (entry.isUnreachable && (room ?? entry.room) === entry.room) this.resend(entry.client_id);
    }
  }

  // Its publication came: it is durable, whether or not the answer to the call arrives.
  seen(clientId) {
    const entry = this.#entries.get(clientId);
    if (!entry) return;
    this.#entries.delete(clientId);
    this.#changed(entry.room);
  }

  of(room) {
    return [...this.#entries.values()].filter((entry) => entry.room === room);
  }

  #enqueue(entry) {
    const before = this.#queues.get(entry.room) ?? Promise.resolve();
    this.#queues.set(entry.room, before.then(() => this.#deliver(entry)));
  }

  async #deliver(entry) {
    const { client_id, room, text, reply_to } = entry;
    const giveUpAt = Date.now() + GIVE_UP_MS;
    const isDue = () => this.#entries.get(client_id) === entry && entry.state === "sending";
    for (let pause = PAUSE_MS; isDue(); pause = Math.min(pause * 2, PAUSE_MAX_MS)) {
      try {
        const { message, offset, at } = await this.#call("message.send", { room, client_id, text, reply_to: reply_to?.message });
        this.#onSaid({ message, room, offset, at, client_id, text, sender: this.#me, reply_to, reactions: [] });
        this.seen(client_id);
        return;
      } catch (error) {
        if (!error.isTemporary) return this.#fail([entry], { problem: error.message, isUnreachable: false });
        if (Date.now() > giveUpAt) {
          const waiting = this.of(room).filter(({ state }) => state === "sending");
          return this.#fail(waiting, { problem: error.message, isUnreachable: true });
        }
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  #fail(entries, why) {
    for (const entry of entries) Object.assign(entry, { state: "failed", ...why });
    this.#changed(entries[0].room);
  }

  #changed(room) {
    sessionStorage.setItem(STORED, JSON.stringify([...this.#entries.values()]));
    this.dispatchEvent(new CustomEvent("change", { detail: room }));
  }
}
