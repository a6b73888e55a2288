// A messenger in a process of its own, with a folder of its own.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

const root = join(dirname(fileURLToPath(import.meta.url)), "../../../..");

const programs = process.env.FANFARE_BIN ?? join(root, "target/debug");

/** The program: from the folder that the test runner names, or the debug build. */
export const program = join(programs, "messenger");

/** The same with a worker that breaks over every message until there is a file `mended` in its folder. */
export const troubled = join(programs, "examples/troubled");

const readJournal = join(programs, "examples/read_journal");
const crowd = join(programs, "examples/crowd");

/** Where tests leave pictures of the page, for whoever wants to look. */
export const pictures = join(programs, "../messenger-pictures");

export async function freshFolder() {
  return mkdtemp(join(tmpdir(), "messenger-test-"));
}

export class Server {
  static async start({ folder, port = 0, options = [], run: started = program } = {}) {
    const server = new Server();
    server.folder = folder ?? (await freshFolder());
    server.options = options;
    server.program = started;
    await server.#spawn(port);
    return server;
  }

  async #spawn(port) {
    this.child = spawn(this.program, ["--listen", `127.0.0.1:${port}`, "--data", this.folder, "--log-format", "json", ...this.options]);
    this.log = "";
    this.child.stderr.on("data", (data) => (this.log += data));
    this.exited = once(this.child, "exit");
    this.said = "";
    this.child.stdout.setEncoding("utf8");
    this.url = await new Promise((resolve, reject) => {
      this.child.stdout.on("data", (data) => {
        this.said += data;
        // The last of what it says before it serves.
        if (!this.said.includes("Open it")) return;
        const [, port] = this.said.match(/It listens on \S+:(\d+)/) ?? this.said.match(/http:\/\/127\.0\.0\.1:(\d+)/);
        resolve(`http://127.0.0.1:${port}`);
      });
      this.exited.then(([code]) => reject(new Error(`the messenger ended with ${code}: ${this.log}`)), reject);
    });
    this.port = Number(new URL(this.url).port);
  }

  /** The first administrator, with the one-time password that the first start prints. */
  get firstAdmin() {
    const [, name, password] = this.said.match(/Sign in as (\S+) with the one-time password (\S+)/) ?? [];
    return { name, password };
  }

  /** As a crash or an impatient operator would. */
  async kill() {
    this.child.kill("SIGKILL");
    await this.exited;
  }

  /** The same port again, with the same folder or another one. */
  async restart({ folder = this.folder } = {}) {
    this.folder = folder;
    await this.#spawn(this.port);
  }

  /** Every event in the journal's own files, past the messenger, which must not run. */
  async journal() {
    const { stdout } = await run(readJournal, ["--data", this.folder], { maxBuffer: 256 * 1024 * 1024 });
    return stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }

  /** So many people are in this room, called p00000 and so on. Pages learn of them when they connect. */
  async fillRoom(room, count) {
    await run(crowd, [this.folder, room, String(count)]);
  }

  /** Asks it to end, and returns its exit code. */
  async stop() {
    this.child.kill("SIGTERM");
    const [code] = await this.exited;
    return code;
  }

  async end() {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  post(path, body, headers = {}) {
    return fetch(this.url + path, {
      method: "POST",
      headers: { "Content-Type": "application/json", Origin: this.url, ...headers },
      body: JSON.stringify(body),
    });
  }

  /** Makes an account: who it is, and their session's cookie. */
  async signUp(name, password = "correct horse battery") {
    const response = await this.post("/api/sign-up", { name, password });
    if (!response.ok) throw new Error(`${name} could not sign up: ${response.status} ${await response.text()}`);
    const { person } = await response.json();
    return { person, cookie: cookieOf(response) };
  }

  /** A token for a connection. */
  async token(cookie) {
    const response = await this.post("/api/token", {}, { Cookie: cookie });
    return (await response.json()).token;
  }

  /** What the log says, line by line. */
  lines() {
    return this.log.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }
}

export function cookieOf(response) {
  return response.headers.getSetCookie().map((line) => line.split(";")[0]).join("; ");
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
