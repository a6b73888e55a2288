// The connection, by the official client as it is: it reconnects by itself, asks for a new token when one ends, and each
// subscription recovers what it missed.

import { get, post } from "../account/api.js";
import { note } from "./log.js";

const FOREIGN_TOKEN = 3500;

export class CallError extends Error {
  constructor({ code, message, temporary }) {
    super(sentence(code, message));
    this.code = code;
    // Below 100 are the client's own: no connection, no answer in time.
    this.isTemporary = Boolean(temporary) || code < 100 || code === 100 || code === 429 || code === 504;
  }
}

// Events: `state` (detail: connecting, connected), `push` (detail: what came), `signed-out`.
export class Connection extends EventTarget {
  client;
  #connections = 0;

  constructor() {
    super();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.client = new globalThis.Centrifuge(`${scheme}://${location.host}/connection/websocket`, {
      getToken: () => this.#fetchToken(),
      name: "messenger",
      minReconnectDelay: 200,
      maxReconnectDelay: 5_000,
    });
    this.client
      .on("connecting", ({ code, reason }) => {
        note("connecting", { code, reason });
        this.#tell("state", { state: "connecting", isFirst: this.#connections === 0 });
      })
      .on("connected", () => {
        note("connected");
        this.#connections += 1;
        this.#tell("state", { state: "connected" });
      })
      .on("disconnected", (context) => this.#disconnected(context))
      .on("message", ({ data }) => this.#tell("push", data))
      .on("error", ({ error }) => note("error", { code: error.code, message: error.message }));
  }

  connect() {
    this.client.connect();
  }

  close() {
    this.client.disconnect();
  }

  get isConnected() {
    return this.client.state === "connected";
  }

  async call(method, data = {}) {
    try {
      return (await this.client.rpc(method, data)).data;
    } catch (error) {
      throw new CallError(error);
    }
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  async #fetchToken() {
    try {
      return (await post("/api/token")).token;
    } catch (error) {
      if (!error.isSignedOut) throw error;
      this.#tell("signed-out");
      throw new globalThis.Centrifuge.UnauthorizedError();
    }
  }

  // An end that the client takes as final: somebody signed out, or the token is of another secret.
  async #disconnected({ code, reason }) {
    note("disconnected", { code, reason });
    if (code === 0) return;
    this.#tell("state", { state: "connecting", isFirst: false });
    const me = await get("/api/me").catch(() => ({ isUnknown: true }));
    if (!me.isUnknown && !me.person) {
      this.#tell("signed-out");
      return;
    }
    if (code === FOREIGN_TOKEN) this.client.setToken("");
    setTimeout(() => this.client.connect(), 1_000);
  }
}

function sentence(code, message) {
  if (code < 100) return "The server cannot be reached. Please try again.";
  if (code === 429) return "That was a little fast. Please try again in a moment.";
  const words = message || "The server refused.";
  const text = words[0].toLocaleUpperCase() + words.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
