/** The HTTP proxy in this process, with replicas on real sockets behind it. */
import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { RoutingTableSchema } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { systemRandom } from "../../src/core/system-random.ts";
import { silentLogger } from "../../src/observability/logger.ts";
import { RevisionTraffic } from "../../src/proxy/revision-traffic.ts";
import { HttpProxy, type HttpProxyOptions } from "../../src/proxy/server.ts";
import { createReplicaChannel } from "../../src/routing/replica-channel.ts";
import { Router } from "../../src/routing/router.ts";
import { WireConnection } from "../../src/routing/wire-connection.ts";
import { FrameType } from "../../src/wire/frame.ts";
import { writeHead } from "../../src/wire/head.ts";
import { startFakeControllerRuntime } from "../support/fake-controller-runtime.ts";
import { type FakeReplica, startFakeReplica, targetsOf } from "../support/fake-replica.ts";
import { tempDir } from "../support/temp-dir.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

async function startProxy(given: Partial<HttpProxyOptions> = {}) {
  const router = new Router({ channel: createReplicaChannel(), clock: systemClock, random: systemRandom });
  const proxy = new HttpProxy({
    router,
    clock: systemClock,
    random: systemRandom,
    traffic: new RevisionTraffic(systemClock, () => Promise.resolve()),
    log: silentLogger,
    rootPath: "",
    requestTimeoutS: 0,
    keepAliveTimeoutS: 90,
    webhookSocket: undefined,
    ...given,
  });
  proxy.server.listen(0, "127.0.0.1");
  await once(proxy.server, "listening");
  const { port } = proxy.server.address() as AddressInfo;
  onTestFinished(async () => {
    proxy.server.closeAllConnections();
    proxy.server.close();
    await router.close();
  });
  return {
    proxy,
    router,
    port,
    apply: (table: MessageInitShape<typeof RoutingTableSchema>) => proxy.apply(create(RoutingTableSchema, table)),
    ask: (options: Ask = {}) => ask(port, options),
  };
}

/** A proxy with the route `prefix` to the deployment `app/d` on these replicas. */
async function serve(
  replicas: readonly FakeReplica[],
  given: { prefix?: string; targets?: Parameters<typeof targetsOf>[1]; options?: Partial<HttpProxyOptions> } = {},
) {
  const started = await startProxy(given.options);
  started.apply({
    routes: [{ prefix: given.prefix ?? "/", application: "app", deployment: "d" }],
    deployments: [targetsOf(replicas, given.targets)],
  });
  return started;
}

interface Ask {
  method?: string;
  path?: string;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
  agent?: Agent;
  signal?: AbortSignal;
}

interface Told {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  /** The connection ended before the answer did. */
  cut: boolean;
}

function ask(port: number, { body, agent, ...options }: Ask): Promise<Told> {
  return new Promise((resolve, reject) => {
    const req = httpRequest({ port, host: "127.0.0.1", agent: agent ?? false, ...options }, (res) => {
      const chunks: Buffer[] = [];
      res.on("data", (chunk: Buffer) => chunks.push(chunk));
      const done = (cut: boolean) => () =>
        resolve({ status: res.statusCode!, headers: res.headers, body: Buffer.concat(chunks).toString(), cut });
      res.on("end", done(false)).on("error", done(true));
    });
    req.on("error", reject);
    req.end(body);
  });
}

/** Sends bytes as they are and returns all that comes back. */
async function raw(port: number, text: string, until: RegExp = /\r\n\r\n[\s\S]+/): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let got = "";
  socket.on("data", (chunk) => {
    got += chunk.toString("latin1");
  });
  socket.on("error", () => {});
  socket.write(text);
  try {
    await vi.waitFor(() => expect(got).toMatch(until), { timeout: 5_000 });
  } finally {
    socket.destroy();
  }
  return got;
}

const replicaIn = (id = "r", given: Partial<FakeReplica> = {}) => startFakeReplica(tempDir(), id, given);

