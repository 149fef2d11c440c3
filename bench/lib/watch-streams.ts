/** Watches as the bench opens them: by gRPC, Connect over HTTP/1.1 and server-sent events, read as cheaply as can be. */
import { createConnection } from "node:net";
import { connectRaw, type RawConnection } from "./raw-h2.ts";

/** One message of a watch. */
export interface Told {
  readonly revision: number;
  /** Resource; "" for progress, "synced" for the end of the snapshot. */
  readonly name: string;
  /** The number of the write that made it so; 0 where there is none. */
  readonly write: number;
  /** When that write was sent, epoch milliseconds; 0 where there is none. */
  readonly sentMs: number;
}

/** How a watcher reads: all at once, a little now and then, or nothing. */
export type Reading = "healthy" | "slow" | "stuck";

/** One watcher. */
export interface Watcher {
  readonly by: "grpc" | "connect" | "sse";
  /** Resource name to watch; "" is everything. */
  readonly name: string;
  readonly token: string;
  readonly reading: Reading;
}

/** Window of slow and stuck gRPC streams; their first message has to fit. */
const SMALL_WINDOW = 4_096;
/** What a slow one reads at a time, and how often. */
const SIP = 512;
const SIP_EVERY_MS = 1_000;

/** Opens watches on a port. */
export function watchOpener(port: number) {
  return {
    /** A connection that gRPC watches may share. */
    connection: (reading: Reading): RawConnection =>
      connectRaw(port, reading === "healthy" ? 1 << 20 : SMALL_WINDOW, reading === "healthy"),
    open(watcher: Watcher, on: { told(message: Told): void; ended(): void }, shared?: RawConnection): void {
      const request = watchRequest(watcher.name);
      if (watcher.by === "grpc") {
        const connection = shared ?? this.connection(watcher.reading);
        const headers = {
          "content-type": "application/grpc",
          te: "trailers",
          authorization: `Bearer ${watcher.token}`,
        };
        const split = splitter(on.told);
        const stream = { onData: split, onEnd: on.ended };
        const id = connection.post("/windlass.v1.InstanceService/WatchInstance", headers, request, stream);
        if (watcher.reading === "slow") setInterval(() => connection.allow(id, SIP), SIP_EVERY_MS).unref();
        return;
      }
      const socket = createConnection({ port, host: "127.0.0.1" });
      socket.on("error", () => {});
      socket.on("close", on.ended);
      const common = `host: 127.0.0.1\r\nauthorization: Bearer ${watcher.token}\r\n`;
      if (watcher.by === "connect") {
        const head = `POST /windlass.v1.InstanceService/WatchInstance HTTP/1.1\r\n${common}content-type: application/connect+proto\r\ncontent-length: ${request.length}\r\n\r\n`;
        socket.write(Buffer.concat([Buffer.from(head), request]));
        socket.on("data", unchunked(splitter(on.told)));
      } else {
        socket.write(`GET /api/v1/watch?name=${encodeURIComponent(watcher.name)} HTTP/1.1\r\n${common}\r\n`);
        socket.on("data", unchunked(eventSplitter(on.told)));
      }
      if (watcher.reading === "healthy") return;
      socket.pause();
      if (watcher.reading === "slow") {
        const sip = (): void => {
          socket.resume();
          setImmediate(() => socket.pause());
        };
        setInterval(sip, SIP_EVERY_MS).unref();
      }
    },
  };
}

/** A WatchInstanceRequest in its envelope. */
function watchRequest(name: string): Buffer {
  const text = Buffer.from(name);
  const body = name === "" ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x12, text.length]), text]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/** Splits a body into messages; one with a flag (compressed, end of the stream) is an error. */
function splitter(told: (message: Told) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 5) {
      const length = bytes.readUInt32BE(at + 1);
      if (bytes.length - at < 5 + length) break;
      if (bytes[at] === 0) told(read(bytes.subarray(at + 5, at + 5 + length)));
      at += 5 + length;
    }
    rest = bytes.subarray(at);
  };
}

/** A WatchInstanceResponse, as far as it is needed. */
function read(bytes: Buffer): Told {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  let revision = 0;
  if (bytes[at] === 8) {
    at++;
    revision = varint();
  }
  if (at >= bytes.length) return { revision, name: "", write: 0, sentMs: 0 };
  const field = bytes[at++]! >> 3;
  if (field === 7) return { revision, name: "synced", write: 0, sentMs: 0 };
  const length = varint();
  if (field === 2) return { revision, name: "instance", write: 0, sentMs: 0 };
  if (field === 6) return { revision, name: bytes.toString("latin1", at, at + length), write: 0, sentMs: 0 };
  // `name` is the first field of each of the others.
  at++;
  const nameLength = varint();
  const name = bytes.toString("latin1", at, at + nameLength);
  const stamp = bytes.indexOf("w:", at, "latin1");
  return { revision, name, ...(stamp < 0 ? NO_WRITE : stampOf(bytes.toString("latin1", stamp, stamp + 40))) };
}

const NO_WRITE = { write: 0, sentMs: 0 };

function stampOf(text: string): { write: number; sentMs: number } {
  const match = /w:(\d+):(\d+\.\d+)/.exec(text);
  return match === null ? NO_WRITE : { write: Number(match[1]), sentMs: Number(match[2]) };
}

function eventSplitter(told: (message: Told) => void): (chunk: Buffer) => void {
  let rest = "";
  return (chunk) => {
    const parts = (rest + chunk.toString("latin1")).split("\n\n");
    rest = parts.pop()!;
    for (const part of parts) {
      const kind = /^event: (\w+)$/m.exec(part)?.[1];
      const revision = Number(/"revision":"(\d+)"/.exec(part)?.[1] ?? 0);
      if (kind === undefined) continue;
      if (kind === "progress") told({ revision, name: "", ...NO_WRITE });
      else if (kind === "synced" || kind === "instance") told({ revision, name: kind, ...NO_WRITE });
      else {
        const name = /"(?:name|deleted)":"(applications\/[^"]+)"/.exec(part)?.[1] ?? "?";
        told({ revision, name, ...stampOf(part) });
      }
    }
  };
}

/** Takes the chunks of an HTTP/1.1 answer apart. */
function unchunked(next: (bytes: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let inBody = false;
  return (chunk) => {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (!inBody) {
      const end = bytes.indexOf("\r\n\r\n");
      if (end < 0) {
        rest = bytes;
        return;
      }
      inBody = true;
      bytes = bytes.subarray(end + 4);
    }
    let at = 0;
    for (;;) {
      const lineEnd = bytes.indexOf("\r\n", at);
      if (lineEnd < 0) break;
      const length = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
      if (bytes.length < lineEnd + 2 + length + 2) break;
      if (length > 0) next(bytes.subarray(lineEnd + 2, lineEnd + 2 + length));
      at = lineEnd + 2 + length + 2;
    }
    rest = bytes.subarray(at);
  };
}
