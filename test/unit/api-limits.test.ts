import { once } from "node:events";
import { readFileSync } from "node:fs";
import * as http from "node:http";
import * as http2 from "node:http2";
import * as net from "node:net";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { InstanceService } from "../../gen/windlass/v1/instance_service_pb.ts";
import { createDualServer, type DualServerOptions, SERVER_LIMITS } from "../../src/api/dual-server.ts";
import { MAX_BODY_BYTES } from "../../src/api/http.ts";
import { MAX_STREAMS_PER_TOKEN } from "../../src/api/stream-limit.ts";
import { MAX_SCALE_BODY_BYTES } from "../../src/core/limits.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { ask, startTestApi } from "../support/api-harness.ts";
import { openStream } from "../support/event-stream.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

/** Answers the size of a request's headers; /stream sends one piece and stays open. */
async function start(options: Partial<DualServerOptions> = {}) {
  const server = createDualServer({
    clock: systemClock,
    handler(request, response) {
      if (request.url !== "/stream") return void response.end(String(JSON.stringify(request.headers).length));
      response.writeHead(200);
      response.write("first");
    },
    ...options,
  });
  const { port } = await server.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => server.close(0));
  return { server, port };
}

/** Sends text and returns all that comes back until the server hangs up. */
async function exchange(port: number, text: string): Promise<string> {
  const socket = net.connect({ host: "127.0.0.1", port });
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => {}); // hung up on while sending
  socket.write(text);
  let received = "";
  for await (const chunk of socket) received += String(chunk);
  return received;
}

describe("headers", () => {
  const filler = (bytes: number): Record<string, string> => ({ "x-filler": "x".repeat(bytes) });

  it("of up to 16 KiB are taken", async () => {
    const { port } = await start();
    for (const overHttp2 of [false, true]) {
      const answer = await ask(port, { path: "/", http2: overHttp2, headers: filler(15_000) });
      expect([overHttp2, answer.status, Number(answer.text) > 15_000]).toEqual([overHttp2, 200, true]);
    }
  });

  it("over 16 KiB are 431 on HTTP/1.1", async () => {
    const { port } = await start();
    const received = await exchange(port, `GET / HTTP/1.1\r\nhost: x\r\nx-filler: ${"x".repeat(17_000)}\r\n\r\n`);
    expect(received).toMatch(/^HTTP\/1\.1 431 /);
  });

  it("over 16 KiB are 431 on HTTP/2, however many and small", async () => {
    const { port } = await start();
    expect((await ask(port, { path: "/", http2: true, headers: filler(17_000) })).status).toBe(431);
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`x-${i}`, "y".repeat(150)]));
    expect((await ask(port, { path: "/", http2: true, headers: many })).status).toBe(431);
  });

  it("that no client may send end its connection, and the server goes on", async () => {
    const { port, server } = await start();
    const session = http2.connect(`http://127.0.0.1:${port}`, { maxSendHeaderBlockLength: 1 << 20 });
    onTestFinished(() => session.destroy());
    session.on("error", () => {});
    const failed = once(session.request({ ":path": "/", ...filler(500_000) }), "error");
    expect((await failed)[0]).toMatchObject({ code: expect.stringMatching(/^(ERR_HTTP2_|ECONNRESET)/) });
    session.destroy();
    await vi.waitFor(() => expect(server.connections()).toBe(0));
    expect((await ask(port, { path: "/", http2: true })).status).toBe(200);
  });
});

