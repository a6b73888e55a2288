// The server dies in mid-conversation and comes back. What counts is the journal: as the messenger tells of it, and on the
// disk, read past the messenger.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { PASSWORD, Person, launch } from "./browser.mjs";
import { Client } from "./client.mjs";
import { CuttingProxy } from "./proxy.mjs";
import { Server, eventually, freshFolder } from "./server.mjs";

const ROOM = "Talk";

let browser;
let server;
let people;

before(async () => {
  browser = await launch();
});
after(() => browser.close());
beforeEach(async () => {
  server = await Server.start();
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  await server.end();
});

/** Three people in one room, who come in at an address. */
async function meet(url = server.url) {
  people = await Promise.all(["Ann", "Ben", "Cleo"].map((name) => Person.join(browser, url, name)));
  await people[0].createRoom(ROOM);
  for (const person of people.slice(1)) await person.joinRoom(ROOM);
}

/** Collects every message of one's own that ever shows a tick, while the page draws. */
function collectTicks(person) {
  return person.page.evaluate(() => {
    const ticked = (globalThis.ticked = new Set());
    const look = () => {
      for (const node of document.querySelectorAll('.message.mine[data-state="saved"]')) ticked.add(node.querySelector(".text").textContent);
    };
    new MutationObserver(look).observe(document.querySelector(".messages"), { subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"] });
    // Under which name each was sent that the server said is durable.
    globalThis.answered = [];
    globalThis.Centrifuge.prototype.rpc = ((rpc) => async function call(method, data) {
      const answer = await rpc.call(this, method, data);
      if (method === "message.send") globalThis.answered.push({ id: data.client_id, offset: answer.data.offset });
      return answer;
    })(globalThis.Centrifuge.prototype.rpc);
  });
}

const ticks = (person) => person.page.evaluate(() => [...globalThis.ticked]);
const answers = (person) => person.page.evaluate(() => globalThis.answered);

/** Talks in the page until told to stop, about as fast as the limits allow, and waits when too much is unanswered: a page that missed over 300 publications shows the newest only. */
function talk(person) {
  return person.page.evaluate((name) => {
    globalThis.written = [];
    const field = document.querySelector(".composer textarea");
    globalThis.talking = setInterval(() => {
      if (document.querySelectorAll('.message.mine[data-state="sending"]').length > 50) return;
      const text = `${name} ${globalThis.written.length + 1}`;
      globalThis.written.push(text);
      field.value = text;
      field.form.requestSubmit();
    }, 210);
  }, person.name);
}

function silence(person) {
  return person.page.evaluate(() => {
    clearInterval(globalThis.talking);
    return globalThis.written;
  });
}

/** Everybody talks; the server is killed after 200 ticks, comes back, and 200 more follow. What counts is the journal. */
async function talkThroughACrash() {
  await Promise.all(people.map(collectTicks));
  await Promise.all(people.map(talk));
  const count = async () => (await Promise.all(people.map(ticks))).flat().length;
  await eventually("200 ticks", async () => (await count()) >= 200, 180_000);
  await server.kill();
  const before = (await Promise.all(people.map(ticks))).flat();
  await eventually("messages that wait", async () => (await people[0].messages()).some(({ state }) => state === "sending"));
  await eventually("the banner", () => people[0].page.locator(".banner").isVisible());
  await server.restart();
  await Promise.all(people.map((person) => person.isConnected()));
  await eventually("200 ticks more", async () => (await count()) >= before.length + 200, 180_000);
  const own = await Promise.all(people.map(silence));
  const written = own.flat();
  await eventually("a tick for everything", async () => (await count()) === written.length, 60_000);

  const client = await Client.signIn(server, "Ann", PASSWORD);
  const { id } = await client.room(ROOM);
  const journal = await client.journal(id);
  assert.deepEqual(journal.map(({ offset }) => offset), journal.map((_, index) => index + 1), "offsets without a gap");
  const said = journal.filter(({ type }) => type === "message_sent").map(({ text }) => text);
  assert.deepEqual([...said].sort(), [...written].sort(), "everything that was written, once");
  for (const text of before) assert.ok(said.includes(text), `"${text}" showed a tick before the kill`);
  for (const texts of own) assert.deepEqual(said.filter((text) => texts.includes(text)), texts, "in the order of writing");
  const model = await client.everything(id);
  assert.deepEqual(model.map(({ text }) => text), said, "the read model has what the journal has");
  client.close();
  await compareWithTheFiles(id, journal, before, own);
  return said;
}

/** The journal's own files after another kill, read past the messenger: they hold what was ticked, and the messenger has told the truth of them. */
async function compareWithTheFiles(room, told, before, own) {
  const answered = await Promise.all(people.map(answers));
  const seen = (await Promise.all(people.map(ticks))).flat();
  await server.kill();
  const events = (await server.journal()).filter(({ event }) => event.room === room);
  await server.restart();
  await Promise.all(people.map((person) => person.isConnected()));
  const rooms = events.filter(({ type }) => type.startsWith("chat.room."));
  assert.deepEqual(rooms.map(({ offset }) => offset), rooms.map((_, index) => index + 1), "offsets without a gap on the disk");
  const kept = rooms.filter(({ type }) => type === "chat.room.message_sent");
  const names = kept.map(({ event }) => event.client_id);
  assert.equal(new Set(names).size, names.length, "no client id twice");
  const texts = kept.map(({ event }) => event.text);
  for (const text of [...before, ...seen]) assert.equal(texts.filter((other) => other === text).length, 1, `"${text}" showed a tick`);
  for (const [index, ofOne] of answered.entries()) {
    assert.ok(ofOne.length > 100, `${ofOne.length} answers to ${people[index].name}`);
    for (const { id, offset } of ofOne) {
      assert.equal(kept.find(({ event }) => event.client_id === id)?.offset, offset, `${id} is where its sender was told`);
    }
    const by = kept.filter(({ event }) => event.by === kept.find(({ event: { text } }) => text === own[index][0]).event.by);
    assert.deepEqual(by.map(({ event }) => event.text), own[index], "in the order of writing");
  }
  const past = told.filter(({ type }) => type === "message_sent").map(({ offset, text }) => [offset, text]);
  assert.deepEqual(past, kept.map(({ offset, event }) => [offset, event.text]), "the messenger tells what is on the disk");
}

test("every tick before and after kill -9 is in the journal, once and in order, and recovered without a reload", async () => {
  await meet();
  const said = await talkThroughACrash();
  for (const person of people) {
    await eventually(`${person.name} sees the end`, async () => (await person.texts()).at(-1) === said.at(-1));
    const seen = await person.texts();
    assert.deepEqual(seen, said.slice(-seen.length), `${person.name} sees what the journal holds`);
    const [, again] = await person.log("subscribed");
    assert.deepEqual([again.wasRecovering, again.recovered], [true, true]);
    assert.deepEqual(person.complaints(), []);
  }
});

test("the same through a proxy that cuts connections between a message and its tick: what is sent again is there once", async () => {
  const proxy = await CuttingProxy.start({ every: 20 });
  try {
    await server.kill();
    server.options = ["--public-url", proxy.url];
    await server.restart();
    proxy.leadTo(server);
    await meet(proxy.url);
    const said = await talkThroughACrash();
    assert.ok(proxy.cuts >= 15, `${proxy.cuts} cuts`);
    for (const person of people) {
      await eventually(`${person.name} sees the end`, async () => (await person.texts()).at(-1) === said.at(-1));
      const seen = await person.texts();
      assert.deepEqual(seen, said.slice(-seen.length), `${person.name} sees what the journal holds`);
      assert.deepEqual(person.complaints(), []);
    }
  } finally {
    proxy.end();
  }
});

test("what was said while one was away comes by recovery, from the restarted process", async () => {
  await meet();
  const [ann, ben] = people;
  await ann.say("before");
  await ben.sees("before");
  await ben.context.setOffline(true);
  await ben.page.evaluate(() => globalThis.dispatchEvent(new Event("offline")));
  await eventually("Ben's banner", () => ben.page.locator(".banner").isVisible());
  await ann.say("missed 1");
  await ann.say("missed 2");
  await ann.hasTicks(3);
  await server.kill();
  await server.restart();
  const sent = [];
  ben.page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => sent.push(String(payload))));
  await ben.context.setOffline(false);
  await ben.page.evaluate(() => globalThis.dispatchEvent(new Event("online")));
  await ben.sees("missed 2");
  assert.deepEqual(await ben.texts(), ["before", "missed 1", "missed 2"]);
  const again = (await ben.log("subscribed")).at(-1);
  assert.deepEqual([again.wasRecovering, again.recovered], [true, true]);
  assert.ok(sent.length > 0 && !sent.some((frame) => /"method":"(history|messages)"/.test(frame)), sent.join("\n"));
});

