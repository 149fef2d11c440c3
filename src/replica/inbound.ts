import type { WireConnection } from "../routing/wire-connection.ts";
import { ReceiveCredit } from "../wire/credit.ts";
import { FrameType } from "../wire/frame.ts";
import type { RequestHead } from "../wire/head.ts";
import { Pieces } from "../wire/pieces.ts";

/** A request as it came in. */
export interface Inbound {
  readonly head: RequestHead;
  readonly body: InboundBody;
}

/** The body of a request, as far as it has come in; taken piece by piece. */
export class InboundBody {
  readonly #connection: WireConnection;
  readonly #id: number;
  readonly #credit = new ReceiveCredit();
  readonly #pieces = new Pieces();
  #state: "open" | "complete" | "broken" | "unwanted" = "open";
  /** Some of it came, or was asked for. */
  #begun = false;
  #wake: (() => void) | undefined;

  constructor(connection: WireConnection, id: number) {
    this.#connection = connection;
    this.#id = id;
  }

  /** Everything is here and nothing was taken yet, or there was nothing. */
  get whole(): boolean {
    return this.#state === "complete";
  }

  /** There is none, and none comes. */
  get empty(): boolean {
    return this.#state === "complete" && this.#pieces.count === 0;
  }

  /** A piece came in. Throws a WireError for more than is allowed. */
  received(piece: Buffer, end: boolean): void {
    if (this.#state !== "open") return;
    if (piece.length > 0) {
      this.#begun = true;
      this.#credit.received(piece.length);
      this.#pieces.push(piece);
    }
    if (end) this.#state = "complete";
    this.#wake?.();
  }

  /** The sender is gone. */
  broke(): void {
    if (this.#state !== "open") return;
    this.#state = "broken";
    this.#wake?.();
  }

  /** The next piece; null at the end. Rejects where the sender left before it. One at a time. */
  async next(): Promise<Buffer | null> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        this.#took(piece.length);
        return piece;
      }
      if (this.#state === "broken") throw new TypeError("the request ended before its body was complete");
      if (this.#state !== "open") return null;
      this.#ask();
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
      this.#wake = undefined;
    }
  }

  /** All of it. */
  async all(): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let piece = await this.next(); piece !== null; piece = await this.next()) pieces.push(piece);
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  /** All of it at once, where {@link whole}. */
  take(): Buffer {
    return this.#pieces.take();
  }

  /** Nobody reads it any more: the sender may stop. */
  discard(): void {
    this.#pieces.clear();
    if (this.#state === "open") {
      this.#connection.writer.empty(FrameType.stop, this.#id);
      this.#connection.soon();
      this.#state = "unwanted";
      this.#wake?.();
    }
  }

  /** Says that the body is wanted, where nothing of it has come: its sender may wait for that. */
  #ask(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#connection.writer.number(FrameType.credit, this.#id, 0);
    this.#connection.soon();
  }

  #took(bytes: number): void {
    if (this.#state !== "open") return;
    const portion = this.#credit.took(bytes);
    if (portion === 0) return;
    this.#connection.writer.number(FrameType.credit, this.#id, portion);
    this.#connection.soon();
  }
}

/** The value of a header by its name in lower case; undefined where it is absent or empty. */
export function headerOf({ headers }: RequestHead, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === name) return headers[i + 1] === "" ? undefined : headers[i + 1];
  }
  return undefined;
}
