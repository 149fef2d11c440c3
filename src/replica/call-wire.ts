/** How handle calls travel (docs/wire.md, kind `call`): both ends use this file. */
import { deserialize, serialize } from "node:v8";
import { hasBrand, isPlainObject, RESPONSE } from "../sdk/brands.ts";
import type { WireError } from "../sdk/errors.ts";

/** Set in an item's length when the item is the error that ended the stream. */
const ERROR_BIT = 0x80000000;
/** Of the length before an item. */
const LENGTH_BYTES = 4;

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

/** Cuts a body into items, each put together once. A body that ends within an item throws. */
export async function* decodeItems(body: AsyncIterable<Uint8Array>): AsyncGenerator<StreamItem> {
  /** What came of an item that is not whole. */
  let parts: Buffer[] = [];
  let have = 0;
  let needed = LENGTH_BYTES;
  for await (const chunk of body) {
    parts.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    have += chunk.length;
    if (have < needed) continue;
    let rest = parts.length === 1 ? parts[0]! : Buffer.concat(parts, have);
    for (needed = itemBytes(rest); rest.length >= needed; needed = itemBytes(rest)) {
      const value = decodeValue(rest.subarray(LENGTH_BYTES, needed));
      const failed = rest.readUInt32BE(0) >= ERROR_BIT;
      rest = rest.subarray(needed);
      yield failed ? { kind: "error", error: value as WireError } : { kind: "item", value };
    }
    parts = rest.length === 0 ? [] : [rest];
    have = rest.length;
  }
  if (have > 0) throw new Error("the stream ended within an item");
}

/** Bytes of the item that begins here with its length; those of a length where that is not whole. */
function itemBytes(bytes: Buffer): number {
  return bytes.length < LENGTH_BYTES ? LENGTH_BYTES : LENGTH_BYTES + (bytes.readUInt32BE(0) & ~ERROR_BIT);
}
