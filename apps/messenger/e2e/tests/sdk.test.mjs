// The official client library, as it comes from npm, against the running program.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { Centrifuge } from "centrifuge";
import WebSocket from "ws";
import { Server, eventually, freshFolder } from "./server.mjs";

let server;
const clients = [];

before(async () => {
  server = await Server.start();
});

after(async () => {
  for (const client of clients) client.disconnect();
  await server.end();
});

function client(options) {
  const client = new Centrifuge(server.url.replace("http", "ws") + "/connection/websocket", {
    websocket: WebSocket, minReconnectDelay: 50, maxReconnectDelay: 200, ...options,
  });
  clients.push(client);
  return client;
}

/** A client that is subscribed, with everything that it was told. */
async function member(name) {
  const { token, user } = await server.signIn(name);
  const connection = client({ token });
  const room = connection.newSubscription("room:general");
  const member = { connection, room, user, publications: [], subscribed: [] };
  room.on("publication", (context) => member.publications.push(context));
  room.on("subscribed", (context) => member.subscribed.push(context));
  room.subscribe();
  connection.connect();
  await room.ready(5_000);
  return member;
}

const say = async (member, text, id = crypto.randomUUID()) =>
  (await member.connection.rpc("message.send", { room: "general", client_id: id, text })).data;

const texts = (publications) => publications.map(({ data }) => data.text);

test("the vendored client library is the one of the lock file", async () => {
  const vendored = await readFile(new URL("../../page/vendor/centrifuge.js", import.meta.url));
  const installed = await readFile(new URL("../node_modules/centrifuge/dist/centrifuge.js", import.meta.url));
  assert.ok(vendored.equals(installed), "copy node_modules/centrifuge/dist/centrifuge.js to page/vendor/");
});

test("what one says the other one receives, with offsets without gaps", async () => {
  const [ann, bob] = [await member("Ann"), await member("Bob")];
  const first = await say(ann, "hello");
  const second = await say(bob, "hello yourself");
  assert.equal(second.offset, first.offset + 1);
  await eventually("both messages at both", () => ann.publications.length === 2 && bob.publications.length === 2);
  for (const { publications } of [ann, bob]) {
    assert.deepEqual(texts(publications), ["hello", "hello yourself"]);
    assert.deepEqual(publications.map(({ data }) => data.name), ["Ann", "Bob"]);
  }
  const history = await ann.room.history({ limit: 2, reverse: true });
  assert.deepEqual(texts(history.publications), ["hello yourself", "hello"]);
});

test("a repeat under the same id is answered like the first and makes no second message", async () => {
  const ann = await member("Ann");
  const id = crypto.randomUUID();
  const first = await say(ann, "once", id);
  const again = await say(ann, "once", id);
  assert.deepEqual({ ...again, is_repeat: false }, first);
  assert.equal(again.is_repeat, true);
  await assert.rejects(say(ann, "something else", id), { code: 409 });
  const { publications } = await ann.room.history({ limit: -1 });
  assert.equal(publications.filter(({ data }) => data.client_id === id).length, 1);
});

test("what makes no sense is refused in words", async () => {
  const ann = await member("Ann");
  await assert.rejects(say(ann, "   "), { code: 400 });
  await assert.rejects(say(ann, "x".repeat(4_001)), { code: 413 });
  await assert.rejects(ann.connection.rpc("message.send", { room: "other", client_id: "1", text: "x" }), { code: 404 });
  await assert.rejects(ann.connection.rpc("message.send", { text: 1 }), { code: 107 });
  await assert.rejects(ann.connection.rpc("nothing", {}), { code: 104 });
});

test("presence counts who is there, and who goes is told", async () => {
  const [ann, bob] = [await member("Ann"), await member("Bob")];
  const left = new Promise((resolve) => ann.room.on("leave", resolve));
  const { clients } = await ann.room.presence();
  assert.ok(Object.values(clients).some(({ user, connInfo }) => user === bob.user && connInfo.name === "Bob"));
  bob.connection.disconnect();
  assert.equal((await left).info.user, bob.user);
});