describe("forwarding", () => {
  it("passes method, whole path, query, headers and body, and the answer back", async () => {
    const replica = await replicaIn();
    replica.handler = async (req, res) => {
      const body = Buffer.concat(await req.toArray()).toString();
      res.writeHead(418, { "set-cookie": ["a=1", "b=2"], "x-own": "y" });
      res.end(JSON.stringify({ method: req.method, url: req.url, body, headers: req.headers }));
    };
    const { ask } = await serve([replica], { prefix: "/a" });
    const told = await ask({ method: "PATCH", path: "/a/b%20c?q=1", headers: { "x-mine": "z" }, body: "hello" });
    const seen = JSON.parse(told.body);
    expect(told).toMatchObject({ status: 418, headers: { "x-own": "y", "set-cookie": ["a=1", "b=2"] } });
    expect(seen).toMatchObject({ method: "PATCH", url: "/a/b%20c?q=1", body: "hello" });
    expect(seen.headers).toMatchObject({ "x-mine": "z", "x-forwarded-prefix": "/a", "x-windlass-kind": "http" });
    expect(seen.headers["x-request-id"]).toBe(told.headers["x-request-id"]);
  });

  it("removes hop-by-hop and x-windlass headers both ways, and says no prefix for the root", async () => {
    const replica = await replicaIn();
    replica.handler = (req, res) => {
      res.writeHead(200, { "x-windlass-secret": "1", connection: "x-gone", "x-gone": "1", "keep-alive": "timeout=7" });
      res.end(JSON.stringify(req.headers));
    };
    const { ask } = await serve([replica]);
    const told = await ask({
      headers: {
        connection: "close, x-hop",
        "x-hop": "1",
        te: "trailers",
        "x-windlass-kind": "reserve",
        "x-windlass-reservation": "r1",
        "x-forwarded-prefix": "/fake",
      },
    });
    const seen = JSON.parse(told.body);
    expect(seen["x-windlass-kind"]).toBe("http");
    for (const name of ["x-hop", "te", "x-windlass-reservation", "x-forwarded-prefix"])
      expect(seen[name]).toBeUndefined();
    for (const name of ["x-windlass-secret", "x-windlass-ongoing", "x-gone"])
      expect(told.headers[name]).toBeUndefined();
  });

  it("puts the root path before what applications see, not before what is matched", async () => {
    const replica = await replicaIn();
    replica.handler = (req, res) => void res.end(`${req.url} ${req.headers["x-forwarded-prefix"]}`);
    const { ask } = await serve([replica], { prefix: "/a", options: { rootPath: "/base" } });
    expect((await ask({ path: "/a/ok" })).body).toBe("/base/a/ok /base/a");
    const missed = await ask({ path: "/base/a/ok" });
    expect(missed).toMatchObject({ status: 404 });
    expect(missed.body).toBe("Path '/base/base/a/ok' not found. Ping http://.../-/routes for available routes.");
  });

  it("answers HEAD without a body and keeps the connection in step", async () => {
    const replica = await replicaIn();
    replica.handler = (_req, res) => void res.writeHead(200, { "content-length": 5 }).end("hello");
    const { ask } = await serve([replica]);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    expect(await ask({ method: "HEAD", agent })).toMatchObject({
      status: 200,
      body: "",
      headers: { "content-length": "5" },
    });
    expect((await ask({ agent })).body).toBe("hello");
  });

  it("sends the head of a stream before its first piece", async () => {
    const replica = await replicaIn();
    let go = (): void => {};
    replica.handler = (_req, res) => {
      res.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      go = () => void res.end("data: 1\n\n");
    };
    const { port } = await serve([replica]);
    const req = httpRequest({ port, host: "127.0.0.1", agent: false }).end();
    const [res] = await once(req, "response");
    expect(res.headers["content-type"]).toBe("text/event-stream");
    go();
    expect(Buffer.concat(await res.toArray()).toString()).toBe("data: 1\n\n");
  });

  it("answers 500 where a replica's answer has a head that HTTP does not have, and lives on", async () => {
    const address = join(tempDir(), "s");
    const server = createServer((socket) => {
      const connection: WireConnection = new WireConnection(socket, {
        onFrame(type, _end, id) {
          if (type !== FrameType.open) return;
          connection.writer.pair(FrameType.taken, id, 1, 0);
          const head = { status: 42, result: "", reservation: "", headers: ["x-a", "b"] } as const;
          writeHead(connection.writer, id, { ...head, headers: [...head.headers] }, Buffer.from("body"), true);
          connection.soon();
        },
        onDrain() {},
        onClosed() {},
      });
    });
    await new Promise<void>((resolve) => server.listen(address, resolve));
    onTestFinished(() => void server.close());
    const { ask } = await serve([{ id: "r", address } as FakeReplica]);
    const { status, body, headers } = await ask();
    expect([status, body, headers["x-a"]]).toEqual([500, "Internal Server Error", undefined]);
    expect((await ask({ path: "/-/healthz" })).status).toBe(200);
  });

  it("streams a chunked upload and a large one through a reservation, while the answer flows", async () => {
    const replica = await replicaIn();
    replica.handler = (req, res) => void req.pipe(res);
    const { port, ask } = await serve([replica]);
    const big = "x".repeat(1_000_000);
    const told = await ask({ method: "POST", body: big });
    expect(told.body === big).toBe(true);
    const req = httpRequest({ port, host: "127.0.0.1", agent: false, method: "POST" });
    req.write("one");
    const [res] = await once(req, "response");
    expect((await once(res, "data"))[0].toString()).toBe("one");
    req.end("two");
    expect((await once(res, "data"))[0].toString()).toBe("two");
  });

  it("takes a whole URL for its path", async () => {
    const replica = await replicaIn();
    replica.handler = (req, res) => void res.end(req.url);
    const { port } = await serve([replica]);
    expect(await raw(port, "GET http://some.host/x?y HTTP/1.1\r\nHost: h\r\n\r\n")).toContain("/x?y");
  });

  it("says 100-continue when the body is wanted, and not before a 404", async () => {
    const replica = await replicaIn();
    replica.handler = async (req, res) => void res.end(`got ${Buffer.concat(await req.toArray()).length}`);
    const { port } = await serve([replica], { prefix: "/a" });
    for (const length of [4, 100_000]) {
      const socket = connect(port, "127.0.0.1");
      let got = "";
      socket.on("data", (chunk) => {
        got += chunk;
      });
      socket.write(`POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`);
      await vi.waitFor(() => expect(got).toBe("HTTP/1.1 100 Continue\r\n\r\n"));
      socket.write("x".repeat(length));
      await vi.waitFor(() => expect(got).toContain(`got ${length}`));
      socket.destroy();
    }
    const missed = await raw(port, "POST /b HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    expect(missed).toMatch(/^HTTP\/1.1 404/);
  });
});

describe("request ids", () => {
  it("are made where absent, kept where given, even empty", async () => {
    const { ask } = await serve([await replicaIn()]);
    expect((await ask()).headers["x-request-id"]).toMatch(UUID);
    expect((await ask({ headers: { "x-request-id": "mine" } })).headers["x-request-id"]).toBe("mine");
    expect((await ask({ headers: { "x-request-id": "" } })).headers["x-request-id"]).toBe("");
  });

  it("come with every answer of the proxy's own", async () => {
    const { ask, port } = await serve([], { prefix: "/a", targets: { maxQueuedRequests: 0 } });
    const headers = { "x-request-id": "mine" };
    for (const path of ["/-/healthz", "/-/routes", "/none", "/a"]) {
      expect((await ask({ path, headers })).headers["x-request-id"]).toBe("mine");
    }
    expect(await raw(port, "nonsense\r\n\r\n")).toMatch(/x-request-id: [0-9a-f-]{36}\r\n/);
  });

  it("are the client's even where the application names another", async () => {
    const replica = await replicaIn();
    replica.handler = (_req, res) => void res.writeHead(200, { "X-Request-Id": "other" }).end();
    const { ask } = await serve([replica]);
    expect((await ask({ headers: { "x-request-id": "mine" } })).headers["x-request-id"]).toBe("mine");
  });
});

describe("health and routes", () => {
  const populated = {
    routes: [
      { prefix: "/a", application: "one" },
      { prefix: "/", application: "two" },
    ],
  };

  it("say 503 until a table with routes has come, and never again after", async () => {
    const { apply, ask } = await startProxy();
    for (const table of [undefined, { routes: [] }]) {
      if (table) apply(table);
      for (const path of ["/-/healthz", "/-/routes"]) {
        expect(await ask({ path })).toMatchObject({ status: 503, body: "Route table is not populated yet." });
      }
    }
    apply(populated);
    expect(await ask({ path: "/-/healthz?x=1", method: "POST" })).toMatchObject({ status: 200, body: "success" });
    const routes = await ask({ path: "/-/routes" });
    expect(routes).toMatchObject({ status: 200, body: '{"/a":"one","/":"two"}' });
    expect(routes.headers["content-type"]).toBe("application/json");
    apply({ routes: [] });
    expect(await ask({ path: "/-/routes" })).toMatchObject({ status: 200, body: "{}" });
  });

  it("say 503 while draining, and requests are served with Connection: close", async () => {
    const { proxy, ask } = await serve([await replicaIn()]);
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    expect((await ask({ agent })).headers.connection).toBe("keep-alive");
    proxy.startDraining();
    for (const path of ["/-/healthz", "/-/routes"]) {
      expect(await ask({ path })).toMatchObject({ status: 503, body: "This node is being drained." });
    }
    expect(await ask({ agent })).toMatchObject({ status: 200, body: "r", headers: { connection: "close" } });
  });

  it("a connection that a client opened for requests to come holds up no drain", async () => {
    const { proxy, port, ask } = await serve([await replicaIn()]);
    const spare = connect(port, "127.0.0.1");
    onTestFinished(() => void spare.destroy());
    await once(spare, "connect");
    expect(await ask({})).toMatchObject({ status: 200 });
    const over = once(spare, "close");
    spare.resume();
    expect(await proxy.drain(20_000)).toBe(true);
    await over;
  });
});

describe("statuses", () => {
  it("404 shows the decoded path", async () => {
    const { ask } = await serve([], { prefix: "/a" });
    expect(await ask({ path: "/ab%20c?q" })).toMatchObject({
      status: 404,
      body: "Path '/ab c' not found. Ping http://.../-/routes for available routes.",
    });
  });

  it("408 while queued and while running, with the header before the configured time", async () => {
    const replica = await replicaIn("r", { handler: () => {} });
    const { ask } = await serve([replica], { targets: { maxOngoingRequests: 1 }, options: { requestTimeoutS: 0.1 } });
    const running = ask({ headers: { "x-request-id": "one" } });
    const queued = ask({ headers: { "x-request-id": "two", "x-request-timeout-seconds": "0.05" } });
    expect(await queued).toMatchObject({ status: 408, body: "Request two timed out after 0.05s." });
    expect(await running).toMatchObject({ status: 408, body: "Request one timed out after 0.1s." });
    await vi.waitFor(() => expect(replica.ongoing).toBe(0));
    expect(replica.accepted).toHaveLength(1);
  });

  it("408 for an upload that stalls", async () => {
    const { port } = await serve([await replicaIn()], { options: { requestTimeoutS: 0.05 } });
    const got = await raw(
      port,
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf",
      /timed out after 0.05s/,
    );
    expect(got).toMatch(/^HTTP\/1.1 408[\s\S]*connection: close/i);
  });

  it("a time-out within the answer cuts the connection", async () => {
    const replica = await replicaIn("r", { handler: (_req, res) => void res.write("begun") });
    const { ask } = await serve([replica], { options: { requestTimeoutS: 0.1 } });
    expect(await ask()).toMatchObject({ status: 200, body: "begun", cut: true });
  });

  it("503 with retry-after and the reason for one that waited too long where no replica serves", async () => {
    const coldStart = { timeoutS: 0.05, reason: "its replicas are starting", retryAfterS: 9 };
    const { ask, apply } = await serve([], { targets: { coldStart } });
    const refused = {
      status: 503,
      body: "Deployment(name='d', app='app') had no replica that serves for 0.05 s (cold_start_timeout_s): its replicas are starting. Try again in 9 s.",
      headers: expect.objectContaining({ "retry-after": "9", "content-type": "text/plain; charset=utf-8" }),
    };
    expect(await ask()).toMatchObject(refused);
    expect(await ask({ method: "POST", body: "small" })).toMatchObject(refused);
    expect(await ask({ method: "POST", body: Buffer.alloc(1_000_000) })).toMatchObject(refused);
    const held = ask();
    const replica = await replicaIn("r", { handler: (_req, res) => void res.end("served") });
    const table = { routes: [{ prefix: "/", application: "app", deployment: "d" }] };
    apply({ ...table, deployments: [targetsOf([replica], { coldStart: { ...coldStart, reason: "" } })] });
    expect(await held).toMatchObject({ status: 200, body: "served" });
  });

  it("holds no more of an upload in memory than a connection does anyway, while no replica serves", async () => {
    const { port } = await serve([]);
    const upload = connect(port, "127.0.0.1");
    onTestFinished(() => void upload.destroy());
    upload.on("error", () => {});
    upload.write(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${2 ** 30}\r\n\r\n`);
    const piece = Buffer.alloc(2 ** 20);
    let flushed = 0;
    const write = (): void => {
      upload.write(piece, (error) => {
        if (error) return;
        flushed += 1;
        write();
      });
    };
    write();
    // The sockets' own buffers are a few MiB; then nothing moves.
    let before = -1;
    await vi.waitFor(
      () => {
        const still = flushed === before;
        before = flushed;
        expect(still).toBe(true);
      },
      { interval: 200, timeout: 5_000 },
    );
    expect(flushed).toBeLessThan(32);
  });

  it.each([
    { asked: "low", allowed: false, given: "-1" },
    { asked: "high", allowed: false, given: undefined },
    { asked: "high", allowed: true, given: "1" },
    { asked: "7", allowed: true, given: "7" },
    { asked: "normal", allowed: true, given: undefined },
  ])("passes on a priority of $asked as $given where raising it is allowed: $allowed", async (one) => {
    const replica = await replicaIn("r");
    const { ask } = await serve([replica], { targets: { clientPriorities: one.allowed } });
    expect((await ask({ headers: { "x-windlass-priority": one.asked } })).status).toBe(200);
    expect(replica.accepted[0]!.headers["x-windlass-priority"]).toBe(one.given);
  });

  it("400 for a priority that is none, in one line", async () => {
    const { ask } = await serve([await replicaIn("r")]);
    const { status, body } = await ask({ headers: { "x-windlass-priority": "urgent" } });
    expect([status, body]).toEqual([
      400,
      'x-windlass-priority must be low, normal, high or a whole number from -9 to 9, not "urgent".',
    ]);
  });

  it("serves who waits by priority, and displaces the least urgent where the queue is full", async () => {
    const waiting: (() => void)[] = [];
    const replica = await replicaIn("r", { handler: (req, res) => void waiting.push(() => res.end(req.url)) });
    const targets = { maxOngoingRequests: 1, maxQueuedRequests: 2, clientPriorities: true };
    const { ask, router } = await serve([replica], { targets });
    const target = router.target("app", "d");
    const order: string[] = [];
    const all: Promise<Told>[] = [];
    for (const [i, priority] of ["normal", "low", "normal", "high"].entries()) {
      const told = ask({ path: `/${i}`, headers: { "x-windlass-priority": priority } });
      void told.then(({ status, body }) => void (status === 200 && order.push(body)));
      all.push(told);
      if (i < 3) await vi.waitFor(() => expect(target.ongoing + target.queued).toBe(i + 1));
    }
    const displaced = await all[1]!;
    expect([displaced.status, displaced.headers["retry-after"], displaced.body]).toEqual([
      503,
      "1",
      "Request dropped due to backpressure: one of higher priority took its place (num_queued_requests=2, max_queued_requests=2).",
    ]);
    for (let i = 0; i < 3; i++) {
      await vi.waitFor(() => expect(waiting.length).toBe(i + 1));
      waiting[i]!();
    }
    await Promise.all(all);
    expect(order).toEqual(["/0", "/3", "/2"]);
  });

  it("503 or 429 with retry-after, rounded up, for a full queue", async () => {
    const replica = await replicaIn("r", { handler: () => {} });
    const targets = {
      maxOngoingRequests: 1,
      maxQueuedRequests: 1,
      backpressureStatusCode: 429,
      backpressureRetryAfterS: 1.2,
    };
    const { ask, router } = await serve([replica], { targets });
    const abort = new AbortController();
    for (let i = 0; i < 2; i++) ask({ signal: abort.signal }).catch(() => {});
    await vi.waitFor(() => expect(router.target("app", "d").queued).toBe(1));
    expect(await ask()).toMatchObject({
      status: 429,
      headers: { "retry-after": "2" },
      body: "Request dropped due to backpressure (num_queued_requests=1, max_queued_requests=1).",
    });
    abort.abort();
    await vi.waitFor(() => expect(router.target("app", "d")).toMatchObject({ queued: 0, ongoing: 0 }));
  });

  it("503 with the table's text for a deployment that failed", async () => {
    const { ask } = await serve([], { targets: { unavailable: "Deployment(name='d', app='app') is unavailable." } });
    expect(await ask()).toMatchObject({ status: 503, body: "Deployment(name='d', app='app') is unavailable." });
  });

  it("500 with its request id when the replica dies under a POST", async () => {
    const handler: FakeReplica["handler"] = (req) => req.socket.destroy();
    const { ask } = await serve([await replicaIn("r", { handler })]);
    expect(await ask({ method: "POST", body: "x", headers: { "x-request-id": "mine" } })).toMatchObject({
      status: 500,
      body: "Internal Server Error",
      headers: { "x-request-id": "mine" },
    });
  });

  it("a replica that dies within the answer cuts the connection", async () => {
    const handler: FakeReplica["handler"] = (req, res) => void res.write("begun", () => req.socket.destroy());
    const { ask } = await serve([await replicaIn("r", { handler })]);
    expect(await ask()).toMatchObject({ status: 200, body: "begun", cut: true });
  });

  it("400 for malformed HTTP, and an h2c offer is an ordinary request", async () => {
    const { port, ask } = await serve([await replicaIn()]);
    expect(await raw(port, "nonsense\r\n\r\n")).toMatch(/^HTTP\/1.1 400 [\s\S]*Invalid HTTP request received\.$/);
    const offer = {
      connection: "Upgrade, HTTP2-Settings",
      upgrade: "h2c",
      "http2-settings": "AAMAAABkAAQCAAAAAAIAAAAA",
    };
    expect(await ask({ headers: offer })).toMatchObject({ status: 200, body: "r" });
  });
});

describe("replicas that refuse or die", () => {
  it("a refused request goes elsewhere and the client does not see it", async () => {
    const [full, free] = [await replicaIn("full", { maxOngoing: 0 }), await replicaIn("free")];
    const { ask } = await serve([full, free]);
    for (let i = 0; i < 20; i++) expect((await ask({ method: "POST", body: "x" })).body).toBe("free");
    expect(full.accepted).toHaveLength(0);
  });

  it("a dead one is passed over for any method, with a small or a streamed body", async () => {
    const [dead, live] = [await replicaIn("dead"), await replicaIn("live")];
    live.handler = (req, res) => void req.resume().on("end", () => res.end("live"));
    await dead.kill();
    const { ask } = await serve([dead, live]);
    for (const body of ["small", "x".repeat(100_000)]) {
      for (let i = 0; i < 5; i++)
        expect(await ask({ method: "POST", body })).toMatchObject({ status: 200, body: "live" });
    }
  });

  it("a GET on a connection that breaks is answered by another", async () => {
    const breaking = await replicaIn("breaking", { handler: (req) => req.socket.destroy() });
    const { ask } = await serve([breaking, await replicaIn("live")]);
    const told = await Promise.all(Array.from({ length: 8 }, () => ask()));
    expect(told.every(({ body }) => body === "live")).toBe(true);
    expect(breaking.accepted.length).toBeGreaterThan(0);
  });

  it("requests wait for a deployment without replicas until it has some", async () => {
    const replica = await replicaIn();
    const { ask, apply, router } = await serve([]);
    const waiting = ask();
    await vi.waitFor(() => expect(router.target("app", "d").queued).toBe(1));
    apply({ routes: [{ prefix: "/", application: "app", deployment: "d" }], deployments: [targetsOf([replica])] });
    expect((await waiting).body).toBe("r");
  });
});

describe("a client that goes away", () => {
  it("cancels its request at the replica", async () => {
    const closed = Promise.withResolvers<boolean>();
    const handler: FakeReplica["handler"] = (_req, res) => {
      res.on("close", () => closed.resolve(res.writableFinished));
      abort.abort();
    };
    const abort = new AbortController();
    const { ask } = await serve([await replicaIn("r", { handler })]);
    await expect(ask({ signal: abort.signal })).rejects.toThrow(/abort/i);
    expect(await closed.promise).toBe(false);
  });

  it("lets it finish where the client asked for that", async () => {
    const finished = Promise.withResolvers<boolean>();
    const abort = new AbortController();
    const replica = await replicaIn();
    const { ask, router } = await serve([replica]);
    replica.handler = (_req, res) => {
      res.on("close", () => finished.resolve(res.writableFinished));
      res.write("a");
      abort.abort();
      void vi.waitFor(() => expect(gone()).toBe(true)).then(() => res.end("x".repeat(1_000_000)));
    };
    const gone = (): boolean => clientFailed;
    let clientFailed = false;
    await ask({ signal: abort.signal, headers: { "x-request-disconnect-disabled": "?1" } }).catch(() => {
      clientFailed = true;
    });
    expect(await finished.promise).toBe(true);
    await vi.waitFor(() => expect(router.target("app", "d").ongoing).toBe(0));
  });

  it("in the middle of an upload cancels it too", async () => {
    const replica = await replicaIn();
    const closed = Promise.withResolvers<void>();
    replica.handler = (req) => void req.on("close", () => closed.resolve()).resume();
    const { port, router } = await serve([replica]);
    const socket = connect(port, "127.0.0.1");
    socket.write("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    await vi.waitFor(() => expect(replica.accepted).toHaveLength(1));
    socket.destroy();
    await closed.promise;
    await vi.waitFor(() => expect(router.target("app", "d").ongoing).toBe(0));
  });
});

describe("the scale webhook", () => {
  const path = "/api/v1/applications/a%2Fb/deployments/d/scale";

  it("goes to the controller with its headers, before routes", async () => {
    const seen: unknown[] = [];
    const controller = await startFakeControllerRuntime(join(tempDir(), "c"), {
      http: async (req, res) => {
        seen.push({ url: req.url, headers: req.headers, body: Buffer.concat(await req.toArray()).toString() });
        res.writeHead(412, { "content-type": "application/json" }).end('{"error": "no"}');
      },
    });
    onTestFinished(() => controller.stop());
    const { ask } = await serve([await replicaIn()], { options: { webhookSocket: controller.socketPath } });
    const headers = { authorization: "Bearer t", "content-type": "application/json", "x-windlass-forwarded": "fake" };
    const told = await ask({ method: "POST", path, headers, body: "{}" });
    expect(told).toMatchObject({
      status: 412,
      body: '{"error": "no"}',
      headers: { "content-type": "application/json" },
    });
    expect(told.headers["x-request-id"]).toMatch(UUID);
    expect(seen).toMatchObject([
      { url: path, body: "{}", headers: { authorization: "Bearer t", "x-windlass-forwarded": "webhook" } },
    ]);
  });

  it("reaches the controller by its path also when a whole URL was asked for", async () => {
    const seen: unknown[] = [];
    const controller = await startFakeControllerRuntime(join(tempDir(), "c"), {
      http: (req, res) => {
        seen.push(req.url);
        req.resume();
        res.writeHead(200).end("{}");
      },
    });
    onTestFinished(() => controller.stop());
    const { ask } = await serve([await replicaIn()], { options: { webhookSocket: controller.socketPath } });
    await ask({ method: "POST", path: `http://127.0.0.1:8000${path}?x=1`, body: "{}" });
    expect(seen).toEqual([`${path}?x=1`]);
  });

  it("is this path and method only", async () => {
    const { ask } = await serve([await replicaIn()], { options: { webhookSocket: join(tempDir(), "none") } });
    expect((await ask({ method: "GET", path })).body).toBe("r");
    expect((await ask({ method: "POST", path: `${path}/` })).body).toBe("r");
    expect((await ask({ method: "POST", path: "/api/v1/applications/a/x/deployments/d/scale" })).body).toBe("r");
  });

  it("is 503 while the controller is away, and can be switched off", async () => {
    const away = await serve([await replicaIn()], { options: { webhookSocket: join(tempDir(), "none") } });
    expect(await away.ask({ method: "POST", path, body: "{}" })).toMatchObject({
      status: 503,
      body: '{"error": "Serve controller is not available"}',
      headers: { "content-type": "application/json" },
    });
    const off = await serve([await replicaIn()]);
    expect((await off.ask({ method: "POST", path, body: "{}" })).body).toBe("r");
  });
});
