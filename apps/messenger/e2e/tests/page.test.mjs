// How the page behaves: keyboard, phone, scrolling, what is refused, what is kept.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { audit } from "./audit.mjs";
import { PASSWORD, Person, launch } from "./browser.mjs";
import { Client } from "./client.mjs";
import { CuttingProxy } from "./proxy.mjs";
import { Server, eventually } from "./server.mjs";

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

/** Says many things, past the page. */
async function fill(name, room, count) {
  const client = await Client.signIn(server, name, PASSWORD);
  const { id } = await client.room(room);
  for (let number = 1; number <= count; number += 1) await client.say(id, `message ${number}`);
  client.close();
}

test("earlier messages are read when one scrolls up, and the reader's place is kept", async () => {
  const ann = await Person.join(browser, server.url, "Ann");
  await ann.createRoom("Long");
  await fill("Ann", "Long", 120);
  const ben = await Person.join(browser, server.url, "Ben");
  await ben.joinRoom("Long");
  await eventually("the newest page", async () => (await ben.texts()).at(-1) === "message 120");
  const scroller = ben.page.locator(".scroller");
  const first = (await ben.texts())[0];
  const place = () => ben.message(first).evaluate((node) => node.getBoundingClientRect().top);
  await scroller.evaluate((node) => { node.scrollTop = 120; });
  const before = await place();
  await eventually("the page before it", async () => (await ben.texts())[0] !== first);
  assert.ok(Math.abs((await place()) - before) < 40, `it stays where it was: ${before}, then ${await place()}`);
  await ann.say("something new");
  await ben.page.getByRole("button", { name: "1 new message" }).click();
  await eventually("the end", () => scroller.evaluate((node) => node.scrollHeight - node.scrollTop - node.clientHeight < 60));
  await eventually("the first page", async () => {
    await scroller.evaluate((node) => { node.scrollTop = 0; });
    return (await ben.texts())[0] === "message 1";
  });
  assert.equal((await ben.texts()).length, 121);
  assert.deepEqual(ben.complaints(), []);
});

test("what the server refuses is marked and can be discarded; what it takes meanwhile is not held up", async () => {
  const ann = await Person.join(browser, server.url, "Ann");
  await ann.createRoom("Limits");
  await ann.page.evaluate(() => globalThis.Centrifuge.prototype.rpc = ((rpc) => function (method, data) {
    return rpc.call(this, method, data?.text === "refuse me" ? { ...data, text: "" } : data);
  })(globalThis.Centrifuge.prototype.rpc));
  await ann.say("refuse me");
  await eventually("the mark", async () => (await ann.messages())[0]?.state === "failed");
  await ann.page.getByRole("button", { name: "Send again" }).click();
  await eventually("the mark again", async () => (await ann.messages())[0]?.state === "failed");
  await ann.say("short");
  await ann.hasTicks(1);
  await ann.page.getByRole("button", { name: "Discard" }).click();
  await eventually("it is gone", async () => (await ann.texts()).join() === "short");
});

test("what was written while nobody answered fails in time, and goes out in the order of writing", async () => {
  const ann = await Person.join(browser, server.url, "Ann");
  await ann.createRoom("Tunnel");
  const go = async (isOffline) => {
    await ann.context.setOffline(isOffline);
    await ann.page.evaluate((name) => globalThis.dispatchEvent(new Event(name)), isOffline ? "offline" : "online");
  };
  const states = async () => (await ann.messages()).map(({ state }) => state);
  await ann.page.clock.install();
  await go(true);
  for (const text of ["one", "two", "three"]) await ann.say(text);
  for (let at = 0; at < 8; at += 1) await ann.page.clock.runFor(5_000);
  await eventually("the marks", async () => (await states()).join() === "failed,failed,failed");
  await ann.say("four");
  await eventually("another try", async () => (await states()).join() === "sending,sending,sending,sending");
  await go(false);
  await ann.hasTicks(4);
  const client = await Client.signIn(server, "Ann", PASSWORD);
  const { id } = await client.room("Tunnel");
  const journal = await client.journal(id);
  client.close();
  const said = journal.filter(({ type }) => type === "message_sent").map(({ text }) => text);
  assert.deepEqual(said, ["one", "two", "three", "four"]);
});

