// Coming back, also after the process was killed.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server, code, eventually, follow, token } from "./server.mjs";

let server;

before(async () => {
  server = await Server.start(`
    [namespaces.chat]
    history_size = 1000
    history_age = "1h"
    recovery = true
    subscribe = "user"
    publish = "subscriber"
    read_history = "subscriber"
    [namespaces.short]
    history_size = 5
    history_age = "1h"
    recovery = true
    subscribe = "user"
    read_history = "subscriber"
    [namespaces.brief]
    history_size = 5
    history_age = "300ms"
    recovery = true
    subscribe = "user"
    read_history = "subscriber"
    [namespaces.unrecovered]
    history_size = 5
    history_age = "1h"
    subscribe = "user"
  `);
});

after(() => server?.end());

const own = (namespace = "chat") => `${namespace}:${crypto.randomUUID()}`;

async function publish(channel, count) {
  const commands = Array.from({ length: count }, (_, index) => ({ publish: { channel, data: index } }));
  const { replies } = await server.api("batch", { commands });
  return replies.map(({ publish }) => publish.offset);
}

/** Misses so many, and returns how the client came back. */
async function miss(channel, count) {
  const client = await server.connect("ann");
  const followed = await follow(client, channel);
  client.disconnect();
  if (count > 0) await publish(channel, count);
  client.connect();
  await eventually("the second subscribe", () => followed.subscribed.length === 2);
  client.disconnect();
  const { recovered, wasRecovering, streamPosition } = followed.subscribed[1];
  assert.equal(wasRecovering, true);
  return { recovered, offsets: followed.publications.map(({ offset }) => offset), position: streamPosition };
}

test("300 missed publications are recovered, 301 are not, and it is said", async () => {
  for (const count of [0, 1, 300, 301]) {
    const { recovered, offsets, position } = await miss(own(), count);
    assert.equal(recovered, count <= 300, `${count} missed`);
    assert.deepEqual(offsets, count <= 300 ? Array.from({ length: count }, (_, index) => index + 1) : []);
    assert.equal(position.offset, count <= 300 ? 0 : 301);
  }
});

test("the namespace's size bounds what is served: in history, and for recovery", async () => {
  const channel = own("short");
  assert.equal((await miss(channel, 5)).recovered, true);
  assert.equal((await miss(channel, 6)).recovered, false);
  const read = async (more) => (await server.api("history", { channel, limit: -1, ...more })).publications.map(({ offset }) => offset);
  assert.deepEqual(await read(), [7, 8, 9, 10, 11]);
  assert.deepEqual(await read({ reverse: true }), [11, 10, 9, 8, 7]);
  assert.deepEqual(await read({ since: { offset: 3, epoch: "" } }), [7, 8, 9, 10, 11]);
});

test("so does its age, and the position stays", async () => {
  const channel = own("brief");
  await publish(channel, 3);
  await eventually("they are too old", async () => (await server.api("history", { channel, limit: -1 })).publications.length === 0);
  const { offset, epoch } = await server.api("history", { channel });
  assert.equal(offset, 3);
  const client = await server.connect("ann");
  const at = async (offset) => {
    const { subscription, subscribed } = await follow(client, channel, { since: { offset, epoch } });
    subscription.unsubscribe();
    client.removeSubscription(subscription);
    return subscribed[0].recovered;
  };
  assert.deepEqual([await at(3), await at(2)], [true, false]);
  client.disconnect();
});

test("without recovery a client that comes back starts anew", async () => {
  const client = await server.connect("ann");
  const followed = await follow(client, own("unrecovered"));
  assert.equal(followed.subscribed[0].recoverable, false);
  client.disconnect();
});

test("a gateway that is killed comes back with what it has answered, and everybody recovers without loss or repeat", async () => {
  const channel = own();
  const [near, away] = [await server.connect("ann"), await server.connect("bob")];
  const [atNear, atAway] = [await follow(near, channel), await follow(away, channel)];
  await publish(channel, 10);
  await eventually("the first ten", () => atAway.publications.length === 10);
  away.disconnect();
  const answered = await publish(channel, 50);
  // In the middle of publishing.
  const more = [];
  const storm = (async () => {
    for (;;) more.push((await server.api("publish", { channel, data: "storm" })).offset);
  })().catch(() => {});
  await eventually("a storm", () => more.length > 20);
  await server.kill();
  await storm;
  await server.restart();
  away.connect();
  await eventually("both are back", () => atAway.subscribed.length === 2 && atNear.subscribed.length >= 2);
  assert.equal(atAway.subscribed[1].recovered, true);
  assert.equal(atNear.subscribed.at(-1).recovered, true);
  assert.equal(atAway.subscribed[1].streamPosition.epoch, atAway.subscribed[0].streamPosition.epoch);
  const [last] = await publish(channel, 1);
  await eventually("the last", () => [atNear, atAway].every(({ publications }) => publications.at(-1)?.offset === last));
  const everything = Array.from({ length: last }, (_, index) => index + 1);
  for (const { publications } of [atNear, atAway]) {
    assert.deepEqual(publications.map(({ offset }) => offset), everything);
  }
  for (const offset of [...answered, ...more]) assert.ok(offset < last);
  near.disconnect();
  away.disconnect();
});

test("a repeat after the restart is still a repeat", async () => {
  const channel = own();
  const body = { channel, data: 1, idempotency_key: "k" };
  const first = await server.api("publish", body);
  await server.kill();
  await server.restart();
  assert.deepEqual(await server.api("publish", body), first);
});

test("tokens: an expired one is fetched anew, a forged one is terminal, none is refused", async () => {
  const past = token({ sub: "ann", exp: 1 });
  let asked = 0;
  const client = await server.connect(undefined, { token: past, getToken: async () => (asked++, token({ sub: "ann" })) });
  assert.equal(asked, 1);
  client.disconnect();
  const end = (options) => new Promise((resolve) => {
    const client = server.client(undefined, options);
    client.on("disconnected", ({ code }) => resolve(code));
    client.connect();
  });
  assert.equal(await end({ token: token({ sub: "ann" }, "another key of thirty-two bytes!") }), 3500);
  assert.equal(await end({ token: token({ sub: "ann", aud: "other" }) }), 3500);
  assert.equal(await end({ token: token({ sub: "ann", exp: undefined }) }), 3500);
  assert.equal(await end({}), 3501);
  assert.equal(await code(Promise.resolve()), 0);
});
