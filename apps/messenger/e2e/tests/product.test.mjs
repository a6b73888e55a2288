// Three people and an administrator go through the whole product, each in a window of their own: one story, from the
// invitation to the end of an account.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PASSWORD, Person, launch } from "./browser.mjs";
import { Server, eventually } from "./server.mjs";

const KEEPER = "the keeper of keys";

let browser;
let server;
let admin;
let ann;
let ben;
let cleo;

before(async () => {
  browser = await launch();
  server = await Server.start({ options: ["--sign-up", "invitation"] });
});

after(async () => {
  await browser?.close();
  await server?.end();
});

test("the first administrator comes in with the one-time password and invites three people, one by one", async () => {
  admin = await Person.administer(browser, server, KEEPER);
  const links = [];
  for (const name of ["Ann", "Ben", "Cleo"]) {
    await admin.account("Invite somebody");
    const link = await admin.page.getByRole("textbox", { name: "Link" }).inputValue();
    await admin.page.keyboard.press("Escape");
    links.push(link);
    const person = await Person.open(browser, link);
    await person.signUp(name);
    assert.match(person.recovery, /^([a-z0-9]{5}-){3}[a-z0-9]{5}$/);
    [ann, ben, cleo] = [ann, ben, cleo].map((known, index) => (index === links.length - 1 ? person : known));
  }
  const late = await Person.open(browser, links[0]);
  await late.page.getByLabel("Name", { exact: true }).fill("Late");
  await late.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await late.page.getByRole("button", { name: "Create account" }).click();
  await late.page.getByRole("alert").getByText("invitation").waitFor();
  await late.page.goto(server.url);
  await late.page.getByText("Ask for an invitation link.").waitFor();
  await late.context.close();
});

test("a public room is found and joined, and everybody in it reads what is said, as text", async () => {
  await ann.createRoom("Hikes");
  await ben.joinRoom("Hikes");
  await cleo.joinRoom("Hikes");
  await eventually("who came is seen", async () => (await ann.comings()).join() === "You created the room · Ben and Cleo joined");
  await ann.say("hello <b>all</b>");
  for (const person of [ann, ben, cleo]) await person.sees("hello <b>all</b>");
  await ann.hasTicks(1);
  assert.equal(await ben.page.locator(".bubble b").count(), 0);
});

test("an edit, a reaction, a reply and a deletion are seen by the others, and after a reload", async () => {
  await ben.say("meet at sevn");
  await ann.sees("meet at sevn");
  await ben.field.press("ArrowUp");
  await ben.field.fill("meet at seven");
  await ben.field.press("Enter");
  await ann.sees("meet at seven");
  await ann.message("meet at seven").focus();
  await ann.page.keyboard.press("+");
  await ann.page.getByRole("menuitem", { name: "thumbs up" }).click();
  await eventually("the reaction at Ben", async () => (await ben.messages()).some(({ reactions }) => reactions[0] === "👍1"));
  await cleo.message("meet at seven").focus();
  await cleo.page.keyboard.press("r");
  await cleo.say("fine with me");
  await ben.sees("fine with me");
  await cleo.say("oops");
  await ann.sees("oops");
  await cleo.act("oops", "Delete");
  await cleo.page.getByRole("button", { name: "Delete", exact: true }).click();
  await eventually("the deletion at Ann", async () => (await ann.messages()).some(({ isDeleted }) => isDeleted));
  const seen = await ann.messages();
  await ann.page.reload();
  await ann.isConnected();
  await ann.sees("fine with me");
  for (const messages of [seen, await ann.messages()]) {
    assert.deepEqual(messages.map(({ text }) => text), ["hello <b>all</b>", "meet at seven", "fine with me", "Message deleted"]);
    assert.deepEqual(messages[1].reactions, ["👍1"]);
    assert.equal(messages[1].isEdited, true);
    assert.equal(messages[2].quote, "meet at seven");
  }
});

test("a link opens elsewhere without a trace, and nothing else becomes a link", async () => {
  await ann.say("see https://example.org/a(b)?c=1, not javascript:alert(1)");
  const link = ben.page.locator(".text a");
  await link.waitFor();
  assert.equal(await link.count(), 1);
  assert.equal(await link.getAttribute("href"), "https://example.org/a(b)?c=1");
  assert.match(await link.getAttribute("rel"), /noopener.*noreferrer/);
});

