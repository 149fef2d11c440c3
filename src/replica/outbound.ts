import type { WireConnection } from "../routing/wire-connection.ts";
import { SendCredit } from "../wire/credit.ts";
import { FrameType, MAX_DATA_BYTES } from "../wire/frame.ts";
import { type CallResult, fitsHead, writeHead, writeTrailers } from "../wire/head.ts";

const NO_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

interface Head {
  readonly status: number;
  readonly headers: string[];
  readonly result: CallResult;
  readonly reservation: string;
}

/**
 * The answer to one request. The head is set first and sent with the first of the body. Over when its end has been
 * sent, when it was reset, or when the caller or the connection is gone.
 */
export class Outbound {
  readonly #connection: WireConnection;
  readonly #id: number;
  readonly #credit = new SendCredit();
  #bodyless: boolean;
  #head: Head | undefined;
  #headSent = false;
  #status = 0;
  /** Bytes of the body that the head announced and that were not written yet; undefined: it says nothing of them. */
  #announced: number | undefined;
  /** What there was no credit for. */
  #rest: Uint8Array | undefined;
  #ending = false;
  /** What ends it instead of the last piece. */
  #trailers: readonly string[] | undefined;
  #state: "open" | "sending" | "over" = "open";
  #drained: (() => void)[] = [];
  #taken = 0;
  readonly #over = Promise.withResolvers<void>();

  /** `bodyless`: the answer to a HEAD. */
  constructor(connection: WireConnection, id: number, bodyless: boolean) {
    this.#connection = connection;
    this.#id = id;
    this.#bodyless = bodyless;
  }

  /** The status, once the head is set; else 0. */
  get status(): number {
    return this.#status;
  }

  /** Whether the caller has been, or will be, told how the answer begins. */
  get headSent(): boolean {
    return this.#headSent;
  }

  /** Whether nothing more can be written. */
  get closed(): boolean {
    return this.#ending || this.#state !== "open";
  }

  /** Resolves when it is over. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Bytes of the body that the caller says it has taken. */
  get taken(): number {
    return this.#taken;
  }

  /** Whether pieces of a body are dropped: the answer has none. */
  get bodyless(): boolean {
    return this.#bodyless;
  }

  /**
   * Sets the head. `headers`: name, value, …, names in lower case. Before anything is written. Throws a TypeError for a
   * head that nobody can be sent.
   */
  head(status: number, headers: string[], more: { result?: CallResult; reservation?: string } = {}): void {
    if (!Number.isInteger(status) || (status !== 101 && (status < 200 || status > 999))) {
      throw new TypeError(`an answer with status ${status} cannot be sent: it must be a number from 200 to 999`);
    }
    if (!fitsHead(headers)) throw new TypeError("the headers of the answer are too long, or hold what none may");
    this.#announced = announcedBy(headers);
    this.#status = status;
    if (NO_BODY.has(status)) this.#bodyless = true;
    this.#head = { status, headers, result: more.result ?? "", reservation: more.reservation ?? "" };
  }

  /** Sends the head without waiting for a body. */
  flushHead(): void {
    this.#sendHead(null, false);
  }

