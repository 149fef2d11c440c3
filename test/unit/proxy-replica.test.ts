/** HTTP through the proxy, in this process, to user code in a real replica process: what only shows with both. */
import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { HttpProxyOptions } from "../../src/proxy/server.ts";
import { startHttpProxy } from "../support/http-proxy.ts";
import { type Running, send, startReady } from "../support/replica-process.ts";

const SOURCE = `import { deployment } from "windlass";
  const NAMES = ["/before", "/within", "/upload", "/finishes"];
  class App {
    seen: string[] = [];
    next: (() => void)[] = [];
    async fetch(request: Request): Promise<Response> {
      const { pathname } = new URL(request.url);
      if (pathname === "/seen") return Response.json(this.seen);
      if (pathname === "/tick") { for (const go of this.next.splice(0)) go(); return new Response("ticked"); }
      if (NAMES.includes(pathname)) {
        this.seen.push("began " + pathname);
        request.signal.addEventListener("abort", () => this.seen.push("aborted " + pathname));
      }
      const tick = () => new Promise<void>((resolve) => this.next.push(resolve));
      if (pathname === "/until-gone") {
        await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
        throw new Error("the client is gone");
      }
      if (pathname === "/before") { await tick(); return new Response("late"); }
      if (pathname === "/finishes") { await tick(); this.seen.push("finished"); return new Response("late"); }
      if (pathname === "/within" || pathname === "/sse") {
        const seen = this.seen;
        const encoder = new TextEncoder();
        let n = 0;
        const body = new ReadableStream({
          async pull(controller) {
            if (n > 0) await tick();
            if (n === 3) controller.close();
            else controller.enqueue(encoder.encode("data: " + n++ + "\\n\\n"));
          },
          cancel() { seen.push("cancelled " + pathname); },
        }, { highWaterMark: 0 });
        return new Response(body, { headers: { "content-type": "text/event-stream" } });
      }
      if (pathname === "/upload") {
        try {
          for await (const piece of request.body!) this.seen.push("read");
        } catch (error) { this.seen.push("broke " + (error as Error).name); throw error; }
        return new Response("all");
      }
      if (pathname === "/echo") return new Response(request.body, { headers: { "x-length": request.headers.get("content-length") ?? "" } });
      if (pathname === "/length") return new Response(String((await request.arrayBuffer()).byteLength));
      if (pathname === "/answers-first") {
        let n = 0;
        return new Response(new ReadableStream({
          async pull(controller) {
            if (n++ === 0) { controller.enqueue(Buffer.from("answer begins")); return; }
            controller.enqueue(Buffer.from("read " + (await request.arrayBuffer()).byteLength));
            controller.close();
          },
        }, { highWaterMark: 0 }));
      }
      if (pathname === "/early") return new Response("no thanks", { status: 413 });
      if (pathname === "/204") return new Response(null, { status: 204 });
      if (pathname === "/304") return new Response(null, { status: 304, headers: { etag: '"e"' } });
      return new Response("body of " + request.method, { headers: { "x-own": "1" } });
    }
  }
  export const app = deployment(App).bind();`;

async function serve(given: { maxOngoing?: number; proxy?: Partial<HttpProxyOptions> } = {}) {
  const running = await startReady({ source: SOURCE, maxOngoing: given.maxOngoing ?? 10, routePrefix: "/" });
  const started = await startHttpProxy(given.proxy);
  started.apply({
    routes: [{ prefix: "/", application: "app", deployment: "App" }],
    deployments: [
      {
        application: "app",
        deployment: "App",
        maxOngoingRequests: given.maxOngoing ?? 10,
        maxQueuedRequests: -1,
        replicas: [{ id: running.spec.replicaId, address: running.spec.dataSocket }],
      },
    ],
  });
  const target = started.router.target("app", "App");
  const seen = async () => (await (await fetch(`http://127.0.0.1:${started.port}/seen`)).json()) as string[];
  const tick = () => send(running, { path: "/tick" });
  return { ...started, running, target, seen, tick };
}

interface Options {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly agent?: Agent;
}

function begin(port: number, options: Options = {}) {
  const req = httpRequest({ port, host: "127.0.0.1", agent: false, ...options });
  req.on("error", () => {});
  return req;
}

async function ask(port: number, options: Options = {}, body?: string | Buffer) {
  const req = begin(port, options).end(body);
  const [res] = (await once(req, "response")) as [IncomingMessage];
  return { status: res.statusCode, headers: res.headers, body: Buffer.concat(await res.toArray()).toString() };
}

