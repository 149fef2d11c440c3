/** As much of RFC 6455 as a proxy needs that passes websockets on as they are: where frames end, and how they close. Pure. */

const CLOSE = 8;
/** Of the longest header: 2, a length of 8, a mask of 4. */
const MAX_HEADER_BYTES = 14;

/** Codes that no frame carries: a close frame had none; the connection ended without a close frame. */
export const NO_CODE = 1005;
/** See {@link NO_CODE}. */
export const NO_CLOSE = 1006;

/** Follows the frames of one direction. */
export class FrameScanner {
  readonly #header = new Uint8Array(MAX_HEADER_BYTES);
  #have = 0;
  /** Bytes of the present frame's payload that are still to come. */
  #left = 0;
  /** The payload of a close frame, as far as it matters. */
  #closing: number[] | undefined;
  #maskAt = 0;
  #code: number | undefined;

  /** The code of the first close frame, once it came. */
  get closeCode(): number | undefined {
    return this.#code;
  }

  /** Whether a frame may begin here. */
  get atBoundary(): boolean {
    return this.#have === 0 && this.#left === 0;
  }

  /** Returns how many bytes those are. */
  feed(bytes: Uint8Array): number {
    return this.#feed(bytes, false);
  }

  /** Feeds as far as the end of the present frame; returns how many bytes that took. */
  feedToBoundary(bytes: Uint8Array): number {
    return this.atBoundary ? 0 : this.#feed(bytes, true);
  }

  #feed(bytes: Uint8Array, toBoundary: boolean): number {
    let at = 0;
    while (at < bytes.length) {
      if (this.#left > 0) {
        const length = Math.min(this.#left, bytes.length - at);
        if (this.#closing !== undefined) this.#readCode(bytes, at, length);
        this.#left -= length;
        at += length;
      } else {
        this.#header[this.#have++] = bytes[at++]!;
        this.#readHeader();
      }
      if (toBoundary && this.atBoundary) break;
    }
    return at;
  }

  #readHeader(): void {
    if (this.#have < 2) return;
    const header = this.#header;
    const short = header[1]! & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const masked = header[1]! >= 0x80;
    this.#maskAt = masked ? 2 + lengthBytes : 0;
    if (this.#have < 2 + lengthBytes + (masked ? 4 : 0)) return;
    let length = lengthBytes === 0 ? short : 0;
    for (let i = 2; i < 2 + lengthBytes; i++) length = length * 256 + header[i]!;
    this.#have = 0;
    this.#left = length;
    this.#closing = undefined;
    if ((header[0]! & 0x0f) !== CLOSE || this.#code !== undefined) return;
    if (length < 2) this.#code = NO_CODE;
    else this.#closing = [];
  }

  #readCode(bytes: Uint8Array, from: number, length: number): void {
    const closing = this.#closing!;
    for (let i = 0; i < length && closing.length < 2; i++) {
      const mask = this.#maskAt === 0 ? 0 : this.#header[this.#maskAt + closing.length]!;
      closing.push(bytes[from + i]! ^ mask);
    }
    if (closing.length < 2) return;
    this.#code = closing[0]! * 256 + closing[1]!;
    this.#closing = undefined;
  }
}

/** A close frame. `masked`: as clients send them. `reason`: at most 123 bytes. */
export function closeFrame(code: number, reason: string, masked: boolean): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code, 0);
  payload.write(reason, 2);
  const header = masked ? [0x80 | CLOSE, 0x80 | payload.length, 0, 0, 0, 0] : [0x80 | CLOSE, payload.length];
  return Buffer.concat([Buffer.from(header), payload]);
}
