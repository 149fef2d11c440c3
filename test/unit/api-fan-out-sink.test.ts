// What is written straight into answers, and what becomes of clients that do not read.
import * as http2 from "node:http2";
import { createConnection } from "node:net";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { connectRaw } from "../../bench/lib/raw-h2.ts";
import { InstanceService } from "../../gen/windlass/v1/instance_service_pb.ts";
import { CUT_AFTER_MS, heldSink } from "../../src/api/fan-out-sink.ts";
import { batchOf, type FeedBatch } from "../../src/api/feed-encoding.ts";
import { startTestApi, type TestApi } from "../support/api-harness.ts";
import { deploymentRecord, put } from "../support/fake-controller.ts";
import { settle, VirtualClock } from "../support/virtual-clock.ts";
import { eventually } from "../support/windlass.ts";

const SERVICE = "/windlass.v1.InstanceService/WatchInstance";

function step(api: TestApi, n: number, bytes = 1_000): Promise<number> {
  return api.write(put.deployment(deploymentRecord("a", "Echo", { message: `${n} ${"x".repeat(bytes)}` })));
}

/** A gRPC watch whose client lets the server send little, and takes nothing. */
async function stuckWatch(api: TestApi) {
  const session = http2.connect(`http://127.0.0.1:${api.port}`, { settings: { initialWindowSize: 16_384 } });
  session.on("error", () => {});
  const headers = { ":method": "POST", ":path": SERVICE, "content-type": "application/grpc", te: "trailers" };
  const stream = session.request({ ...headers, authorization: `Bearer ${api.tokens.viewer}` });
  stream.on("error", () => {});
  let trailers: http2.IncomingHttpHeaders | undefined;
  stream.on("trailers", (received) => {
    trailers = received;
  });
  await new Promise<void>((resolve) => {
    stream.once("response", () => resolve());
    stream.end(Buffer.alloc(5));
  });
  // Without a reader the stream's window is never opened again.
  stream.pause();
  return { stream, trailers: () => trailers, [Symbol.dispose]: () => session.destroy() };
}

describe("a client that does not read", () => {
  it("is told why it was cut when it reads at last", async () => {
    await using api = await startTestApi();
    using watch = await stuckWatch(api);
    const { stream, trailers } = watch;
    // More than what is kept in memory, and than the client holds unread.
    for (let n = 0; n < 60; n++) {
      await step(api, n, 100_000);
      await settle();
    }
    await api.store.compact(api.store.revision);
    await step(api, 60);
    await eventually(() => api.server.api.feed.active === 0);
    stream.resume();
    await eventually(() => trailers() !== undefined);
    expect(trailers()).toMatchObject({ "grpc-status": "11" });
    expect(decodeURIComponent(String(trailers()!["grpc-message"]))).toMatch(/was compacted: watch again from 0$/);
  });

  it("is cut off when it does not even read that", async () => {
    const clock = new VirtualClock();
    await using api = await startTestApi({ clock });
    // It lets the server send 16 KiB, and never more.
    const connection = connectRaw(api.port, 16_384, false);
    using _ended = { [Symbol.dispose]: () => connection.socket.destroy() };
    let ended = false;
    let bytes = 0;
    const stream = {
      onData: (data: Buffer) => {
        bytes += data.length;
      },
      onEnd: () => {
        ended = true;
      },
    };
    const headers = {
      "content-type": "application/grpc",
      te: "trailers",
      authorization: `Bearer ${api.tokens.viewer}`,
    };
    connection.post(SERVICE, headers, Buffer.alloc(5), stream);
    await eventually(() => bytes > 0);
    await step(api, 0, 100_000);
    await eventually(() => bytes === 16_384);
    for (let n = 1; n < 60; n++) await step(api, n, 100_000);
    await api.store.compact(api.store.revision);
    await step(api, 60);
    await eventually(() => api.server.api.feed.active === 0);
    await settle();
    await clock.advance(CUT_AFTER_MS - 1);
    expect([bytes, ended]).toEqual([16_384, false]);
    await clock.advance(1);
    await eventually(() => ended);
  });

  it("holds no memory that grows", async () => {
    await using api = await startTestApi();
    using _watch = await stuckWatch(api);
    const socket = createConnection({ port: api.port, host: "127.0.0.1" });
    socket.pause();
    socket.write(`GET /api/v1/watch HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${api.tokens.viewer}\r\n\r\n`);
    await eventually(() => api.server.api.feed.active === 2);
    for (let n = 0; n < 400; n++) await step(api, n, 50_000);
    const before = process.memoryUsage().arrayBuffers;
    for (let n = 0; n < 400; n++) await step(api, n, 50_000);
    // 20 MB were written meanwhile, for each of the two.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
    expect(api.server.api.feed.active).toBe(2);
    socket.destroy();
  });
});

