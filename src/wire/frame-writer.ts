import { END_BIT, FRAME_HEADER_BYTES, type FrameType, MAX_DATA_BYTES } from "./frame.ts";

/** Frames are written into pieces of memory of this size, one after the other. */
const SLAB_BYTES = 1 << 16;

/** Longer payloads are referred to, shorter ones copied: that is cheaper than one more buffer in a write. */
const COPY_BYTES = 1 << 12;

const NOTHING: readonly Buffer[] = [];

/**
 * Collects frames, to be written in one go. Payloads that are handed in as bytes must not change until they have been
 * written.
 */
export class FrameWriter {
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  /** What lies between these two was not taken yet. */
  #start = 0;
  #end = 0;
  #ready: Buffer[] = [];

  /** Whether there is something to take. */
  get pending(): boolean {
    return this.#end > this.#start || this.#ready.length > 0;
  }

  /** A frame without payload. */
  empty(type: FrameType, id: number, end = false): void {
    this.#header(type, id, end, 0, 0);
  }

  /** A frame with a number of 4 bytes. */
  number(type: FrameType, id: number, value: number, end = false): void {
    this.#header(type, id, end, 4, 4);
    this.#slab.writeUInt32LE(value, this.#end);
    this.#end += 4;
  }

  /** A frame with two numbers of 4 bytes. */
  pair(type: FrameType, id: number, first: number, second: number): void {
    this.#header(type, id, false, 8, 8);
    this.#slab.writeUInt32LE(first, this.#end);
    this.#slab.writeUInt32LE(second, this.#end + 4);
    this.#end += 8;
  }

  /** A frame with these bytes. */
  bytes(type: FrameType, id: number, payload: Uint8Array, end = false): void {
    this.#header(type, id, end, payload.length, 0);
    this.#append(payload);
  }

  /** A piece of a body, in as many frames as it takes. */
  data(type: FrameType, id: number, payload: Uint8Array, end: boolean): void {
    let at = 0;
    for (; payload.length - at > MAX_DATA_BYTES; at += MAX_DATA_BYTES) {
      this.bytes(type, id, payload.subarray(at, at + MAX_DATA_BYTES));
    }
    this.bytes(type, id, at === 0 ? payload : payload.subarray(at), end);
  }

  /**
   * A frame whose payload is `fixed` bytes that `fill` writes, the text in latin1 after its length of 4 bytes, and
   * `body`.
   */
  head(
    type: FrameType,
    id: number,
    end: boolean,
    fixed: number,
    fill: (slab: Buffer, at: number) => void,
    text: string,
    body: Uint8Array | null,
  ): void {
    const head = fixed + 4 + text.length;
    this.#header(type, id, end, head + (body?.length ?? 0), head);
    fill(this.#slab, this.#end);
    this.#slab.writeUInt32LE(text.length, this.#end + fixed);
    this.#slab.write(text, this.#end + fixed + 4, "latin1");
    this.#end += head;
    if (body !== null) this.#append(body);
  }

  /** What was collected, in the order of the calls. */
  take(): readonly Buffer[] {
    if (!this.pending) return NOTHING;
    this.#cut();
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  #header(type: FrameType, id: number, end: boolean, length: number, room: number): void {
    this.#room(FRAME_HEADER_BYTES + room);
    const slab = this.#slab;
    slab.writeUInt32LE(length, this.#end);
    slab.writeUInt32LE(id, this.#end + 4);
    slab[this.#end + 8] = end ? type | END_BIT : type;
    this.#end += FRAME_HEADER_BYTES;
  }

  #append(payload: Uint8Array): void {
    const { length } = payload;
    if (length > COPY_BYTES) {
      this.#cut();
      this.#ready.push(Buffer.from(payload.buffer, payload.byteOffset, length));
    } else if (length > 0) {
      this.#room(length);
      this.#slab.set(payload, this.#end);
      this.#end += length;
    }
  }

  /** Makes sure that so many bytes fit. */
  #room(bytes: number): void {
    if (this.#slab.length - this.#end >= bytes) return;
    this.#cut();
    this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes));
    this.#start = 0;
    this.#end = 0;
  }

  #cut(): void {
    if (this.#end > this.#start) this.#ready.push(this.#slab.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }
}
