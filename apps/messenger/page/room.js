// The room's live side: the connection, the subscription, sending. What it learns goes into the timeline.

import { SignedOut, currentUser, signIn } from "./session.js";

const ROOM = "general";
const PAGE = 50;
const GIVE_UP_MS = 30_000;

// What happened on the connection, for the console and the tests.
const log = [];
globalThis.messenger = { log };

export class Room {
  #timeline;
  #on;
  #client;
  #subscription;
  #people = new Map();
  #queue = Promise.resolve();
  #isLoading = false;
  #hasOlder = true;
  #epoch;

  constructor(timeline, handlers) {
    this.#timeline = timeline;
    this.#on = handlers;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.#client = new globalThis.Centrifuge(`${scheme}://${location.host}/connection/websocket`, {
      getToken: () => this.#token(),
      name: "messenger",
      minReconnectDelay: 200,
      maxReconnectDelay: 5_000,
    });
    this.#client
      .on("connecting", (context) => {
        log.push({ event: "connecting", code: context.code });
        handlers.onState("connecting", this.#epoch ? "Connection lost. Reconnecting…" : "Connecting…");
      })
      .on("connected", () => {
        log.push({ event: "connected" });
        handlers.onState("connected", "");
      })
      .on("disconnected", (context) => this.#disconnected(context));

    this.#subscription = this.#client.newSubscription(`room:${ROOM}`);
    this.#subscription
      .on("subscribed", (context) => this.#subscribed(context))
      .on("publication", (context) => this.#timeline.apply([context], { isLive: true }))
      .on("join", ({ info }) => this.#present(info, true))
      .on("leave", ({ info }) => this.#present(info, false));
  }

  connect() {
    for (const pending of this.#timeline.pending()) this.#deliver(pending.id);
    this.#subscription.subscribe();
    this.#client.connect();
  }

  close() {
    this.#client.disconnect();
  }

  send(text) {
    this.#deliver(this.#timeline.sending(text));
  }

  resend(id) {
    this.#timeline.retry(id);
    this.#deliver(id);
  }

  async loadOlder() {
    if (this.#isLoading || !this.#hasOlder || !this.#epoch) return;
    const oldest = this.#timeline.oldestOffset();
    if (oldest !== undefined && oldest <= 1) return;
    this.#isLoading = true;
    this.#on.onLoading(oldest !== undefined);
    try {
      const since = oldest === undefined ? undefined : { offset: oldest, epoch: this.#epoch };
      const { publications } = await this.#subscription.history({ limit: PAGE, reverse: true, since });
      this.#hasOlder = publications.length === PAGE;
      this.#timeline.apply(publications, { isLive: false });
    } catch (error) {
      console.warn("history could not be read", error);
    } finally {
      this.#isLoading = false;
      this.#on.onLoading(false);
    }
  }

  // A subscription starts: for the first time, with what was missed, or with a gap that cannot be filled.
  async #subscribed({ wasRecovering, recovered, streamPosition }) {
    log.push({ event: "subscribed", wasRecovering, recovered, ...streamPosition });
    const isNew = this.#epoch !== streamPosition?.epoch;
    this.#epoch = streamPosition?.epoch;
    if (!recovered) {
      if (wasRecovering) this.#timeline.forgetRecords(isNew);
      this.#hasOlder = true;
      await this.loadOlder();
    }
    try {
      const { clients } = await this.#subscription.presence();
      this.#people = new Map(Object.entries(clients));
      this.#on.onPresence([...this.#people.values()]);
    } catch (error) {
      console.warn("presence could not be read", error);
    }
  }

  #present(info, isHere) {
    if (isHere) this.#people.set(info.client, info);
    else this.#people.delete(info.client);
    this.#on.onPresence([...this.#people.values()]);
  }

  // One at a time, so that messages keep their order. A message is repeated until it is answered: its id makes a repeat
  // harmless.
  #deliver(id) {
    this.#queue = this.#queue.then(async () => {
      const started = Date.now();
      for (;;) {
        const message = this.#timeline.pending(id);
        if (!message) return;
        try {
          const { data } = await this.#client.rpc("message.send", { room: ROOM, client_id: id, text: message.text });
          this.#timeline.saved(id, data);
          return;
        } catch (error) {
          const isFinal = error.code >= 100 && !error.temporary && ![100, 111].includes(error.code);
          if (isFinal || Date.now() - started > GIVE_UP_MS) {
            this.#timeline.failed(id, isFinal ? error.message : "The server could not be reached.");
            return;
          }
          await new Promise((resolve) => setTimeout(resolve, 300));
        }
      }
    });
  }

  async #token() {
    try {
      return (await currentUser()).token;
    } catch (error) {
      if (error instanceof SignedOut) return this.#signInAgain();
      throw error;
    }
  }

  // The server does not know this session, as after a new data folder. There is nothing more than a name to sign in with.
  async #signInAgain() {
    const user = await signIn(this.#timeline.me.name);
    this.#timeline.me = user;
    return user.token;
  }

  async #disconnected({ code, reason }) {
    log.push({ event: "disconnected", code });
    if (code === 3500) {
      // A token of another secret: a fresh one is asked for, and the subscription keeps its position.
      this.#on.onState("connecting", "Signing in again…");
      this.#client.setToken("");
      this.#client.connect();
    } else if (code === 0) {
      this.#on.onSignedOut?.();
    } else {
      this.#on.onState("disconnected", `Disconnected: ${reason}. Reload the page to come back.`);
    }
  }
}
