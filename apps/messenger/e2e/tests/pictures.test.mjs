// Pictures of the page, in `target/messenger-pictures`, for whoever wants to look; and that nothing on them runs over.

import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Person, launch } from "./browser.mjs";
import { Server, pictures } from "./server.mjs";

let browser;
let server;

before(async () => {
  browser = await launch();
  server = await Server.start();
});
after(async () => {
  await browser.close();
  await server.end();
});

/** Takes a picture and judges what can be judged of it. */
async function take(person, name) {
  await person.picture(name);
  assert.equal(await person.hasOverflow(), false, `${name} runs over the window`);
  assert.deepEqual(person.complaints(), [], name);
  assert.ok((await stat(join(pictures, `${name}.png`))).size > 5_000, name);
}

test("every place of the page is taken a picture of: sign-in, room, direct message, dark, phone and flow", async () => {
  const stranger = await Person.open(browser, server.url);
  await stranger.page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  await take(stranger, "sign-in");

  const ann = await Person.join(browser, server.url, "Ann");
  await ann.createRoom("Engine room");
  const ben = await Person.join(browser, server.url, "Ben");
  await ben.joinRoom("Engine room");
  await ann.say("Good morning! Does anybody know why the lamp on the left is red?");
  await ben.sees("Good morning! Does anybody know why the lamp on the left is red?");
  await ben.say("It is always red before the second coffee.");
  await ben.say("But seriously, @Ann: somebody has pulled the plug. The whole story, as far as I understand it, is at https://example.org/a/rather/long/address/of/the/whole/story and it is not short.");
  await ben.hasTicks(2);
  await ann.act("It is always red before the second coffee.", "React");
  await ann.page.getByRole("menuitem", { name: "thumbs up" }).click();
  await ann.act("It is always red before the second coffee.", "Reply");
  await ann.say("I shall have one, then.");
  await ann.hasTicks(2);
  await ann.page.mouse.move(0, 0);
  await take(ann, "room");
  await ann.page.getByRole("button", { name: "Members" }).click();
  await ann.page.locator(".people .person").nth(1).waitFor();
  await take(ann, "room-members");
  await ann.page.keyboard.press("Escape");

  await ann.writeTo("Ben");
  await ann.say("Between us: it was me.");
  await ben.openRoom("Ann");
  await ben.sees("Between us: it was me.");
  await ben.say("I know.");
  await ann.sees("I know.");
  await take(ann, "direct-message");
  await ann.page.getByRole("button", { name: "About this conversation" }).click();
  await ann.page.getByRole("button", { name: "Hide conversation" }).waitFor();
  await take(ann, "direct-message-about");
  await ann.page.getByRole("button", { name: "Hide conversation" }).click();
  await ann.row("Ben").waitFor({ state: "detached" });
  await ben.say("Nobody else does.");
  await ann.row("Ben").waitFor();
  await ann.openRoom("Ben");
  await ann.sees("Nobody else does.");

  const dark = await Person.open(browser, server.url, { colorScheme: "dark" });
  await dark.signIn("Ann");
  await dark.openRoom("Engine room");
  await dark.sees("I shall have one, then.");
  await take(dark, "dark");

  const phone = await Person.open(browser, server.url, { viewport: { width: 390, height: 780 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true });
  await phone.signIn("Ann");
  await phone.row("Engine room").waitFor();
  await take(phone, "phone-list");
  await phone.openRoom("Engine room");
  await phone.sees("I shall have one, then.");
  await take(phone, "phone");

  const admin = await Person.administer(browser, server, "a password of one's own");
  await admin.page.goto(`${server.url}/flow`);
  await admin.page.getByText("chat.room.message_sent").first().waitFor();
  await take(admin, "flow");
});