test("a connection that is lost before the page is in step again is said to be lost", async () => {
  const proxy = await CuttingProxy.start({ every: 2, answer: '"notifications_unread"', isClosing: true });
  try {
    await server.kill();
    server.options = ["--public-url", proxy.url];
    await server.restart();
    proxy.leadTo(server);
    const ann = await Person.join(browser, proxy.url, "Ann");
    proxy.cutAll();
    await eventually("the cut", () => proxy.cuts === 1);
    const banner = ann.page.locator(".banner");
    await eventually("the banner", () => banner.isVisible());
    proxy.isClosed = false;
    await ann.isConnected();
    assert.equal(await banner.isVisible(), false);
  } finally {
    proxy.end();
  }
});

test("a draft stays with its room, and too long a text is not sent", async () => {
  const ann = await Person.join(browser, server.url, "Ann");
  await ann.createRoom("One");
  await ann.createRoom("Two");
  await ann.field.fill("half a thought");
  await ann.openRoom("One");
  assert.equal(await ann.field.inputValue(), "");
  await ann.field.fill("x".repeat(4_001));
  await ann.page.getByText("1 too many").waitFor();
  assert.equal(await ann.page.getByRole("button", { name: "Send", exact: true }).isDisabled(), true);
  await ann.field.fill("");
  await ann.openRoom("Two");
  assert.equal(await ann.field.inputValue(), "half a thought");
});

test("everything has a name, works by keyboard and fits a phone", async () => {
  const ann = await Person.open(browser, server.url, {
    viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true, colorScheme: "dark",
  });
  await ann.signUp("Ann");
  await ann.createRoom("Small");
  await ann.field.focus();
  await ann.page.keyboard.type("first line");
  await ann.page.keyboard.press("Shift+Enter");
  await ann.page.keyboard.type("w".repeat(200));
  await ann.page.keyboard.press("Enter");
  await ann.hasTicks(1);
  assert.equal(await ann.hasOverflow(), false);
  const nameless = () => ann.page.$$eval("button, input, textarea, a, [role=img], [role=combobox]", (nodes) => nodes.filter((node) =>
    node.checkVisibility() && !node.ariaLabel && !node.textContent.trim() && !node.labels?.length).map((node) => node.outerHTML));
  assert.deepEqual(await nameless(), []);
  await ann.page.getByRole("button", { name: "Members" }).click();
  await ann.page.getByRole("button", { name: "Leave room" }).waitFor();
  assert.deepEqual([await nameless(), await ann.hasOverflow()], [[], false]);
  await ann.page.getByRole("complementary").getByRole("button", { name: "Close" }).click();
  await ann.page.getByRole("button", { name: "Back to the list" }).click();
  await ann.row("Small").waitFor();
  assert.deepEqual([await nameless(), await ann.hasOverflow()], [[], false]);
  assert.deepEqual(ann.complaints(), []);
});

test("assistive technology is told the name of everything, wherever one goes", async () => {
  const ann = await Person.open(browser, server.url);
  const { page } = ann;
  const elsewhere = [];
  page.on("request", (request) => !request.url().startsWith(server.url) && elsewhere.push(request.url()));
  const holds = async (where) => assert.deepEqual(await audit(page), [], where);
  const closes = () => page.keyboard.press("Escape");
  await holds("the entrance");
  await page.getByRole("button", { name: "Use your recovery code" }).click();
  await holds("a forgotten password");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await ann.signUp("Ann");
  await holds("nothing is open");
  await ann.createRoom("Names");
  await holds("an empty room");
  await ann.say("a message with https://example.org/a/link");
  await ann.hasTicks(1);
  await ann.message("a message with https://example.org/a/link").focus();
  await page.keyboard.press("+");
  await page.getByRole("menuitem", { name: "thumbs up" }).click();
  await page.locator(".reaction").waitFor();
  await ann.message("a message with https://example.org/a/link").focus();
  await page.keyboard.press("r");
  await holds("a message that is answered");
  await closes();
  for (const [name, panel] of [["Members", "Members"], ["Notifications", "Notifications"]]) {
    await page.getByRole("button", { name, exact: true }).click();
    await page.getByRole("complementary", { name: panel }).waitFor();
    await holds(name);
    await page.getByRole("complementary").getByRole("button", { name: "Close" }).click();
  }
  await page.keyboard.press("Control+Shift+F");
  await page.getByRole("searchbox").fill("message");
  await page.locator(".result").waitFor();
  await holds("search");
  await page.getByRole("complementary").getByRole("button", { name: "Close" }).click();
  for (const entry of ["New room", "Browse public rooms"]) {
    await page.getByRole("button", { name: "Add a room" }).click();
    await holds("the menu of rooms");
    await page.getByRole("menuitem", { name: entry }).click();
    await page.getByRole("dialog").waitFor();
    await holds(entry);
    await closes();
  }
  for (const entry of ["Change password", "New recovery code", "Sign out everywhere", "Keyboard"]) {
    await ann.account(entry);
    await page.getByRole("dialog").waitFor();
    await holds(entry);
    await closes();
  }
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").waitFor();
  await holds("where to go");
  assert.deepEqual(ann.complaints(), []);
  assert.deepEqual(elsewhere, [], "nothing is asked for elsewhere");
  const admin = await Person.administer(browser, server, "the keeper of keys");
  await admin.account("People");
  await admin.page.getByRole("row", { name: /Ann/ }).waitFor();
  assert.deepEqual(await audit(admin.page), [], "people");
  await admin.page.goto(`${server.url}/flow`);
  const passed = admin.page.getByRole("row", { name: /published.*chat\.room\.message_sent/ }).first();
  await passed.waitFor();
  assert.deepEqual(await audit(admin.page), [], "flow");
  await passed.getByRole("button").click();
  await admin.page.getByRole("dialog").getByText("Payload").waitFor();
  assert.deepEqual(await audit(admin.page), [], "one event's life");
});