test("300 missed publications are recovered, 301 are not, and it is said", async () => {
  for (const missed of [1, 300, 301]) {
    const [ann, bob] = [await member("Ann"), await member("Bob")];
    bob.connection.disconnect();
    await Promise.all(Array.from({ length: missed }, (_, index) => index).map(async (index) => {
      // No more at once than one connection may have in flight.
      while (ann.inFlight >= 30) await new Promise((resolve) => setTimeout(resolve, 1));
      ann.inFlight = (ann.inFlight ?? 0) + 1;
      await say(ann, `${missed}: ${index}`);
      ann.inFlight -= 1;
    }));
    bob.publications.length = 0;
    bob.connection.connect();
    await eventually("the second subscribe", () => bob.subscribed.length === 2);
    assert.equal(bob.subscribed[1].recovered, missed <= 300, `${missed} missed`);
    assert.equal(bob.publications.length, missed <= 300 ? missed : 0);
    const offsets = bob.publications.map(({ offset }) => offset);
    assert.deepEqual(offsets, offsets.map((_, index) => offsets[0] + index));
    for (const { connection } of [ann, bob]) connection.disconnect();
  }
});

test("an expired token makes the client fetch another one", async () => {
  const secret = await readFile(`${server.folder}/secret`);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: "old", aud: "messenger/connection", exp: Math.floor(Date.now() / 1000) - 60 };
  const signed = `${part({ alg: "HS256" })}.${part(claims)}`;
  const expired = `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
  let asked = 0;
  const connection = client({ token: expired, getToken: async () => (asked++, (await server.signIn("Ann")).token) });
  connection.connect();
  await connection.ready(5_000);
  assert.equal(asked, 1);
});

test("a token of somebody else's making is terminal", async () => {
  const connection = client({ token: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ." });
  const disconnected = new Promise((resolve) => connection.on("disconnected", resolve));
  connection.connect();
  assert.equal((await disconnected).code, 3500);
});

test("a server that is killed comes back with the same epoch, and everything missed is recovered from it", async () => {
  const [ann, bob] = [await member("Ann"), await member("Bob")];
  await say(ann, "before");
  await eventually("the message at Bob", () => texts(bob.publications).includes("before"));
  // Bob is behind a link that is down, so that what Ann says now reaches him from the restarted process alone.
  bob.connection.disconnect();
  const missed = [];
  for (let index = 0; index < 5; index += 1) missed.push((await say(ann, `missed ${index}`)).offset);
  await server.kill();
  await server.restart();
  bob.publications.length = 0;
  bob.connection.connect();
  await eventually("Bob's second subscribe", () => bob.subscribed.length === 2);
  const [first, second] = bob.subscribed;
  assert.equal(second.recovered, true);
  assert.equal(second.streamPosition.epoch, first.streamPosition.epoch);
  assert.deepEqual(bob.publications.map(({ offset }) => offset), missed);
  await eventually("Ann's second subscribe", () => ann.subscribed.length === 2);
  assert.equal(ann.subscribed[1].recovered, true);
});

test("against another folder nothing is called recovered", async () => {
  const ann = await member("Ann");
  await say(ann, "kept in the old folder");
  const secret = await readFile(`${server.folder}/secret`);
  await server.kill();
  const { writeFile } = await import("node:fs/promises");
  const folder = await freshFolder();
  await writeFile(`${folder}/secret`, secret, { mode: 0o600 });
  await server.restart({ folder });
  await eventually("Ann's second subscribe", () => ann.subscribed.length === 2);
  assert.equal(ann.subscribed[1].wasRecovering, true);
  assert.equal(ann.subscribed[1].recovered, false);
  assert.equal(ann.subscribed[1].streamPosition.offset, 0);
});

test("the workers log every event and find mentions", async () => {
  const ann = await member("Ann");
  await say(ann, "dear @Bob and @Eve");
  const logged = () => server.lines().filter(({ message }) => message === "happened");
  await eventually("the mentions in the log", () => {
    const found = logged().filter(({ event }) => event === "chat.mention.found").map(({ key }) => key);
    return found.includes("bob") && found.includes("eve");
  });
  assert.ok(logged().some(({ event }) => event === "chat.room.message_sent"));
  assert.ok(!server.log.includes("dear @Bob"), "the log does not repeat what was said");
});
