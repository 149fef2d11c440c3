import { once } from "node:events";
import * as http from "node:http";
import * as http2 from "node:http2";
import * as net from "node:net";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { createDualServer, type DualServer, type DualServerOptions } from "../../src/api/dual-server.ts";
import type { NodeRequest, NodeResponse } from "../../src/api/http.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { ask } from "../support/api-harness.ts";
import { tempDir } from "../support/temp-dir.ts";

/** Answers "<version> <path>"; /hold waits until `release` is called. */
async function start(options: Partial<DualServerOptions> = {}) {
  const held: (() => void)[] = [];
  const handler = (request: NodeRequest, response: NodeResponse): void => {
    const answer = () => void response.end(`${request.httpVersion} ${request.url}`);
    if (request.url === "/hold") held.push(answer);
    else answer();
  };
  const server = createDualServer({ handler, clock: systemClock, ...options });
  const { port } = await server.listen({ host: "127.0.0.1", port: 0 });
  return {
    server,
    port,
    held,
    release: () => held.splice(0).forEach((answer) => void answer()),
    [Symbol.asyncDispose]: () => closed(server),
  };
}

async function closed(server: DualServer): Promise<void> {
  await server.close(0).catch(() => {});
}

/** Writes to a raw socket piece by piece, each once the one before has left. */
async function pieces(port: number, parts: readonly (string | Buffer)[]): Promise<net.Socket> {
  const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  for (const part of parts) {
    await new Promise<void>((resolve) => socket.write(part, () => resolve()));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return socket;
}

async function received(socket: net.Socket, until: string): Promise<string> {
  let text = "";
  for await (const chunk of socket) {
    text += (chunk as Buffer).toString("latin1");
    if (text.includes(until)) break;
  }
  return text;
}

describe("one port for two protocols", () => {
  it("answers HTTP/1.1 and HTTP/2", async () => {
    await using it = await start();
    expect((await ask(it.port, { path: "/x" })).text).toBe("1.1 /x");
    expect((await ask(it.port, { path: "/x", http2: true })).text).toBe("2.0 /x");
  });

  it("waits for enough bytes: a POST also begins with the preface's first letter", async () => {
    await using it = await start();
    const socket = await pieces(it.port, ["P", "OST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"]);
    expect(await received(socket, "1.1 /x")).toContain("200 OK");
  });

  it("takes a preface that comes byte by byte", async () => {
    await using it = await start();
    const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    const socket = await pieces(it.port, [...[...preface].map((byte) => Buffer.from([byte])), settings]);
    const [first] = (await once(socket, "data")) as [Buffer];
    expect(first[3]).toBe(4); // a SETTINGS frame: the server speaks HTTP/2
    socket.destroy();
  });

  it("answers 400 to what is neither", async () => {
    await using it = await start();
    const socket = await pieces(it.port, ["nonsense\r\n\r\n"]);
    expect(await received(socket, "\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("hangs up on a connection that does not say what it speaks, and on headers that never end", async () => {
    await using it = await start({ peekTimeoutMs: 50, headersTimeoutMs: 100 });
    const silent = await pieces(it.port, ["PR"]);
    await once(silent.resume(), "close");
    const endless = await pieces(it.port, ["GET / HTTP/1.1\r\nhost: x\r\n"]);
    expect(await received(endless, "\r\n\r\n")).toMatch(/^HTTP\/1\.1 408 /);
    await vi.waitFor(() => expect(it.server.connections()).toBe(0));
  });

  it("listens on a unix socket as well", async () => {
    const path = join(tempDir(), "s");
    const server = createDualServer({
      handler: (request, response) => void response.end(`${request.httpVersion} ${request.url}`),
      clock: systemClock,
    });
    await server.listen({ path });
    const h1 = await new Promise<string>((resolve) => {
      http.get({ socketPath: path, path: "/u", agent: false }, (response) =>
        response.on("data", (data) => resolve(String(data))),
      );
    });
    const session = http2.connect("http://localhost", { createConnection: () => net.connect(path) });
    const stream = session.request({ ":path": "/u" });
    const [h2] = await once(stream, "data");
    session.destroy();
    await server.close(0);
    expect([h1, String(h2)]).toEqual(["1.1 /u", "2.0 /u"]);
  });

  it("cannot listen where another does", async () => {
    await using it = await start();
    const second = createDualServer({ handler: () => {}, clock: systemClock });
    await expect(second.listen({ host: "127.0.0.1", port: it.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

describe("closing", () => {
  it("ends idle connections of both kinds at once", async () => {
    const it = await start();
    const agent = new http.Agent({ keepAlive: true });
    await new Promise<void>((resolve) => {
      http.get({ port: it.port, host: "127.0.0.1", agent }, (response) => response.resume().on("end", resolve));
    });
    const session = http2.connect(`http://127.0.0.1:${it.port}`);
    const goaway = once(session, "goaway");
    await once(session.request({ ":path": "/" }).resume(), "end");
    expect(it.server.connections()).toBe(2);
    await it.server.close(60_000);
    await goaway;
    await vi.waitFor(() => expect(it.server.connections()).toBe(0));
    agent.destroy();
  });

  it.each([false, true])("lets a request under way finish (http2: %s)", async (http2) => {
    const it = await start();
    const answer = ask(it.port, { path: "/hold", http2 });
    await vi.waitFor(() => expect(it.held).toHaveLength(1));
    const closing = it.server.close(60_000);
    await expect(ask(it.port, { path: "/new" })).rejects.toThrow();
    it.release();
    expect((await answer).text).toBe(http2 ? "2.0 /hold" : "1.1 /hold");
    await closing;
  });

  it("cuts what does not finish in time", async () => {
    const it = await start();
    const answer = ask(it.port, { path: "/hold" }).catch((error: Error) => error);
    await vi.waitFor(() => expect(it.held).toHaveLength(1));
    await it.server.close(20);
    expect(await answer).toBeInstanceOf(Error);
  });
});
