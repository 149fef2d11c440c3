/** How handle calls travel (docs/wire.md, kind `call`): both ends use this file. */
import { deserialize, serialize } from "node:v8";
import { hasBrand, isPlainObject, RESPONSE } from "../sdk/brands.ts";
import type { WireError } from "../sdk/errors.ts";

/** Set in an item's length when the item is the error that ended the stream. */
const ERROR_BIT = 0x80000000;

/** Serialises, or throws a TypeError that says what cannot travel. */
export function encodeValue(value: unknown, what: string): Buffer {
  try {
    return serialize(value);
  } catch (error) {
    const why = holdsCall(value, 0)
      ? "it holds a running call; await that, or pass it as an argument of its own"
      : (error as Error).message;
    throw new TypeError(`${what} cannot be sent to another replica: ${why}`);
  }
}

/** Whether there is a response of a handle somewhere in it. */
function holdsCall(value: unknown, depth: number): boolean {
  if (hasBrand(value, RESPONSE)) return true;
  if (depth > 8 || (!Array.isArray(value) && !isPlainObject(value))) return false;
  return Object.values(value).some((item) => holdsCall(item, depth + 1));
}

/** The inverse of {@link encodeValue}. */
export function decodeValue(bytes: Uint8Array): unknown {
  return deserialize(bytes);
}

/** One item of a stream: 4 bytes of length, then its bytes. */
export function encodeItem(value: unknown): Buffer {
  return frame(encodeValue(value, "an item of the stream"), 0);
}

/** The end of a stream that broke. */
export function encodeStreamError(error: WireError): Buffer {
  return frame(serialize(error), ERROR_BIT);
}

function frame(bytes: Buffer, bit: number): Buffer {
  const framed = Buffer.allocUnsafe(4 + bytes.length);
  framed.writeUInt32BE((bytes.length | bit) >>> 0, 0);
  bytes.copy(framed, 4);
  return framed;
}

/** What a stream holds. */
export type StreamItem =
  | { readonly kind: "item"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: WireError };

/** Cuts a body into items. A body that ends within an item throws. */
export async function* decodeItems(body: AsyncIterable<Uint8Array>): AsyncGenerator<StreamItem> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of body) {
    pending =
      pending.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        : Buffer.concat([pending, chunk]);
    while (pending.length >= 4) {
      const head = pending.readUInt32BE(0);
      const end = 4 + (head & ~ERROR_BIT);
      if (pending.length < end) break;
      const value = decodeValue(pending.subarray(4, end));
      pending = pending.subarray(end);
      yield head >= ERROR_BIT ? { kind: "error", error: value as WireError } : { kind: "item", value };
    }
  }
  if (pending.length > 0) throw new Error("the stream ended within an item");
}
