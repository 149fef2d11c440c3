import type { Readable } from "node:stream";
import { SendCredit } from "../wire/credit.ts";
import { FrameType, MAX_DATA_BYTES } from "../wire/frame.ts";
import type { WireConnection } from "./wire-connection.ts";

/** How a body that was read from a stream came to an end. */
export interface UploadEvents {
  /** The stream broke; nothing more is sent. */
  onBroken(error: Error): void;
}

/** Sends a body, given as bytes or as a stream, as far as the receiver has room for it. */
export class Upload {
  readonly #connection: WireConnection;
  readonly #id: number;
  readonly #credit = new SendCredit();
  readonly #events: UploadEvents;
  readonly #stream: Readable | undefined;
  /** What is to be sent next. */
  #rest: Uint8Array | undefined;
  #ended = false;
  #over = false;

  /** `body` must not be empty bytes; those have no upload. */
  constructor(connection: WireConnection, id: number, body: Uint8Array | Readable, events: UploadEvents) {
    this.#connection = connection;
    this.#id = id;
    this.#events = events;
    if (body instanceof Uint8Array) {
      this.#rest = body;
      this.#ended = true;
    } else this.#stream = body;
  }

  begin(): void {
    const stream = this.#stream;
    if (stream === undefined) this.pump();
    // One that is over says nothing any more.
    else if (stream.destroyed) queueMicrotask(this.#onClose);
    else stream.on("data", this.#onData).on("end", this.#onEnd).on("error", this.#onError).on("close", this.#onClose);
  }

  /** The receiver has taken some. */
  returned(bytes: number): void {
    this.#credit.returned(bytes);
    this.pump();
  }

  /** Sends what may be sent, and has the stream go on once all is. */
  pump(): void {
    while (!this.#over && this.#rest !== undefined) {
      const length = Math.min(this.#rest.length, this.#credit.left, MAX_DATA_BYTES);
      if (length === 0 || this.#connection.full) return;
      const all = length === this.#rest.length;
      const piece = all ? this.#rest : this.#rest.subarray(0, length);
      this.#rest = all ? undefined : this.#rest.subarray(length);
      this.#credit.spend(length);
      const last = all && this.#ended;
      this.#connection.writer.bytes(FrameType.data, this.#id, piece, last);
      this.#connection.soon();
      if (last) this.stop();
    }
    if (!this.#over) this.#stream?.resume();
  }

  /** Sends nothing more; destroys the stream. */
  stop(): void {
    if (this.#over) return;
    this.#over = true;
    this.#rest = undefined;
    const stream = this.#stream;
    if (stream === undefined) return;
    stream.off("data", this.#onData).off("end", this.#onEnd).off("error", this.#onError).off("close", this.#onClose);
    // What it may still say concerns nobody.
    stream.on("error", () => {});
    stream.destroy();
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (chunk.length === 0) return;
    this.#rest = chunk;
    this.pump();
    if (this.#rest !== undefined) this.#stream!.pause();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    if (this.#rest !== undefined || this.#over) return;
    this.#connection.writer.empty(FrameType.data, this.#id, true);
    this.#connection.soon();
    this.stop();
  };

  readonly #onError = (error: Error): void => {
    this.stop();
    this.#events.onBroken(error);
  };

  readonly #onClose = (): void => {
    if (this.#ended || this.#over) return;
    this.stop();
    this.#events.onBroken(new Error("the body ended early"));
  };
}
