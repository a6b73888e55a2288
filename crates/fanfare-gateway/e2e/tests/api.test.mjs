// The server HTTP API, and what the official client library sees of it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { API_KEY, Server, code, eventually, follow } from "./server.mjs";

let server;

before(async () => {
  server = await Server.start(`
    [namespaces.chat]
    history_size = 1000
    history_age = "1h"
    recovery = true
    presence = true
    subscribe = "user"
    [namespaces.live]
    subscribe = "user"
    [namespaces.inbox]
    subscribe = "nobody"
    history_size = 10
    history_age = "1h"
    recovery = true
  `);
});

after(() => server?.end());

const own = () => `chat:${crypto.randomUUID()}`;

test("the wrong key, no key and a key in the wrong place are refused with 401 and nothing happens", async () => {
  const channel = own();
  const publish = { channel, data: 1 };
  for (const headers of [{}, { "X-API-Key": "wrong" }, { "X-API-Key": "" }, { Authorization: `Bearer ${API_KEY}` }, { Authorization: `apikey ${API_KEY}x` }]) {
    assert.equal((await server.post("publish", publish, headers)).status, 401, JSON.stringify(headers));
  }
  assert.equal((await server.api("history", { channel })).offset, 0);
  assert.equal((await server.post("publish", publish, { Authorization: `apikey ${API_KEY}` })).status, 200);
});

test("statuses: unknown methods, other verbs, bad bodies", async () => {
  assert.equal((await fetch(`${server.apiUrl}publish`)).status, 405);
  assert.equal((await server.post("nothing", {})).status, 404);
  assert.equal((await server.post("publish", "")).status, 400);
  assert.equal((await server.post("publish", "{")).status, 400);
  assert.equal((await server.post("publish", { channel: 7 })).status, 400);
});

test("a publish is answered with offset and epoch, and reaches who is there without info and with its tags", async () => {
  const channel = own();
  const ann = await server.connect("ann");
  const followed = await follow(ann, channel);
  const first = await server.api("publish", { channel, data: { t: "hi" }, tags: { kind: "x" } });
  const second = await server.api("publish", { channel, data: null });
  assert.deepEqual([first.offset, second.offset, typeof first.epoch], [1, 2, "string"]);
  await eventually("both", () => followed.publications.length === 2);
  const [one, two] = followed.publications;
  assert.deepEqual([one.data, one.tags, one.info, one.offset], [{ t: "hi" }, { kind: "x" }, undefined, 1]);
  assert.equal(two.data, null);
  ann.disconnect();
});

test("pretty-printed data does not break a frame", async () => {
  const channel = own();
  const ann = await server.connect("ann");
  const followed = await follow(ann, channel);
  await server.post("publish", `{\n  "channel": "${channel}",\n  "data": {\n    "a": [\n      1\n    ]\n  }\n}`);
  await eventually("it", () => followed.publications.length === 1);
  assert.deepEqual(followed.publications[0].data, { a: [1] });
  ann.disconnect();
});

test("what makes no sense is refused with the protocol's codes, and the words say why", async () => {
  assert.equal(await code(server.api("publish", { channel: "nowhere:1", data: 1 })), 102);
  assert.equal(await code(server.api("publish", { channel: "nowhere", data: 1 })), 102);
  assert.equal(await code(server.api("publish", { channel: "", data: 1 })), 107);
  assert.equal(await code(server.api("publish", { channel: own() })), 107);
  await assert.rejects(server.api("publish", { channel: own(), b64data: "AAAA" }), /binary/);
  await assert.rejects(server.api("publish", { channel: own(), data: 1, version: 3 }), /idempotency_key/);
  assert.equal(await code(server.api("presence", { channel: "live:1" })), 108);
  assert.equal(await code(server.api("history", { channel: "live:1" })), 108);
  await assert.rejects(server.api("history_remove", { channel: own() }), { code: 108 });
  assert.equal(await code(server.api("subscribe", { channel: own() })), 107);
  const response = await server.post("publish", { channel: "nowhere:1", data: 1 }, { "X-API-Key": API_KEY, "X-Centrifugo-Error-Mode": "transport" });
  assert.deepEqual([response.status, await response.json()], [404, { code: 102, message: "unknown channel" }]);
});

