// Accounts, as people and administrators meet them on the page.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { PASSWORD, Person, launch } from "./browser.mjs";
import { writeFile } from "node:fs/promises";
import { Server, eventually, troubled } from "./server.mjs";

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

const CHOSEN = "the keeper of keys";

/** The administrator, signed in. */
async function administrator() {
  if (!server.hasAdmin) {
    server.hasAdmin = true;
    return Person.administer(browser, server, CHOSEN);
  }
  const admin = await Person.open(browser, server.url);
  await admin.signIn(server.firstAdmin.name, CHOSEN);
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

/** The administrator starts a reset, and is shown nothing that could complete it. */
async function startReset(admin, name) {
  await admin.account("People");
  await admin.page.getByRole("button", { name: `Change ${name}` }).click();
  await admin.page.getByRole("menuitem", { name: "Start a password reset" }).click();
  await admin.page.getByRole("button", { name: "Start the reset" }).click();
  await admin.page.getByRole("row", { name: new RegExp(`${name}.*reset open`) }).waitFor();
  assert.equal(await admin.page.getByRole("textbox").count(), 0);
  assert.doesNotMatch(await admin.page.content(), /#reset=/);
}

test("a reset that an administrator starts is completed by who knows the recovery code", async () => {
  const gus = await Person.join(browser, server.url, "Gus");
  const admin = await administrator();
  await startReset(admin, "Gus");
  const elsewhere = await Person.open(browser, server.url);
  const { page } = elsewhere;
  await page.getByRole("button", { name: "Use your recovery code" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Gus");
  await page.getByLabel("Recovery code").fill("not the code at all");
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("alert").getByText("That does not fit").waitFor();
  await page.getByLabel("Recovery code").fill(gus.recovery);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByLabel("New password").fill(NEW);
  await page.getByRole("button", { name: "Set password" }).click();
  assert.notEqual(await elsewhere.keepRecovery(), gus.recovery);
  await page.getByText("Your new password is set.").waitFor();
  await elsewhere.signIn("Gus", NEW);
  await elsewhere.page.getByText("Your password was reset.").waitFor();
  await gus.page.getByRole("heading", { name: "Welcome back" }).waitFor();
});

test("a reset is completed, or refused, on a device that is still signed in", async () => {
  const ida = await Person.join(browser, server.url, "Ida");
  const admin = await administrator();
  await startReset(admin, "Ida");
  await ida.page.reload();
  await ida.page.getByText("admin started a reset of your password").waitFor();
  await ida.page.getByRole("button", { name: "Refuse the reset" }).click();
  await ida.page.getByText("Refused: your password stays as it is.").waitFor();
  await startReset(admin, "Ida");
  await ida.page.reload();
  await ida.page.getByRole("button", { name: "Choose a new password" }).click();
  await ida.page.getByLabel("New password").fill(NEW);
  await ida.page.getByRole("button", { name: "Set password" }).click();
  await ida.keepRecovery();
  await ida.signIn("Ida", NEW);
});

test("a new recovery code needs the password", async () => {
  const jan = await Person.join(browser, server.url, "Jan");
  await jan.account("New recovery code");
  await jan.page.getByLabel("Password").fill("wrong password");
  await jan.page.getByRole("button", { name: "Make a new code" }).click();
  await jan.page.getByRole("alert").getByText("wrong").waitFor();
  await jan.page.getByLabel("Password").fill(PASSWORD);
  await jan.page.getByRole("button", { name: "Make a new code" }).click();
  assert.notEqual(await jan.keepRecovery(), jan.recovery);
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

test("dead letters are looked at with every attempt, and sent back once what broke is mended", async () => {
  const broken = await Server.start({ run: troubled });
  try {
    const admin = await Person.administer(browser, broken, CHOSEN);
    await admin.createRoom("Print");
    await admin.say("print this");
    await admin.say("and this");
    await admin.hasTicks(2);
    const { page } = admin;
    await page.goto(`${broken.url}/flow`);
    const group = page.getByRole("row", { name: /print_message/ });
    const dead = async () => (await group.getByRole("cell").allTextContents()).at(-2);
    await eventually("two dead letters", async () => (await dead()) === "2");
    await group.getByRole("button", { name: "Look" }).click();
    const letters = page.getByRole("region", { name: "Dead letters" });
    const told = () => letters.getByText("the printer is on fire").count();
    await eventually("a reason and three attempts each", async () => (await told()) === 8);
    await writeFile(`${broken.folder}/mended`, "");
    await letters.getByRole("button", { name: "Redrive", exact: true }).first().click();
    await page.getByText("One letter is on its way again.").waitFor();
    await eventually("one dead letter", async () => (await dead()) === "1");
    await letters.getByRole("button", { name: "Redrive all" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Redrive" }).click();
    await eventually("no dead letter", async () => (await dead()) === "0");
    assert.deepEqual(admin.complaints(), []);
  } finally {
    await broken.end();
  }
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