test("what cannot be recovered is read anew: nothing twice, and in order", async () => {
  await meet();
  const [ann, ben] = people;
  await ann.say("seen by both");
  await ben.sees("seen by both");
  await ben.context.setOffline(true);
  await ben.page.evaluate(() => globalThis.dispatchEvent(new Event("offline")));
  await eventually("Ben's banner", () => ben.page.locator(".banner").isVisible());
  // More than one recovery brings.
  const client = await Client.signIn(server, "Ann", PASSWORD);
  const { id } = await client.room(ROOM);
  const { messages } = await client.call("messages", { room: id });
  const emojis = ["👍", "🎉", "🔥", "👀"];
  for (let offset = 0; offset <= 300; offset += 1) {
    const method = Math.floor(offset / emojis.length) % 2 === 0 ? "reaction.add" : "reaction.remove";
    await client.patiently(method, { room: id, message: messages[0].message, emoji: emojis[offset % emojis.length] });
  }
  client.close();
  await ann.say("after the gap");
  await ann.hasTicks(2);
  await ben.context.setOffline(false);
  await ben.page.evaluate(() => globalThis.dispatchEvent(new Event("online")));
  await ben.sees("after the gap");
  assert.deepEqual(await ben.texts(), ["seen by both", "after the gap"]);
  const again = (await ben.log("subscribed")).at(-1);
  assert.deepEqual([again.wasRecovering, again.recovered], [true, false]);
});

test("against a fresh folder everybody signs in anew", async () => {
  await meet();
  const [ann] = people;
  await server.kill();
  await server.restart({ folder: await freshFolder() });
  await ann.page.getByRole("button", { name: "Sign in", exact: true }).waitFor({ timeout: 20_000 });
});