test("an idempotency key makes repeats of one publish, one after the other and at once, in each channel by itself", async () => {
  const [a, b] = [own(), own()];
  const publish = (data) => server.api("publish", { channel: a, data, idempotency_key: "k" });
  const answers = await Promise.all([1, 1, 1, 1].map(publish));
  answers.push(await publish(1), await publish({ at: "another time" }));
  assert.deepEqual(answers.map(({ offset }) => offset), [1, 1, 1, 1, 1, 1]);
  const { responses } = await server.api("broadcast", { channels: [a, b], data: 1, idempotency_key: "k" });
  assert.deepEqual(responses.map(({ result }) => result.offset), [1, 1]);
  assert.equal((await server.api("history", { channel: a, limit: -1 })).publications.length, 1);
});

test("what is live only reaches who is there, has no offset and does not grow the journal", async () => {
  const channel = own();
  const ann = await server.connect("ann");
  const [kept, live] = [await follow(ann, channel), await follow(ann, "live:1")];
  const before = await server.metrics();
  assert.deepEqual(await server.api("publish", { channel, data: 1, skip_history: true }), {});
  for (const _ of [1, 2]) {
    assert.deepEqual(await server.api("publish", { channel: "live:1", data: 2, idempotency_key: "once" }), {});
  }
  await eventually("both", () => kept.publications.length === 1 && live.publications.length === 1);
  assert.equal(kept.publications[0].offset, undefined);
  const between = await server.metrics();
  assert.equal(between.fanfare_records, before.fanfare_records);
  assert.equal(between.fanfare_store_bytes, before.fanfare_store_bytes);
  await server.api("publish", { channel, data: 3 });
  await eventually("the second", () => kept.publications.length === 2);
  const later = await server.metrics();
  assert.equal(later.fanfare_records, before.fanfare_records + 1);
  assert.ok(later.fanfare_store_bytes > before.fanfare_store_bytes);
  assert.equal(later.fanfare_gateway_live_publications_total, before.fanfare_gateway_live_publications_total + 2);
  ann.disconnect();
});

test("broadcast answers for each channel, and a batch for each command, in order", async () => {
  const channels = [own(), "nowhere:1", own()];
  const { responses } = await server.api("broadcast", { channels, data: 1 });
  assert.deepEqual(responses.map((one) => one.error?.code ?? one.result.offset), [1, 102, 1]);
  const channel = own();
  const commands = [{ publish: { channel, data: 1 } }, { nothing: {} }, { presence: { channel } }, { publish: { channel } }];
  for (const parallel of [false, true]) {
    const { replies } = await server.api("batch", { commands, parallel });
    assert.equal(replies[0].publish.offset, parallel ? 2 : 1);
    assert.deepEqual(replies.slice(1).map(({ error, presence }) => error?.code ?? presence), [104, { presence: {} }, 107]);
  }
});

test("history is read from both ends, with limits, from a position", async () => {
  const channel = own();
  for (const data of [1, 2, 3, 4]) await server.api("publish", { channel, data });
  const read = async (more) => (await server.api("history", { channel, ...more })).publications.map(({ data }) => data);
  const { offset, epoch, publications } = await server.api("history", { channel });
  assert.deepEqual([offset, publications], [4, []]);
  assert.deepEqual(await read({ limit: -1 }), [1, 2, 3, 4]);
  assert.deepEqual(await read({ limit: 2, reverse: true }), [4, 3]);
  assert.deepEqual(await read({ limit: -1, since: { offset: 2, epoch } }), [3, 4]);
  assert.deepEqual(await read({ limit: -1, reverse: true, since: { offset: 2, epoch } }), [1]);
  assert.equal(await code(read({ limit: 1, since: { offset: 2, epoch: "other" } })), 112);
});

