// Accounts, as people and administrators meet them on the page.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { PASSWORD, Person, launch } from "./browser.mjs";
import { Server } from "./server.mjs";

const NEW = "another horse entirely";

let browser;
let server;

before(async () => {
  browser = await launch();
  server = await Server.start();
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});
after(async () => {
  await browser?.close();
  await server?.end();
});

/** The administrator, signed in, with a password of their own. */
async function administrator() {
  const admin = await Person.open(browser, server.url);
  const { page } = admin;
  const { name, password } = server.firstAdmin;
  const chosen = "the keeper of keys";
  admin.name = name;
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Password", { exact: true }).fill(server.adminPassword ?? password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  if (!server.adminPassword) {
    await page.getByRole("heading", { name: "Choose your password" }).waitFor();
    await page.getByLabel("New password").fill(chosen);
    await page.getByRole("button", { name: "Set password" }).click();
    server.adminPassword = chosen;
  }
  await admin.isConnected();
  return admin;
}

test("a wrong password and an unknown name are told the same, and a taken name is told", async () => {
  await Person.join(browser, server.url, "Dora");
  const other = await Person.open(browser, server.url);
  const words = [];
  for (const [name, password] of [["Dora", "wrong password"], ["Nobody", "wrong password"]]) {
    await other.page.getByLabel("Name", { exact: true }).fill(name);
    await other.page.getByLabel("Password", { exact: true }).fill(password);
    await other.page.getByRole("button", { name: "Sign in", exact: true }).click();
    await other.page.getByRole("button", { name: "Sign in", exact: true }).and(other.page.locator(":enabled")).waitFor();
    words.push(await other.page.getByRole("alert").textContent());
  }
  assert.equal(words[0], words[1]);
  await other.page.getByRole("button", { name: "Create an account" }).click();
  await other.page.getByLabel("Name", { exact: true }).fill("dora");
  await other.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await other.page.getByRole("button", { name: "Create account" }).click();
  await other.page.getByRole("alert").waitFor();
});

test("a password is changed, and opens what the old one does not", async () => {
  const emil = await Person.join(browser, server.url, "Emil");
  await emil.account("Change password");
  await emil.page.getByLabel("Current password").fill(PASSWORD);
  await emil.page.getByLabel("New password").fill(NEW);
  await emil.page.getByRole("button", { name: "Change password" }).click();
  await emil.page.getByText("Your password is changed.").waitFor();
  await emil.account(/^Sign out$/);
  await emil.page.getByRole("heading", { name: "Welcome back" }).waitFor();
  await emil.signIn("Emil", NEW);
});

test("signing out everywhere ends the other window too", async () => {
  const [here, there] = [await Person.join(browser, server.url, "Fee"), await Person.open(browser, server.url)];
  await there.signIn("Fee");
  await here.account("Sign out everywhere");
  await here.page.getByRole("button", { name: "Sign out everywhere" }).last().click();
  for (const { page } of [here, there]) await page.getByRole("heading", { name: "Welcome back" }).waitFor();
});

test("an administrator resets a password with a link, and the person is told of it", async () => {
  const gus = await Person.join(browser, server.url, "Gus");
  const admin = await administrator();
  await admin.account("People");
  await admin.page.getByRole("button", { name: "Change Gus" }).click();
  await admin.page.getByRole("menuitem", { name: "Start a password reset" }).click();
  const link = await admin.page.getByRole("textbox", { name: "Link" }).inputValue();
  assert.match(link, /#reset=/);
  await gus.page.reload();
  await gus.page.getByText("started a reset of your password").waitFor();
  const elsewhere = await Person.open(browser, link);
  await elsewhere.page.getByLabel("New password").fill(NEW);
  await elsewhere.page.getByRole("button", { name: "Set password" }).click();
  await elsewhere.page.getByText("Your new password is set.").waitFor();
  await elsewhere.signIn("Gus", NEW);
  await gus.page.getByRole("heading", { name: "Welcome back" }).waitFor();
});

test("a removed person is out and gone from the list of those who are there", async () => {
  const hal = await Person.join(browser, server.url, "Hal");
  const admin = await administrator();
  await admin.account("People");
  await admin.page.getByRole("button", { name: "Change Hal" }).click();
  await admin.page.getByRole("menuitem", { name: "Remove" }).click();
  await admin.page.getByRole("button", { name: "Remove", exact: true }).click();
  await hal.page.getByRole("heading", { name: "Welcome back" }).waitFor();
  await admin.page.getByRole("row", { name: /Hal.*removed/ }).waitFor();
});

test("an administrator sees events pass and follows one; its payload is closed until it is opened", async () => {
  const ivy = await Person.join(browser, server.url, "Ivy");
  const admin = await administrator();
  await admin.page.goto(`${server.url}/flow`);
  await admin.page.getByRole("heading", { name: "Flow", exact: true }).waitFor();
  await ivy.createRoom("Flowing");
  await ivy.say("watch this pass");
  await ivy.hasTicks(1);
  const passed = admin.page.getByRole("row", { name: /published.*chat\.room\.message_sent/ }).first();
  await passed.waitFor();
  assert.equal(await admin.page.getByText("watch this pass").count(), 0);
  await passed.getByRole("button").click();
  const life = admin.page.getByRole("dialog");
  await life.getByText("Payload").click();
  await life.getByText("watch this pass").waitFor();
  await admin.page.keyboard.press("Escape");
  assert.deepEqual(admin.complaints(), []);
});

test("a direct message passes the flow as a type and nothing more", async () => {
  const [jo, kim] = [await Person.join(browser, server.url, "Jo"), await Person.join(browser, server.url, "Kim")];
  const admin = await administrator();
  await admin.page.goto(`${server.url}/flow`);
  await jo.writeTo("Kim");
  await jo.say("a secret");
  await kim.openRoom("Jo");
  await kim.sees("a secret");
  const passed = admin.page.getByRole("row", { name: /dm\.conversation\.message_sent/ }).first();
  await passed.waitFor();
  assert.equal(await passed.getByRole("button").count(), 0);
});

test("the flow is not there for others", async () => {
  const lou = await Person.join(browser, server.url, "Lou");
  assert.equal((await lou.page.goto(`${server.url}/flow`)).status(), 404);
});
