/** What the gRPC proxy makes of what becomes of calls, before replicas that a test plays. */
import { once } from "node:events";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { createServer } from "node:net";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/core/system-clock.ts";
import { MetricSet } from "../../src/observability/metric-set.ts";
import { forwardedMetadata, outgoing, parseTimeout } from "../../src/proxy/grpc-metadata.ts";
import { createIngressMetrics } from "../../src/proxy/ingress-metrics.ts";
import { RevisionTraffic, type TrafficDelta } from "../../src/proxy/revision-traffic.ts";
import { encodeHello, FrameType } from "../../src/wire/frame.ts";
import { FrameWriter } from "../../src/wire/frame-writer.ts";
import { type FakeReplica, startFakeReplica, targetsOf } from "../support/fake-replica.ts";
import { grpcClient, openBidi } from "../support/grpc-client.ts";
import { startGrpcProxy } from "../support/grpc-proxy.ts";
import { until } from "../support/replica-process.ts";
import { tempDir } from "../support/temp-dir.ts";

const METHOD = "/p.S/M";
const OPEN = { ":method": "POST", ":path": METHOD, "content-type": "application/grpc", te: "trailers" };

type Proxy = Awaited<ReturnType<typeof startGrpcProxy>>;

function route(
  { apply }: Proxy,
  replicas: readonly FakeReplica[],
  targets: Parameters<typeof targetsOf>[1] = {},
): void {
  apply({
    routes: [{ prefix: "/", application: "app", deployment: "d" }],
    deployments: [targetsOf(replicas, targets)],
  });
}

/** A bare call with these headers and no body; resolves with head and trailers. */
async function call({ port }: Proxy, headers: Record<string, string> = {}) {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  onTestFinished(() => session.destroy());
  const stream = session.request({ ...OPEN, ...headers }, { endStream: true });
  let trailers: IncomingHttpHeaders = {};
  stream.on("trailers", (value) => {
    trailers = value;
  });
  stream.on("error", () => {});
  const [head] = (await once(stream, "response")) as [IncomingHttpHeaders];
  stream.resume();
  await once(stream, "close");
  return { head, trailers };
}

describe("an answer", () => {
  it("without a status is UNKNOWN, and one in HTTP's own terms is passed on", async () => {
    const replica = await startFakeReplica(tempDir(), "r");
    const proxy = await startGrpcProxy();
    route(proxy, [replica]);
    replica.handler = (_req, res) => void res.writeHead(200, { "content-type": "application/grpc" }).end("x");
    expect((await call(proxy)).trailers).toMatchObject({ "grpc-status": String(status.UNKNOWN) });
    replica.handler = (_req, res) => void res.writeHead(415, { "x-a": ["1", "2"] }).end();
    expect((await call(proxy)).head).toMatchObject({ ":status": 415, "x-a": "1, 2" });
  });

  it("that breaks off ends with UNAVAILABLE in the trailers", async () => {
    const replica = await startFakeReplica(tempDir(), "r");
    const proxy = await startGrpcProxy();
    route(proxy, [replica]);
    replica.handler = (req, res) => {
      res.writeHead(200, { "content-type": "application/grpc" }).write("x");
      res.on("drain", () => req.socket.destroy());
      setImmediate(() => req.socket.destroy());
    };
    const { head, trailers } = await call(proxy, { request_id: "r1" });
    const told = head["grpc-status"] === undefined ? trailers : head;
    expect(told).toMatchObject({ "grpc-status": String(status.UNAVAILABLE), request_id: "r1", "x-request-id": "r1" });
  });
});

