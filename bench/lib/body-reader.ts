/**
 * Counts the bytes of an answer's body as they come, framing left out. A body of ten megabytes is never held: putting
 * its pieces together again would cost more than the server beside it takes to send them.
 */
export class BodyReader {
  /** Bytes of the body so far. */
  bytes = 0;
  done: boolean;
  #left: number;
  readonly #chunked: boolean;
  #line = "";
  #state: "size" | "data" | "trailer" = "size";

  /** `length` in bytes, or "chunked". */
  constructor(length: number | "chunked") {
    this.#chunked = length === "chunked";
    this.#left = length === "chunked" ? 0 : length;
    this.done = length === 0;
  }

  /** Takes the next piece of what the connection brought. */
  take(piece: Buffer): void {
    if (this.#chunked) {
      this.#takeChunked(piece);
      return;
    }
    const taken = Math.min(piece.length, this.#left);
    this.bytes += taken;
    this.#left -= taken;
    this.done = this.#left === 0;
  }

  #takeChunked(piece: Buffer): void {
    let at = 0;
    while (at < piece.length && !this.done) {
      if (this.#state === "data") {
        // Of a chunk with its line end.
        const taken = Math.min(piece.length - at, this.#left);
        this.bytes += Math.max(0, Math.min(taken, this.#left - 2));
        this.#left -= taken;
        at += taken;
        if (this.#left === 0) this.#state = "size";
        continue;
      }
      const end = piece.indexOf(10, at);
      this.#line += piece.toString("latin1", at, end === -1 ? undefined : end);
      if (end === -1) return;
      at = end + 1;
      const line = this.#line.trim();
      this.#line = "";
      if (this.#state === "trailer") this.done = line === "";
      else if (Number.parseInt(line, 16) === 0) this.#state = "trailer";
      else {
        this.#state = "data";
        this.#left = Number.parseInt(line, 16) + 2;
      }
    }
  }
}
