/** Websockets through every driver of ReplicaChannel: bytes both ways after a 101, on real sockets. */
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { ChannelFailure, ChannelRequest, ReplicaChannel, ResponseHead } from "../../src/routing/channel.ts";
import { createReplicaChannel } from "../../src/routing/replica-channel.ts";
import { startFakeReplica } from "../support/fake-replica.ts";
import { tempDir } from "../support/temp-dir.ts";

/** Echoes what comes; refuses on /refuse. */
interface Peer {
  readonly address: string;
  /** Connections, or calls, that are open. */
  open(): number;
  /** Breaks what is open. */
  kill(): void;
}

async function framed(): Promise<Peer> {
  const replica = await startFakeReplica(tempDir(), "r");
  replica.handler = (req, res) => {
    if (req.headers["x-windlass-kind"] !== "websocket") throw new Error("the kind was lost");
    if (req.url === "/refuse") {
      res.writeHead(403, { "x-why": "no" });
      res.end("not you");
      return;
    }
    res.writeHead(101, { "sec-websocket-protocol": "p" });
    res.flushHeaders();
    req.pipe(res);
  };
  return { address: replica.address, open: () => replica.ongoing, kill: () => void replica.kill() };
}

async function program(): Promise<Peer> {
  const path = join(tempDir(), "p");
  const sockets = new Set<Socket>();
  const server = createServer();
  server.on("upgrade", (req, socket: Socket) => {
    if (req.headers.upgrade !== "websocket") throw new Error("the upgrade was lost");
    if (req.url === "/refuse") {
      socket.end("HTTP/1.1 403 Forbidden\r\nx-why: no\r\ncontent-length: 7\r\nconnection: close\r\n\r\nnot you");
      return;
    }
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
    socket.write("HTTP/1.1 101 Yes\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-protocol: p\r\n\r\n");
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const kill = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return { address: `plain:${path}`, open: () => sockets.size, kill };
}

const ask: ChannelRequest = { kind: "websocket", method: "GET", path: "/", headers: ["host", "h"], body: null };

function open(channel: ReplicaChannel, address: string, request = ask, room: () => boolean = () => true) {
  const heard = {
    head: undefined as ResponseHead | undefined,
    bytes: 0,
    text: "",
    ended: false,
    failure: undefined as ChannelFailure | undefined,
  };
  const call = channel.open(address, request, {
    onAccepted(head) {
      heard.head = head;
    },
    onData(chunk) {
      heard.bytes += chunk.length;
      if (heard.bytes < 1_000) heard.text += Buffer.from(chunk).toString();
      return room();
    },
    onEnd() {
      heard.ended = true;
    },
    onFailed(failure) {
      heard.failure = failure;
    },
  });
  return { call, heard };
}

describe.each([
  ["a replica", framed],
  ["a program", program],
])("a websocket to %s", (_name, start) => {
  const channel = (): ReplicaChannel => {
    const made = createReplicaChannel();
    onTestFinished(() => made.close());
    return made;
  };
  const accepted = async (peer: Peer, room?: () => boolean, driver = channel()) => {
    const { call, heard } = open(driver, peer.address, ask, room);
    await vi.waitFor(() => expect(heard.head?.status).toBe(101));
    const bytes = new PassThrough();
    call.upload(bytes);
    return { call, heard, bytes };
  };

  it("carries bytes both ways after a 101, and ends when its bytes do", async () => {
    const { heard, bytes } = await accepted(await start());
    expect(heard.head!.headers).toEqual(["sec-websocket-protocol", "p"]);
    bytes.write("one ");
    await vi.waitFor(() => expect(heard.text).toBe("one "));
    bytes.end("two");
    await vi.waitFor(() => expect(heard).toMatchObject({ text: "one two", ended: true, failure: undefined }));
  });

  it("hands over the answer of a replica that refuses it", async () => {
    const { heard } = open(channel(), (await start()).address, { ...ask, path: "/refuse" });
    await vi.waitFor(() => expect(heard).toMatchObject({ text: "not you", ended: true }));
    expect(heard.head).toMatchObject({ status: 403 });
    expect(heard.head!.headers.join()).toContain("x-why,no");
  });

  it("holds the sender back while the receiver takes nothing, and goes on after", async () => {
    let room = false;
    const { call, heard, bytes } = await accepted(await start(), () => room);
    const piece = Buffer.alloc(65_536, 1);
    let written = 0;
    while (bytes.write(piece) || bytes.writableLength < 16 * 1_048_576) written += piece.length;
    written += piece.length;
    bytes.end();
    await vi.waitFor(() => expect(heard.bytes).toBeGreaterThan(0));
    // Echoed bytes have nowhere to go, so what was not sent stays where it is.
    await vi.waitFor(() => expect(bytes.readableLength + bytes.writableLength).toBeGreaterThan(8 * 1_048_576));
    expect(heard.bytes).toBeLessThan(1_048_576);
    room = true;
    call.resume();
    await vi.waitFor(() => expect(heard.ended).toBe(true), { timeout: 10_000 });
    expect(heard.bytes).toBe(written);
  });

  it("cancels at the peer and says no more", async () => {
    const peer = await start();
    const { call, heard, bytes } = await accepted(peer);
    expect(peer.open()).toBe(1);
    call.cancel();
    await vi.waitFor(() => expect(peer.open()).toBe(0));
    expect(bytes.destroyed).toBe(true);
    expect(heard).toMatchObject({ ended: false, failure: undefined });
  });

  it("is over where the peer dies", async () => {
    const peer = await start();
    const { heard } = await accepted(peer);
    peer.kill();
    await vi.waitFor(() => expect(heard.ended || heard.failure?.kind).toBeTruthy());
    // The end of a plain connection says nothing about its reason.
    if (!peer.address.startsWith("plain:"))
      expect(heard.failure).toMatchObject({ kind: "broken", responseStarted: true });
  });

  it("fails where the client's bytes break, and ends at the peer", async () => {
    const peer = await start();
    const { heard, bytes } = await accepted(peer);
    bytes.destroy(new Error("the client is gone"));
    await vi.waitFor(() => expect(heard.failure).toMatchObject({ kind: "broken", responseStarted: true }));
    await vi.waitFor(() => expect(peer.open()).toBe(0));
  });

  it("fails when the channel is closed", async () => {
    const driver = channel();
    const { heard } = await accepted(await start(), undefined, driver);
    await driver.close();
    await vi.waitFor(() => expect(heard.failure?.kind).toBe("broken"));
  });

  it("stays open when the address is released, as requests do", async () => {
    const peer = await start();
    const driver = channel();
    const { heard, bytes } = await accepted(peer, undefined, driver);
    driver.release(peer.address);
    bytes.end("still");
    await vi.waitFor(() => expect(heard).toMatchObject({ text: "still", ended: true }));
  });

  it("is unreachable where nobody listens", async () => {
    const { heard } = open(channel(), (await start()).address.replace(/[^/]+$/, "nobody"));
    await vi.waitFor(() => expect(heard.failure).toMatchObject({ kind: "unreachable", gone: true }));
  });
});
