/** What HTTP/2 has and HTTP/1.1 has not, at the HTTP proxy. */
import { once } from "node:events";
import { type ClientHttp2Stream, constants } from "node:http2";
import { connect as connectTls } from "node:tls";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { MetricSet } from "../../src/observability/metric-set.ts";
import { createIngressMetrics } from "../../src/proxy/ingress-metrics.ts";
import { readTls } from "../../src/tls/material.ts";
import { client } from "../support/both-http.ts";
import { selfSigned } from "../support/certificates.ts";
import { type FakeReplica, startFakeReplica, targetsOf } from "../support/fake-replica.ts";
import { startHttpProxy } from "../support/http-proxy.ts";
import { tempDir } from "../support/temp-dir.ts";

async function serve(handler: FakeReplica["handler"]) {
  const certificate = selfSigned();
  const replica = await startFakeReplica(tempDir(), "r", { handler });
  const set = new MetricSet();
  const started = await startHttpProxy({ tls: readTls(certificate), metrics: createIngressMetrics(set, "http") });
  started.apply({
    routes: [{ prefix: "/", application: "app", deployment: "d" }],
    deployments: [targetsOf([replica], { maxOngoingRequests: 1_000 })],
  });
  const asking = client("2", started.port, { ca: certificate.pem });
  return { ...started, pem: certificate.pem, replica, set, asking, session: asking.session! };
}

const [DATA, HEADERS, RST_STREAM, SETTINGS, WINDOW_UPDATE] = [0, 1, 3, 4, 8];
const [END_STREAM, END_HEADERS] = [1, 4];

/** A frame of stream 1, or of the connection. */
function frame(type: number, flags: number, payload: Buffer, stream = 1): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** A connection by hand: Node's own client does not tell how a stream ended. `frames`: those of stream 1 that came. */
function rawHttp2(port: number, ca: string, window: number) {
  const socket = connectTls({ port, host: "127.0.0.1", ca, ALPNProtocols: ["h2"] });
  onTestFinished(() => void socket.destroy());
  const frames: { type: number; flags: number; length: number }[] = [];
  let bytes = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
      const length = bytes.readUIntBE(0, 3);
      const [type, flags] = [bytes[3]!, bytes[4]!];
      if (bytes.readUInt32BE(5) === 1 && type !== WINDOW_UPDATE) frames.push({ type, flags, length });
      bytes = bytes.subarray(9 + length);
    }
  });
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  const initialWindow = Buffer.from([0, 4, 0, 0, 0, 0]);
  initialWindow.writeUInt32BE(window, 2);
  socket.write(frame(SETTINGS, 0, initialWindow, 0));
  return { socket, frames };
}

