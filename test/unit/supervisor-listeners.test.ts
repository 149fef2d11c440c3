import { once } from "node:events";
import { connect, createServer } from "node:net";
import { expect, it } from "vitest";
import { Listeners } from "../../src/supervisor/listeners.ts";
import { freePort } from "../support/proxy-process.ts";

const tryConnect = (port: number): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve("connected");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
  });

it("hands out one socket an address, and closes it with its last user", async () => {
  const port = await freePort();
  const listeners = new Listeners(() => "127.0.0.1");
  const address = { host: "some-name", port };
  const [first] = listeners.acquire([address]);
  const [second] = listeners.acquire([address]);
  expect(second).toBe(first);
  // Held, but nobody listens yet.
  expect(await tryConnect(port)).toBe("ECONNREFUSED");
  const server = createServer((socket) => socket.destroy()).listen({ fd: first! });
  await once(server, "listening");
  expect(await tryConnect(port)).toBe("connected");
  server.close();
  listeners.release([address]);
  listeners.release([address]);
  expect(await tryConnect(port)).toBe("ECONNREFUSED");
});

it("holds none of several addresses when one cannot be bound", async () => {
  const port = await freePort();
  const listeners = new Listeners((host) => (host === "here" ? "127.0.0.1" : "203.0.113.1"));
  const here = { host: "here", port };
  expect(() => listeners.acquire([here, { host: "elsewhere", port: 4711 }])).toThrow(/cannot bind/);
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  server.close();
});

it("says what cannot be bound", () => {
  const listeners = new Listeners(() => "203.0.113.1");
  expect(() => listeners.acquire([{ host: "elsewhere", port: 4711 }])).toThrow(/cannot bind 203\.0\.113\.1:4711/);
});
