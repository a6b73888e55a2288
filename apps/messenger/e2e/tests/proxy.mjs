// A proxy that loses answers: what a client asks for reaches the server and is carried out there, but now and then both
// connections are cut before the answer comes back.

import { connect, createServer } from "node:net";
import { once } from "node:events";

/** An answer to `message.send`, as it stands in a frame of the server, which is text without a mask. */
const TICK = '"is_repeat":';

export class CuttingProxy {
  /** Cuts at every so many answers that have a text in them; `isClosing`: and takes no connections after that, until told. */
  static async start({ every, answer = TICK, isClosing = false }) {
    const proxy = new CuttingProxy();
    Object.assign(proxy, { every, answer, isClosing, answers: 0, cuts: 0, sockets: new Set(), isClosed: false });
    proxy.listener = createServer((client) => proxy.#join(client)).listen(0, "127.0.0.1");
    await once(proxy.listener, "listening");
    proxy.url = `http://127.0.0.1:${proxy.listener.address().port}`;
    return proxy;
  }

  /** Where it leads. */
  leadTo(server) {
    this.port = server.port;
  }

  end() {
    this.listener.close();
    this.cutAll();
  }

  cutAll() {
    for (const socket of this.sockets) socket.destroy();
  }

  #join(client) {
    if (this.isClosed) return client.destroy();
    const server = connect(this.port, "127.0.0.1");
    const cut = () => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.sockets.add(socket);
      socket.setNoDelay(true).on("error", cut).on("close", () => {
        this.sockets.delete(socket);
        cut();
      });
    }
    client.on("data", (data) => server.write(data));
    server.on("data", (data) => {
      if (data.includes(this.answer) && (this.answers += 1) % this.every === 0) {
        this.cuts += 1;
        this.isClosed = this.isClosing;
        cut();
      } else {
        client.write(data);
      }
    });
  }
}
