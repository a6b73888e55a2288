// Headless Chromium, and people in it.

import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

/** Somebody with a window of their own. What their page complains about is collected. */
export class Person {
  static async open(browser, url, options = {}) {
    const person = new Person();
    person.context = await browser.newContext({ viewport: { width: 1000, height: 720 }, ...options });
    person.page = await person.context.newPage();
    person.problems = [];
    person.page.on("pageerror", (error) => person.problems.push(error.message));
    person.page.on("console", (message) => {
      if (message.type() === "error") person.problems.push(message.text());
    });
    await person.page.goto(url);
    return person;
  }

  async join(name) {
    await this.page.getByLabel("Your name").fill(name);
    await this.page.getByRole("button", { name: "Join the room" }).click();
    await this.isConnected();
  }

  isConnected() {
    return this.page.waitForSelector("body[data-connection=connected]");
  }

  async say(text) {
    await this.page.getByLabel("Message to General").fill(text);
    await this.page.keyboard.press("Enter");
  }

  /** The messages as they stand on the page: text and state. */
  messages() {
    return this.page.$$eval(".message", (nodes) =>
      nodes.map((node) => ({ text: node.querySelector(".text").textContent, state: node.dataset.state })));
  }

  async texts() {
    return (await this.messages()).map(({ text }) => text);
  }

  /** What happened on the connection since the page was loaded. */
  log(event) {
    return this.page.evaluate((event) => globalThis.messenger.log.filter((entry) => entry.event === event), event);
  }

  hasOverflow() {
    return this.page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  }

  /** What the page complains about, but for a lost connection, which tests cause. */
  complaints() {
    return this.problems.filter((text) => !/WebSocket connection|401 \(Unauthorized\)|ERR_CONNECTION/.test(text));
  }
}
