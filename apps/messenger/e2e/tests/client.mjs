// The official client in this process, as it comes from npm: for what a page cannot show, and for looking at what the
// journal holds.

import { Centrifuge } from "centrifuge";
import WebSocket from "ws";
import { cookieOf, eventually } from "./server.mjs";

export class Client {
  /** Signs in and connects. */
  static async signIn(server, name, password) {
    const response = await server.post("/api/sign-in", { name, password });
    if (!response.ok) throw new Error(`sign-in was refused: ${response.status} ${await response.text()}`);
    return Client.#connect(server, cookieOf(response));
  }

  /** Makes an account and connects. */
  static async signUp(server, name) {
    const { person, cookie } = await server.signUp(name);
    return Object.assign(await Client.#connect(server, cookie), { person });
  }

  static async #connect(server, cookie) {
    const client = new Client();
    client.connection = connection(server, { getToken: () => server.token(cookie) });
    client.connection.connect();
    await client.connection.ready(10_000);
    return client;
  }

  async call(method, data = {}) {
    return (await this.connection.rpc(method, data)).data;
  }

  /** Calls again until the limits let it pass. */
  async patiently(method, data) {
    let answer;
    await eventually(`${method} within the limits`, async () => {
      try {
        answer = await this.call(method, data);
        return true;
      } catch (error) {
        if (error.code !== 429) throw error;
        return false;
      }
    }, 60_000);
    return answer;
  }

  say(room, text, clientId = crypto.randomUUID()) {
    return this.patiently("message.send", { room, client_id: clientId, text });
  }

  async room(name) {
    return (await this.call("sync")).rooms.find((room) => room.name === name);
  }

  /** Follows a room from where it stands, with everything that one is told. */
  async follow(room) {
    const { epoch } = await this.call("sync");
    const followed = { publications: [], subscribed: [], unsubscribed: [] };
    followed.subscription = this.connection.newSubscription(room.channel, { since: { offset: room.offset, epoch } });
    followed.subscription
      .on("publication", (context) => followed.publications.push(context))
      .on("subscribed", (context) => followed.subscribed.push(context))
      .on("unsubscribed", (context) => followed.unsubscribed.push(context));
    followed.subscription.subscribe();
    await followed.subscription.ready(10_000);
    return followed;
  }

  /** Every event of a room from the first, by offset, as the journal has them. */
  async journal(room) {
    const all = [];
    for (;;) {
      const { events, has_more: hasMore } = await this.call("history", { room, after: all.at(-1)?.offset ?? 0, limit: 100 });
      all.push(...events);
      if (!hasMore) return all;
    }
  }

  /** Every message of a room as it stands in the read model, oldest first. */
  async everything(room) {
    const all = [];
    for (;;) {
      const { messages, has_more: hasMore } = await this.patiently("messages", { room, after: all.at(-1)?.offset ?? 0, limit: 100 });
      all.push(...messages);
      if (!hasMore) return all;
    }
  }

  close() {
    this.connection.disconnect();
  }
}

export function connection(server, options) {
  return new Centrifuge(`${server.url.replace("http", "ws")}/connection/websocket`, {
    websocket: WebSocket, minReconnectDelay: 50, maxReconnectDelay: 200, ...options,
  });
}