test("by keyboard alone one finds a person, writes, and goes through the messages", async () => {
  await Person.join(browser, server.url, "Ben");
  const ann = await Person.join(browser, server.url, "Ann");
  const { keyboard } = ann.page;
  await keyboard.press("Control+k");
  await keyboard.type("Ben");
  await ann.page.getByRole("option", { name: "Ben" }).waitFor();
  await keyboard.press("Enter");
  await ann.page.getByRole("heading", { name: "Ben", level: 1 }).waitFor();
  await keyboard.type("one");
  await keyboard.press("Enter");
  await keyboard.type("two");
  await keyboard.press("Enter");
  await ann.hasTicks(2);
  await keyboard.press("Shift+Tab");
  await eventually("the last message has the focus", () => ann.message("two").evaluate((node) => node === document.activeElement || node.contains(document.activeElement)));
  await keyboard.press("ArrowUp");
  await keyboard.press("e");
  await keyboard.type(" and a half");
  await keyboard.press("Enter");
  await ann.sees("one and a half");
});

test("colours are far enough apart in light and in dark", async () => {
  const ann = await Person.join(browser, server.url, "Ann");
  await ann.createRoom("Colours");
  await ann.say("a message of mine");
  await ann.hasTicks(1);
  for (const colorScheme of ["light", "dark"]) {
    await ann.page.emulateMedia({ colorScheme });
    const poor = await ann.page.evaluate(() => {
      const rgb = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
      const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
      const behind = (node) => {
        for (let at = node; at; at = at.parentElement) {
          const colour = rgb(getComputedStyle(at).backgroundColor);
          if (colour.length === 3 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
      };
      return [...document.querySelectorAll("body *")].filter((node) => node.checkVisibility() && !node.disabled &&
        [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim())).flatMap((node) => {
        const [a, b] = [light(rgb(getComputedStyle(node).color)), light(behind(node))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        return ratio < 4.5 ? [`${node.className} "${node.textContent}" ${ratio.toFixed(2)}`] : [];
      });
    });
    assert.deepEqual(poor, [], colorScheme);
  }
});

test("in a room of many everybody can be found, named and seen, although the page knows the first of them only", async () => {
  const ann = await Person.join(browser, server.url, "Ann");
  await ann.createRoom("Crowd");
  await server.fillRoom("Crowd", 250);
  await ann.page.reload();
  await ann.openRoom("Crowd");
  const { page } = ann;
  await page.getByText("Public · 251 members", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Members" }).click();
  const listed = page.locator(".panel-body .people .person");
  const more = page.getByRole("button", { name: "Show more" });
  for (const count of [100, 200]) {
    await eventually(`${count} people`, async () => (await listed.count()) === count);
    await more.click();
  }
  await eventually("everybody", async () => (await listed.count()) === 251);
  assert.equal(await more.count(), 0);
  const text = page.getByRole("combobox", { name: "Message in Crowd" });
  await text.pressSequentially("hello @p0024");
  await page.getByRole("listbox", { name: "People to mention" }).getByText("p00240").waitFor();
  await text.pressSequentially("7");
  await eventually("the one", async () => (await page.getByRole("listbox", { name: "People to mention" }).getByRole("option").count()) === 1);
  await text.press("Enter");
  await text.press("Enter");
  await eventually("the message", async () => (await ann.texts()).at(-1) === "hello @p00247");
  await page.getByRole("button", { name: "Invite", exact: true }).click();
  await page.getByRole("combobox", { name: "People" }).fill("p00247");
  await page.getByText("Nobody of that name.").waitFor();
  assert.deepEqual(ann.complaints(), []);
});
