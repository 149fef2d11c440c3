/**
 * Frames of the protocol between routers and replicas (docs/wire.md). Pure.
 *
 *     4 bytes  length of the payload, little-endian
 *     4 bytes  id of the call; 0 belongs to the connection
 *     1 byte   type; its highest bit says that the sender sends nothing more of this call
 */

/** Version of the protocol; the first frame of each side says it. */
export const WIRE_VERSION = 1;

/** Bytes before a payload. */
export const FRAME_HEADER_BYTES = 9;

/** Set in the type where nothing more follows. */
export const END_BIT = 0x80;

/** Bytes of a payload that a reader takes; more is a broken peer. */
export const MAX_PAYLOAD_BYTES = 1 << 20;

/** A longer piece of a body is sent as several frames, so that other calls get their turn. */
export const MAX_DATA_BYTES = 1 << 16;

/** Bytes of a body that may be under way before the receiver has taken some: the credit a call begins with. */
export const INITIAL_CREDIT_BYTES = 1 << 18;

/** What a frame is. `>`: router to replica, `<`: replica to router. */
export const FrameType = {
  /** <> First on each side: {@link encodeHello}. */
  hello: 0,
  /** > A request: its head and the beginning of its body, or all of it. */
  open: 1,
  /** < The replica has taken the request: user code runs. Payload: requests in the replica, and those that wait there, 4 bytes each. */
  taken: 2,
  /** < It has not, and the call is over. Payload: requests in the replica, 4 bytes. */
  rejected: 3,
  /** < The head of the answer and the beginning of its body, or all of it. */
  head: 4,
  /** <> A piece of a body. */
  data: 5,
  /** < The answer's trailers, its end; of `grpc`. */
  trailers: 6,
  /** <> The receiver has taken so many bytes of the body. Payload: 4 bytes. */
  credit: 7,
  /** > The caller wants nothing more of the call. */
  cancel: 8,
  /** < The answer broke off. Payload: why, UTF-8. */
  reset: 9,
  /** < The rest of the request's body is not wanted. */
  stop: 10,
  /** < Of the connection: calls that were not taken before this, and those opened after it, reach no code here. */
  goodbye: 11,
} as const;

/** One of {@link FrameType}. */
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Kinds of calls, in the order of their numbers on the wire. */
export const CALL_KINDS = ["http", "call", "reserve", "websocket", "grpc"] as const;

/** What a call is. */
export type CallKind = (typeof CALL_KINDS)[number];

/** A peer broke the protocol; the connection is of no use any more. */
export class WireError extends Error {
  override readonly name = "WireError";
}

/** The number that a payload is. Throws a WireError. */
export function numberOf(payload: Buffer): number {
  if (payload.length !== 4) throw new WireError(`a number of ${payload.length} bytes came, not of 4`);
  return payload.readUInt32LE(0);
}

/** The two numbers that a payload is. Throws a WireError. */
export function pairOf(payload: Buffer): readonly [number, number] {
  if (payload.length !== 8) throw new WireError(`two numbers of ${payload.length} bytes came, not of 8`);
  return [payload.readUInt32LE(0), payload.readUInt32LE(4)];
}

const MAGIC = "windlass";

/** What a side understands beside the version: bits of the byte after it, which older peers do not send. */
export const Feature = {
  /** `goodbye`, which is sent to nobody else. */
  goodbye: 1,
  /** Waits below 0, for requests of low priority. */
  signedWait: 2,
} as const;

const FEATURES = Feature.goodbye | Feature.signedWait;

/** The payload of `hello`. */
export function encodeHello(): Buffer {
  const payload = Buffer.allocUnsafe(MAGIC.length + 2);
  payload.write(MAGIC, 0, "latin1");
  payload[MAGIC.length] = WIRE_VERSION;
  payload[MAGIC.length + 1] = FEATURES;
  return payload;
}

/**
 * The {@link Feature features} of the peer. Throws a {@link WireError} where it does not speak this version. More than is
 * known is left alone.
 */
export function checkHello(payload: Buffer): number {
  if (payload.length <= MAGIC.length || payload.toString("latin1", 0, MAGIC.length) !== MAGIC) {
    throw new WireError("the peer does not speak Windlass's protocol");
  }
  const version = payload[MAGIC.length]!;
  if (version !== WIRE_VERSION) throw new WireError(`the peer speaks version ${version}, not ${WIRE_VERSION}`);
  return payload[MAGIC.length + 1] ?? 0;
}
