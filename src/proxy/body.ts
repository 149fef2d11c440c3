import { Readable } from "node:stream";
import type { ProxyRequest } from "./message.ts";

/** Bodies up to this size are held in memory, so that they can be sent again; larger ones stream. */
export const REPLAY_LIMIT_BYTES = 65_536;

/** What the head says of a request's body. */
export type BodyKind =
  | { readonly kind: "none" }
  | { readonly kind: "small"; readonly length: number }
  /** `length` undefined: chunked. */
  | { readonly kind: "stream"; readonly length: string | undefined };

const NONE: BodyKind = { kind: "none" };

/** Looks at the head only. */
export function bodyKind(req: ProxyRequest): BodyKind {
  const length = req.headers["content-length"];
  if (req.headers["transfer-encoding"] !== undefined) return { kind: "stream", length: undefined };
  if (length === undefined || length === "0") return NONE;
  const bytes = Number(length);
  return bytes <= REPLAY_LIMIT_BYTES ? { kind: "small", length: bytes } : { kind: "stream", length };
}

/** Reads a small body. Nothing is called when the client goes away first: the response's `close` tells that. */
export function readSmall(req: ProxyRequest, length: number, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  req.on("data", (chunk: Buffer) => chunks.push(chunk));
  req.on("end", () => {
    if (req.complete) done(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length));
  });
}

/**
 * The body of a request as a stream that may be destroyed without harm to the client's connection: what is left of
 * the body is then discarded, so that an early answer reaches the client. Chunks are handed on, not copied.
 */
export class RequestBody extends Readable {
  readonly #req: ProxyRequest;
  #started = false;
  readonly #onStart: (() => void) | undefined;
  readonly #onBytes: (bytes: number) => void;

  /** `onStart` is called before the first read: the time to say 100-continue; `onBytes` with each piece's length. */
  constructor(req: ProxyRequest, onStart: (() => void) | undefined, onBytes: (bytes: number) => void) {
    super();
    this.#onBytes = onBytes;
    this.#req = req;
    this.#onStart = onStart;
    // The client may go away when nobody reads any more.
    this.on("error", () => {});
  }

  override _read(): void {
    if (!this.#started) {
      this.#started = true;
      this.#onStart?.();
      this.#req.on("data", this.#onData).on("end", this.#onEnd).on("close", this.#onClose);
    }
    this.#req.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#req.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onClose);
    if (this.#started && !this.#req.readableEnded && !this.#req.destroyed) this.#req.resume();
    done(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#onBytes(chunk.length);
    if (!this.push(chunk)) this.#req.pause();
  };

  readonly #onEnd = (): void => {
    if (this.#req.complete) this.push(null);
  };

  readonly #onClose = (): void => {
    if (!this.#req.complete) this.destroy(new Error("the client went away"));
  };
}
