import type { ServerHttp2Stream } from "node:http2";
import { Readable } from "node:stream";

/** Taken in before anybody reads; a client that sends more waits. */
const AHEAD_BYTES = 65_536;

/**
 * The request side of a call as a stream that may be destroyed without harm to the answer. What comes before anybody
 * reads is kept, so that a small request can be had {@link whole}. Chunks are handed on, not copied.
 */
export class GrpcBody extends Readable {
  readonly #stream: ServerHttp2Stream;
  #ahead: Buffer[] | undefined = [];
  #aheadBytes = 0;
  #ended = false;

  constructor(stream: ServerHttp2Stream) {
    super();
    this.#stream = stream;
    // The client may go away when nobody reads any more.
    this.on("error", () => {});
    stream.on("data", this.#onData).on("end", this.#onEnd);
  }

  /** All of it, where all is here and nobody has read. */
  get whole(): Buffer | undefined {
    if (!this.#ended || this.#ahead === undefined) return undefined;
    return this.#ahead.length === 1 ? this.#ahead[0]! : Buffer.concat(this.#ahead, this.#aheadBytes);
  }

  override _read(): void {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    for (const chunk of ahead ?? []) this.push(chunk);
    if (ahead !== undefined && this.#ended) this.push(null);
    this.#stream.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#ahead = undefined;
    this.#stream.off("data", this.#onData).off("end", this.#onEnd);
    // What is left is for nobody, and would keep the connection's window.
    if (!this.#stream.destroyed) this.#stream.resume();
    done(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#ahead === undefined) {
      if (!this.push(chunk)) this.#stream.pause();
      return;
    }
    this.#ahead.push(chunk);
    this.#aheadBytes += chunk.length;
    if (this.#aheadBytes >= AHEAD_BYTES) this.#stream.pause();
  };

  readonly #onEnd = (): void => {
    // A stream that its client resets ends as well. What came of it is not all: its `close` ends the call.
    if (this.#stream.aborted) return;
    this.#ended = true;
    if (this.#ahead === undefined) this.push(null);
  };
}
