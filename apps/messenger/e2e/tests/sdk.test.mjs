// The official client library, as it comes from npm, against the running program.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { after, before, test } from "node:test";
import { Client, connection } from "./client.mjs";
import { Server, eventually, freshFolder, program } from "./server.mjs";

let server;
let ann;
let bob;
let room;
const open = [];

before(async () => {
  server = await Server.start();
  [ann, bob] = [await join("Ann"), await join("Bob")];
  room = await ann.call("room.create", { name: "General", is_public: true });
  await bob.call("room.join", { room: room.id });
});

after(async () => {
  for (const client of open) client.disconnect();
  await server?.end();
});

async function join(name) {
  const client = await Client.signUp(server, name);
  open.push(client.connection);
  return client;
}

const here = async (client) => client.room("General");
const texts = (publications) => publications.map(({ data }) => data.text);

test("the vendored client library is the one of the lock file", async () => {
  const vendored = await readFile(new URL("../../page/vendor/centrifuge.js", import.meta.url));
  const installed = await readFile(new URL("../node_modules/centrifuge/dist/centrifuge.js", import.meta.url));
  assert.ok(vendored.equals(installed), "copy node_modules/centrifuge/dist/centrifuge.js to page/vendor/");
});

test("what one says the other one receives, with offsets without gaps", async () => {
  const both = [await ann.follow(await here(ann)), await bob.follow(await here(bob))];
  const first = await ann.say(room.id, "hello");
  const second = await bob.say(room.id, "hello yourself");
  assert.equal(second.offset, first.offset + 1);
  await eventually("both messages at both", () => both.every(({ publications }) => publications.length === 2));
  for (const { publications, subscription } of both) {
    assert.deepEqual(texts(publications), ["hello", "hello yourself"]);
    assert.deepEqual(publications.map(({ offset }) => offset), [first.offset, second.offset]);
    subscription.unsubscribe();
    subscription._centrifuge.removeSubscription(subscription);
  }
});

test("a repeat under the same id is answered like the first and makes no second message", async () => {
  const id = crypto.randomUUID();
  const first = await ann.say(room.id, "once", id);
  const again = await ann.say(room.id, "once", id);
  assert.deepEqual([again.message, again.offset, again.is_repeat], [first.message, first.offset, true]);
  const said = (await ann.journal(room.id)).filter(({ client_id: clientId }) => clientId === id);
  assert.equal(said.length, 1);
});

test("what makes no sense is refused in words", async () => {
  const say = (text, id = room.id) => ann.patiently("message.send", { room: id, client_id: crypto.randomUUID(), text });
  await assert.rejects(say("   "), { code: 400 });
  await assert.rejects(say("x".repeat(4_001)), { code: 413 });
  await assert.rejects(say("x", crypto.randomUUID()), { code: 404 });
  await assert.rejects(ann.call("nothing"), { code: 104 });
  await assert.rejects(ann.call("attach"), { code: 501 });
});

test("300 missed publications are recovered, 301 are not, and it is said", async () => {
  const talkers = await Promise.all(["T1", "T2", "T3", "T4", "T5", "T6"].map(join));
  for (const talker of talkers) await talker.call("room.join", { room: room.id });
  for (const missed of [1, 300, 301]) {
    const away = await join(`Away${missed}`);
    const followed = await away.follow(await away.call("room.join", { room: room.id }));
    await eventually("the first subscribe", () => followed.subscribed.length === 1);
    away.connection.disconnect();
    let left = missed;
    await Promise.all(talkers.map(async (talker) => {
      while (left > 0) await talker.say(room.id, `${missed}: ${(left -= 1)}`);
    }));
    followed.publications.length = 0;
    away.connection.connect();
    await eventually("the second subscribe", () => followed.subscribed.length === 2);
    assert.equal(followed.subscribed[1].recovered, missed <= 300, `${missed} missed`);
    assert.equal(followed.publications.length, missed <= 300 ? missed : 0);
    const offsets = followed.publications.map(({ offset }) => offset);
    assert.deepEqual(offsets, offsets.map((_, index) => offsets[0] + index));
    away.close();
  }
});

