/**
 * Just enough HTTP/2 to read streams: a whole client takes more time for a message than the server does. Requests go
 * out as literal headers; of answers only DATA is looked at, and that they end.
 */
import { createConnection, type Socket } from "node:net";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const;
const END_STREAM = 1;
const END_HEADERS = 4;
const ACK = 1;
const INITIAL_WINDOW_SIZE = 4;
/** The connection's window never limits: it is opened wide and renewed. */
const WIDE = 1 << 30;

/** What becomes of one stream. */
export interface RawStream {
  onData(bytes: Buffer): void;
  onEnd(): void;
}

/** A connection with streams. */
export interface RawConnection {
  readonly socket: Socket;
  /** Sends a POST with a body; returns the stream's id. */
  post(path: string, headers: Readonly<Record<string, string>>, body: Buffer, stream: RawStream): number;
  /** The same with headers that {@link headerBlock} made, for one who sends them again and again. */
  send(block: Buffer, body: Buffer, stream: RawStream): number;
  /** Lets so many more bytes come on a stream. */
  allow(id: number, bytes: number): void;
}

/** Connects. Streams may be sent `window` bytes at first; while `renew`, what was read is allowed again. */
export function connectRaw(port: number, window: number, renew: boolean): RawConnection {
  const socket = createConnection({ port, host: "127.0.0.1", noDelay: true });
  const streams = new Map<number, RawStream>();
  let nextId = 1;
  let rest: Buffer = Buffer.alloc(0);
  let unrenewed = 0;
  socket.on("error", () => {});
  socket.on("close", () => {
    for (const stream of streams.values()) stream.onEnd();
    streams.clear();
  });
  const settings = Buffer.alloc(6);
  settings.writeUInt16BE(INITIAL_WINDOW_SIZE, 0);
  settings.writeUInt32BE(window, 2);
  socket.write(Buffer.concat([Buffer.from(PREFACE), frame(FRAME.settings, 0, 0, settings), windowUpdate(0, WIDE)]));

  function take(type: number, flags: number, id: number, payload: Buffer): void {
    const stream = streams.get(id);
    if (type === FRAME.settings && (flags & ACK) === 0) socket.write(frame(FRAME.settings, ACK, 0, Buffer.alloc(0)));
    else if (type === FRAME.ping && (flags & ACK) === 0) socket.write(frame(FRAME.ping, ACK, 0, payload));
    else if (type === FRAME.data && payload.length > 0) {
      unrenewed += payload.length;
      stream?.onData(payload);
      if (renew) socket.write(windowUpdate(id, payload.length));
      if (unrenewed > WIDE / 4) {
        socket.write(windowUpdate(0, unrenewed));
        unrenewed = 0;
      }
    }
    const ends =
      type === FRAME.reset || ((type === FRAME.data || type === FRAME.headers) && (flags & END_STREAM) !== 0);
    if (ends && streams.delete(id)) stream?.onEnd();
  }

  socket.on("data", (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    socket.cork();
    while (bytes.length - at >= 9) {
      const length = bytes.readUIntBE(at, 3);
      if (bytes.length - at < 9 + length) break;
      take(bytes[at + 3]!, bytes[at + 4]!, bytes.readUInt32BE(at + 5), bytes.subarray(at + 9, at + 9 + length));
      at += 9 + length;
    }
    socket.uncork();
    rest = bytes.subarray(at);
  });

  const send = (block: Buffer, body: Buffer, stream: RawStream): number => {
    const id = nextId;
    nextId += 2;
    streams.set(id, stream);
    socket.write(
      Buffer.concat([frame(FRAME.headers, END_HEADERS, id, block), frame(FRAME.data, END_STREAM, id, body)]),
    );
    return id;
  };
  return {
    socket,
    send,
    post: (path, headers, body, stream) => send(headerBlock(path, headers), body, stream),
    allow: (id, bytes) => void socket.write(windowUpdate(id, bytes)),
  };
}

/** The headers of a POST, as they go out. */
export function headerBlock(path: string, headers: Readonly<Record<string, string>>): Buffer {
  const all = { ":method": "POST", ":scheme": "http", ":path": path, ":authority": "127.0.0.1", ...headers };
  return Buffer.concat(Object.entries(all).map(([name, value]) => literal(name, value)));
}

function frame(type: number, flags: number, id: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

function windowUpdate(id: number, bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(FRAME.windowUpdate, 0, id, payload);
}

/** A header that neither side keeps in a table. */
function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  // A number that does not fit into seven bits goes on in further bytes, the lowest bits first.
  const more: number[] = [];
  let left = bytes.length - 127;
  for (; left >= 128; left >>= 7) more.push((left & 127) | 128);
  return Buffer.concat([Buffer.from([127, ...more, left]), bytes]);
}
