/** Websockets end to end: a client, the HTTP proxy in this process, a real replica process with user code. */
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { WebSocket } from "ws";
import type { HttpProxyOptions } from "../../src/proxy/server.ts";
import { startFakeReplica, targetsOf } from "../support/fake-replica.ts";
import { startHttpProxy } from "../support/http-proxy.ts";
import { fakeController, type Running, type StartOptions, startReady } from "../support/replica-process.ts";
import { tempDir } from "../support/temp-dir.ts";
import { VirtualClock } from "../support/virtual-clock.ts";
import { dial as dialUrl } from "../support/websocket-client.ts";

/** User code that answers by path. */
const SOURCE = `import { deployment, getMultiplexedModelId, isWebSocketRequest, upgradeWebSocket } from "windlass";
  class App {
    open = 0;
    async fetch(request: Request) {
      const { pathname, search } = new URL(request.url);
      if (pathname === "/count") return Response.json({ open: this.open });
      if (!isWebSocketRequest(request)) return new Response("a websocket is needed", { status: 426 });
      if (pathname === "/refuse") return new Response("not you", { status: 403, headers: { "x-why": "no" } });
      if (pathname === "/throws") { upgradeWebSocket(request); throw new Error("secret"); }
      if (pathname === "/slow") await new Promise(() => {});
      const options = pathname === "/options" ? JSON.parse(decodeURIComponent(search.slice(1))) : {};
      const { socket, response } = upgradeWebSocket(request, options);
      socket.binaryType = "arraybuffer";
      const model = getMultiplexedModelId();
      request.signal.addEventListener("abort", () => console.log("aborted " + pathname));
      socket.onopen = () => { this.open += 1; if (pathname === "/hello") socket.send("hello " + model + " " + socket.protocol); };
      socket.onclose = ({ code, reason, wasClean }) => {
        this.open -= 1;
        console.log("closed " + JSON.stringify([pathname, code, reason, wasClean]));
      };
      socket.addEventListener("message", async ({ data }) => {
        if (data === "close") socket.close(4001, "as asked");
        else if (data === "throw") throw new Error("thrown by a listener");
        else if (data === "reject") { await null; throw new Error("rejected by a listener"); }
        else if (data === "flood") for (let i = 0; i < 512; i++) socket.send(new Uint8Array(65_536));
        else if (data === "again") {
          const words = new Uint16Array(4_096);
          for (let i = 0; i < 10; i++) socket.send(words.fill(i).subarray(1));
        }
        else if (data === "buffered") socket.send(String(socket.bufferedAmount));
        else if (data === "pause") { socket.pause(); setTimeout(() => socket.resume(), 300); }
        else if (data === "model") socket.send(getMultiplexedModelId());
        else socket.send(data);
      });
      if (pathname === "/copied") return new Response(response.body, { ...response, headers: { ...Object.fromEntries(response.headers), "x-more": "1" } });
      response.headers.set("x-own", "2");
      return response;
    }
  }
  export const app = deployment(App).bind();`;

async function serve(
  given: { replica?: StartOptions; proxy?: Partial<HttpProxyOptions>; targets?: Record<string, unknown> } = {},
) {
  const running = await startReady({ source: SOURCE, maxOngoing: 100, routePrefix: "/", ...given.replica });
  const started = await startHttpProxy(given.proxy);
  const apply = (replicas: readonly { id: string; address: string }[] = [addressOf(running)]): void =>
    started.apply({
      routes: [{ prefix: "/", application: "app", deployment: "App" }],
      deployments: [
        {
          application: "app",
          deployment: "App",
          maxOngoingRequests: 100,
          maxQueuedRequests: -1,
          replicas: [...replicas],
          ...given.targets,
        },
      ],
    });
  apply();
  const target = started.router.target("app", "App");
  const count = async () => {
    const req = httpRequest({ port: started.port, path: "/count" }).end();
    const [res] = (await once(req, "response")) as [IncomingMessage];
    return JSON.parse(Buffer.concat(await res.toArray()).toString()) as { open: number };
  };
  return { ...started, running, target, count, apply };
}

const addressOf = ({ spec }: Running) => ({ id: spec.replicaId, address: spec.dataSocket });

const dial = (port: number, path: string, options?: Parameters<typeof dialUrl>[1]) =>
  dialUrl(`http://127.0.0.1:${port}${path}`, options);

