// What was said, in the room's own order, and behind it what this person is still sending.

const STORED = "unsent";

export class Timeline extends EventTarget {
  #records = new Map(); // offset -> message
  #pending = new Map(); // id -> message
  #me;

  constructor(me) {
    super();
    this.#me = me;
    for (const message of JSON.parse(sessionStorage.getItem(STORED) ?? "[]")) {
      if (message.author === me.user) this.#pending.set(message.id, { ...message, state: "sending" });
    }
  }

  get me() {
    return this.#me;
  }

  set me(user) {
    for (const message of this.#pending.values()) message.author = user.user;
    this.#me = user;
    this.#changed({});
  }

  // Publications from a push, a recovery or the history. One that is known already changes nothing.
  apply(publications, { isLive }) {
    let isNew = false;
    for (const { offset, data } of publications) {
      if (data?.type !== "message_sent" || this.#records.has(offset)) continue;
      const { client_id: id, by: author, name, text } = data;
      this.#records.set(offset, { id, author, name, text, at: Date.parse(data.at), offset, state: "saved" });
      if (author === this.#me.user) this.#pending.delete(id);
      isNew = true;
    }
    if (isNew) this.#changed({ isLive });
  }

  sending(text) {
    const id = crypto.randomUUID();
    const { user, name } = this.#me;
    this.#pending.set(id, { id, author: user, name, text, at: Date.now(), state: "sending" });
    this.#changed({ isLive: true });
    return id;
  }

  saved(id, { offset, at }) {
    const message = this.#pending.get(id);
    if (!message) return;
    this.#pending.delete(id);
    if (!this.#records.has(offset)) this.#records.set(offset, { ...message, offset, at: Date.parse(at), state: "saved" });
    this.#changed({ isLive: true });
  }

  failed(id, problem) {
    const message = this.#pending.get(id);
    if (message) Object.assign(message, { state: "failed", problem });
    this.#changed({});
  }

  retry(id) {
    const message = this.#pending.get(id);
    if (message) Object.assign(message, { state: "sending", problem: undefined });
    this.#changed({});
  }

  pending(id) {
    return id === undefined ? [...this.#pending.values()] : this.#pending.get(id);
  }

  oldestOffset() {
    let oldest;
    for (const offset of this.#records.keys()) if (oldest === undefined || offset < oldest) oldest = offset;
    return oldest;
  }

  // More was missed than can be filled in, or the store is another one: what follows is read anew.
  forgetRecords() {
    this.#records.clear();
    this.#changed({});
  }

  messages() {
    const records = [...this.#records.values()].sort((a, b) => a.offset - b.offset);
    return [...records, ...this.#pending.values()];
  }

  #changed(detail) {
    sessionStorage.setItem(STORED, JSON.stringify([...this.#pending.values()]));
    this.dispatchEvent(new CustomEvent("change", { detail }));
  }
}
