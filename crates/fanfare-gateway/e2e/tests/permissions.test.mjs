// Who may do what: each level of the file as a test.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server, code, eventually, follow, refusal, token } from "./server.mjs";

let server;
let ann;
let stranger;

const LEVELS = ["nobody", "token", "subscriber", "user", "anyone"];

before(async () => {
  const levels = LEVELS.map((who) => `
    [namespaces.${who}]
    history_size = 10
    history_age = "1h"
    presence = true
    subscribe = "anyone"
    publish = "${who}"
    read_presence = "${who}"
    read_history = "${who}"`);
  server = await Server.start(`
    [personal_channel]
    enabled = true
    namespace = "inbox"
    [default]
    subscribe = "anyone"
    [namespaces.inbox]
    publish = "anyone"
    [namespaces.only-server]
    subscribe = "nobody"
    [namespaces.tokens]
    [namespaces.users]
    subscribe = "user"
    [namespaces.all]
    subscribe = "anyone"
    [namespaces.limited]
    subscribe = "anyone"
    user_limited = true
    publish = "anyone"
    [namespaces.pushed]
    subscribe = "anyone"
    presence = true
    join_leave = "pushed"
    [namespaces.asked]
    subscribe = "anyone"
    presence = true
    read_presence = "subscriber"
    join_leave = "on_request"
    ${levels.join("\n")}`, { head: "anonymous = true" });
  [ann, stranger] = [await server.connect("ann"), await server.connect()];
});

after(() => server?.end());

const forChannel = (channel, user = "ann") => ({ token: token({ sub: user, channel }) });

test("subscribe: only the server, with a token, with a name, everybody", async () => {
  const table = {
    "only-server:1": [103, 103, 103], "tokens:1": [103, 103, 0], "users:1": [0, 103, 0], "all:1": [0, 0, 0],
    "$all:1": [103, 103, 0], "nowhere:1": [102, 102, 102], "plain": [0, 0, 0],
  };
  for (const [channel, [named, nameless, withToken]] of Object.entries(table)) {
    assert.equal(await refusal(ann, channel), named, `${channel} by ann`);
    assert.equal(await refusal(stranger, channel), nameless, `${channel} by a stranger`);
    assert.equal(await refusal(ann, channel, forChannel(channel)), withToken, `${channel} by token`);
  }
});

test("a name that lists users is theirs, and nobody else's although the namespace is open", async () => {
  assert.equal(await refusal(ann, "limited:team#bob,ann"), 0);
  assert.equal(await refusal(ann, "limited:team#bob"), 103);
  assert.equal(await refusal(stranger, "limited:team#"), 103);
  assert.equal(await refusal(ann, "all:team#ann"), 103, "where the namespace does not say user_limited");
  assert.equal(await refusal(ann, "limited:team#bob", forChannel("limited:team#bob")), 0);
  assert.equal(await code(ann.publish("limited:team#bob", 1)), 103);
});

test("the personal channel comes with the connection, and is nobody else's", async () => {
  const received = [];
  const client = server.client("bob");
  client.on("publication", ({ channel, data }) => received.push([channel, data]));
  client.connect();
  await client.ready(5_000);
  await server.api("publish", { channel: "inbox:#bob", data: "for bob" });
  await eventually("it", () => received.length === 1);
  assert.deepEqual(received, [["inbox:#bob", "for bob"]]);
  assert.equal(await refusal(ann, "inbox:#bob"), 103);
  assert.equal(await code(ann.publish("inbox:#bob", 1)), 103);
  assert.deepEqual((await server.api("channels", { pattern: "inbox:#" })).channels, {}, "nobody without a name has one");
  client.disconnect();
});

// Who asks: ann without a subscription, a stranger without one, ann subscribed, ann subscribed by a token.
const ALLOWED = {
  nobody: [103, 103, 103, 103],
  token: [103, 103, 103, 0],
  subscriber: [103, 103, 0, 0],
  user: [0, 103, 0, 0],
  anyone: [0, 0, 0, 0],
};

for (const who of LEVELS) {
  test(`publish, presence and history for "${who}"`, async () => {
    const asks = {
      publish: (client, channel) => client.publish(channel, 1),
      presence: (client, channel) => client.presence(channel),
      presenceStats: (client, channel) => client.presenceStats(channel),
      history: (client, channel) => client.history(channel, { limit: 1 }),
    };
    for (const [name, ask] of Object.entries(asks)) {
      const channel = `${who}:${name}`;
      const outside = [await code(ask(ann, channel)), await code(ask(stranger, channel))];
      const subscribed = await follow(ann, channel);
      const inside = await code(ask(ann, channel));
      subscribed.subscription.unsubscribe();
      ann.removeSubscription(subscribed.subscription);
      const byToken = await follow(ann, channel, forChannel(channel));
      const withToken = await code(ask(ann, channel));
      byToken.subscription.unsubscribe();
      ann.removeSubscription(byToken.subscription);
      assert.deepEqual([...outside, inside, withToken], ALLOWED[who], name);
      if (who === "anyone") assert.equal(await code(ask(ann, `$${channel}`)), 103, "a private channel is closed from outside");
    }
  });
}

test("what is off answers 108", async () => {
  assert.equal(await code(ann.history("all:1", { limit: 1 })), 108);
  assert.equal(await code(ann.presence("all:1")), 108);
});

test("a client's publish carries who it is, also in history", async () => {
  const followed = await follow(ann, "anyone:info");
  await ann.publish("anyone:info", "hello");
  await eventually("it", () => followed.publications.length === 1);
  assert.equal(followed.publications[0].info.user, "ann");
  const { publications } = await ann.history("anyone:info", { limit: 1 });
  assert.equal(publications[0].info.user, "ann");
  followed.subscription.unsubscribe();
});

test("coming and going is pushed to all, or told to those who ask", async () => {
  const bob = await server.connect("bob");
  const [pushed, silent, asked] = [
    await follow(ann, "pushed:1"), await follow(ann, "asked:1"), await follow(stranger, "asked:1", { joinLeave: true }),
  ];
  const theirs = [await follow(bob, "pushed:1"), await follow(bob, "asked:1")];
  const users = (list) => list.map(({ info }) => info.user);
  await eventually("bob came", () => users(pushed.joined).includes("bob") && users(asked.joined).includes("bob"));
  theirs.forEach(({ subscription }) => subscription.unsubscribe());
  await eventually("bob went", () => users(pushed.left).includes("bob") && users(asked.left).includes("bob"));
  assert.deepEqual([silent.joined, silent.left], [[], []]);
  bob.disconnect();
});
