// The official client from npm, doing as it is told: a JSON command per line in, a JSON event per line out.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [, , url, packages] = process.argv;
const require = createRequire(`${packages}/package.json`);
const { Centrifuge } = require("centrifuge");
const say = (event) => console.log(JSON.stringify(event));
const tokens = [];

const client = new Centrifuge(url, {
  websocket: require("ws"),
  maxReconnectDelay: 500,
  getToken() {
    say({ event: "token" });
    return new Promise((resolve) => tokens.push(resolve));
  },
});
client.on("connecting", ({ code }) => say({ event: "connecting", code }));
client.on("connected", ({ client }) => say({ event: "connected", client }));
client.on("disconnected", ({ code }) => say({ event: "disconnected", code }));

const does = {
  connect: () => client.connect(),
  token: ({ token }) => tokens.shift()(token),
  subscribe({ channel }) {
    const subscription = client.newSubscription(channel);
    subscription.on("subscribed", ({ recovered, wasRecovering, streamPosition }) => {
      say({ event: "subscribed", recovered, was_recovering: wasRecovering, offset: streamPosition?.offset ?? 0 });
    });
    subscription.on("unsubscribed", ({ code }) => say({ event: "unsubscribed", code }));
    subscription.on("publication", ({ offset }) => say({ event: "publication", offset }));
    subscription.on("join", ({ info }) => say({ event: "join", user: info.user }));
    subscription.on("leave", ({ info }) => say({ event: "leave", user: info.user }));
    subscription.subscribe();
  },
  async presence({ channel }) {
    const { clients } = await client.presence(channel);
    say({ event: "presence", users: Object.values(clients).map((info) => info.user).sort() });
  },
  // Nothing is read meanwhile: there is one thread.
  stall: ({ seconds }) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000),
};
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const command = JSON.parse(line);
  does[command.do](command);
});
lines.on("close", () => process.exit(0));
