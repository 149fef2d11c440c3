/** The HTTP proxy over TLS: both versions of HTTP answer alike. */
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { HttpProxyOptions } from "../../src/proxy/server.ts";
import { readTls } from "../../src/tls/material.ts";
import { client, drained, VERSIONS } from "../support/both-http.ts";
import { selfSigned } from "../support/certificates.ts";
import { type FakeReplica, startFakeReplica, targetsOf } from "../support/fake-replica.ts";
import { startHttpProxy } from "../support/http-proxy.ts";
import { tempDir } from "../support/temp-dir.ts";

const certificate = selfSigned({ atEnd: (remove) => void process.once("exit", remove) });
const TRUST = { ca: certificate.pem };
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function replicaThat(handler: FakeReplica["handler"]): Promise<FakeReplica> {
  return startFakeReplica(tempDir(), "r", { handler });
}

async function serve(
  replicas: readonly FakeReplica[],
  given: { targets?: Parameters<typeof targetsOf>[1]; options?: Partial<HttpProxyOptions> } = {},
) {
  const started = await startHttpProxy({ tls: readTls(certificate), ...given.options });
  started.apply({
    routes: [{ prefix: "/", application: "app", deployment: "d" }],
    deployments: [targetsOf(replicas, given.targets)],
  });
  return started;
}

async function* pieces(count: number, bytes: number): AsyncGenerator<Buffer> {
  const piece = Buffer.alloc(bytes, "x");
  for (let i = 0; i < count; i++) yield piece;
}