describe("HTTP/2", () => {
  it("requests that are reset as soon as they are sent leave nothing behind", { timeout: 30_000 }, async () => {
    const { session, replica, router, lines } = await serve(() => {});
    const streams: ClientHttp2Stream[] = [];
    for (let i = 0; i < 500; i++) {
      const stream = session.request({ ":path": "/" });
      stream.on("error", () => {});
      streams.push(stream);
      stream.close(constants.NGHTTP2_CANCEL);
    }
    const kept = session.request({ ":path": "/" });
    kept.on("error", () => {});
    await vi.waitFor(() => expect(replica.ongoing).toBe(1), 20_000);
    expect(router.target("app", "d")).toMatchObject({ ongoing: 1, queued: 0 });
    kept.close(constants.NGHTTP2_CANCEL);
    await vi.waitFor(() => expect(replica.ongoing).toBe(0), 20_000);
    expect(router.target("app", "d")).toMatchObject({ ongoing: 0, queued: 0 });
    // Each that reached the proxy has a line; none was answered.
    expect(new Set(lines.map((line) => line.split(" ")[2]))).toEqual(new Set(["499"]));
  });

  it("a request goes on beside more than a thousand on its connection that are cancelled", async () => {
    const { session, replica } = await serve((req, res) => void (req.url === "/kept" && req.pipe(res)));
    replica.maxOngoing = 1_000;
    const kept = session.request({ ":method": "POST", ":path": "/kept" });
    kept.write("one");
    expect(String((await once(kept, "data"))[0])).toBe("one");
    for (let round = 1; round <= 6; round++) {
      const others = Array.from({ length: 250 }, () => session.request({ ":path": "/" }));
      for (const other of others) other.on("error", () => {});
      await vi.waitFor(() => expect(replica.accepted).toHaveLength(1 + 250 * round), 20_000);
      for (const other of others) other.destroy();
      await vi.waitFor(() => expect(replica.ongoing).toBe(1), 20_000);
    }
    kept.end("two");
    expect(String((await once(kept, "data"))[0])).toBe("two");
  });

  it("CONNECT is 501, and headers without end are refused", async () => {
    const { session, asking } = await serve((_req, res) => void res.end("ok"));
    const stream = session.request({ ":method": "CONNECT", ":authority": "example.com:443" });
    const [head] = await once(stream, "response");
    expect(head[":status"]).toBe(501);
    const many = Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`x-${i}`, "y".repeat(500)]));
    await expect(asking.ask({ headers: many }).then(({ status }) => status)).resolves.toBe(431);
    expect(await asking.ask()).toMatchObject({ status: 200 });
  });

  it.each([101, 600, 999])("a status that HTTP/2 does not have, %s, is 500 and ends nothing else", async (status) => {
    const { asking, router } = await serve((req, res) => {
      if (req.url === "/odd") res.writeHead(status);
      res.end("ok");
    });
    const answer = await asking.ask({ path: "/odd" });
    expect([answer.status, answer.body.toString()]).toEqual([500, "Internal Server Error"]);
    expect((await asking.ask()).body.toString()).toBe("ok");
    expect(router.target("app", "d").ongoing).toBe(0);
  });

  it.each([
    { name: "held in memory", headers: { "content-length": "1000" }, seen: ["GET", "GET"] },
    { name: "streamed with a length", headers: { "content-length": "100000" }, seen: ["GET", "POST", "GET"] },
    { name: "streamed without a length", headers: {}, seen: ["GET", "POST", "GET"] },
  ])("a body that breaks off is never taken for a whole one: $name", async ({ headers, seen }) => {
    const methods: string[] = [];
    const ended: string[] = [];
    const { session, asking, port, pem, lines } = await serve((req, res) => {
      methods.push(req.method);
      req.on("error", () => {});
      req.on("end", () => {
        ended.push(req.method);
        res.end("ok");
      });
      req.resume();
    });
    await asking.ask();
    const stream = session.request({ ":path": "/", ":method": "POST", ...headers }, { endStream: false });
    stream.on("error", () => {});
    stream.write(Buffer.alloc(100));
    // What was sent before a ping has arrived when it is answered.
    await new Promise((resolve) => session.ping(resolve));
    if (seen.includes("POST")) await vi.waitFor(() => expect(methods).toContain("POST"));
    session.destroy();
    await vi.waitFor(() => expect(lines.at(-1)).toMatch(/^POST \/ 499 /));
    // On the same connection to the replica: whatever was sent before it has been seen.
    await client("2", port, { ca: pem }).ask();
    expect(methods).toEqual(seen);
    expect(ended).toEqual(["GET", "GET"]);
  });

  it.each([4, 65_535])(
    "a client that still sends is told to stop after the whole answer, its end included, at a window of %i",
    async (window) => {
      const { port, pem, replica, router } = await serve(() => {});
      replica.handler = async (_req, res) => {
        res.write("half");
        await vi.waitFor(() => expect(frames.length).toBeGreaterThan(1), 10_000);
        res.end();
      };
      const { socket, frames } = rawHttp2(port, pem, window);
      const { method, scheme, path } = { method: 0x83, scheme: 0x87, path: 0x84 };
      const authority = Buffer.concat([Buffer.from([0x01, 1]), Buffer.from("x")]);
      socket.write(frame(HEADERS, END_HEADERS, Buffer.concat([Buffer.from([method, scheme, path]), authority])));
      socket.write(frame(DATA, 0, Buffer.alloc(1_000)));
      await vi.waitFor(() => expect(frames).toContainEqual({ type: DATA, flags: 0, length: 4 }), 10_000);
      // The end of the answer may need room, too.
      socket.write(frame(WINDOW_UPDATE, 0, Buffer.from([0, 0, 1, 0])));
      await vi.waitFor(() => expect(frames.at(-1)?.type).toBe(RST_STREAM), 10_000);
      expect(frames.map(({ type }) => type)).toEqual([HEADERS, DATA, DATA, RST_STREAM]);
      expect(frames[2]).toEqual({ type: DATA, flags: END_STREAM, length: 0 });
      await vi.waitFor(() => expect(router.target("app", "d").ongoing).toBe(0), 10_000);
    },
    30_000,
  );

  it("server-sent events come one by one, and trailers are not waited for", async () => {
    const next = Promise.withResolvers<void>();
    const { session } = await serve((_req, res) => {
      res.writeHead(200, { "content-type": "text/event-stream" });
      res.write("data: 1\n\n");
      void next.promise.then(() => res.end("data: 2\n\n"));
    });
    const stream = session.request({ ":path": "/" });
    const [first] = await once(stream, "data");
    expect(String(first)).toBe("data: 1\n\n");
    next.resolve();
    const [second] = await once(stream, "data");
    expect(String(second)).toBe("data: 2\n\n");
    stream.resume();
    await once(stream, "close");
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
  });

  it("a draining proxy sends GOAWAY, answers what is under way, and ends the connection", async () => {
    const held = Promise.withResolvers<void>();
    const { asking, session, proxy, replica } = await serve(
      (_req, res) => void held.promise.then(() => res.end("late")),
    );
    const running = asking.ask();
    await vi.waitFor(() => expect(replica.ongoing).toBe(1));
    const goaway = once(session, "goaway");
    const drained = proxy.drain(20_000);
    expect((await goaway)[0]).toBe(constants.NGHTTP2_NO_ERROR);
    held.resolve();
    expect((await running).body.toString()).toBe("late");
    expect(await drained).toBe(true);
  });

  it("a websocket is a stream of the connection (RFC 8441): bytes both ways, and its end counts", async () => {
    const { session, asking, replica, router, lines } = await serve((req, res) => {
      expect(req.headers["sec-websocket-key"]).toMatch(/^[\w+/]{22}==$/);
      expect([req.method, req.headers["x-windlass-kind"]]).toEqual(["GET", "websocket"]);
      res.writeHead(101, { "sec-websocket-protocol": "chat" });
      res.flushHeaders();
      req.pipe(res);
    });
    await asking.ask({ path: "/-/healthz" });
    expect(session.remoteSettings.enableConnectProtocol).toBe(true);
    const head = { ":method": "CONNECT", ":protocol": "websocket", ":path": "/talk", "sec-websocket-version": "13" };
    const stream = session.request({ ...head, ":scheme": "https" }, { endStream: false });
    const [answer] = await once(stream, "response");
    expect(answer).toMatchObject({ ":status": 200, "sec-websocket-protocol": "chat" });
    const received: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => received.push(chunk));
    // A masked text frame "hi", with a mask of zeros, then a close frame with 1000.
    stream.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
    await vi.waitFor(() => expect(Buffer.concat(received).subarray(-2).toString()).toBe("hi"));
    stream.end(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]));
    await once(stream, "close");
    await vi.waitFor(() => expect(replica.ongoing).toBe(0));
    expect(router.target("app", "d").ongoing).toBe(0);
    await vi.waitFor(() =>
      expect(lines.filter((line) => line.startsWith("WS "))).toEqual([expect.stringMatching(/^WS \/ 1000 /)]),
    );
  });

  it("a handshake that the application refuses is an answer like any other", async () => {
    const { session, asking, router } = await serve((_req, res) => void res.writeHead(403).end("no"));
    await asking.ask({ path: "/-/healthz" });
    const head = { ":method": "CONNECT", ":protocol": "websocket", ":path": "/", ":scheme": "https" };
    const stream = session.request(head, { endStream: false });
    const [answer] = await once(stream, "response");
    expect(answer[":status"]).toBe(403);
    stream.close();
    await vi.waitFor(() => expect(router.target("app", "d").ongoing).toBe(0));
  });
});
