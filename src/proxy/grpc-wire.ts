/** gRPC's own layer over HTTP/2 streams: statuses, trailers, message frames. */
import { constants, type ServerHttp2Stream } from "node:http2";

/** Status codes that the proxy answers with itself. */
export const GRPC_STATUS = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

/** A status code of {@link GRPC_STATUS}. */
export type GrpcStatus = (typeof GRPC_STATUS)[keyof typeof GRPC_STATUS];

/** How a call ends without an answer. */
export interface GrpcFailure {
  readonly status: GrpcStatus;
  /** For the caller. */
  readonly message: string;
  /** Ms after which it is worth trying again. */
  readonly pushbackMs?: number;
}

const STATUS_NAMES = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

/** The name of a status code, such as "NOT_FOUND"; what is none is UNKNOWN, as clients take it. */
export function statusName(code: number): string {
  return STATUS_NAMES[code] ?? "UNKNOWN";
}

/** The trailers that tell of a failure. */
export function failureTrailers({ status, message, pushbackMs }: GrpcFailure, requestId: string) {
  return {
    "grpc-status": String(status),
    "grpc-message": escapeMessage(message),
    ...(pushbackMs === undefined ? {} : { "grpc-retry-pushback-ms": String(pushbackMs) }),
    request_id: requestId,
    "x-request-id": requestId,
  };
}

/** A call as the proxy answers it. */
export interface GrpcCall {
  readonly stream: ServerHttp2Stream;
  /** Sent back in the trailers. */
  readonly requestId: string;
}

/** The proxy's own services take no more of a request. */
const MAX_REQUEST_BYTES = 65_536;
const PREFIX_BYTES = 5;
const CONTENT_TYPE = "application/grpc";

/** Whether a request's content type is one of gRPC's (not gRPC-web's). */
export function isGrpc(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/grpc($|[+;])/i.test(contentType);
}

/** Puts gRPC's prefix before a message. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_BYTES);
  return framed;
}

/**
 * Reads the one message of a request to its end; a request without any counts as an empty one. A call that cannot be
 * understood is answered here, and nothing is called when the client goes away first.
 */
export function readMessage(call: GrpcCall, done: (message: Uint8Array) => void): void {
  const { stream } = call;
  const chunks: Buffer[] = [];
  let bytes = 0;
  const refuse = (failure: GrpcFailure): void => {
    stream.removeAllListeners("data").removeAllListeners("end");
    fail(call, failure);
  };
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    chunks.push(chunk);
    if (bytes <= MAX_REQUEST_BYTES) return;
    const message = `the request is larger than ${MAX_REQUEST_BYTES} bytes, the most that this method takes`;
    refuse({ status: GRPC_STATUS.resourceExhausted, message });
  });
  stream.on("end", () => {
    const message = unframe(Buffer.concat(chunks, bytes));
    if (message instanceof Uint8Array) done(message);
    else refuse(message);
  });
}

/**
 * Reads the messages of a request one after the other; `onMessage` returns false when it wants to hear of the next one
 * only once the stream has drained. A call that cannot be understood is ended here.
 */
export function readMessages(call: GrpcCall, onMessage: (message: Uint8Array) => boolean): void {
  const { stream } = call;
  let pending: Buffer = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= PREFIX_BYTES) {
      const end = PREFIX_BYTES + pending.readUInt32BE(1);
      if (pending[0] !== 0 || end > MAX_REQUEST_BYTES) {
        // An answer has begun, so its trailers cannot say more than the reset does.
        stream.close(constants.NGHTTP2_CANCEL);
        return;
      }
      if (pending.length < end) break;
      const message = pending.subarray(PREFIX_BYTES, end);
      pending = pending.subarray(end);
      if (!onMessage(message)) stream.pause();
    }
  });
  stream.on("drain", () => stream.resume());
  stream.on("end", () => {
    if (!isOver(call)) stream.end();
  });
}

function unframe(body: Buffer): Uint8Array | GrpcFailure {
  if (body.length === 0) return body;
  if (body[0] === 1) return { status: GRPC_STATUS.unimplemented, message: "compressed requests are not supported" };
  if (body[0] !== 0 || body.length < PREFIX_BYTES || body.readUInt32BE(1) !== body.length - PREFIX_BYTES) {
    return { status: GRPC_STATUS.internal, message: "the request is not exactly one gRPC message" };
  }
  return body.subarray(PREFIX_BYTES);
}

/** Answers with one message and OK. */
export function answer(call: GrpcCall, framed: Uint8Array): void {
  begin(call);
  if (isOver(call)) return;
  call.stream.end(framed);
}

/** Sends the head of an OK answer; what is written to the stream follows, and OK when it is ended. */
export function begin({ stream, requestId }: GrpcCall): void {
  if (stream.destroyed || stream.closed) return;
  stream.on("wantTrailers", () => {
    if (!stream.destroyed) stream.sendTrailers({ "grpc-status": String(GRPC_STATUS.ok), request_id: requestId });
  });
  stream.respond(
    { ":status": constants.HTTP_STATUS_OK, "content-type": CONTENT_TYPE, "grpc-accept-encoding": "identity" },
    { waitForTrailers: true },
  );
}

/** Ends a call that has no answer yet. What the client still sends is not waited for. */
export function fail({ stream, requestId }: GrpcCall, failure: GrpcFailure): void {
  if (stream.destroyed || stream.closed || stream.headersSent) return;
  stream.respond(
    {
      ":status": constants.HTTP_STATUS_OK,
      "content-type": CONTENT_TYPE,
      "grpc-accept-encoding": "identity",
      ...failureTrailers(failure, requestId),
    },
    { endStream: true },
  );
  stopUpload(stream);
}

/** Has a client stop that still sends to a call which was answered. */
export function stopUpload(stream: ServerHttp2Stream): void {
  // An upload under way would go on for nobody. Before its end is in, this tells the client to stop.
  // Not in the same tick: Node 26 would drop the headers that were just given to it.
  if (!stream.readableEnded) setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
}

/** Whether the call was ended, by either side. */
export function isOver({ stream }: GrpcCall): boolean {
  return stream.destroyed || stream.closed || stream.writableEnded;
}

/** `grpc-message` holds printable ASCII; the rest is percent-encoded UTF-8. */
function escapeMessage(text: string): string {
  return text.toWellFormed().replace(/[^\x20-\x24\x26-\x7e]/gu, (character) => encodeURIComponent(character));
}
