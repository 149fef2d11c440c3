import { Duplex } from "node:stream";
import type { InboundBody } from "./inbound.ts";
import type { Outbound } from "./outbound.ts";

/** Pieces that are written together and are no longer than this are sent in one frame. */
const MERGE_BYTES = 4_096;

/** The head of an answer as HTTP/1.1 has it. */
export interface RawHead {
  readonly status: number;
  /** Name, value, …; names in lower case. */
  readonly headers: readonly string[];
}

/**
 * A call in the shape of a connection, for a library that speaks HTTP/1.1 on one: the first that it writes is the head of
 * the answer. Closes when the call is over.
 */
export class CallStream extends Duplex {
  readonly #in: InboundBody;
  readonly #out: Outbound;
  readonly #onHead: (head: RawHead) => void;
  #begun = false;
  /** Bytes that came in and were taken. */
  received = 0;

  /** Bytes that the peer has taken. */
  get taken(): number {
    return this.#out.taken;
  }

  /** `onHead` is to give the answer its head. */
  constructor(inbound: InboundBody, out: Outbound, onHead: (head: RawHead) => void) {
    super();
    this.#in = inbound;
    this.#out = out;
    this.#onHead = onHead;
    void out.over.then(() => this.destroy());
  }

  override _read(): void {
    this.#in.next().then(
      (piece) => {
        this.received += piece?.length ?? 0;
        this.push(piece);
      },
      (error: Error) => this.destroy(error),
    );
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const body = this.#begun ? chunk : this.#begin(chunk);
    if (body.length === 0 || this.#out.write(body)) done();
    else void this.#out.drained().then(done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    const pieces = chunks.map(({ chunk }) => chunk);
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (length <= MERGE_BYTES || !this.#begun) this._write(Buffer.concat(pieces, length), "utf8", done);
    else void this.#inTurn(pieces).then(done);
  }

  override _final(done: () => void): void {
    this.#out.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#out.closed) this.#out.reset("the websocket broke off");
    done(error);
  }

  async #inTurn(pieces: readonly Buffer[]): Promise<void> {
    for (const piece of pieces) if (!this.#out.write(piece)) await this.#out.drained();
  }

  /** Takes the head off the first piece. */
  #begin(chunk: Buffer): Buffer {
    this.#begun = true;
    const end = chunk.indexOf("\r\n\r\n");
    const [first, ...lines] = chunk.toString("latin1", 0, end).split("\r\n");
    const headers = lines.flatMap((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    });
    this.#onHead({ status: Number(first!.split(" ")[1]), headers });
    this.#out.flushHead();
    return chunk.subarray(end + 4);
  }
}