/** Nothing is left: neither in the router nor in the replica, and both serve on. */
async function expectIdle({ target, running }: { target: { ongoing: number; queued: number }; running: Running }) {
  await vi.waitFor(() => expect({ ongoing: target.ongoing, queued: target.queued }).toEqual({ ongoing: 0, queued: 0 }));
  // The request that asks is one.
  await vi.waitFor(async () => expect((await send(running)).headers["x-windlass-ongoing"]).toBe("1"));
}

/** Sends bytes as they are; `got` is what comes back. */
function rawClient(port: number): { socket: Socket; got: () => string } {
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => {});
  let got = "";
  socket.on("data", (chunk) => {
    got += chunk.toString("latin1");
  });
  return { socket, got: () => got };
}

describe("answers without a body", () => {
  it("HEAD has the headers of GET, its length too, and no body", async () => {
    const { port } = await serve();
    const get = await ask(port);
    const head = await ask(port, { method: "HEAD" });
    expect(get).toMatchObject({ status: 200, body: "body of GET", headers: { "content-length": "11" } });
    expect(head).toMatchObject({ status: 200, body: "", headers: { "x-own": "1" } });
    expect(head.headers).not.toHaveProperty("transfer-encoding");
  });

  it.each([204, 304])("%s has none and leaves the connection usable", async (status) => {
    const { port } = await serve();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const empty = await ask(port, { path: `/${status}`, agent });
    expect(empty).toMatchObject({ status, body: "" });
    expect(empty.headers).not.toHaveProperty("transfer-encoding");
    expect(empty.headers).not.toHaveProperty("content-length");
    expect((await ask(port, { agent })).body).toBe("body of GET");
  });
});

describe("expect: 100-continue", () => {
  it("is said when user code reads a large body, and at once for a small one", async () => {
    const { port } = await serve();
    for (const length of [10, 1_000_000]) {
      const { socket, got } = rawClient(port);
      socket.write(
        `POST /length HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n`,
      );
      await vi.waitFor(() => expect(got()).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\n$/));
      socket.write(Buffer.alloc(length));
      await vi.waitFor(() => expect(got()).toMatch(new RegExp(`HTTP/1.1 200 OK[\\s\\S]*\r\n\r\n${length}$`)));
    }
  });

  it("is not said within an answer that began before user code reads", async () => {
    const { port, ...rest } = await serve();
    const { socket, got } = rawClient(port);
    socket.write("POST /answers-first HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 100000\r\n\r\n");
    await vi.waitFor(() => expect(got()).toContain("answer begins"));
    // Clients that do not want to wait send it all the same.
    socket.write(Buffer.alloc(100_000));
    await vi.waitFor(() => expect(got()).toContain("read 100000"));
    expect(got()).not.toContain("100 Continue");
    socket.destroy();
    await expectIdle(rest);
  });

  it("is not said where user code answers without reading", async () => {
    const { port, ...rest } = await serve();
    const { socket, got } = rawClient(port);
    socket.write("POST /early HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 1000000\r\n\r\n");
    await vi.waitFor(() => expect(got()).toMatch(/no thanks$/));
    expect(got()).toMatch(/^HTTP\/1\.1 413[\s\S]*\r\nconnection: close\r\n/i);
    socket.destroy();
    await expectIdle(rest);
  });
});

describe("streams", () => {
  it("sends each event at once: the head and the first before the second is made", async () => {
    const { port, tick } = await serve();
    const { socket, got } = rawClient(port);
    socket.write("GET /sse HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    for (let n = 0; n < 3; n++) {
      await vi.waitFor(() => expect(got()).toContain(`data: ${n}\n\n`));
      expect(got()).not.toContain(`data: ${n + 1}`);
      await tick();
    }
    await vi.waitFor(() => expect(got()).toMatch(/\r\n0\r\n\r\n$/));
    expect(got()).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*content-type: text\/event-stream/);
  });

  it("passes an early answer on to a client that is still sending, and the upload ends", async () => {
    const { port, ...rest } = await serve();
    const req = begin(port, { method: "POST", path: "/early" });
    req.write(Buffer.alloc(1_000_000));
    const [res] = (await once(req, "response")) as [IncomingMessage];
    expect(res.statusCode).toBe(413);
    expect(Buffer.concat(await res.toArray()).toString()).toBe("no thanks");
    req.destroy();
    await expectIdle(rest);
  });

  it("gives a chunked upload no length, and one with a length its own", async () => {
    const { port } = await serve();
    const chunked = begin(port, { method: "POST", path: "/echo" });
    chunked.write("one ");
    chunked.end("two");
    const [res] = (await once(chunked, "response")) as [IncomingMessage];
    expect(res.headers["x-length"]).toBe("");
    expect(Buffer.concat(await res.toArray()).toString()).toBe("one two");
    const body = Buffer.alloc(300_000, "x");
    const known = await ask(port, { method: "POST", path: "/echo" }, body);
    expect(known.headers["x-length"]).toBe("300000");
    expect(known.body).toHaveLength(300_000);
  });
});

