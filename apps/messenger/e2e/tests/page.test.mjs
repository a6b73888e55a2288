// The page in a browser.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { Person, launch } from "./browser.mjs";
import { Server, eventually, freshFolder } from "./server.mjs";

let browser;
let server;

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

test("two people chat, and a reload shows the same conversation", async () => {
  const [ann, bob] = [await Person.open(browser, server.url), await Person.open(browser, server.url)];
  await ann.join("Ann");
  await bob.join("Bob");
  await ann.say("hello <b>Bob</b>");
  await eventually("the message at Bob", async () => (await bob.texts()).length === 1);
  await bob.say("hello @Ann");
  const expected = ["hello <b>Bob</b>", "hello @Ann"];
  for (const person of [ann, bob]) {
    await eventually("both messages", async () => (await person.texts()).length === 2);
    assert.deepEqual(await person.texts(), expected);
  }
  await eventually("Ann's tick", async () => (await ann.messages()).every(({ state }) => state === "saved"));
  assert.equal(await ann.page.locator(".message.mine .state[aria-label=Saved]").count(), 1);
  assert.equal(await ann.page.locator(".mention.me-too").textContent(), "@Ann");
  await ann.page.reload();
  await ann.isConnected();
  await eventually("the conversation after the reload", async () => (await ann.texts()).length === 2);
  assert.deepEqual(await ann.texts(), expected);
  assert.match(await ann.page.locator("#presence").textContent(), /Bob/);
  assert.deepEqual([...ann.complaints(), ...bob.complaints()], []);
});

test("a message with a tick survives kill -9 in mid-conversation, once and in order, and is recovered without a reload", async () => {
  const [ann, bob] = [await Person.open(browser, server.url), await Person.open(browser, server.url)];
  await ann.join("Ann");
  await bob.join("Bob");
  const calls = [];
  for (const person of [ann, bob]) {
    person.page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => calls.push(payload)));
  }
  // Messages are on their way when the server is killed, from both.
  let count = 0;
  let isTalking = true;
  const talk = async (person, name) => {
    while (isTalking) await person.say(`${name} ${(count += 1)}`);
  };
  const talking = [talk(ann, "Ann"), talk(bob, "Bob")];
  await eventually("40 messages", () => count >= 40);
  // The page that takes nothing in now can have what follows from the restarted server alone.
  await server.kill();
  const ticked = await Promise.all([ann, bob].map(async (person) => (await person.messages())
    .filter(({ state }) => state === "saved").map(({ text }) => text)));
  await eventually("messages that wait", () => count >= 60);
  isTalking = false;
  await Promise.all(talking);
  assert.ok((await ann.messages()).some(({ state }) => state === "sending"), "a message waits while the server is away");
  await eventually("the banner", () => ann.page.locator("#banner").isVisible());
  await server.restart();

  for (const person of [ann, bob]) {
    await person.isConnected();
    await eventually("every message on the page", async () => {
      const messages = await person.messages();
      return messages.length === count && messages.every(({ state }) => state === "saved");
    }, 30_000);
  }
  const [annSees, bobSees] = [await ann.texts(), await bob.texts()];
  assert.deepEqual(annSees, bobSees, "both see the same order");
  assert.equal(new Set(annSees).size, count, "every message once");
  for (const name of ["Ann", "Bob"]) {
    const numbers = annSees.filter((text) => text.startsWith(name)).map((text) => Number(text.split(" ")[1]));
    assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b), `${name}'s messages in the order of writing`);
  }
  for (const text of ticked.flat()) assert.ok(annSees.includes(text), `"${text}" showed a tick`);
  for (const person of [ann, bob]) {
    const subscribed = await person.log("subscribed");
    assert.equal(subscribed.length, 2);
    assert.deepEqual([subscribed[1].wasRecovering, subscribed[1].recovered], [true, true]);
    assert.equal(subscribed[0].epoch, subscribed[1].epoch);
  }
  assert.deepEqual([...ann.complaints(), ...bob.complaints()], []);
});

test("what was said while one's connection was down comes by recovery, without a history call", async () => {
  const [ann, bob] = [await Person.open(browser, server.url), await Person.open(browser, server.url)];
  await ann.join("Ann");
  await bob.join("Bob");
  await ann.say("before");
  await eventually("the message at Bob", async () => (await bob.texts()).length === 1);
  await bob.context.setOffline(true);
  await bob.page.evaluate(() => globalThis.dispatchEvent(new Event("offline")));
  await eventually("Bob's banner", () => bob.page.locator("#banner").isVisible());
  await ann.say("missed 1");
  await ann.say("missed 2");
  await eventually("Ann's ticks", async () => (await ann.messages()).filter(({ state }) => state === "saved").length === 3);
  await server.kill();
  await server.restart();
  const sent = [];
  bob.page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => sent.push(String(payload))));
  await bob.context.setOffline(false);
  await bob.page.evaluate(() => globalThis.dispatchEvent(new Event("online")));
  await eventually("everything at Bob", async () => (await bob.texts()).length === 3);
  assert.deepEqual(await bob.texts(), ["before", "missed 1", "missed 2"]);
  const [, second] = await bob.log("subscribed");
  assert.deepEqual([second.wasRecovering, second.recovered], [true, true]);
  assert.ok(sent.length > 0 && !sent.some((frame) => frame.includes('"history"')), sent.join("\n"));
});