describe.each(VERSIONS)("over TLS with HTTP/%s", (version) => {
  const ask = (port: number) => client(version, port, TRUST).ask;

  it("method, path, headers and body reach the replica, the scheme too, and the answer comes back whole", async () => {
    const replica = await replicaThat(async (req, res) => {
      const body = Buffer.concat(await req.toArray()).toString();
      const { cookie, host, "x-forwarded-proto": proto, "x-windlass-scheme": scheme } = req.headers;
      res.writeHead(201, {
        "content-type": "text/x",
        "set-cookie": ["a=1", "b=2"],
        "x-seen": `${req.method} ${req.url}`,
      });
      res.end([body, cookie, host, proto, scheme].join("|"));
    });
    const { port } = await serve([replica]);
    const headers = { cookie: "k=v", "x-windlass-scheme": "gopher", "x-request-id": "mine" };
    const told = await ask(port)({ method: "PUT", path: "/app/x%20y?q=1", headers, body: "hello" });
    expect(told).toMatchObject({ status: 201, cut: false });
    expect(told.body.toString()).toBe(`hello|k=v|127.0.0.1:${port}|https|https`);
    expect(told.headers).toMatchObject({
      "content-type": "text/x",
      "set-cookie": ["a=1", "b=2"],
      "x-seen": "PUT /app/x%20y?q=1",
      "x-request-id": "mine",
    });
  });

  it("the scheme that a proxy before this one names is kept", async () => {
    const { port } = await serve([await replicaThat((req, res) => void res.end(req.headers["x-forwarded-proto"]))]);
    const told = await ask(port)({ headers: { "x-forwarded-proto": "wss" } });
    expect(told.body.toString()).toBe("wss");
  });

  it("an answer without a body, and one to HEAD, are whole", async () => {
    const replica = await replicaThat((req, res) => {
      res.writeHead(req.url === "/none" ? 204 : 200, req.method === "HEAD" ? { "content-length": 5 } : {});
      res.end(req.method === "HEAD" || req.url === "/none" ? undefined : "hello");
    });
    const { port } = await serve([replica]);
    const asking = ask(port);
    expect(await asking({ path: "/none" })).toMatchObject({ status: 204, body: Buffer.alloc(0), cut: false });
    const head = await asking({ method: "HEAD" });
    expect(head).toMatchObject({ status: 200, body: Buffer.alloc(0), cut: false, headers: { "content-length": "5" } });
    expect(await asking()).toMatchObject({ status: 200, body: Buffer.from("hello"), cut: false });
  });

  it("health, routes and paths that lead nowhere are answered with a request id", async () => {
    const started = await startHttpProxy({ tls: readTls(certificate) });
    const asking = ask(started.port);
    expect(await asking({ path: "/-/healthz" })).toMatchObject({ status: 503 });
    started.apply({ routes: [{ prefix: "/a", application: "app" }] });
    const healthy = await asking({ path: "/-/healthz?x", method: "POST" });
    expect(healthy).toMatchObject({ status: 200, body: Buffer.from("success") });
    expect(healthy.headers["x-request-id"]).toMatch(UUID);
    expect((await asking({ path: "/-/routes" })).body.toString()).toBe('{"/a":"app"}');
    const nowhere = await asking({ path: "/ab%20c?q" });
    expect(nowhere.status).toBe(404);
    expect(nowhere.body.toString()).toBe("Path '/ab c' not found. Ping http://.../-/routes for available routes.");
  });

  it("408 while queued, while running, and for an upload that stalls", async () => {
    const replica = await replicaThat(() => {});
    const { port, router } = await serve([replica], {
      targets: { maxOngoingRequests: 1 },
      options: { requestTimeoutS: 0.2 },
    });
    const asking = ask(port);
    const running = asking({ headers: { "x-request-id": "one" } });
    await vi.waitFor(() => expect(replica.ongoing).toBe(1));
    const queued = asking({ headers: { "x-request-id": "two", "x-request-timeout-seconds": "0.05" } });
    expect((await queued).body.toString()).toBe("Request two timed out after 0.05s.");
    expect(await running).toMatchObject({ status: 408, cut: false });
    const never = new AbortController();
    async function* stalled(): AsyncGenerator<Buffer> {
      yield Buffer.from("half");
      await pause(60_000, undefined, { signal: never.signal }).catch(() => {});
    }
    const upload = asking({ method: "POST", headers: { "content-length": "10" }, body: stalled() });
    expect(await upload).toMatchObject({ status: 408 });
    never.abort();
    await vi.waitFor(() => expect(router.target("app", "d")).toMatchObject({ queued: 0, ongoing: 0 }));
  });

  it("a time-out within the answer, and a replica that dies there, are noticed by the client", async () => {
    const replica = await replicaThat((req, res) => {
      res.write("begun", () => req.url === "/dies" && req.socket.destroy());
    });
    const { port } = await serve([replica], { options: { requestTimeoutS: 0.2 } });
    const asking = ask(port);
    expect(await asking()).toMatchObject({ status: 200, body: Buffer.from("begun"), cut: true });
    expect(await asking({ path: "/dies" })).toMatchObject({ status: 200, body: Buffer.from("begun"), cut: true });
  });

  it("429 with retry-after for a full queue, and the counters return to 0", async () => {
    const replica = await replicaThat(() => {});
    const targets = {
      maxOngoingRequests: 1,
      maxQueuedRequests: 1,
      backpressureStatusCode: 429,
      backpressureRetryAfterS: 1.2,
    };
    const { port, router } = await serve([replica], { targets });
    const asking = ask(port);
    const abort = new AbortController();
    for (let i = 0; i < 2; i++) asking({ signal: abort.signal }).catch(() => {});
    await vi.waitFor(() => expect(router.target("app", "d").queued).toBe(1));
    expect(await asking()).toMatchObject({ status: 429, headers: { "retry-after": "2" } });
    abort.abort();
    await vi.waitFor(() => expect(router.target("app", "d")).toMatchObject({ queued: 0, ongoing: 0 }));
  });

  it("503 for a deployment that failed, 500 for a replica that dies under a POST", async () => {
    const unavailable = "Deployment(name='d', app='app') is unavailable.";
    const failed = await serve([], { targets: { unavailable } });
    expect(await ask(failed.port)()).toMatchObject({ status: 503, body: Buffer.from(unavailable) });
    const dies = await serve([await replicaThat((req) => void req.socket.destroy())]);
    expect(await ask(dies.port)({ method: "POST", body: "x", headers: { "x-request-id": "mine" } })).toMatchObject({
      status: 500,
      body: Buffer.from("Internal Server Error"),
      headers: { "x-request-id": "mine" },
    });
  });

  it("100-continue is said when the body is wanted; other expectations are 417", async () => {
    const replica = await replicaThat(async (req, res) => void res.end(String((await req.toArray()).length > 0)));
    const { port } = await serve([replica]);
    const asking = ask(port);
    const headers = { expect: "100-continue" };
    expect((await asking({ method: "POST", headers, body: "small" })).body.toString()).toBe("true");
    const long = { ...headers, "content-length": "200000" };
    expect((await asking({ method: "POST", headers: long, body: Buffer.alloc(200_000) })).body.toString()).toBe("true");
    expect(await asking({ headers: { expect: "a pony" } }).catch((error: Error) => error)).toMatchObject({
      status: 417,
    });
  });

  it("headers of more than 16 KiB are 431", async () => {
    const { port } = await serve([await replicaThat((_req, res) => void res.end("ok"))]);
    const asking = ask(port);
    expect(await asking({ headers: { "x-big": "x".repeat(17_000) } })).toMatchObject({ status: 431 });
    expect(await asking({ headers: { "x-big": "x".repeat(15_000) } })).toMatchObject({ status: 200 });
  });

  it("bodies stream both ways at once, with and without a length", async () => {
    const replica = await replicaThat((req, res) => void req.pipe(res));
    const { port } = await serve([replica]);
    const asking = ask(port);
    const told = await asking({ method: "POST", body: pieces(128, 65_536) });
    expect(told).toMatchObject({ status: 200, cut: false });
    expect(told.body.length).toBe(8 * 1024 * 1024);
    const headers = { "content-length": "1000000" };
    const known = await asking({ method: "POST", headers, body: Buffer.alloc(1_000_000) });
    expect(known.body.length).toBe(1_000_000);
  });

  it("a replica that does not read holds the client back", async () => {
    const replica = await replicaThat(() => {});
    const { port } = await serve([replica]);
    const abort = new AbortController();
    let taken = 0;
    async function* counted(): AsyncGenerator<Buffer> {
      for await (const piece of pieces(1_000, 65_536)) {
        taken += 1;
        yield piece;
      }
    }
    const asked = ask(port)({ method: "POST", body: counted(), signal: abort.signal }).catch(() => "gone");
    let before = -1;
    await vi.waitFor(
      () => {
        const still = taken > 0 && taken === before;
        before = taken;
        expect(still).toBe(true);
      },
      { interval: 200, timeout: 10_000 },
    );
    // Buffers of sockets and of the layers between are a few MiB; the body has 64.
    expect(taken).toBeLessThan(400);
    abort.abort();
    await asked;
  });

  it("a slow reader holds the replica back", async () => {
    let sent = 0;
    const replica = await replicaThat(async (_req, res) => {
      const piece = Buffer.alloc(65_536);
      for (let i = 0; i < 1_000 && !res.destroyed; i++) {
        sent += 1;
        if (!res.write(piece)) await drained(res);
      }
      res.end();
    });
    const { port, router } = await serve([replica]);
    const reader = await client(version, port, TRUST).pausedReader();
    let before = -1;
    await vi.waitFor(
      () => {
        const still = sent > 0 && sent === before;
        before = sent;
        expect(still).toBe(true);
      },
      { interval: 200, timeout: 10_000 },
    );
    // Buffers of sockets and of the layers between are a few MiB; the answer has 64.
    expect(sent).toBeLessThan(400);
    reader.leave();
    await vi.waitFor(() => expect(router.target("app", "d").ongoing).toBe(0));
  });

  it("a client that goes away cancels its request, before the answer, within it, and in its upload", async () => {
    const replica = await replicaThat((req, res) => {
      req.resume();
      if (req.url === "/begun") res.write("a");
    });
    const { port, router } = await serve([replica]);
    for (const given of [{ path: "/" }, { path: "/begun" }, { path: "/", method: "POST", body: pieces(2, 10) }]) {
      const abort = new AbortController();
      const body = given.body === undefined ? {} : { body: endless(given.body) };
      const asked = client(version, port, TRUST).ask({ ...given, ...body, signal: abort.signal });
      const ended = asked.then(
        () => "cut",
        () => "failed",
      );
      await vi.waitFor(() => expect(replica.ongoing).toBe(1));
      abort.abort();
      expect(["cut", "failed"]).toContain(await ended);
      await vi.waitFor(() => expect(replica.ongoing).toBe(0));
      await vi.waitFor(() => expect(router.target("app", "d").ongoing).toBe(0));
    }
  });

  it("while draining, requests that are under way are answered and connections end", async () => {
    const replica = await replicaThat((_req, res) => void held.promise.then(() => res.end("late")));
    const held = Promise.withResolvers<void>();
    const { port, proxy } = await serve([replica]);
    const asking = client(version, port, TRUST);
    const running = asking.ask();
    await vi.waitFor(() => expect(replica.ongoing).toBe(1));
    const drained = proxy.drain(20_000);
    held.resolve();
    expect(await running).toMatchObject({ status: 200, body: Buffer.from("late"), cut: false });
    expect(await drained).toBe(true);
  });
});

describe("a drain", () => {
  it("is not held up by a connection that never had a request", async () => {
    const { port, proxy } = await serve([]);
    const spare = connectTls({ host: "127.0.0.1", port, ALPNProtocols: ["http/1.1"], ...TRUST });
    onTestFinished(() => void spare.destroy());
    await once(spare, "secureConnect");
    spare.resume();
    expect(await proxy.drain(20_000)).toBe(true);
  });
});

async function* endless(first: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* first;
  await new Promise<never>(() => {});
}
