import type { Socket } from "node:net";
import { checkHello, encodeHello, FrameType, WireError } from "../wire/frame.ts";
import { FrameReader } from "../wire/frame-reader.ts";
import { FrameWriter } from "../wire/frame-writer.ts";

/** What happens on a connection. */
export interface WireEvents {
  /** A frame of a call. A WireError that is thrown ends the connection. */
  onFrame(type: FrameType, end: boolean, id: number, payload: Buffer): void;
  /** The peer has said `hello`: {@link WireConnection.understands} tells the truth from now on. */
  onGreeted?(): void;
  /** What came in at once has been read. */
  onRead?(): void;
  /** Bodies may be written again, after {@link WireConnection.full} was true. */
  onDrain(): void;
  /** It is over, once. `error`: why, where it did not end in good order. */
  onClosed(error: Error | undefined): void;
}

/**
 * One connection of the framed protocol, from either side. What is written within a turn of the event loop goes out
 * in one write at its end.
 */
export class WireConnection {
  readonly writer = new FrameWriter();
  readonly #socket: Socket;
  readonly #events: WireEvents;
  readonly #reader: FrameReader;
  #greeted = false;
  #features = 0;
  #ended = false;
  #scheduled = false;
  #sent: (() => void)[] = [];
  #error: Error | undefined;
  #closed = false;

  constructor(socket: Socket, events: WireEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#reader = new FrameReader({ onFrame: (type, end, id, payload) => this.#frame(type, end, id, payload) });
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#feed(chunk));
    socket.on("drain", () => events.onDrain());
    socket.on("error", (error) => {
      this.#error ??= error;
    });
    socket.on("close", () => {
      this.#closed = true;
      for (const done of this.#sent.splice(0)) done();
      events.onClosed(this.#error);
    });
    this.writer.bytes(FrameType.hello, 0, encodeHello());
    this.soon();
  }

  /** The socket holds as much as it should: bodies wait for `onDrain`. */
  get full(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Whether the peer has said `hello`; until then it has acted on nothing that was sent to it. */
  get greeted(): boolean {
    return this.#greeted;
  }

  /** Whether the peer has said that it knows a {@link Feature}. */
  understands(feature: number): boolean {
    return (this.#features & feature) !== 0;
  }

  /** Has what the writer holds sent at the end of this turn. `sent` is called when it has been, or the connection is over. */
  soon(sent?: () => void): void {
    if (sent !== undefined) {
      if (this.#closed) {
        sent();
        return;
      }
      this.#sent.push(sent);
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(flush, this);
  }

  /** Sends what is there, then closes; what is written later goes nowhere. */
  end(): void {
    this.flush();
    this.#ended = true;
    this.#socket.end();
  }

  /** Closes at once. */
  destroy(error?: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#closed) return;
    const buffers = this.writer.take();
    const sent = this.#sent;
    const done = sent.length === 0 ? undefined : (): void => tell(sent);
    if (done !== undefined) this.#sent = [];
    const last = buffers.length - 1;
    if (last < 0 || this.#ended) {
      done?.();
      return;
    }
    if (last > 0) this.#socket.cork();
    for (let i = 0; i < last; i++) this.#socket.write(buffers[i]!);
    this.#socket.write(buffers[last]!, done);
    if (last > 0) this.#socket.uncork();
  }

  #feed(chunk: Buffer): void {
    if (this.#error !== undefined) return;
    try {
      this.#reader.feed(chunk);
    } catch (error) {
      // Anything else is a bug of ours, and no peer should be able to provoke one.
      if (!(error instanceof WireError)) throw error;
      this.destroy(error);
    }
    this.#events.onRead?.();
  }

  #frame(type: FrameType, end: boolean, id: number, payload: Buffer): void {
    if (this.#error !== undefined) return;
    if (this.#greeted) {
      this.#events.onFrame(type, end, id, payload);
      return;
    }
    if (type !== FrameType.hello) throw new WireError("the peer does not speak Windlass's protocol");
    this.#features = checkHello(payload);
    this.#greeted = true;
    // Its frames are acted on from here on, and it must be able to tell.
    if (this.#scheduled) this.flush();
    this.#events.onGreeted?.();
  }
}

function flush(connection: WireConnection): void {
  connection.flush();
}

function tell(sent: readonly (() => void)[]): void {
  for (const done of sent) done();
}
