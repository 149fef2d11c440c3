/** Shorter pieces that come while others wait are copied together into blocks of this size. */
const BLOCK_BYTES = 1 << 12;

/**
 * Pieces of a body that wait to be taken, in order. A small piece is a view of all that was read from a socket at once;
 * many of them, kept for long, would hold far more memory than their bytes.
 */
export class Pieces {
  #pieces: Buffer[] = [];
  /** Where small pieces go; its beginning is the last of `#pieces`. */
  #block: Buffer | undefined;
  #used = 0;

  /** How many {@link shift} will give. */
  get count(): number {
    return this.#pieces.length;
  }

  /** Adds one at the end. */
  push(piece: Buffer): void {
    if (this.#pieces.length === 0 || piece.length >= BLOCK_BYTES) {
      this.#block = undefined;
      this.#pieces.push(piece);
      return;
    }
    const joined = this.#block !== undefined && this.#used + piece.length <= BLOCK_BYTES;
    if (!joined) {
      this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      this.#used = 0;
    }
    const block = this.#block!;
    block.set(piece, this.#used);
    this.#used += piece.length;
    if (joined) this.#pieces.pop();
    this.#pieces.push(block.subarray(0, this.#used));
  }

  /** Takes the first; undefined: there is none. */
  shift(): Buffer | undefined {
    const piece = this.#pieces.shift();
    // What was handed out is not written to any more, nor held.
    if (this.#pieces.length === 0) this.#block = undefined;
    return piece;
  }

  /** Takes all as one. */
  take(): Buffer {
    const pieces = this.#pieces;
    this.clear();
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  clear(): void {
    this.#pieces = [];
    this.#block = undefined;
  }
}