test("a mention completes while one types, notifies, and is counted until it is read", async () => {
  await ben.createRoom("Elsewhere");
  await ann.field.pressSequentially("ask @be");
  await ann.page.getByRole("option", { name: "Ben" }).waitFor();
  await ann.page.keyboard.press("Enter");
  await ann.page.keyboard.type("about it");
  await ann.page.keyboard.press("Enter");
  await eventually("the count at Ben", async () => (await ben.unread("Hikes")).startsWith("@"));
  await ben.page.getByRole("button", { name: /^Notifications, \d+ unread$/ }).click();
  await ben.page.locator(".result", { hasText: "Ann mentioned you in Hikes" }).click();
  await ben.sees("ask @Ben about it");
  assert.equal(await ben.page.locator(".mention.me-too").textContent(), "@Ben");
  await eventually("nothing unread", async () => (await ben.unread("Hikes")) === "");
  await ben.page.getByRole("button", { name: "Notifications", exact: true }).waitFor();
});

test("who types is named, and not any more once the message is there", async () => {
  await ben.field.pressSequentially("slowly");
  await ann.page.locator(".about", { hasText: "Ben is typing…" }).waitFor();
  await ben.page.keyboard.press("Enter");
  await ann.sees("slowly");
  await eventually("silence", async () => !(await ann.page.locator(".about").textContent()).includes("typing"));
});

test("a direct message is unread until it is opened, and nobody else has it", async () => {
  await ann.writeTo("Cleo");
  await ann.say("just between us");
  await ann.hasTicks(1);
  await eventually("the count at Cleo", async () => (await cleo.unread("Ann")) === "1");
  await cleo.openRoom("Ann");
  await cleo.sees("just between us");
  await eventually("nothing unread", async () => (await cleo.unread("Ann")) === "");
  assert.equal(await ben.row("Ann").count(), 0);
  await ben.page.keyboard.press("Control+Shift+F");
  await ben.page.getByRole("searchbox").fill("between");
  await ben.page.getByText("Nothing found").waitFor();
  await ben.page.keyboard.press("Escape");
});

test("search finds what was said and goes there", async () => {
  await ben.page.keyboard.press("Control+Shift+F");
  await ben.page.getByRole("searchbox").fill("seven");
  await ben.page.locator(".result", { hasText: "meet at seven" }).click();
  await ben.page.locator(".message.revealed", { hasText: "meet at seven" }).waitFor();
  await ben.page.getByRole("complementary").getByRole("button", { name: "Close" }).click();
});

test("a private room is for who is invited; who is removed from it is out at once", async () => {
  await ann.createRoom("Surprise", { isPublic: false });
  await ann.page.getByRole("button", { name: "Members" }).click();
  await ann.page.getByRole("button", { name: "Invite", exact: true }).click();
  await ann.page.getByRole("combobox", { name: "People" }).fill("Cleo");
  await ann.page.getByRole("option", { name: "Cleo" }).click();
  const invitation = cleo.page.locator(".invitation", { hasText: "Surprise" });
  await invitation.getByRole("button", { name: "Join" }).click();
  await cleo.page.getByRole("heading", { name: "Surprise", level: 1 }).waitFor();
  await ann.say("cake or pie?");
  await cleo.sees("cake or pie?");
  await ben.page.getByRole("button", { name: "Add a room" }).click();
  await ben.page.getByRole("menuitem", { name: "Browse public rooms" }).click();
  await ben.page.getByRole("combobox", { name: "Public rooms" }).fill("Surprise");
  await ben.page.getByText("No room of that name.").waitFor();
  await ben.page.keyboard.press("Escape");
  await ann.page.getByRole("button", { name: "More about Cleo" }).click();
  await ann.page.getByRole("menuitem", { name: "Remove from the room" }).click();
  await ann.page.getByRole("button", { name: "Remove", exact: true }).click();
  await cleo.page.getByText("You were removed from Surprise.").waitFor();
  await eventually("the room is gone", async () => (await cleo.row("Surprise").count()) === 0);
  await ann.page.getByRole("complementary").getByRole("button", { name: "Close" }).click();
});

test("who leaves a room is out of it, and can come back to a public one", async () => {
  await cleo.openRoom("Hikes");
  await cleo.page.getByRole("button", { name: "Members" }).click();
  await cleo.page.getByRole("button", { name: "Leave room" }).click();
  await cleo.page.getByRole("button", { name: "Leave", exact: true }).click();
  await eventually("the room is gone", async () => (await cleo.row("Hikes").count()) === 0);
  await cleo.joinRoom("Hikes");
  await cleo.sees("meet at seven");
  const seen = () => ben.comings();
  await ben.openRoom("Hikes");
  await eventually("who went and came is seen", async () => (await seen()).at(-1).endsWith("Cleo left · Cleo joined"));
  const before = await seen();
  await ben.page.reload();
  await ben.isConnected();
  await ben.sees("meet at seven");
  assert.deepEqual(await seen(), before, "and after a reload");
});