describe("a connection without a request", () => {
  it("is closed after its idle time on HTTP/1.1, between requests", async () => {
    const { port, server } = await start({ idleTimeoutMs: 50 });
    const agent = new http.Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const [response] = (await once(http.get({ port, agent, path: "/" }), "response")) as [http.IncomingMessage];
    response.resume();
    await once(response, "end");
    expect(server.connections()).toBe(1);
    await vi.waitFor(() => expect(server.connections()).toBe(0), { timeout: 5_000 });
  });

  it("is closed after its idle time on HTTP/2, which each request begins anew", async () => {
    const clock = new VirtualClock();
    const { port, server } = await start({ clock });
    const session = http2.connect(`http://127.0.0.1:${port}`);
    onTestFinished(() => session.destroy());
    const get = (path: string) => session.request({ ":path": path });
    const first = get("/").resume();
    await once(first, "close");
    await clock.advance(119_000);
    await once(get("/").resume(), "close");
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    await clock.advance(119_000);
    expect(session.destroyed).toBe(false);
    const closed = once(session, "close");
    await clock.advance(1_000);
    await closed;
    await vi.waitFor(() => expect(server.connections()).toBe(0));
    // Nothing of it is left behind.
    expect(clock.pending).toBe(0);
  });

  it("never is one with a stream open, however silent", async () => {
    const clock = new VirtualClock();
    const { port } = await start({ clock });
    for (const overHttp2 of [false, true]) {
      const stream = await openStream(port, "/stream", {}, overHttp2);
      let ended = false;
      stream.body.on("close", () => {
        ended = true;
      });
      await once(stream.body, "data");
      await clock.advance(3_600_000);
      expect([overHttp2, ended]).toEqual([overHttp2, false]);
      stream.cut();
    }
  });

  it("does not hurt a gRPC client that comes back after it", async () => {
    await using api = await startTestApi();
    // The same as the API's own server, with a shorter time.
    const { port, server } = await start({ handler: api.server.api.handler, idleTimeoutMs: 50 });
    const headers = { authorization: `Bearer ${api.tokens.viewer}` };
    const client = createClient(InstanceService, createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` }));
    for (let i = 0; i < 3; i++) {
      expect((await client.getInstance({}, { headers })).applications.length).toBe(2);
      await vi.waitFor(() => expect(server.connections()).toBe(0), { timeout: 5_000 });
    }
  });
});

describe("a server with too much to do", () => {
  it("closes connections beyond its limit unheard, and takes new ones when others have left", async () => {
    const { port, server } = await start({ maxConnections: 2 });
    const open = await Promise.all([openStream(port, "/stream", {}), openStream(port, "/stream", {})]);
    expect(open.map(({ status }) => status)).toEqual([200, 200]);
    expect(await exchange(port, "GET / HTTP/1.1\r\nhost: x\r\n\r\n")).toBe("");
    open[0]!.cut();
    await vi.waitFor(() => expect(server.connections()).toBe(1));
    expect((await ask(port, { path: "/" })).status).toBe(200);
    open[1]!.cut();
  });

  it("gives up a request over HTTP/1.1 that does not arrive whole", async () => {
    const { port } = await start({
      headersTimeoutMs: 100,
      requestTimeoutMs: 100,
      handler: (request, response) => void request.on("end", () => response.end("whole")).resume(),
    });
    const received = await exchange(port, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf");
    expect(received).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe("messages", () => {
  it("over 100 MiB are refused on RPCs by name and size, unread on REST", async () => {
    await using api = await startTestApi();
    expect(MAX_BODY_BYTES).toBe(100 * 1024 * 1024);
    const claim = { "content-length": String(MAX_BODY_BYTES + 1) };
    const rest = http.request({
      port: api.port,
      method: "PUT",
      path: "/api/serve/applications/",
      headers: { ...claim, authorization: `Bearer ${api.tokens.admin}` },
    });
    rest.on("error", () => {}); // it is hung up on
    rest.flushHeaders();
    const [response] = (await once(rest, "response")) as [http.IncomingMessage];
    expect(response.statusCode).toBe(413);
    rest.destroy();

    const rpc = http.request({
      port: api.port,
      method: "POST",
      path: "/windlass.v1.InstanceService/ApplyConfig",
      headers: { ...claim, "content-type": "application/json", authorization: `Bearer ${api.tokens.admin}` },
    });
    rpc.on("error", () => {});
    rpc.flushHeaders();
    const [refused] = (await once(rpc, "response")) as [http.IncomingMessage];
    let text = "";
    for await (const chunk of refused) text += String(chunk);
    expect(JSON.parse(text)).toMatchObject({ code: "resource_exhausted" });
    rpc.destroy();
  });

  it("over 64 KiB of strangers are refused on gRPC too", async () => {
    await using api = await startTestApi();
    const baseUrl = `http://127.0.0.1:${api.port}`;
    for (const transport of [createGrpcTransport({ baseUrl }), createConnectTransport({ baseUrl, httpVersion: "2" })]) {
      const client = createClient(InstanceService, transport);
      await expect(client.applyConfig({ baseDir: "x".repeat(70_000) })).rejects.toThrow(
        /message size|resource_exhausted/,
      );
      await expect(client.applyConfig({ baseDir: "x".repeat(10_000) })).rejects.toThrow(/bearer token/);
    }
  });
});

describe("docs/rest.md", () => {
  it("has the limits that hold", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/rest.md"), "utf8");
    const section = page.split("## Limits\n")[1]?.split("\n## ")[0] ?? "";
    const rows = [...section.matchAll(/^\| (.+) \| (.+) \| (.+) \|$/gm)].slice(1).map(([, , limit]) => limit!);
    const s = (ms: number): string => (ms % 60_000 === 0 ? `${ms / 60_000} minutes` : `${ms / 1000} s`);
    const size = (bytes: number): string => (bytes < 2 ** 20 ? `${bytes / 1024} KiB` : `${bytes / 2 ** 20} MiB`);
    const { maxConcurrentStreams, maxConnections } = SERVER_LIMITS;
    expect(rows).toEqual([
      `${size(MAX_BODY_BYTES)}; of a scale call ${size(MAX_SCALE_BODY_BYTES)}`,
      size(SERVER_LIMITS.maxHeaderBytes),
      s(SERVER_LIMITS.headersTimeoutMs),
      expect.stringMatching(new RegExp(`^${s(SERVER_LIMITS.requestTimeoutMs)}; `)),
      s(SERVER_LIMITS.peekTimeoutMs),
      s(SERVER_LIMITS.idleTimeoutMs),
      `${MAX_STREAMS_PER_TOKEN} at once`,
      `${maxConcurrentStreams} at once`,
      `${maxConnections} at once, of each port`,
      `${size(MAX_BODY_BYTES)}; 64 KiB without a known token`,
    ]);
  });
});