test("against a fresh folder nothing is called recovered and the page starts anew", async () => {
  const ann = await Person.open(browser, server.url);
  await ann.join("Ann");
  await ann.say("in the old folder");
  await eventually("the tick", async () => (await ann.messages())[0]?.state === "saved");
  await server.kill();
  await server.restart({ folder: await freshFolder() });
  const second = await eventually("the second subscribe", async () => (await ann.log("subscribed"))[1], 20_000);
  assert.deepEqual([second.wasRecovering, second.recovered], [true, false]);
  await eventually("an empty room", async () => (await ann.texts()).length === 0);
  await ann.say("in the new one");
  await eventually("the tick", async () => (await ann.messages())[0]?.state === "saved");
  assert.deepEqual(await ann.texts(), ["in the new one"]);
});

test("what the server refuses is marked, and can be sent again", async () => {
  const ann = await Person.open(browser, server.url);
  await ann.join("Ann");
  await ann.page.evaluate(() => document.getElementById("text").removeAttribute("maxlength"));
  await ann.say("x".repeat(4_001));
  await eventually("the mark", async () => (await ann.messages())[0]?.state === "failed");
  await ann.page.getByRole("button", { name: "Send again" }).click();
  await eventually("the mark again", async () => (await ann.messages())[0]?.state === "failed");
  await ann.say("short");
  await eventually("the tick", async () => (await ann.messages()).some(({ state }) => state === "saved"));
});

test("earlier messages are read when one scrolls up, and the reader's place is kept", async () => {
  const [ann, bob] = [await Person.open(browser, server.url), await Person.open(browser, server.url)];
  await ann.join("Ann");
  for (let number = 1; number <= 130; number += 1) await ann.say(`message ${number}`);
  await eventually("all ticks", async () => (await ann.messages()).every(({ state }) => state === "saved"), 30_000);
  await bob.join("Bob");
  await eventually("the newest page", async () => (await bob.texts()).length === 50);
  const scroller = bob.page.locator("#scroller");
  await scroller.evaluate((node) => { node.scrollTop = 250; });
  await eventually("the page before it", async () => (await bob.texts()).length === 100);
  const first = await bob.page.locator(".message[data-offset='81']").boundingBox();
  assert.ok(first.y > -400 && first.y < 720, `message 81 stays near where it was, not at ${first.y}`);
  await ann.say("something new");
  await bob.page.getByRole("button", { name: "1 new message" }).click();
  await eventually("the end", async () => scroller.evaluate((node) => node.scrollHeight - node.scrollTop - node.clientHeight < 80));
  await scroller.evaluate((node) => { node.scrollTop = 0; });
  await eventually("the first page", async () => (await bob.texts()).length === 131);
  assert.equal((await bob.texts())[0], "message 1");
});

test("the page works by keyboard, has names for everything, and fits a phone", async () => {
  const ann = await Person.open(browser, server.url, {
    viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true, colorScheme: "dark",
  });
  const isFocused = (id) => ann.page.waitForFunction((id) => document.activeElement?.id === id, id);
  await isFocused("name");
  await ann.page.keyboard.type("Ann");
  await ann.page.keyboard.press("Enter");
  await ann.isConnected();
  await isFocused("text");
  await ann.page.keyboard.type("first line");
  await ann.page.keyboard.press("Shift+Enter");
  await ann.page.keyboard.type("w".repeat(200));
  await ann.page.keyboard.press("Enter");
  await eventually("the tick", async () => (await ann.messages())[0]?.state === "saved");
  assert.equal(await ann.hasOverflow(), false);
  for (const name of ["Send", "Sign out"]) assert.equal(await ann.page.getByRole("button", { name, exact: true }).count(), 1, name);
  assert.equal(await ann.page.getByRole("log").count(), 1);
  const nameless = await ann.page.$$eval("button, input, textarea, [role=img]", (nodes) => nodes.filter((node) =>
    node.checkVisibility() && !node.ariaLabel && !node.textContent.trim() && !node.labels?.length).length);
  assert.equal(nameless, 0);
  assert.deepEqual(ann.complaints(), []);
});