describe("a call", () => {
  it("is tried elsewhere when its replica dies before it has taken it, streamed or not", async () => {
    const dir = tempDir();
    const address = join(dir, "mute");
    let met = 0;
    // Greets, hears of the call, and dies.
    const mute = createServer((socket) => {
      const writer = new FrameWriter();
      writer.bytes(FrameType.hello, 0, encodeHello());
      for (const bytes of writer.take()) socket.write(bytes);
      socket.on("error", () => {});
      socket.on("data", () => {
        met += 1;
        socket.destroy();
      });
    });
    mute.listen(address);
    await once(mute, "listening");
    onTestFinished(() => void mute.close());
    const other = await startFakeReplica(dir, "r");
    other.handler = (req, res) => {
      res.writeHead(200, { "content-type": "application/grpc" });
      req.pipe(res);
    };
    const proxy = await startGrpcProxy();
    proxy.apply({
      routes: [{ prefix: "/", application: "app", deployment: "d" }],
      deployments: [
        {
          ...targetsOf([other]),
          replicas: [
            { id: "mute", address },
            { id: "r", address: other.address },
          ],
        },
      ],
    });
    for (let i = 0; i < 20 && met < 2; i++) {
      const { call: stream, answer } = openBidi(grpcClient(proxy.address), METHOD);
      stream.write(Buffer.from("one"));
      await turn();
      stream.end(Buffer.from("two"));
      expect((await answer).messages.map(String)).toEqual(["one", "two"]);
    }
    expect(met).toBeGreaterThan(0);
  });

  it("to a program is UNIMPLEMENTED, to a deployment without a replica UNAVAILABLE with a time to come back", async () => {
    const proxy = await startGrpcProxy();
    const routes = [{ prefix: "/", application: "app", deployment: "d" }];
    const program = { ...targetsOf([]), replicas: [{ id: "r", address: "plain:127.0.0.1:1" }] };
    proxy.apply({ routes, deployments: [program] });
    expect((await call(proxy)).head).toMatchObject({
      "grpc-status": String(status.UNIMPLEMENTED),
      "grpc-message": expect.stringContaining("is a program"),
    });
    route(proxy, [], { coldStart: { timeoutS: 0.01, reason: "it is starting", retryAfterS: 7 } });
    expect((await call(proxy)).head).toMatchObject({
      "grpc-status": String(status.UNAVAILABLE),
      "grpc-retry-pushback-ms": "7000",
    });
    route(proxy, [], { unavailable: "it failed" });
    expect((await call(proxy)).head).toMatchObject({ "grpc-status": "14", "grpc-message": "it failed" });
  });

  it("has the nearest of three times", async () => {
    const replica = await startFakeReplica(tempDir(), "r");
    const told: (string | undefined)[] = [];
    replica.handler = (req) => void told.push(req.headers["grpc-timeout"]);
    const proxy = await startGrpcProxy();
    const routes = [{ prefix: "/", application: "app", deployment: "d" }];
    proxy.apply({ routes, deployments: [targetsOf([replica])], grpcRequestTimeoutS: 0.2, requestTimeoutS: 0.001 });
    const late = { "grpc-status": String(status.DEADLINE_EXCEEDED) };
    expect((await call(proxy)).head).toMatchObject({ ...late, "grpc-message": "Request timed out after 0.2s." });
    expect((await call(proxy, { "grpc-timeout": "50m" })).head).toMatchObject(late);
    proxy.apply({ routes, deployments: [{ ...targetsOf([replica]), requestTimeoutS: 0.1 }], grpcRequestTimeoutS: 60 });
    expect((await call(proxy, { "grpc-timeout": "1H" })).head).toMatchObject(late);
    expect(told).toEqual(["200m", "50m", "100m"]);
    expect((await call(proxy, { "grpc-timeout": "soon" })).head).toMatchObject({
      "grpc-status": String(status.INTERNAL),
      "grpc-message": 'the grpc-timeout "soon" is not a number and a unit',
    });
  });

  it("goes through beside a hundred on the same connection whose requests nobody reads", async () => {
    const replica = await startFakeReplica(tempDir(), "r", { maxOngoing: 1_000 });
    replica.handler = (req, res) => {
      if (req.url !== METHOD) return;
      res.writeHead(200, { "content-type": "application/grpc" });
      req.pipe(res);
    };
    const proxy = await startGrpcProxy();
    proxy.apply({
      routes: [{ prefix: "/", application: "app", deployment: "d" }],
      deployments: [{ ...targetsOf([replica]), maxOngoingRequests: 1_000 }],
    });
    const client = grpcClient(proxy.address);
    const unread = Array.from({ length: 100 }, () => openBidi(client, "/p.S/Unread"));
    // More than the replica gives credit for.
    for (const { call: stream } of unread) stream.write(Buffer.alloc(600_000));
    await until(() => replica.accepted.length === 100);
    const { call: stream, answer } = openBidi(client, METHOD);
    stream.end(Buffer.alloc(600_000, "x"));
    expect((await answer).messages.map(({ length }) => length)).toEqual([600_000]);
    for (const { call: one } of unread) one.cancel();
    await until(() => replica.ongoing === 0);
  });

  it("goes on beside more than a thousand on its connection that are cancelled", async () => {
    const replica = await startFakeReplica(tempDir(), "r", { maxOngoing: 1_000 });
    replica.handler = (req, res) => {
      res.writeHead(200, { "content-type": "application/grpc" });
      req.pipe(res);
    };
    const proxy = await startGrpcProxy();
    proxy.apply({
      routes: [{ prefix: "/", application: "app", deployment: "d" }],
      deployments: [{ ...targetsOf([replica]), maxOngoingRequests: 1_000 }],
    });
    const session = connectHttp2(`http://127.0.0.1:${proxy.port}`);
    onTestFinished(() => session.destroy());
    const stream = session.request(OPEN);
    stream.write("one");
    expect(String((await once(stream, "data"))[0])).toBe("one");
    for (let round = 1; round <= 6; round++) {
      const others = Array.from({ length: 250 }, () => session.request(OPEN));
      for (const other of others) other.on("error", () => {});
      await until(() => replica.accepted.length === 1 + 250 * round);
      for (const other of others) other.destroy();
      await until(() => replica.ongoing === 1);
    }
    stream.end("two");
    expect(String((await once(stream, "data"))[0])).toBe("two");
  });

  it("is finished when the proxy drains", async () => {
    const replica = await startFakeReplica(tempDir(), "r");
    replica.handler = (req, res) => {
      res.writeHead(200, { "content-type": "application/grpc" });
      req.pipe(res);
    };
    const proxy = await startGrpcProxy();
    route(proxy, [replica]);
    const { call: stream, answer } = openBidi(grpcClient(proxy.address), METHOD);
    stream.write(Buffer.from("one"));
    await once(stream, "data");
    const drained = proxy.proxy.drain(systemClock, 10_000);
    stream.end(Buffer.from("two"));
    expect((await answer).messages.map(String)).toEqual(["one", "two"]);
    expect(await drained).toBe(true);
  });

  it("that crosses the GOAWAY of a proxy that drains is answered", async () => {
    const replica = await startFakeReplica(tempDir(), "r");
    replica.handler = (_req, res) => void res.writeHead(200, { "content-type": "application/grpc" }).end("one");
    const proxy = await startGrpcProxy();
    route(proxy, [replica]);
    const session = connectHttp2(`http://127.0.0.1:${proxy.port}`);
    onTestFinished(() => session.destroy());
    await once(session, "remoteSettings");
    const drained = proxy.proxy.drain(systemClock, 10_000);
    // The client has not read of it.
    const stream = session.request(OPEN, { endStream: true });
    expect(String((await once(stream, "data"))[0])).toBe("one");
    stream.resume();
    expect(await drained).toBe(true);
  });

  it("goes to the revision that it names while two share the calls, and is counted there", async () => {
    const dir = tempDir();
    const replicas = [await startFakeReplica(dir, "old"), await startFakeReplica(dir, "new")];
    for (const replica of replicas)
      replica.handler = (_req, res) => void res.writeHead(200, { "content-type": "application/grpc" }).end(replica.id);
    const counted: TrafficDelta[] = [];
    const traffic = new RevisionTraffic(systemClock, async (deltas) => void counted.push(...deltas));
    const set = new MetricSet();
    const proxy = await startGrpcProxy({ traffic, metrics: createIngressMetrics(set, "grpc") });
    const split = { stableRevision: 1n, canaryRevision: 2n, weight: 0, stickyHeader: "" };
    const targets = replicas.map(({ id, address }, i) => ({ id, address, revision: BigInt(i + 1) }));
    const routes = [{ prefix: "/", application: "app", deployment: "d" }];
    proxy.apply({ routes, deployments: [{ ...targetsOf([]), replicas: targets, split }] });
    await call(proxy, { "x-windlass-revision": "2" });
    await call(proxy);
    expect(replicas.map(({ accepted }) => accepted.map(({ headers }) => headers["x-windlass-revision"]))).toEqual([
      ["1"],
      ["2"],
    ]);
    traffic.flush();
    expect(counted.map(({ revision, requests, errors }) => [revision, requests, errors])).toEqual([
      [2n, 1n, 1n],
      [1n, 1n, 1n],
    ]);
    const [requests] = set.families().filter(({ name }) => name === "serve_num_grpc_requests");
    expect(requests?.series).toEqual([{ labels: ["app", METHOD, "app", "UNKNOWN"], value: 2 }]);
  });
});

