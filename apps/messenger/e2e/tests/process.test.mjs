// The program itself: how it starts, what it refuses, how it ends.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { Centrifuge } from "centrifuge";
import WebSocket from "ws";
import { Server, program } from "./server.mjs";

const run = promisify(execFile);

test("the help explains every option", async () => {
  const { stdout } = await run(program, ["--help"]);
  for (const word of ["--listen", "--data", "--sign-up", "--behind-proxy", "--demo", "backup", "MESSENGER_DATA", "on the disk"]) {
    assert.ok(stdout.includes(word), word);
  }
});

test("an address beyond this machine is refused with the reason", async () => {
  await assert.rejects(run(program, ["--listen", "0.0.0.0:0"]), ({ code, stderr }) => {
    assert.equal(code, 2);
    assert.match(stderr, /can be reached from other machines/);
    return true;
  });
});

test("it is alive, its folder is private, and SIGTERM ends it cleanly with people connected", async () => {
  const server = await Server.start();
  try {
    assert.equal(await (await fetch(`${server.url}/live`)).text(), "alive\n");
    assert.equal((await stat(server.folder)).mode & 0o777, 0o700);
    assert.equal((await stat(`${server.folder}/secret`)).mode & 0o777, 0o600);
    const { cookie } = await server.signUp("Ann");
    const token = await server.token(cookie);
    const client = new Centrifuge(server.url.replace("http", "ws") + "/connection/websocket", {
      websocket: WebSocket, token,
    });
    const told = new Promise((resolve) => client.on("connecting", (context) => context.code > 1 && resolve(context)));
    client.connect();
    await client.ready(5_000);
    const started = Date.now();
    const code = await server.stop();
    assert.equal((await told).code, 3001);
    client.disconnect();
    assert.equal(code, 0, server.log);
    assert.ok(Date.now() - started < 5_000, "without waiting for its deadline");
  } finally {
    await server.end();
  }
});

test("only the messenger's own page may sign people in or connect", async () => {
  const server = await Server.start();
  try {
    for (const Origin of ["http://evil.example", "null", `http://evil.example:${server.port}`]) {
      assert.equal((await server.post("/api/sign-in", { name: "Ann" }, { Origin })).status, 403, Origin);
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}/connection/websocket`, { headers: { Origin } });
      const error = await new Promise((resolve) => socket.on("error", resolve));
      assert.match(error.message, /403/, Origin);
    }
    const plain = await fetch(`${server.url}/api/token`, { method: "POST", headers: { Origin: server.url } });
    assert.equal(plain.status, 401);
    assert.equal((await server.post("/api/sign-up", { name: "  ", password: "correct horse battery" })).status, 400);
  } finally {
    await server.end();
  }
});

test("pages may load nothing from elsewhere and nothing inline", async () => {
  const server = await Server.start();
  try {
    const response = await fetch(server.url);
    const policy = response.headers.get("content-security-policy");
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    const again = await fetch(server.url, { headers: { "If-None-Match": response.headers.get("etag") } });
    assert.equal(again.status, 304);
    assert.equal((await fetch(`${server.url}/../Cargo.toml`)).status, 404);
  } finally {
    await server.end();
  }
});
