// A gateway in a process of its own, with a folder and a configuration file of its own.

import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Centrifuge } from "centrifuge";
import WebSocket from "ws";

export const root = join(dirname(fileURLToPath(import.meta.url)), "../../../..");

/** The program: from the folder that the test runner names, or the debug build. */
export const program = join(process.env.FANFARE_BIN ?? join(root, "target/debug"), "fanfare-gateway");

export const HMAC_KEY = "0123456789abcdef0123456789abcdef";
export const API_KEY = "a-key-that-only-the-back-end-knows";

export async function freshFolder() {
  return mkdtemp(join(tmpdir(), "gateway-test-"));
}

export class Server {
  /** `file` is what stands in the configuration beside addresses, broker and keys. */
  static async start(file, { env = {}, head = "" } = {}) {
    const server = new Server();
    server.folder = await freshFolder();
    [server.file, server.head, server.env] = [file, head, env];
    await server.#spawn(0);
    return server;
  }

  async #spawn(port) {
    const text = `
      address = "127.0.0.1:${port}"
      metrics_address = "127.0.0.1:0"
      broker = "file:${this.folder}/data"
      api_key = "${API_KEY}"
      ${this.head}
      ${this.file.includes("[tokens]") ? "" : `[tokens]\nhmac_key = "${HMAC_KEY}"\naudience = "test"`}
      ${this.file}`;
    const path = join(this.folder, "gateway.toml");
    await writeFile(path, text, { mode: 0o600 });
    this.child = spawn(program, ["--config", path], { env: { ...process.env, ...this.env } });
    this.log = "";
    this.child.stderr.on("data", (data) => (this.log += data));
    this.exited = once(this.child, "exit");
    this.said = "";
    this.child.stdout.setEncoding("utf8");
    await new Promise((resolve, reject) => {
      this.child.stdout.on("data", (data) => {
        this.said += data;
        if (/metrics: http\S+\n/.test(this.said)) resolve();
      });
      this.exited.then(([code]) => reject(new Error(`the gateway ended with ${code}: ${this.log}`)), reject);
    });
    this.socket = this.said.match(/clients: (\S+)/)[1];
    this.apiUrl = this.said.match(/API: (\S+)/)?.[1];
    this.metricsUrl = this.said.match(/metrics: (\S+)/)[1];
    this.port = Number(new URL(this.socket).port);
  }

  /** As a crash or an impatient operator would. */
  async kill() {
    this.child.kill("SIGKILL");
    await this.exited;
  }

  /** The same port again, with the same folder. */
  async restart() {
    await this.#spawn(this.port);
  }

  /** Asks it to end, and returns its exit code. */
  async stop() {
    this.child.kill("SIGTERM");
    const [code] = await this.exited;
    return code;
  }

  async end() {
    for (const client of this.clients ?? []) client.disconnect();
    if (this.child.exitCode === null && this.child.signalCode === null) await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Calls the API as it is, and returns the response. */
  post(method, body, headers = { "X-API-Key": API_KEY }) {
    return fetch(`${this.apiUrl}${method}`, {
      method: "POST", headers, body: typeof body === "string" ? body : JSON.stringify(body),
    });
  }

  /** Calls the API, and returns the result or throws the error. */
  async api(method, body = {}) {
    const response = await this.post(method, body);
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    const answer = await response.json();
    if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
    return answer.result ?? answer;
  }

  /** A client that has connected; without a user it brings no token. */
  async connect(user, options = {}) {
    const client = this.client(user, options);
    client.connect();
    await client.ready(10_000);
    return client;
  }

  client(user, options = {}) {
    const client = new Centrifuge(this.socket, {
      websocket: WebSocket, minReconnectDelay: 50, maxReconnectDelay: 200,
      ...(user === undefined ? {} : { token: token({ sub: user }) }), ...options,
    });
    (this.clients ??= []).push(client);
    return client;
  }

  async metrics() {
    const text = await (await fetch(this.metricsUrl)).text();
    const lines = text.split("\n").filter((line) => line && !line.startsWith("#"));
    return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]));
  }
}

/** A token that lasts an hour. */
export function token(claims, key = HMAC_KEY) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const all = { aud: "test", exp: Math.floor(Date.now() / 1000) + 3600, ...claims };
  const signed = `${part({ alg: "HS256" })}.${part(all)}`;
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

/** Subscribes, and collects everything that one is told. */
export async function follow(client, channel, options = {}) {
  const followed = { publications: [], subscribed: [], unsubscribed: [], joined: [], left: [] };
  followed.subscription = client.newSubscription(channel, options);
  followed.subscription
    .on("publication", (context) => followed.publications.push(context))
    .on("subscribed", (context) => followed.subscribed.push(context))
    .on("unsubscribed", (context) => followed.unsubscribed.push(context))
    .on("join", (context) => followed.joined.push(context))
    .on("leave", (context) => followed.left.push(context));
  followed.subscription.subscribe();
  await followed.subscription.ready(10_000);
  return followed;
}

/** The code that a subscription is refused with; 0 when it is not. */
export function refusal(client, channel, options = {}) {
  const subscription = client.newSubscription(channel, options);
  const told = new Promise((resolve) => {
    subscription.on("unsubscribed", ({ code }) => resolve(code)).on("subscribed", () => resolve(0));
  });
  subscription.subscribe();
  return told.finally(() => {
    subscription.unsubscribe();
    client.removeSubscription(subscription);
  });
}

/** The code that a call is refused with; 0 when it is not. */
export async function code(call) {
  try {
    await call;
    return 0;
  } catch (error) {
    return error.code;
  }
}

/** Waits for a fact, and fails when it does not come true in time. */
export async function eventually(what, fact, withinMs = 15_000) {
  const end = Date.now() + withinMs;
  for (;;) {
    const value = await fact();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what} did not come true within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