test("a user's connections are subscribed, recover, and are unsubscribed by the server", async () => {
  const channel = "inbox:ann";
  const bystander = await server.connect("bob");
  const ann = await server.connect("ann");
  const told = [];
  for (const event of ["subscribed", "publication", "unsubscribed"]) {
    ann.on(event, (context) => told.push([event, context.channel, context.data]));
    bystander.on(event, () => told.push(["to a bystander"]));
  }
  await server.api("publish", { channel, data: "before" });
  const { epoch } = await server.api("history", { channel });
  await server.api("subscribe", { user: "ann", channel, data: { hello: 1 }, recover_since: { offset: 0, epoch } });
  await eventually("the missed one", () => told.length === 2);
  await server.api("publish", { channel, data: "after" });
  await eventually("the live one", () => told.length === 3);
  await server.api("unsubscribe", { user: "ann", channel });
  await eventually("the end", () => told.length === 4);
  assert.deepEqual(told, [
    ["subscribed", channel, { hello: 1 }], ["publication", channel, "before"], ["publication", channel, "after"], ["unsubscribed", channel, undefined],
  ]);
  ann.disconnect();
  bystander.disconnect();
});

test("presence, its figures, channels and info say who is there", async () => {
  const channel = own();
  const [one, two] = [await server.connect("ann"), await server.connect("ann")];
  await Promise.all([follow(one, channel), follow(two, channel)]);
  const { presence } = await server.api("presence", { channel });
  assert.deepEqual(Object.values(presence).map(({ user }) => user), ["ann", "ann"]);
  assert.deepEqual(await server.api("presence_stats", { channel }), { num_clients: 2, num_users: 1 });
  assert.deepEqual((await server.api("channels", { pattern: `${channel.slice(0, -4)}*` })).channels, { [channel]: { num_clients: 2 } });
  assert.deepEqual((await server.api("channels", { pattern: "none*" })).channels, {});
  const [node] = (await server.api("info")).nodes;
  assert.ok(node.num_clients >= 2 && node.num_subs >= 2 && node.uid && node.name, JSON.stringify(node));
  one.disconnect();
  two.disconnect();
});

test("a user is disconnected: by default for good, by code so that it comes back, and not who is on the whitelist", async () => {
  const gone = (client) => new Promise((resolve) => client.on("disconnected", ({ code }) => resolve(code)));
  const [first, second] = [await server.connect("carl"), await server.connect("carl")];
  const kept = await new Promise((resolve) => {
    const channel = own();
    follow(second, channel).then(async () => resolve(Object.keys((await server.api("presence", { channel })).presence)));
  });
  const ended = gone(first);
  await server.api("disconnect", { user: "carl", whitelist: kept });
  assert.deepEqual([await ended, second.state], [3503, "connected"]);
  const back = new Promise((resolve) => second.on("connecting", ({ code }) => resolve(code)));
  await server.api("disconnect", { user: "carl", disconnect: { code: 4001, reason: "come again" } });
  assert.equal(await back, 4001);
  await second.ready(5_000);
  const banned = gone(second);
  await server.api("disconnect", { user: "carl", disconnect: { code: 4501, reason: "banned" } });
  assert.equal(await banned, 4501);
  for (const disconnect of [{ code: 100, reason: "x" }, { code: 4001, reason: "" }, { code: 4001, reason: "123" }]) {
    assert.equal(await code(server.api("disconnect", { user: "carl", disconnect })), 107);
  }
});

test("a subscribe is answered when every connection of the user is subscribed, and says when one cannot be", async () => {
  const user = crypto.randomUUID();
  for (let connections = 0; connections < 3; connections += 1) await server.connect(user);
  for (let round = 0; round < 20; round += 1) {
    const channel = own();
    await server.api("subscribe", { user, channel });
    assert.equal((await server.api("presence_stats", { channel })).num_clients, 3);
    await server.api("subscribe", { user, channel });
  }
  for (let round = 0; round < 108; round += 1) await server.api("subscribe", { user, channel: own() });
  assert.equal(await code(server.api("subscribe", { user, channel: own() })), 106);
  assert.deepEqual(await server.api("subscribe", { user: "nobody", channel: own() }), {});
});