describe("answers without a reason", () => {
  it("are those of docs/errors.md", async () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/errors.md"), "utf8");
    const listed = [...page.matchAll(/^\| (\d{3}) \| (.+) \|$/gm)].map(([, status]) => Number(status));
    await using api = await startTestApi();
    const { port, tokens } = api;
    const token = tokens.admin;
    const applications = "/api/serve/applications/";
    const scale = "/api/v1/applications/a/deployments/Echo/scale";
    const statusOf = async (text: string): Promise<number> =>
      Number(/^HTTP\/1\.1 (\d+)/.exec(await exchange(port, text))?.[1]);
    const slow = await start({ headersTimeoutMs: 50 });
    const seen = [
      await statusOf("BOGUS\r\n\r\n"),
      (await ask(port, { path: "/nope", token })).status,
      (await ask(port, { method: "PATCH", path: applications, token })).status,
      Number(/ (\d+)/.exec(await exchange(slow.port, "GET / HTTP/1.1\r\nhost:"))?.[1]),
      (await ask(port, { method: "PUT", path: applications, token, headers: { "content-length": "104857601" } }))
        .status,
      (await ask(port, { path: scale, body: "{}", headers: { "content-type": "text/plain" }, token })).status,
      await statusOf(`GET / HTTP/1.1\r\nhost: x\r\nx: ${"x".repeat(17_000)}\r\n\r\n`),
    ];
    expect(seen).toEqual(listed);
  });
});
