/** What every driver of ReplicaChannel does (docs/wire.md), against replicas on real sockets. */
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createNetServer } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type {
  ChannelCall,
  ChannelFailure,
  ChannelRequest,
  ReplicaChannel,
  ResponseHead,
} from "../../src/routing/channel.ts";
import { createFramedChannel } from "../../src/routing/framed-channel.ts";
import { createHttpChannel } from "../../src/routing/http-channel.ts";
import { createReplicaChannel } from "../../src/routing/replica-channel.ts";
import { WireConnection } from "../../src/routing/wire-connection.ts";
import { FrameType } from "../../src/wire/frame.ts";
import { type RequestHead, readOpen, writeHead } from "../../src/wire/head.ts";
import { type FakeRequest, type FakeResponse, startFakeReplica } from "../support/fake-replica.ts";
import { tempDir } from "../support/temp-dir.ts";

const get: ChannelRequest = { kind: "http", method: "GET", path: "/", headers: [], body: null };

interface Heard {
  call: ChannelCall;
  head?: ResponseHead;
  /** What {@link ChannelReceiver.onEntered} was called with. */
  entered: boolean[];
  chunks: Uint8Array[];
  ended: boolean;
  failure?: ChannelFailure;
  /** The end, in whatever way. */
  done: Promise<void>;
}

function open(
  channel: ReplicaChannel,
  address: string,
  request: ChannelRequest,
  onData: (chunk: Uint8Array) => boolean = () => true,
): Heard {
  const done = Promise.withResolvers<void>();
  const heard: Heard = { call: undefined!, entered: [], chunks: [], ended: false, done: done.promise };
  heard.call = channel.open(address, request, {
    onEntered: (contended) => void heard.entered.push(contended),
    onAccepted(head) {
      heard.head = head;
    },
    onData(chunk) {
      heard.chunks.push(chunk);
      return onData(chunk);
    },
    onEnd() {
      heard.ended = true;
      done.resolve();
    },
    onFailed(failure) {
      heard.failure = failure;
      done.resolve();
    },
  });
  return heard;
}

/** What the cases need of a replica's end: user code in the shape of node:http. */
interface Peer {
  readonly address: string;
  handler: (req: FakeRequest, res: FakeResponse) => void;
  kill(): Promise<void>;
}

/** A program of the user's that serves plain HTTP/1.1 on a unix socket; answers with its id. */
async function startProgram(dir: string, id: string, given: Partial<Peer> = {}): Promise<Peer> {
  const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
    peer.handler(req as unknown as FakeRequest, res as unknown as FakeResponse);
  });
  const peer: Peer = {
    address: `plain:${join(dir, id)}`,
    handler: (_req, res) => void res.end(id),
    kill: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    ...given,
  };
  await new Promise<void>((resolve) => server.listen(join(dir, id), resolve));
  onTestFinished(() => peer.kill());
  return peer;
}

