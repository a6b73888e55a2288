// The program itself: how it starts, what it refuses, how it ends.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { promisify } from "node:util";
import WebSocket from "ws";
import { API_KEY, HMAC_KEY, Server, eventually, freshFolder, program, root } from "./server.mjs";

const run = promisify(execFile);

async function check(text, env = {}) {
  const folder = await freshFolder();
  const file = join(folder, "gateway.toml");
  await writeFile(file, text, { mode: 0o600 });
  const { stdout, stderr, code = 0 } = await run(program, ["--config", file, "--check"], { env: { ...process.env, ...env } }).catch((error) => error);
  return { code, said: (stdout + stderr).replaceAll(`${folder}/`, "") };
}

test("the help teaches", async () => {
  const { stdout } = await run(program, ["--help"]);
  for (const word of ["--config", "--check", "--print-example", "FANFARE_GATEWAY_API_KEY", "durable"]) {
    assert.ok(stdout.includes(word), word);
  }
});

test("the example holds", async () => {
  const { stdout } = await run(program, ["--print-example"]);
  const { code, said } = await check(stdout);
  assert.equal(code, 0, said);
  assert.match(said, /fine: .*namespaces: chat, ticker/);
});

test("--check exits 1 and names file, line and column", async () => {
  const { code, said } = await check('anonymous = true\n\n[namespaces.chat]\nhistroy_size = 5\n');
  assert.equal(code, 1);
  assert.match(said, /^gateway.toml:4:1: there is no option `histroy_size`; did you mean `history_size`\? Allowed here: conflated, history_age, /);
});

test("secrets of the environment count before the file's and are never printed", async () => {
  const file = '[tokens]\naudience = "x"\n';
  const refused = await check(file);
  assert.equal(refused.code, 1);
  assert.match(refused.said, /FANFARE_GATEWAY_HMAC_KEY/);
  const env = { FANFARE_GATEWAY_HMAC_KEY: "short-secret", FANFARE_GATEWAY_API_KEY: "short-key" };
  const { code, said } = await check(file, env);
  assert.equal(code, 0);
  assert.match(said, /warning: tokens can be forged by guessing/);
  assert.doesNotMatch(said, /short-/);
});

test("an address beyond this machine is refused with the reason, and the program does not start", async () => {
  const folder = await freshFolder();
  const file = join(folder, "gateway.toml");
  await writeFile(file, 'address = "0.0.0.0:0"\nanonymous = true\n');
  await assert.rejects(run(program, ["--config", file]), ({ code, stderr }) => {
    assert.equal(code, 1);
    assert.match(stderr, /gateway.toml:1:11: .*can be reached from other machines.*behind_proxy/);
    return true;
  });
  await assert.rejects(run(program, ["--config", join(folder, "none.toml")]), /failed to read the file/);
});

test("its folder is private, it is alive, and SIGTERM ends it cleanly with people connected", async () => {
  const server = await Server.start('[namespaces.chat]\nsubscribe = "user"');
  try {
    assert.equal((await stat(join(server.folder, "data"))).mode & 0o777, 0o700);
    assert.equal(await (await fetch(`${server.socket.replace("ws", "http").replace("connection/websocket", "live")}`)).text(), "alive\n");
    const client = await server.connect("ann");
    const told = new Promise((resolve) => client.on("connecting", ({ code }) => code > 1 && resolve(code)));
    assert.equal(await server.stop(), 0, server.log);
    assert.equal(await told, 3001);
    for (const secret of [HMAC_KEY, API_KEY]) assert.ok(!server.log.includes(secret) && !server.said.includes(secret));
  } finally {
    await server.end();
  }
});

test("only allowed pages connect, and programs that name none", async () => {
  const server = await Server.start("", { head: 'allowed_origins = ["https://chat.example"]' });
  try {
    const open = (headers) => new Promise((resolve) => {
      const socket = new WebSocket(server.socket, { headers });
      socket.on("open", () => (socket.close(), resolve(101))).on("error", ({ message }) => resolve(Number(message.match(/\d{3}/)?.[0])));
    });
    assert.equal(await open({ Origin: "https://chat.example" }), 101);
    assert.equal(await open({}), 101);
    for (const Origin of ["https://evil.example", "null", "http://chat.example"]) assert.equal(await open({ Origin }), 403, Origin);
  } finally {
    await server.end();
  }
});

test("the API answers on its own address when there is one, and there alone", async () => {
  const server = await Server.start('[namespaces.chat]\nsubscribe = "user"', { head: 'api_address = "127.0.0.1:0"' });
  try {
    assert.notEqual(new URL(server.apiUrl).port, String(server.port));
    assert.deepEqual(await server.api("publish", { channel: "chat:1", data: 1 }), {});
    const body = JSON.stringify({ channel: "chat:1", data: 1 });
    const onPublic = await fetch(`http://127.0.0.1:${server.port}/api/publish`, { method: "POST", body, headers: { "X-API-Key": API_KEY } });
    assert.equal(onPublic.status, 404);
    assert.equal((await fetch(`http://127.0.0.1:${server.port}/metrics`)).status, 404);
  } finally {
    await server.end();
  }
});

