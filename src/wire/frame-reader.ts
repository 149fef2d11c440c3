import { END_BIT, FRAME_HEADER_BYTES, FrameType, MAX_PAYLOAD_BYTES, WireError } from "./frame.ts";

/** Hears frames. */
export interface FrameSink {
  /**
   * A frame. Of `data` each piece as it came in, `end` with the last one; other payloads are whole. A payload is a view
   * of what was fed, valid for good as long as the feeder does not write to it.
   */
  onFrame(type: FrameType, end: boolean, id: number, payload: Buffer): void;
}

const LAST_TYPE = Math.max(...Object.values(FrameType));
const EMPTY = Buffer.alloc(0);

/**
 * Cuts a stream of bytes into frames. Never copies a piece of a body; another payload only where it came in several
 * reads. Throws a WireError for what no peer sends; nothing may be fed after that.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  /** Reads that make up an unfinished header or payload. */
  #parts: Buffer[] = [];
  #have = 0;
  /** Of the frame whose data is coming in. */
  #dataId = 0;
  #dataEnd = false;
  #dataLeft = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Whether the stream may end here. */
  get atRest(): boolean {
    return this.#have === 0 && this.#dataLeft === 0;
  }

  feed(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#dataLeft > 0) {
      const taken = this.#data(bytes, 0);
      if (taken === bytes.length) return;
      bytes = bytes.subarray(taken);
    } else if (this.#have > 0) {
      this.#parts.push(bytes);
      this.#have += bytes.length;
      if (this.#have < this.#needed()) return;
      bytes = Buffer.concat(this.#parts, this.#have);
      this.#parts = [];
      this.#have = 0;
    }
    this.#frames(bytes);
  }

  #frames(bytes: Buffer): void {
    let at = 0;
    while (bytes.length - at >= FRAME_HEADER_BYTES) {
      const length = lengthAt(bytes, at);
      const raw = bytes[at + 8]!;
      const type = raw & ~END_BIT;
      if (type > LAST_TYPE) throw new WireError(`frame type ${type} is not known`);
      const id = bytes.readUInt32LE(at + 4);
      const end = raw >= END_BIT;
      if (type === FrameType.data) {
        at += FRAME_HEADER_BYTES;
        this.#dataId = id;
        this.#dataEnd = end;
        this.#dataLeft = length;
        if (length === 0) this.#sink.onFrame(FrameType.data, end, id, EMPTY);
        else if (at < bytes.length) at += this.#data(bytes, at);
        if (this.#dataLeft > 0) return;
        continue;
      }
      if (bytes.length - at - FRAME_HEADER_BYTES < length) break;
      const start = at + FRAME_HEADER_BYTES;
      at = start + length;
      this.#sink.onFrame(type as FrameType, end, id, bytes.subarray(start, at));
    }
    if (at === bytes.length) return;
    this.#parts.push(at === 0 ? bytes : bytes.subarray(at));
    this.#have = bytes.length - at;
  }

  /** Hands on what `bytes` has of the present data frame; returns how much that was. */
  #data(bytes: Buffer, at: number): number {
    const length = Math.min(this.#dataLeft, bytes.length - at);
    this.#dataLeft -= length;
    const piece = length === bytes.length ? bytes : bytes.subarray(at, at + length);
    this.#sink.onFrame(FrameType.data, this.#dataEnd && this.#dataLeft === 0, this.#dataId, piece);
    return length;
  }

  /** Bytes that the unfinished frame has in all, as far as that is known. */
  #needed(): number {
    if (this.#have < FRAME_HEADER_BYTES) return FRAME_HEADER_BYTES;
    const [first] = this.#parts;
    if (first!.length < FRAME_HEADER_BYTES) {
      this.#parts = [Buffer.concat(this.#parts, this.#have)];
      return this.#needed();
    }
    const whole = FRAME_HEADER_BYTES + lengthAt(first!, 0);
    // Data need not be whole.
    return (first![8]! & ~END_BIT) === FrameType.data ? FRAME_HEADER_BYTES : whole;
  }
}

function lengthAt(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32LE(at);
  if (length > MAX_PAYLOAD_BYTES) {
    throw new WireError(`a frame of ${length} bytes is longer than ${MAX_PAYLOAD_BYTES}`);
  }
  return length;
}