function describeChannel(
  name: string,
  make: () => ReplicaChannel,
  startPeer: (dir: string, id: string, given?: Partial<Peer>) => Promise<Peer>,
  prefix = "",
): void {
  const channel = (): ReplicaChannel => {
    const made = make();
    onTestFinished(() => made.close());
    return made;
  };
  const text = (heard: Heard): string => Buffer.concat(heard.chunks).toString();

  describe(name, () => {
    it("sends method, path, headers, kind and body, and hands the answer over", async () => {
      const replica = await startPeer(tempDir(), "r");
      replica.handler = async (req, res) => {
        const body = Buffer.concat(await req.toArray());
        res.writeHead(201, { "x-own": ["1", "2"], connection: "close" });
        res.end(`${req.method} ${req.url} ${req.headers["x-a"]} ${body}`);
      };
      const request = { ...get, method: "POST", path: "/p?q=1", headers: ["x-a", "b"] } as const;
      const heard = open(channel(), replica.address, { ...request, body: Buffer.from("body") });
      await heard.done;
      expect(text(heard)).toBe("POST /p?q=1 b body");
      expect(heard.head).toMatchObject({ status: 201 });
      expect(heard.head!.headers.join()).toContain("x-own,1,x-own,2");
      expect(heard.head!.headers.join()).not.toMatch(/connection/);
    });

    it("says gone where there is no socket, after open has returned", async () => {
      const heard = open(channel(), `${prefix}${join(tempDir(), "none")}`, get);
      expect(heard.failure).toBeUndefined();
      await heard.done;
      expect(heard.failure).toMatchObject({ kind: "unreachable", gone: true });
    });

    it("says gone where the listener died", async () => {
      const replica = await startPeer(tempDir(), "r");
      const driver = channel();
      await open(driver, replica.address, get).done;
      await replica.kill();
      const heard = open(driver, replica.address, get);
      await heard.done;
      expect(heard.failure?.kind).toMatch(/unreachable|broken/);
      const again = open(driver, replica.address, get);
      await again.done;
      expect(again.failure).toMatchObject({ kind: "unreachable", gone: true });
    });

    it("says broken where the connection ends before the answer", async () => {
      const replica = await startPeer(tempDir(), "r", { handler: (req) => req.socket.destroy() });
      const heard = open(channel(), replica.address, get);
      await heard.done;
      expect(heard.failure).toMatchObject({ kind: "broken", responseStarted: false });
    });

    it("says broken where the connection ends within the answer", async () => {
      const replica = await startPeer(tempDir(), "r");
      replica.handler = (req, res) => {
        res.writeHead(200, { "content-length": 10 });
        res.write("half", () => req.socket.destroy());
      };
      const heard = open(channel(), replica.address, get);
      await heard.done;
      expect(heard.failure).toMatchObject({ kind: "broken", responseStarted: true });
    });

    it("says invalid where a request cannot be expressed", async () => {
      const replica = await startPeer(tempDir(), "r");
      const heard = open(channel(), replica.address, { ...get, path: "/a b" });
      await heard.done;
      expect(heard.failure?.kind).toBe("invalid");
    });

    it("cancels at the replica and says no more", async () => {
      const replica = await startPeer(tempDir(), "r");
      const closed = Promise.withResolvers<void>();
      replica.handler = (_req, res) => {
        res.on("close", () => closed.resolve());
        res.write("first");
      };
      const heard = open(channel(), replica.address, get);
      await vi.waitFor(() => expect(text(heard)).toBe("first"));
      heard.call.cancel();
      await closed.promise;
      expect(heard).toMatchObject({ ended: false });
      expect(heard.failure).toBeUndefined();
    });

    it("cancels before the connection is made", async () => {
      const replica = await startPeer(tempDir(), "r");
      const driver = channel();
      const heard = open(driver, replica.address, get);
      heard.call.cancel();
      const next = open(driver, replica.address, get);
      await next.done;
      expect(text(next)).toBe("r");
      expect(heard.head).toBeUndefined();
    });

    it("holds the replica back while the receiver is full", async () => {
      const replica = await startPeer(tempDir(), "r");
      const total = 8 * 1024 * 1024;
      let written = 0;
      replica.handler = (_req, res) => {
        Readable.from(
          (function* () {
            const chunk = Buffer.alloc(65_536);
            for (; written < total; written += chunk.length) yield chunk;
          })(),
        ).pipe(res);
      };
      let full = true;
      const heard = open(channel(), replica.address, get, () => !full);
      await vi.waitFor(() => expect(heard.chunks.length).toBeGreaterThan(0));
      let before = -1;
      await vi.waitFor(() => {
        const still = written === before;
        before = written;
        expect(still).toBe(true);
      });
      expect(written).toBeLessThan(total);
      full = false;
      heard.call.resume();
      await heard.done;
      expect(heard.chunks.reduce((sum, chunk) => sum + chunk.length, 0)).toBe(total);
    });

    it("streams a body up, and destroys it when the replica goes away", async () => {
      const replica = await startPeer(tempDir(), "r");
      const body = new Readable({ read() {} });
      replica.handler = (req) => req.once("data", () => req.socket.destroy());
      const heard = open(channel(), replica.address, { ...get, method: "POST", body });
      body.push("first");
      const closed = once(body, "close").catch(() => {});
      body.on("error", () => {});
      await heard.done;
      expect(heard.failure).toMatchObject({ kind: "broken", responseStarted: false });
      await closed;
      expect(body.destroyed).toBe(true);
    });

    it("lets a request end after its address was released", async () => {
      const replica = await startPeer(tempDir(), "r");
      let end = (): void => {};
      replica.handler = (_req, res) => {
        res.write("a");
        end = () => void res.end("b");
      };
      const driver = channel();
      const heard = open(driver, replica.address, get);
      await vi.waitFor(() => expect(text(heard)).toBe("a"));
      driver.release(replica.address);
      end();
      await heard.done;
      expect(text(heard)).toBe("ab");
    });
  });
}