test("presence follows who comes and goes, with when they were last seen", async () => {
  await ann.openRoom("Cleo");
  await ann.page.locator(".about", { hasText: /^online$/ }).waitFor();
  await cleo.page.goto("about:blank");
  await ann.page.locator(".about", { hasText: /^last seen/ }).waitFor({ timeout: 15_000 });
  await cleo.page.goto(server.url);
  await cleo.isConnected();
  await ann.page.locator(".about", { hasText: /^online$/ }).waitFor();
});

test("what is read on one device is read on the other", async () => {
  const other = await Person.open(browser, server.url);
  await other.signIn("Ben");
  await ben.openRoom("Elsewhere");
  await ann.openRoom("Hikes");
  await ann.say("for both devices");
  await eventually("unread on both", async () => (await ben.unread("Hikes")) === "1" && (await other.unread("Hikes")) === "1");
  await other.openRoom("Hikes");
  await eventually("read on the first", async () => (await ben.unread("Hikes")) === "");
  await other.context.close();
});

test("a password is changed, and the other devices are signed out", async () => {
  const other = await Person.open(browser, server.url);
  await other.signIn("Ben");
  await ben.account("Change password");
  await ben.page.getByLabel("Current password").fill(PASSWORD);
  await ben.page.getByLabel("New password").fill("another horse entirely");
  await ben.page.getByRole("button", { name: "Change password" }).click();
  await ben.page.getByText("Your password is changed.").waitFor();
  await other.page.getByRole("heading", { name: "Welcome back" }).waitFor();
  await ben.isConnected();
  await ben.openRoom("Hikes");
  await ben.say("still here");
  await ann.sees("still here");
  await other.context.close();
});

test("the appearance is chosen and stays chosen", async () => {
  await cleo.account(/^Appearance/);
  const chosen = () => cleo.page.evaluate(() => document.documentElement.dataset.theme);
  const theme = await chosen();
  assert.ok(theme);
  await cleo.page.reload();
  await cleo.isConnected();
  assert.equal(await chosen(), theme);
});

test("who forgot the password gets in by a reset that the administrator starts and the recovery code completes", async () => {
  await cleo.account("Sign out everywhere");
  await cleo.page.getByRole("button", { name: "Sign out everywhere" }).last().click();
  await cleo.page.getByRole("heading", { name: "Welcome back" }).waitFor();
  await admin.account("People");
  await admin.page.getByRole("button", { name: "Change Cleo" }).click();
  await admin.page.getByRole("menuitem", { name: "Start a password reset" }).click();
  await admin.page.getByRole("button", { name: "Start the reset" }).click();
  await admin.page.getByRole("row", { name: /Cleo.*reset open/ }).waitFor();
  await cleo.page.getByRole("button", { name: "Use your recovery code" }).click();
  await cleo.page.getByLabel("Recovery code").fill(cleo.recovery);
  await cleo.page.getByRole("button", { name: "Go on" }).click();
  await cleo.page.getByLabel("New password").fill("yet another horse");
  await cleo.page.getByRole("button", { name: "Set password" }).click();
  await cleo.keepRecovery();
  await cleo.signIn("Cleo", "yet another horse");
  await cleo.page.getByText("admin started a reset of your password").waitFor();
  await cleo.page.getByRole("button", { name: "All right" }).click();
  await cleo.openRoom("Hikes");
  await cleo.sees("still here");
});

test("the administrator sees it all flow by, and nothing of what only two may know", async () => {
  const flow = await admin.context.newPage();
  await flow.goto(`${server.url}/flow`);
  await flow.getByRole("row", { name: /published.*chat\.room\.message_sent/ }).first().waitFor();
  await flow.getByRole("row", { name: /dm\.conversation\.message_sent/ }).first().waitFor();
  assert.doesNotMatch(await flow.content(), /just between us/);
  await flow.close();
});

test("who is removed is out of every room and every window, and the name stays taken", async () => {
  await admin.page.getByRole("button", { name: "Change Ben" }).click();
  await admin.page.getByRole("menuitem", { name: "Remove" }).click();
  await admin.page.getByRole("button", { name: "Remove", exact: true }).click();
  await ben.page.getByRole("heading", { name: "Welcome back" }).waitFor();
  await admin.page.getByRole("row", { name: /Ben.*removed/ }).waitFor();
  await ann.openRoom("Hikes");
  await eventually("Ann sees that Ben left", async () => (await ann.comings()).at(-1).endsWith("Ben left"));
  await ann.sees("still here");
  await ben.page.getByLabel("Name", { exact: true }).fill("Ben");
  await ben.page.getByLabel("Password", { exact: true }).fill("another horse entirely");
  await ben.page.getByRole("button", { name: "Sign in", exact: true }).click();
  await ben.page.getByRole("alert").waitFor();
});

test("nobody's page complained", () => {
  assert.deepEqual([admin, ann, ben, cleo].flatMap((person) => person.complaints()), []);
});