describe("metadata", () => {
  it("for a replica is the client's with what the proxy says, and nothing forged", () => {
    const raw = [":path", "/p.S/M", "te", "trailers", "x-a", "1", "x-a", "2", "x-windlass-revision", "9"];
    const own = ["request_id", "forged", "grpc-timeout", "1H", "serve_multiplexed_model_id", "forged"];
    const facts = {
      ...{ requestId: "r", revision: 2, model: "m", session: "", priority: 3 },
      ...{ timeoutMs: 1_500.2, host: "h:1" },
    };
    expect(forwardedMetadata([...raw, ...own, "k-bin", "AAEC"], facts)).toEqual(
      ["x-request-id", "r", "request_id", "r", "host", "h:1", "grpc-timeout", "1501m"].concat([
        "serve_multiplexed_model_id",
        "m",
        "x-windlass-priority",
        "3",
        "x-windlass-revision",
        "2",
        "x-a",
        "1",
        "x-a",
        "2",
        "k-bin",
        "AAEC",
      ]),
    );
  });

  it("for a replica names the session by the header that it has over HTTP, and only once", () => {
    const facts = {
      ...{ requestId: "r", revision: 0, model: "", session: "s", priority: 0 },
      ...{ timeoutMs: undefined, host: undefined },
    };
    const common = ["x-request-id", "r", "request_id", "r"];
    expect(forwardedMetadata(["session_id", "s", "x-session-id", "forged"], facts)).toEqual(
      common.concat(["x-session-id", "s", "session_id", "s"]),
    );
    expect(forwardedMetadata(["session_id", "s"], facts, "x-user")).toEqual(
      common.concat(["x-user", "s", "session_id", "s"]),
    );
  });

  it("of an answer is what HTTP/2 may carry", () => {
    const pairs = [
      "x-a",
      "1",
      "connection",
      "close",
      "x-a",
      "2",
      "grpc-status",
      "0",
      "grpc-status",
      "5",
      "request_id",
      "f",
    ];
    expect({ ...outgoing(pairs, "r") }).toEqual({
      "x-a": ["1", "2"],
      "grpc-status": "5",
      request_id: "r",
      "x-request-id": "r",
    });
  });

  it.each([
    ["1H", 3_600_000],
    ["2M", 120_000],
    ["3S", 3_000],
    ["4m", 4],
    ["5u", 0.005],
    ["6n", 0.000006],
    ["99999999S", 99_999_999_000],
    ["123456789S", undefined],
    ["1s", undefined],
    ["-1S", undefined],
    ["", undefined],
  ])("has the time of grpc-timeout %s", (text, timeoutMs) => {
    if (timeoutMs === undefined) expect(parseTimeout(text)).toBeUndefined();
    else expect(parseTimeout(text)).toBeCloseTo(timeoutMs, 9);
  });
});