test("another epoch is not recovered", async () => {
  const subscription = ann.connection.newSubscription(room.channel, { since: { offset: 1, epoch: "another" } });
  const subscribed = new Promise((resolve) => subscription.on("subscribed", resolve));
  subscription.subscribe();
  const { wasRecovering, recovered } = await subscribed;
  assert.deepEqual([wasRecovering, recovered], [true, false]);
  subscription.unsubscribe();
  ann.connection.removeSubscription(subscription);
});

test("an expired token makes the client fetch another one", async () => {
  const { person, cookie } = await server.signUp("Old");
  const secret = await readFile(`${server.folder}/secret`);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: person.id, aud: "messenger/connection", exp: Math.floor(Date.now() / 1000) - 60 };
  const signed = `${part({ alg: "HS256" })}.${part(claims)}`;
  const expired = `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
  let asked = 0;
  const client = connection(server, { token: expired, getToken: async () => (asked++, server.token(cookie)) });
  open.push(client);
  client.connect();
  await client.ready(5_000);
  assert.equal(asked, 1);
});

test("a token of somebody else's making is terminal", async () => {
  const client = connection(server, { token: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ." });
  const disconnected = new Promise((resolve) => client.on("disconnected", resolve));
  client.connect();
  assert.equal((await disconnected).code, 3500);
});

test("a server that is killed comes back with the same epoch, and everything missed is recovered from it", async () => {
  const [atAnn, atBob] = [await ann.follow(await here(ann)), await bob.follow(await here(bob))];
  // Bob is behind a link that is down, so that what Ann says now reaches him from the restarted process alone.
  bob.connection.disconnect();
  const missed = [];
  for (let index = 0; index < 5; index += 1) missed.push((await ann.say(room.id, `missed ${index}`)).offset);
  await server.kill();
  await server.restart();
  atBob.publications.length = 0;
  bob.connection.connect();
  await eventually("Bob's second subscribe", () => atBob.subscribed.length === 2);
  const [first, second] = atBob.subscribed;
  assert.equal(second.recovered, true);
  assert.equal(second.streamPosition.epoch, first.streamPosition.epoch);
  assert.deepEqual(atBob.publications.map(({ offset }) => offset), missed);
  await eventually("Ann's second subscribe", () => atAnn.subscribed.length === 2);
  assert.equal(atAnn.subscribed[1].recovered, true);
});

// The last two leave the server on other folders.

test("a server that comes back from a backup has another epoch, and nothing is recovered from it", async () => {
  const [parent, restored] = [await freshFolder(), await freshFolder()];
  const run = (...args) => promisify(execFile)(program, args);
  const dora = await join("Dora");
  const atDora = await dora.follow(await dora.call("room.join", { room: room.id }));
  await run("backup", `${parent}/copy`, "--data", server.folder);
  await ann.say(room.id, "after the backup");
  await server.kill();
  await run("restore", `${parent}/copy`, "--data", `${restored}/data`);
  await server.restart({ folder: `${restored}/data` });
  await eventually("Dora's second subscribe", () => atDora.subscribed.length === 2);
  const [first, second] = atDora.subscribed;
  assert.deepEqual([second.wasRecovering, second.recovered], [true, false]);
  assert.notEqual(second.streamPosition.epoch, first.streamPosition.epoch);
});

test("against a fresh folder with the old secret and accounts nothing is recovered: the room is not there", async () => {
  const fresh = `${await freshFolder()}/data`;
  const eve = await join("Eve");
  const followed = await eve.follow(await eve.call("room.join", { room: room.id }));
  await server.stop();
  await mkdir(fresh);
  const files = (await readdir(server.folder)).filter((name) => name === "secret" || name.startsWith("messenger.db"));
  for (const name of files) await cp(`${server.folder}/${name}`, `${fresh}/${name}`);
  await server.restart({ folder: fresh });
  await eventually("the end of the subscription", () => followed.unsubscribed.length === 1);
  assert.equal(followed.unsubscribed[0].code, 103);
  assert.deepEqual((await eve.call("sync")).rooms, []);
});