describe("a client that leaves", () => {
  it("before the answer: user code's signal aborts, and nothing is left", async () => {
    const { port, seen, ...rest } = await serve();
    const req = begin(port, { path: "/before" }).end();
    await vi.waitFor(async () => expect(await seen()).toEqual(["began /before"]));
    req.destroy();
    await vi.waitFor(async () => expect(await seen()).toEqual(["began /before", "aborted /before"]));
    await rest.tick();
    await expectIdle(rest);
    await vi.waitFor(() => expect(rest.lines.join()).toMatch(/GET \/ 499 /));
  });

  it("within the answer: the stream is cancelled", async () => {
    const { port, seen, ...rest } = await serve();
    const req = begin(port, { path: "/within" }).end();
    const [res] = (await once(req, "response")) as [IncomingMessage];
    await once(res, "data");
    res.on("error", () => {});
    req.destroy();
    await vi.waitFor(async () => expect((await seen()).sort()).toContain("aborted /within"));
    await rest.tick();
    await vi.waitFor(async () => expect(await seen()).toContain("cancelled /within"));
    await expectIdle(rest);
  });

  it("within its upload: reading the body fails", async () => {
    const { port, seen, ...rest } = await serve();
    const req = begin(port, { method: "POST", path: "/upload", headers: { "content-length": "1000000" } });
    req.write(Buffer.alloc(100_000));
    await vi.waitFor(async () => expect(await seen()).toContain("read"));
    req.destroy();
    await vi.waitFor(async () =>
      expect(await seen()).toEqual(expect.arrayContaining(["aborted /upload", "broke TypeError"])),
    );
    await expectIdle(rest);
  });

  it("while it waits for a replica: user code never hears of it", async () => {
    const { port, ...rest } = await serve({ maxOngoing: 1 });
    const first = begin(port, { path: "/until-gone" }).end();
    await vi.waitFor(() => expect(rest.target.ongoing).toBe(1));
    const second = begin(port, { path: "/within" }).end();
    await vi.waitFor(() => expect(rest.target.ongoing + rest.target.queued).toBe(2));
    second.destroy();
    await vi.waitFor(() => expect(rest.target.ongoing + rest.target.queued).toBe(1));
    first.destroy();
    await expectIdle(rest);
    expect(await rest.seen()).toEqual([]);
    // What fails because its client has left is no news.
    expect(rest.running.output()).not.toContain("the client is gone");
  });

  it("after it asked that this changes nothing: user code goes on to its end", async () => {
    const { port, seen, ...rest } = await serve();
    const req = begin(port, { path: "/finishes", headers: { "x-request-disconnect-disabled": "?1" } }).end();
    await vi.waitFor(async () => expect(await seen()).toEqual(["began /finishes"]));
    req.destroy();
    await vi.waitFor(() => expect(rest.lines.join()).toMatch(/GET \/ 499 /));
    expect(rest.target.ongoing).toBe(1);
    await rest.tick();
    await vi.waitFor(async () => expect(await seen()).toEqual(["began /finishes", "finished"]));
    await expectIdle(rest);
  });

  it("leaves the others on the same replica alone", async () => {
    const { port, seen, ...rest } = await serve();
    const others = Array.from({ length: 4 }, () => ask(port, { path: "/finishes" }));
    const leaving = begin(port, { path: "/before" }).end();
    await vi.waitFor(async () => expect(await seen()).toHaveLength(5));
    leaving.destroy();
    await vi.waitFor(async () => expect(await seen()).toContain("aborted /before"));
    await rest.tick();
    expect((await Promise.all(others)).map(({ body }) => body)).toEqual(["late", "late", "late", "late"]);
    await expectIdle(rest);
  });
});

describe("connections", () => {
  it("are kept for the keep-alive time and no longer", async () => {
    const { port } = await serve({ proxy: { keepAliveTimeoutS: 1 } });
    const { socket, got } = rawClient(port);
    const closed = once(socket, "close");
    socket.write("GET / HTTP/1.1\r\nhost: h\r\n\r\n");
    await vi.waitFor(() => expect(got()).toMatch(/body of GET$/));
    socket.write("GET / HTTP/1.1\r\nhost: h\r\n\r\n");
    await vi.waitFor(() => expect(got()).toMatch(/body of GET[\s\S]+body of GET$/));
    const answeredMs = performance.now();
    await closed;
    // Node adds a second to what it says, for requests that are on their way.
    expect(performance.now() - answeredMs).toBeGreaterThan(900);
    expect(got()).toMatch(/keep-alive: timeout=1/i);
  });
});