  /**
   * A piece of the body, which must not change afterwards. False: wait for {@link drained}. Throws a TypeError for more
   * than the head announced.
   */
  write(piece: Uint8Array): boolean {
    if (this.closed) return true;
    if (this.#bodyless || piece.length === 0) {
      this.#sendHead(null, false);
      return true;
    }
    if (this.#rest !== undefined) throw new Error("a piece was written while another waits");
    this.#count(piece.length, false);
    this.#rest = piece;
    this.#pump();
    return this.#rest === undefined && this.#credit.left > 0 && !this.#connection.full;
  }

  /** The end, with a last piece. Throws a TypeError where the body has not the length that the head announced. */
  end(piece?: Uint8Array): void {
    if (this.closed) return;
    if (!this.#bodyless) this.#count(piece?.length ?? 0, true);
    this.#ending = true;
    if (piece !== undefined && piece.length > 0 && !this.#bodyless) {
      if (this.#rest !== undefined) throw new Error("a piece was written while another waits");
      this.#rest = piece;
    }
    this.#pump();
  }

  /** The end, with trailers that {@link fitsHead fit}: name, value, …, names in lower case. */
  endWith(trailers: readonly string[]): void {
    if (this.closed) return;
    this.#trailers = trailers;
    this.end();
  }

  /** It cannot be completed: the caller is told so, after what was written. */
  reset(reason: string): void {
    if (this.#state !== "open") return;
    this.#rest = undefined;
    this.#connection.writer.bytes(FrameType.reset, this.#id, Buffer.from(reason), true);
    this.#sent();
  }

  /** Resolves when more may be written, or nothing more can be. */
  drained(): Promise<void> {
    if (this.#state !== "open" || this.#writable()) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** The caller has taken some. Throws a WireError. */
  returned(bytes: number): void {
    this.#taken += bytes;
    this.#credit.returned(bytes);
    this.pump();
  }

  /** There may be room again. */
  pump(): void {
    if (this.#state !== "open") return;
    this.#pump();
    if (this.#writable()) this.#wake();
  }

  /** The caller or the connection is gone. */
  abandon(): void {
    if (this.#state === "over") return;
    this.#rest = undefined;
    this.#finish();
  }

  /** A client that is sent another length than it was told waits forever, or takes the rest for the next answer. */
  #count(bytes: number, last: boolean): void {
    if (this.#announced === undefined) return;
    this.#announced -= bytes;
    if (this.#announced < 0 || (last && this.#announced > 0)) {
      throw new TypeError("the body of the answer has not the length that its content-length says");
    }
  }

  #writable(): boolean {
    return this.#rest === undefined && this.#credit.left > 0 && !this.#connection.full;
  }

  #pump(): void {
    while (this.#rest !== undefined) {
      const { length } = this.#rest;
      const bytes = Math.min(length, this.#credit.left, MAX_DATA_BYTES);
      // The first piece of a small answer goes with its head, however full the socket is.
      if (bytes === 0 || (this.#headSent && this.#connection.full)) return;
      const piece = bytes === length ? this.#rest : this.#rest.subarray(0, bytes);
      this.#rest = bytes === length ? undefined : this.#rest.subarray(bytes);
      this.#credit.spend(bytes);
      const last = this.#ending && this.#rest === undefined && this.#trailers === undefined;
      if (!this.#sendHead(piece, last)) {
        this.#connection.writer.bytes(FrameType.data, this.#id, piece, last);
        this.#connection.soon();
      }
      if (last) {
        this.#sent();
        return;
      }
    }
    if (!this.#ending) return;
    if (this.#trailers !== undefined) {
      this.#sendHead(null, false);
      writeTrailers(this.#connection.writer, this.#id, this.#trailers);
      this.#connection.soon();
    } else if (!this.#sendHead(null, true)) this.#connection.writer.empty(FrameType.data, this.#id, true);
    this.#sent();
  }

  /** Whether the head was sent now, with this piece. */
  #sendHead(piece: Uint8Array | null, end: boolean): boolean {
    if (this.#headSent || this.#state !== "open") return false;
    if (this.#head === undefined) throw new Error("a body was written before its head");
    this.#headSent = true;
    writeHead(this.#connection.writer, this.#id, this.#head, piece, end);
    this.#connection.soon();
    return true;
  }

  /** The last of it was written: it is over when that has left. */
  #sent(): void {
    this.#state = "sending";
    this.#wake();
    this.#connection.soon(() => this.#finish());
  }

  #finish(): void {
    this.#state = "over";
    this.#wake();
    this.#over.resolve();
  }

  #wake(): void {
    for (const resolve of this.#drained.splice(0)) resolve();
  }
}

/** What `content-length` says. Throws a TypeError where it is no length. */
function announcedBy(headers: readonly string[]): number | undefined {
  const at = headers.findIndex((text, i) => i % 2 === 0 && text === "content-length");
  if (at === -1) return undefined;
  const text = headers[at + 1]!;
  if (!/^[0-9]{1,15}$/.test(text)) throw new TypeError(`the content-length ${JSON.stringify(text)} is not a number`);
  return Number(text);
}