test("one address has so many connections, and gives its places back", async () => {
  const server = await Server.start("[limits]\nconnections_per_address_max = 2");
  try {
    const open = (localAddress) => new Promise((resolve) => {
      const socket = new WebSocket(server.socket, { localAddress });
      socket.on("open", () => resolve(socket)).on("error", ({ message }) => resolve(Number(message.match(/\d{3}/)?.[0])));
    });
    const [first] = [await open("127.0.0.1"), await open("127.0.0.1")];
    assert.equal(await open("127.0.0.1"), 429);
    assert.ok((await open("127.0.0.2")) instanceof WebSocket);
    first.terminate();
    await eventually("a free place", async () => (await open("127.0.0.1")) instanceof WebSocket);
  } finally {
    await server.end();
  }
});

test("who sends half a request is cut, and the API's key is looked at before the body", async () => {
  const server = await Server.start("");
  try {
    const ask = (text) => new Promise((resolve) => {
      let said = "";
      const socket = connect(server.port, "127.0.0.1", () => socket.write(text));
      socket.on("data", (data) => ((said += data), said.includes("\r\n\r\n") && socket.destroy())).on("close", () => resolve(said));
    });
    const head = "POST /api/publish HTTP/1.1\r\nHost: here\r\nContent-Length: 1000000\r\nX-API-Key: ";
    assert.match(await ask(`${head}wrong\r\n\r\n`), /^HTTP\/1.1 401 /);
    assert.equal(await ask(head), "");
  } finally {
    await server.end();
  }
});

test("behind a proxy the address that it names is the client's", async () => {
  const server = await Server.start("[limits]\nconnections_per_address_max = 1", { head: "behind_proxy = true" });
  try {
    const open = (address) => new Promise((resolve) => {
      const socket = new WebSocket(server.socket, { headers: { "X-Forwarded-For": `6.6.6.6, ${address}` } });
      socket.on("open", () => resolve(101)).on("error", ({ message }) => resolve(Number(message.match(/\d{3}/)?.[0])));
    });
    assert.deepEqual([await open("10.0.0.1"), await open("10.0.0.1"), await open("10.0.0.2")], [101, 429, 101]);
  } finally {
    await server.end();
  }
});

test("clients and back ends connect over TLS", async () => {
  const folder = await freshFolder();
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  await run("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-out", cert, "-keyout", key]);
  const server = await Server.start('[namespaces.chat]\nsubscribe = "user"', { head: `tls_cert = "${cert}"\ntls_key = "${key}"` });
  try {
    assert.match(server.socket, /^wss:/);
    const ca = await readFile(cert);
    const trusting = class extends WebSocket {
      constructor(url) {
        super(url, { ca });
      }
    };
    const client = await server.connect("ann", { websocket: trusting });
    assert.equal(client.state, "connected");
    const { stdout } = await run("curl", ["--silent", "--cacert", cert, "-H", `X-API-Key: ${API_KEY}`, "-d", '{"channel":"chat:1","data":1}', `${server.apiUrl}publish`]);
    assert.equal(stdout, '{"result":{}}');
    client.disconnect();
  } finally {
    await server.end();
  }
});

test("the book's walk-through does what it says", async () => {
  const page = await readFile(join(root, "docs/book/src/gateway-program.md"), "utf8");
  const [, walk] = page.split("## A walk-through");
  const steps = [...walk.split("\n## ")[0].matchAll(/```(sh|text)\n([\s\S]*?)```/g)].map(([, kind, text]) => [kind, text]);
  assert.ok(steps.length >= 6);
  const folder = await freshFolder();
  // The steps in one shell; what each prints stands between marks.
  const script = steps.filter(([kind]) => kind === "sh").map(([, text]) => `${text}\necho ----`).join("\n");
  const port = await freePort();
  const place = `export PATH="${join(program, "..")}:$PATH"\nset -e\ntrap 'kill %1 2>/dev/null || true' EXIT\n`;
  const { stdout } = await run("bash", ["-c", place + script.replaceAll("8000", port)], { cwd: folder });
  const said = stdout.split("----\n");
  let index = -1;
  for (const [kind, text] of steps) {
    if (kind === "sh") index += 1;
    else assert.equal(steady(said[index]), steady(text), `step ${index + 1}`);
  }
});

async function freePort() {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address();
  listener.close();
  await once(listener, "close");
  return String(port);
}

/** Without what differs from run to run. */
const steady = (text) => text.trim().replace(/"epoch":"[0-9a-f]+"/g, '"epoch":"E"').replace(/127\.0\.0\.1:\d+/g, "ADDRESS");