describe("a watch over gRPC", () => {
  it("that has a deadline ends with it, also after its first messages", async () => {
    await using api = await startTestApi();
    const transport = createGrpcTransport({
      baseUrl: `http://127.0.0.1:${api.port}`,
      interceptors: [
        (next) => (request) => {
          request.header.set("authorization", `Bearer ${api.tokens.viewer}`);
          // The server's own deadline: the client has none that could be first.
          request.header.set("grpc-timeout", "300m");
          return next(request);
        },
      ],
    });
    const told: (string | undefined)[] = [];
    const watch = async (): Promise<void> => {
      for await (const { event } of createClient(InstanceService, transport).watchInstance({})) told.push(event.case);
    };
    await expect(watch()).rejects.toThrow(/deadline_exceeded/);
    expect(told).toContain("synced");
    await eventually(() => api.server.api.feed.active === 0);
  });

  it("is sent uncompressed messages, whatever it accepts, and reads the same", async () => {
    await using api = await startTestApi();
    const session = http2.connect(`http://127.0.0.1:${api.port}`);
    const headers = { ":method": "POST", ":path": SERVICE, "content-type": "application/grpc", te: "trailers" };
    const accept = { "grpc-accept-encoding": "identity,gzip", authorization: `Bearer ${api.tokens.viewer}` };
    const stream = session.request({ ...headers, ...accept });
    let body = Buffer.alloc(0);
    stream.on("data", (chunk: Buffer) => {
      body = Buffer.concat([body, chunk]);
    });
    stream.end(Buffer.alloc(5));
    const flags = (): number[] => {
      const found: number[] = [];
      for (let at = 0; at + 5 <= body.length; at += 5 + body.readUInt32BE(at + 1)) found.push(body[at]!);
      return found;
    };
    await eventually(() => flags().length >= 7);
    await step(api, 1, 20_000);
    await eventually(() => body.includes("x".repeat(20_000)));
    expect(flags().every((flag) => flag === 0)).toBe(true);
    session.destroy();
  });
});

describe("a held sink", () => {
  const item = (revision: number) => ({ revision, complete: true });
  const target = (takes: boolean) => {
    const written: FeedBatch[] = [];
    let go: (() => void) | undefined;
    return {
      written,
      go: () => go?.(),
      write(batch: FeedBatch) {
        written.push(batch);
        return takes;
      },
      whenReady(next: () => void) {
        go = next;
      },
    };
  };

  it("keeps its first batch, says that it is full, and hands on what is left of it", async () => {
    const held = heldSink();
    expect(held.write(batchOf([item(1), item(2)]))).toBe(false);
    expect((await held.first).items).toEqual([item(1), item(2)]);
    let went = 0;
    held.whenReady(() => went++);
    const to = target(false);
    held.release(to, 1);
    expect(to.written.map(({ items }) => items)).toEqual([[item(2)]]);
    // Full again, and told when that ends.
    expect(went).toBe(0);
    to.go();
    expect(went).toBe(1);
  });

  it("goes on at once where nothing is left", () => {
    const held = heldSink();
    held.write(batchOf([item(1)]));
    let went = 0;
    held.whenReady(() => went++);
    const to = target(true);
    held.release(to, 1);
    expect([went, to.written.length]).toEqual([1, 0]);
    const second = batchOf([item(2)]);
    expect(held.write(second)).toBe(true);
    expect(to.written).toEqual([second]);
  });
});