describeChannel("frames", createFramedChannel, startFakeReplica);
describeChannel("HTTP/1.1 to programs", createHttpChannel, startProgram, "plain:");
describeChannel("both, by address", createReplicaChannel, startFakeReplica);

describe("frames, beyond what programs can", () => {
  const channel = (): ReplicaChannel => {
    const made = createFramedChannel();
    onTestFinished(() => made.close());
    return made;
  };
  const text = (heard: Heard): string => Buffer.concat(heard.chunks).toString();

  it("tells a rejection with the replica's count, and the connection stays good", async () => {
    const replica = await startFakeReplica(tempDir(), "r", { maxOngoing: 0, ongoing: 0 });
    const driver = channel();
    const rejected = open(driver, replica.address, { ...get, body: Buffer.from("x"), method: "POST" });
    await rejected.done;
    expect(rejected.failure).toEqual({ kind: "rejected", ongoing: 0 });
    replica.maxOngoing = 1;
    const taken = open(driver, replica.address, get);
    await taken.done;
    expect(text(taken)).toBe("r");
  });

  it("leave the body of a gRPC call alone until the replica has taken it", async () => {
    const replica = await startFakeReplica(tempDir(), "r", { maxOngoing: 0 });
    replica.handler = (req, res) => void req.pipe(res);
    const driver = channel();
    const body = Readable.from([Buffer.from("one"), Buffer.from("two")]);
    const call: ChannelRequest = { ...get, kind: "grpc", method: "POST", path: "/p.S/M", body };
    const rejected = open(driver, replica.address, call);
    await rejected.done;
    expect([rejected.failure?.kind, body.readableDidRead, body.destroyed]).toEqual(["rejected", false, false]);
    const gone = open(driver, join(tempDir(), "nobody"), call);
    await gone.done;
    expect([gone.failure?.kind, body.readableDidRead, body.destroyed]).toEqual(["unreachable", false, false]);
    replica.maxOngoing = 1;
    const taken = open(driver, replica.address, call);
    await taken.done;
    expect([taken.entered, text(taken), body.destroyed]).toEqual([[false], "onetwo", true]);
  });

  it("reserves a slot and uses it", async () => {
    const replica = await startFakeReplica(tempDir(), "r", { maxOngoing: 1 });
    const driver = channel();
    const reserve = open(driver, replica.address, { ...get, kind: "reserve", method: "POST" });
    await reserve.done;
    expect(reserve.head!.reservation).not.toBe("");
    const other = open(driver, replica.address, get);
    await other.done;
    expect(other.failure?.kind).toBe("rejected");
    const used = open(driver, replica.address, { ...get, reservation: reserve.head!.reservation });
    await used.done;
    expect(used.ended).toBe(true);
  });

  it("carry the kind of a request, the result of a call and the load of the replica", async () => {
    const replica = await startFakeReplica(tempDir(), "r");
    replica.handler = (req, res) =>
      void res.writeHead(200, { "x-windlass-result": "value" }).end(req.headers["x-windlass-kind"]);
    const heard = open(channel(), replica.address, { ...get, kind: "call", method: "POST", path: "/m" });
    await heard.done;
    expect([text(heard), heard.head]).toMatchObject(["call", { ongoing: 1, result: "value" }]);
  });

  it.each([
    { name: "and of others that wait", waiting: 2, contended: true },
    { name: "alone", waiting: 0, contended: false },
  ])(
    "tell a full replica how long a request may wait, and hear when it is in, $name",
    async ({ waiting, contended }) => {
      const replica = await startFakeReplica(tempDir(), "r", { waiting });
      const told: unknown[] = [];
      const finish = Promise.withResolvers<void>();
      replica.handler = (req, res) => {
        told.push(req.wait);
        void finish.promise.then(() => res.end("r"));
      };
      const heard = open(channel(), replica.address, { ...get, wait: { waitedMs: 12.5, patienceMs: 200 } });
      await vi.waitFor(() => expect(heard.entered).toEqual([contended]));
      expect(heard.head).toBeUndefined();
      finish.resolve();
      await heard.done;
      expect(told).toEqual([{ waitedMs: 13, patienceMs: 200 }]);
      expect([heard.head!.contended, text(heard), heard.entered.length]).toEqual([contended, "r", 1]);
    },
  );

  it("carry many requests on one connection, each at its own pace", async () => {
    const replica = await startFakeReplica(tempDir(), "r");
    const waiting: FakeResponse[] = [];
    const sockets = new Set<unknown>();
    replica.handler = (req, res) => {
      sockets.add(req.socket);
      waiting.push(res);
    };
    const driver = channel();
    const all = Array.from({ length: 50 }, () => open(driver, replica.address, get));
    await vi.waitFor(() => expect(waiting).toHaveLength(50));
    for (const [i, res] of waiting.toReversed().entries()) res.end(String(i));
    await Promise.all(all.map(({ done }) => done));
    expect(all.map(text)).toEqual(Array.from({ length: 50 }, (_, i) => String(49 - i)));
    expect(sockets.size).toBe(1);
  });

  it("let others pass while one receiver is full, and one sender waits for credit", async () => {
    const replica = await startFakeReplica(tempDir(), "r");
    const stuckUpload: FakeRequest[] = [];
    replica.handler = (req, res) => {
      if (req.url === "/download") res.end(Buffer.alloc(4_000_000, "d"));
      else if (req.url === "/upload") stuckUpload.push(req);
      else res.end("quick");
    };
    const driver = channel();
    const download = open(driver, replica.address, { ...get, path: "/download" }, () => false);
    const body = Buffer.alloc(4_000_000, "u");
    const upload = open(driver, replica.address, { ...get, method: "POST", path: "/upload", body });
    await vi.waitFor(() => expect([download.chunks.length, stuckUpload.length]).toEqual([1, 1]));
    for (let i = 0; i < 20; i++) {
      const quick = open(driver, replica.address, get);
      await quick.done;
      expect(text(quick)).toBe("quick");
    }
    let received = 0;
    stuckUpload[0]!.on("data", (chunk: Buffer) => (received += chunk.length));
    await vi.waitFor(() => expect(received).toBe(body.length));
    upload.call.cancel();
    download.call.cancel();
  });

  it.each([
    { name: "rejects what it took", types: [2, 0x83], heard: false },
    { name: "takes a request twice", types: [2, 2], heard: false },
    { name: "rejects what it answered", types: [4, 0x83], heard: true },
    { name: "answers twice", types: [4, 4], heard: true },
  ])("break where the peer $name, and say it once", async ({ types, heard: started }) => {
    const address = join(tempDir(), "s");
    const server = createNetServer((socket) => {
      const frame = (type: number, payload: Buffer, id = 1): Buffer => {
        const head = Buffer.alloc(9);
        head.writeUInt32LE(payload.length, 0);
        head.writeUInt32LE(id, 4);
        head[8] = type;
        return Buffer.concat([head, payload]);
      };
      socket.on("error", () => {});
      const payloadOf: Record<number, Buffer> = {
        2: Buffer.alloc(8),
        // Status 200, no result, an empty text.
        4: Buffer.from([200, 0, 0, 0, 0, 0, 0]),
        131: Buffer.alloc(4),
      };
      const payloads = types.map((type) => frame(type, payloadOf[type]!));
      socket.once("data", () => socket.write(Buffer.concat([frame(0, Buffer.from("windlass\x01"), 0), ...payloads])));
    });
    await new Promise<void>((resolve) => server.listen(address, resolve));
    onTestFinished(() => void server.close());
    let ends = 0;
    const heard = open(channel(), address, get);
    void heard.done.then(() => (ends += 1));
    await heard.done;
    expect([ends, heard.ended]).toEqual([1, false]);
    expect(heard.failure).toMatchObject({ kind: "broken", responseStarted: started });
  });

  it.each([
    { name: "and stays", leaves: false },
    { name: "and leaves", leaves: true },
  ])("hand a slow receiver all of an answer whose replica has sent it $name", async ({ leaves }) => {
    const replica = await startFakeReplica(tempDir(), "r");
    const sent = Promise.withResolvers<void>();
    replica.handler = (_req, res) => void res.end(Buffer.alloc(200_000, "a"), () => sent.resolve());
    const slow = open(channel(), replica.address, get, () => false);
    await sent.promise;
    const { socket } = replica.accepted[0]!;
    if (leaves) await new Promise((resolve) => socket.once("close", resolve).end());
    await vi.waitFor(() => {
      slow.call.resume();
      expect(slow.ended || slow.failure !== undefined).toBe(true);
    });
    expect([slow.failure, text(slow).length]).toEqual([undefined, 200_000]);
  });

  it("take goodbye as the end of what was not taken, and send nothing more there", async () => {
    const address = join(tempDir(), "s");
    const opened: RequestHead[] = [];
    const server = createNetServer((socket) => {
      const connection: WireConnection = new WireConnection(socket, {
        onFrame(type, _end, id, payload) {
          if (type !== FrameType.open) return;
          const { head } = readOpen(payload);
          opened.push(head);
          if (head.path === "/taken" || head.reservation !== "") connection.writer.pair(FrameType.taken, id, 1, 0);
          if (head.reservation !== "") {
            writeHead(connection.writer, id, { status: 204, result: "", reservation: "", headers: [] }, null, true);
          }
          if (head.path === "/last") connection.writer.empty(FrameType.goodbye, 0);
          connection.soon();
        },
        onDrain() {},
        onClosed() {},
      });
    });
    await new Promise<void>((resolve) => server.listen(address, resolve));
    onTestFinished(() => void server.close());
    const framed = channel();
    const taken = open(framed, address, { ...get, path: "/taken" });
    const grpcBody = new Readable({ read() {} });
    const not = [
      open(framed, address, { ...get, method: "POST", path: "/a", body: Buffer.alloc(200_000) }),
      open(framed, address, { ...get, kind: "grpc", method: "POST", path: "/b", body: grpcBody }),
      open(framed, address, { ...get, method: "POST", path: "/last" }),
    ];
    await Promise.all(not.map(({ done }) => done));
    const gone = { kind: "unreachable", gone: true, error: "the replica is about to stop" };
    expect(not.map(({ failure }) => failure)).toEqual([gone, gone, gone]);
    expect(grpcBody.destroyed).toBe(false);

    const count = opened.length;
    const late = open(framed, address, { ...get, method: "POST", body: grpcBody });
    expect(late.failure).toBeUndefined();
    await late.done;
    expect([late.failure, grpcBody.destroyed, opened.length]).toEqual([gone, false, count]);
    // Who holds a slot there still uses it, and what was taken goes on.
    const reserved = open(framed, address, { ...get, reservation: "r" });
    await reserved.done;
    expect([reserved.head?.status, taken.ended, taken.failure]).toEqual([204, false, undefined]);
  });

  it("go elsewhere where the peer died before it said hello: it had acted on nothing", async () => {
    const address = join(tempDir(), "s");
    const server = createNetServer((socket) => {
      // Unread bytes make it a reset.
      socket.on("error", () => {}).once("readable", () => socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(address, resolve));
    onTestFinished(() => void server.close());
    const heard = open(channel(), address, { ...get, method: "POST", body: Buffer.from("x") });
    await heard.done;
    expect(heard.failure).toMatchObject({ kind: "unreachable", gone: false });
  });

  it.each([
    { name: "speaks another protocol", says: "HTTP/1.1 400 Bad Request\r\n\r\n" },
    { name: "speaks another version", says: Buffer.from([9, 0, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from("windlass\x02")]) },
    { name: "says a length that no frame has", says: Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1]) },
  ])("break where the peer $name", async ({ says }) => {
    const address = join(tempDir(), "s");
    const server = createNetServer((socket) => socket.on("error", () => {}).write(says));
    await new Promise<void>((resolve) => server.listen(address, resolve));
    onTestFinished(() => void server.close());
    const heard = open(channel(), address, get);
    await heard.done;
    expect(heard.failure).toMatchObject({ kind: "broken", responseStarted: false });
  });
});
