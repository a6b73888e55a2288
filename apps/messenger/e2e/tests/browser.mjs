// Headless Chromium, and people in it.

import { chromium } from "playwright-core";
import { join } from "node:path";
import { eventually, pictures } from "./server.mjs";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

export const PASSWORD = "correct horse battery";

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

/** Somebody with a window of their own. What their page complains about is collected. */
export class Person {
  static async open(browser, url, options = {}) {
    const person = new Person();
    person.url = url;
    person.context = await browser.newContext({ viewport: { width: 1200, height: 760 }, ...options });
    person.page = await person.context.newPage();
    person.problems = [];
    person.page.on("pageerror", (error) => person.problems.push(error.message));
    person.page.on("console", (message) => {
      if (message.type() === "error") person.problems.push(message.text());
    });
    await person.page.goto(url);
    return person;
  }

  /** The first administrator, who chooses a password of their own. */
  static async administer(browser, server, chosen) {
    const admin = await Person.open(browser, server.url);
    const { page } = admin;
    const { name, password } = server.firstAdmin;
    admin.name = name;
    await admin.#submit(name, password, "Sign in");
    await page.getByRole("heading", { name: "Choose your password" }).waitFor();
    await page.getByLabel("New password").fill(chosen);
    await page.getByRole("button", { name: "Set password" }).click();
    admin.recovery = await admin.keepRecovery();
    await admin.isConnected();
    return admin;
  }

  /** Opens a window, makes an account and comes in. */
  static async join(browser, url, name, options) {
    const person = await Person.open(browser, url, options);
    await person.signUp(name);
    return person;
  }

  async signUp(name, password = PASSWORD) {
    const { page } = this;
    this.name = name;
    if (!page.url().includes("#invitation=")) await page.getByRole("button", { name: "Create an account" }).click();
    await this.#submit(name, password, "Create account");
    this.recovery = await this.keepRecovery();
    await this.isConnected();
  }

  /** Reads the recovery code that is shown, and says that it is kept. */
  async keepRecovery() {
    const code = await this.page.getByRole("textbox", { name: "Recovery code" }).inputValue();
    await this.page.getByRole("button", { name: "I have kept it" }).click();
    return code;
  }

  async signIn(name, password = PASSWORD) {
    this.name = name;
    await this.#submit(name, password, "Sign in");
    await this.isConnected();
  }

  async #submit(name, password, action) {
    await this.page.getByLabel("Name", { exact: true }).fill(name);
    await this.page.getByLabel("Password", { exact: true }).fill(password);
    await this.page.getByRole("button", { name: action, exact: true }).click();
  }

  isConnected() {
    return this.page.waitForSelector("body[data-connection=connected]");
  }

  async createRoom(name, { isPublic = true } = {}) {
    const { page } = this;
    await page.getByRole("button", { name: "Add a room" }).click();
    await page.getByRole("menuitem", { name: "New room" }).click();
    await page.getByLabel("Name", { exact: true }).fill(name);
    if (!isPublic) await page.getByText("Private", { exact: true }).click();
    await page.getByRole("button", { name: "Create room" }).click();
    await page.getByRole("heading", { name, level: 1 }).waitFor();
  }

  async joinRoom(name) {
    const { page } = this;
    await page.getByRole("button", { name: "Add a room" }).click();
    await page.getByRole("menuitem", { name: "Browse public rooms" }).click();
    await page.getByRole("combobox", { name: "Public rooms" }).fill(name);
    await page.getByRole("option", { name }).click();
    await page.getByRole("heading", { name, level: 1 }).waitFor();
  }

  async openRoom(name) {
    await this.row(name).click();
    await this.page.getByRole("heading", { name, level: 1 }).waitFor();
    await this.page.waitForFunction(() => document.querySelector(".message, .empty:not([hidden])"));
  }

  async writeTo(name) {
    const { page } = this;
    await page.getByRole("button", { name: "New direct message" }).click();
    await page.getByRole("combobox", { name: "People" }).fill(name);
    await page.getByRole("option", { name }).click();
    await page.getByRole("heading", { name, level: 1 }).waitFor();
  }

  /** Leaves a picture of what they see. */
  async picture(name) {
    await this.page.evaluate(() => document.fonts.ready);
    await this.page.screenshot({ path: join(pictures, `${name}.png`), animations: "disabled" });
  }

  row(name) {
    return this.page.locator(".room-row").filter({ has: this.page.getByText(name, { exact: true }) });
  }

  /** The count beside a room, as text; empty when there is none. */
  unread(name) {
    return this.page.$$eval(".room-row", (rows, name) => {
      const row = rows.find((row) => row.querySelector(".room-name > span")?.textContent === name);
      const words = [...(row?.querySelector(".badge")?.childNodes ?? [])].filter((node) => node.nodeType === Node.TEXT_NODE);
      return words.map((node) => node.textContent).join("");
    }, name);
  }

  get field() {
    return this.page.locator(".composer textarea");
  }

  async say(text) {
    await this.field.fill(text);
    await this.field.press("Enter");
  }

  /** The messages as they stand on the page. */
  messages() {
    return this.page.$$eval(".message", (nodes) => nodes.map((node) => ({
      text: node.querySelector(".text").textContent,
      state: node.dataset.state,
      offset: Number(node.dataset.offset),
      isMine: node.classList.contains("mine"),
      isEdited: node.querySelector(".edited") !== null,
      isDeleted: node.dataset.deleted === "true",
      quote: node.querySelector(".quote-text")?.textContent,
      reactions: [...node.querySelectorAll(".reaction")].map((reaction) => reaction.textContent),
    })));
  }

  async texts() {
    return (await this.messages()).map(({ text }) => text);
  }

  sees(text) {
    return eventually(`${this.name} sees "${text}"`, async () => (await this.texts()).includes(text));
  }

  async hasTicks(count) {
    await eventually(`${this.name}'s ticks`, async () =>
      (await this.messages()).filter(({ isMine, state }) => isMine && state === "saved").length >= count);
  }

  message(text) {
    return this.page.locator(".message").filter({ has: this.page.locator(".bubble > .text").getByText(text, { exact: true }) });
  }

  /** Who came and went, line by line. */
  comings() {
    return this.page.$$eval(".coming", (nodes) => nodes.map((node) => node.textContent));
  }

  /** Opens the menu of a message by keyboard and takes an entry of it. */
  async act(text, entry) {
    await this.message(text).focus();
    await this.page.keyboard.press("Enter");
    await this.page.getByRole("menuitem", { name: entry }).click();
  }

  async account(entry) {
    await this.page.locator("button.me").click();
    await this.page.getByRole("menuitem", { name: entry }).click();
  }

  /** What happened on the connection since the page was loaded. */
  log(event) {
    return this.page.evaluate((event) => globalThis.messenger.log.filter((entry) => entry.event === event), event);
  }

  hasOverflow() {
    return this.page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  }

  /** What the page complains about, but for what tests cause: a lost connection, a refused sign-in. */
  complaints() {
    return this.problems.filter((text) => !/WebSocket connection|status of 4\d\d|ERR_CONNECTION|ERR_INTERNET/.test(text));
  }
}