const refusal = (port: number, path: string, options?: WebSocket.ClientOptions) =>
  dial(port, path, options).then(
    () => {
      throw new Error("it was not refused");
    },
    (error: { status: number; headers: Record<string, string>; body: string }) => error,
  );

describe("a websocket", () => {
  it("is opened, carries texts and bytes both ways, and counts until it is closed", async () => {
    const { port, lines, target, count } = await serve();
    const { socket, messages, head, closed } = await dial(port, "/hello", {
      headers: { "x-request-id": "id-1", serve_multiplexed_model_id: "m1" },
    });
    expect(head).toMatchObject({ "x-request-id": "id-1", "x-own": "2", connection: "Upgrade" });
    expect(head).not.toHaveProperty("sec-websocket-protocol");
    await vi.waitFor(() => expect(messages).toEqual(["hello m1 "]));
    expect(target.ongoing).toBe(1);
    expect(await count()).toEqual({ open: 1 });
    socket.send("text é");
    socket.send(Buffer.from([1, 2, 255]));
    socket.send("model");
    await vi.waitFor(() => expect(messages).toEqual(["hello m1 ", "text é", Buffer.from([1, 2, 255]), "m1"]));
    socket.close(1000, "bye");
    expect(await closed).toEqual({ code: 1000, reason: "bye" });
    await vi.waitFor(() => expect(target.ongoing).toBe(0));
    expect(await count()).toEqual({ open: 0 });
    await vi.waitFor(() => expect(lines[1]).toMatch(/^WS \/ 1000 \d+\.\dms$/));
  });

  it("sends what data held when it was sent, though its memory is used again", async () => {
    const { port } = await serve();
    const { socket, messages } = await dial(port, "/");
    socket.send("again");
    await vi.waitFor(() => expect(messages).toHaveLength(10), { timeout: 10_000 });
    const sent = Array.from({ length: 10 }, (_, i) => Buffer.from(new Uint16Array(4_095).fill(i).buffer));
    expect(messages.map((message, i) => sent[i]!.equals(message as Buffer))).toEqual(Array(10).fill(true));
  });

  it("can be spoken to with the client that Node brings", async () => {
    const { port } = await serve();
    const socket = new globalThis.WebSocket(`ws://127.0.0.1:${port}/`);
    onTestFinished(() => socket.close());
    await once(socket, "open");
    socket.send("x".repeat(200_000));
    const [{ data }] = (await once(socket, "message")) as [MessageEvent];
    expect(data).toHaveLength(200_000);
  });

  it("chooses the application's subprotocol, takes a copy of the response, and compresses where asked to", async () => {
    const { port } = await serve();
    const options = (value: object) => `/options?${encodeURIComponent(JSON.stringify(value))}`;
    const chosen = await dial(port, options({ protocol: ["c", "b"] }), { protocols: ["a", "b", "c"] });
    expect(chosen.socket.protocol).toBe("c");
    expect((await dial(port, "/copied")).head).toMatchObject({ "x-more": "1" });
    const plain = await dial(port, "/", { perMessageDeflate: true });
    expect(plain.socket.extensions).toBe("");
    const deflated = await dial(port, options({ compress: true }), { perMessageDeflate: true });
    expect(deflated.socket.extensions).toBe("permessage-deflate");
    deflated.socket.send("z".repeat(100_000));
    await vi.waitFor(() => expect(deflated.messages).toEqual(["z".repeat(100_000)]));
  });

  it("is closed by user code with its code, which the access logs have", async () => {
    const { port, lines, running } = await serve();
    const { socket, closed } = await dial(port, "/bye");
    socket.send("close");
    expect(await closed).toEqual({ code: 4001, reason: "as asked" });
    await vi.waitFor(() => expect(lines).toEqual([expect.stringMatching(/^WS \/ 4001 /)]));
    await vi.waitFor(() => expect(running.output()).toMatch(/WS \/ 4001 /));
    expect(running.output()).toContain('closed ["/bye",4001,"as asked",true]');
  });

  it.each(["throw", "reject"])("is closed with 1011 when a listener %ss, and the replica lives on", async (how) => {
    const { port, running, count } = await serve();
    const { socket, closed } = await dial(port, "/", { headers: { "x-request-id": "id-9" } });
    socket.send(how);
    expect((await closed).code).toBe(1011);
    await vi.waitFor(() => expect(running.output()).toMatch(/id-9.*(thrown|rejected) by a listener/s));
    expect(await count()).toEqual({ open: 0 });
  });

  it("is closed with 1009 for a message that is too large, and with 1002 for what is no frame", async () => {
    const { port, lines } = await serve();
    const large = await dial(port, `/options?${encodeURIComponent(JSON.stringify({ maxMessageBytes: 100 }))}`);
    large.socket.send("x".repeat(101));
    expect((await large.closed).code).toBe(1009);
    const broken = await dial(port, "/");
    (broken.socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(Buffer.from([0xff, 0xff]));
    await vi.waitFor(() => expect(lines.join()).toContain("WS / 1009"));
    await vi.waitFor(() => expect(lines.join()).toMatch(/WS \/ 1002/));
  });
});

describe("a handshake that makes no websocket", () => {
  it("gets the application's answer, with the request's id", async () => {
    const { port, lines, target } = await serve();
    expect(await refusal(port, "/refuse", { headers: { "x-request-id": "id-2" } })).toMatchObject({
      status: 403,
      body: "not you",
      headers: { "x-why": "no", "x-request-id": "id-2", connection: "close" },
    });
    await vi.waitFor(() => expect(lines).toEqual([expect.stringMatching(/^WS \/ 403 /)]));
    await vi.waitFor(() => expect(target.ongoing).toBe(0));
  });

  it("gets 500 where user code throws, and its socket is closed to it", async () => {
    const { port, running } = await serve();
    expect(await refusal(port, "/throws")).toMatchObject({ status: 500, body: "Internal Server Error" });
    expect(running.output()).toContain("secret");
  });

  it("gets 400 for a key that is none", async () => {
    const { port } = await serve();
    const headers = { upgrade: "websocket", connection: "Upgrade", "sec-websocket-version": "13", "x-request-id": "k" };
    const req = httpRequest({ port, headers: { ...headers, "sec-websocket-key": "short" } }).end();
    const [res] = (await once(req, "response")) as [IncomingMessage];
    expect(res).toMatchObject({ statusCode: 400, headers: { "x-request-id": "k" } });
    expect(Buffer.concat(await res.toArray()).toString()).toContain("Sec-WebSocket-Key");
  });

  it("gets 404 where no route is, 503 or the configured status when queues are full, 408 in time", async () => {
    const { port, apply, lines, target } = await serve({
      targets: { maxQueuedRequests: 0, backpressureStatusCode: 429, backpressureRetryAfterS: 3 },
    });
    apply([]);
    const full = await refusal(port, "/");
    expect(full).toMatchObject({ status: 429, body: expect.stringContaining("backpressure") });
    apply();
    const slow = await refusal(port, "/slow", { headers: { "x-request-timeout-seconds": "0.2", "x-request-id": "t" } });
    expect(slow).toMatchObject({ status: 408, body: "Request t timed out after 0.2s." });
    await vi.waitFor(() => expect(target.ongoing).toBe(0));
    const { port: bare } = await startHttpProxy();
    expect(await refusal(bare, "/none")).toMatchObject({
      status: 404,
      body: "Path '/none' not found. Ping http://.../-/routes for available routes.",
    });
    expect(lines.map((line) => line.split(" ").slice(0, 3).join(" "))).toEqual(["WS / 429", "WS / 408"]);
  });

  it("leaves nothing behind when its client goes away first", async () => {
    const { port, target, lines } = await serve();
    const socket = connect(port, "127.0.0.1");
    socket.write(
      "GET /slow HTTP/1.1\r\nhost: h\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n" +
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nx-request-disconnect-disabled: ?1\r\n\r\n",
    );
    await vi.waitFor(() => expect(target.ongoing).toBe(1));
    socket.destroy();
    await vi.waitFor(() => expect(target.ongoing).toBe(0));
    await vi.waitFor(() => expect(lines).toEqual([expect.stringMatching(/^WS \/ 499 /)]));
  });
});

describe("admission", () => {
  it("counts a websocket for its whole life: the next waits until one closes", async () => {
    const { port, target } = await serve({ replica: { maxOngoing: 1 }, targets: { maxOngoingRequests: 1 } });
    const first = await dial(port, "/");
    const second = dial(port, "/hello");
    await vi.waitFor(() => expect(target.queued + target.ongoing).toBe(2));
    first.socket.close();
    const { messages } = await second;
    await vi.waitFor(() => expect(messages).toEqual(["hello  "]));
  });
});

describe("an end that nobody said", () => {
  it("is 1006 for user code when the client vanishes, whose signal aborts, and nothing stays", async () => {
    const { port, running, target, lines, count } = await serve();
    const { socket } = await dial(port, "/vanish");
    socket.terminate();
    await vi.waitFor(() => expect(running.output()).toContain('closed ["/vanish",1006,"",false]'));
    expect(running.output()).toContain("aborted /vanish");
    await vi.waitFor(() => expect(target.ongoing).toBe(0));
    expect(await count()).toEqual({ open: 0 });
    expect(lines[0]).toMatch(/^WS \/ 1006 /);
  });

  it("is 1011 for the client when the replica dies", async () => {
    const { port, running, lines, target } = await serve();
    const { closed } = await dial(port, "/");
    running.child.kill("SIGKILL");
    expect(await closed).toEqual({ code: 1011, reason: "the replica is gone" });
    await vi.waitFor(() => expect(lines).toEqual([expect.stringMatching(/^WS \/ 1011 /)]));
    expect(target.ongoing).toBe(0);
  });

  it("is 1006 after 5 s where a client says its last without a close and nobody answers that", async () => {
    const clock = new VirtualClock();
    const { port, apply, lines, router } = await startHttpProxy({ clock });
    const replica = await startFakeReplica(tempDir(), "r");
    replica.handler = (req, res) => {
      res.writeHead(101).flushHeaders();
      req.resume();
    };
    apply({ routes: [{ prefix: "/", application: "app", deployment: "d" }], deployments: [targetsOf([replica])] });
    const socket = connect(port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    socket.write("GET / HTTP/1.1\r\nhost: h\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n");
    await once(socket, "data");
    const closed = once(socket, "close");
    socket.resume().end();
    await vi.waitFor(async () => {
      await clock.advance(1_000);
      expect(lines).toEqual([expect.stringMatching(/^WS \/ 1006 /)]);
    });
    await closed;
    expect(clock.monotonic()).toBeGreaterThanOrEqual(5_000);
    await vi.waitFor(() => expect(replica.ongoing).toBe(0));
    expect(router.target("app", "d").ongoing).toBe(0);
  });

  it("is found by pings: a client that answers none is closed", async () => {
    const { port, running } = await serve();
    const path = `/options?${encodeURIComponent(JSON.stringify({ idleTimeoutS: 0.1 }))}`;
    const alive = await dial(port, path);
    await dial(port, path, { autoPong: false });
    await vi.waitFor(() => expect(running.output()).toContain('closed ["/options",1006,"",false]'), { timeout: 3_000 });
    alive.socket.send("still here");
    await vi.waitFor(() => expect(alive.messages).toEqual(["still here"]));
  });
});

describe("calls of other deployments", () => {
  it("end with the socket they were begun for; those of its close listener do not", async () => {
    const folder = tempDir();
    const source = `import { deployment, type DeploymentHandle, upgradeWebSocket } from "windlass";
      class Back {
        never() { return new Promise<string>(() => {}); }
        async note(text: string) { return "noted " + text; }
      }
      class Front {
        constructor(private back: DeploymentHandle<Back>) {}
        fetch(request: Request) {
          const { socket, response } = upgradeWebSocket(request);
          socket.onmessage = () => {
            this.back.never.remote().catch((error: Error) => console.log("never ended with " + error.name));
            socket.send("called");
          };
          socket.onclose = async () => console.log(await this.back.note.remote("the end"));
          return response;
        }
      }
      export const app = deployment(Front).bind(deployment(Back).bind());`;
    const back = await startReady({ folder, source, deployment: "Back" });
    await fakeController(join(folder, "controller"), back);
    const { port, running } = await serve({ replica: { folder, source, deployment: "Front" } });
    const { socket, messages } = await dial(port, "/");
    socket.send("call");
    await vi.waitFor(() => expect(messages).toEqual(["called"]));
    expect(running.output()).not.toContain("never ended");
    socket.close();
    await vi.waitFor(() => expect(running.output()).toContain("never ended with RequestCancelledError"));
    await vi.waitFor(() => expect(running.output()).toContain("noted the end"));
  });
});

describe("a stop", () => {
  it("of the replica closes its websockets with 1001 after the time they have, and it ends", async () => {
    const { port, running } = await serve({ replica: { drainWaitS: 0.5 } });
    const { socket, closed, messages } = await dial(port, "/");
    running.child.kill("SIGTERM");
    socket.send("one more");
    await vi.waitFor(() => expect(messages).toEqual(["one more"]));
    expect(await closed).toEqual({ code: 1001, reason: "the replica stops" });
    expect(await running.exited).toBe(0);
    expect(running.output()).toContain('closed ["/",1001,"the replica stops",true]');
  });

  it.each(["up", "down"])("of the proxy breaks no message while they flow %s", async (way) => {
    const { proxy, port, lines, running } = await serve();
    const { socket, closed, messages } = await dial(port, "/");
    const errors: Error[] = [];
    socket.on("error", (error) => errors.push(error));
    const sizes = [1, 125, 126, 1_000, 65_535, 65_536, 200_000, 1_000_000];
    let sent = 0;
    const more = (): void => {
      if (socket.readyState !== socket.OPEN) return;
      // The app sends back what it gets: with nothing to drop on the way down where that is read.
      while (socket.bufferedAmount < 4_000_000 && sent < 5_000) {
        const size = sizes[sent % sizes.length]!;
        socket.send(Buffer.alloc(size, sent % 251));
        sent += 1;
      }
      setImmediate(more);
    };
    if (way === "up") more();
    else socket.send("flood");
    await vi.waitFor(() => expect(messages.length).toBeGreaterThan(20), { timeout: 10_000 });
    proxy.startDraining();
    expect(await closed).toMatchObject({ code: 1001 });
    expect(errors).toEqual([]);
    const sizeOf = (index: number) => (way === "up" ? sizes[index % sizes.length] : 65_536);
    const broken = messages.filter((data, index) => data.length !== sizeOf(index));
    expect(broken).toEqual([]);
    await vi.waitFor(() => expect(running.output()).toContain('closed ["/",1001,'));
    await vi.waitFor(() => expect(lines).toEqual([expect.stringMatching(/^WS \/ 1001 /)]));
  });

  it("of the proxy closes them with 1001, and what user code had sent arrives", async () => {
    const { proxy, port, running, lines } = await serve();
    const { socket, closed, messages } = await dial(port, "/");
    socket.send("before");
    await vi.waitFor(() => expect(messages).toEqual(["before"]));
    proxy.startDraining();
    expect((await closed).code).toBe(1001);
    await vi.waitFor(() => expect(running.output()).toContain('closed ["/",1001,"the proxy stops",true]'));
    await vi.waitFor(() => expect(lines).toEqual([expect.stringMatching(/^WS \/ 1001 /)]));
  });
});

describe("back-pressure", () => {
  it("leaves what a slow client does not take in the sender's buffer, not on the way", async () => {
    const { port } = await serve();
    const { socket, messages } = await dial(port, "/");
    socket.pause();
    socket.send("flood");
    const raw = (socket as unknown as { _socket: { bytesRead: number } })._socket;
    let before = -1;
    await vi.waitFor(
      () => {
        const same = raw.bytesRead === before;
        before = raw.bytesRead;
        expect(same).toBe(true);
      },
      { interval: 150, timeout: 5_000 },
    );
    socket.resume();
    await vi.waitFor(() => expect(messages).toHaveLength(512), { timeout: 10_000 });
    expect(messages.every((piece) => piece.length === 65_536)).toBe(true);
  });

  it("holds a fast client back while user code has paused its socket", async () => {
    const { port } = await serve();
    const { socket, messages } = await dial(port, "/");
    socket.send("pause");
    const piece = Buffer.alloc(65_536);
    for (let i = 0; i < 256; i++) socket.send(piece);
    await vi.waitFor(() => expect(socket.bufferedAmount).toBeGreaterThan(4 * 1_048_576));
    await vi.waitFor(() => expect(messages).toHaveLength(256), { timeout: 10_000 });
    expect(socket.bufferedAmount).toBe(0);
  });
});
