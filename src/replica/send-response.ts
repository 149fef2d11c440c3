import { isHopByHop, namedByConnection, trailerFields } from "../routing/hop-by-hop.ts";
import type { BackPressureError, DeploymentUnavailableError } from "../sdk/errors.ts";
import { type ResponseTrailers, readTrailers, trailersOf } from "../sdk/trailers.ts";
import { fitsHead } from "../wire/head.ts";
import type { Outbound } from "./outbound.ts";

/** A body with its type, for results that are not a Response. */
export interface Converted {
  readonly contentType: string;
  readonly body: string | Uint8Array;
}

/** What a returned value becomes over HTTP. Throws where JSON cannot express it. */
export function convertResult(value: unknown): Converted {
  if (value === null || value === undefined) return { contentType: "text/plain", body: "" };
  if (typeof value === "string") return { contentType: "text/plain; charset=utf-8", body: value };
  if (value instanceof Uint8Array) return { contentType: "text/plain", body: value };
  if (value instanceof ArrayBuffer) return { contentType: "text/plain", body: new Uint8Array(value) };
  const body = JSON.stringify(value);
  if (body === undefined) throw new TypeError(`a ${typeof value} cannot be returned over HTTP`);
  return { contentType: "application/json", body };
}

const PLAIN = ["content-type", "text/plain; charset=utf-8"];

function retryAfter(seconds: number | null | undefined): string[] {
  // A copy of the SDK from before may have none.
  return typeof seconds === "number" && Number.isFinite(seconds)
    ? ["retry-after", String(Math.max(0, Math.ceil(seconds)))]
    : [];
}

/** What an uncaught error becomes over HTTP. Errors of user code say nothing about themselves. */
export function convertError(error: unknown): { status: number; body: string; headers: string[] } {
  // By name: an application may bring a copy of the SDK.
  const name = error instanceof Error ? error.name : "";
  if (name === "BackPressureError" || name === "RequestShedError") {
    const { message, statusCode, retryAfterS } = error as BackPressureError;
    const status = Number.isInteger(statusCode) && statusCode >= 400 && statusCode <= 599 ? statusCode : 503;
    return { status, body: String(message), headers: [...PLAIN, ...retryAfter(retryAfterS)] };
  }
  if (name === "DeploymentUnavailableError") {
    const { message, retryAfterS } = error as DeploymentUnavailableError;
    return { status: 503, body: String(message), headers: [...PLAIN, ...retryAfter(retryAfterS)] };
  }
  return { status: 500, body: "Internal Server Error", headers: [] };
}

/** Sends what user code returned; resolves when all of it was written or the peer is gone. Rejects when the body breaks. */
export async function sendResult(out: Outbound, value: unknown): Promise<void> {
  if (isResponse(value)) return sendResponse(out, value);
  const { contentType, body } = convertResult(value);
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  out.head(200, ["content-type", contentType, "content-length", String(bytes.length)]);
  out.end(bytes);
}

/** Responses of another copy of undici count, too. */
function isResponse(value: unknown): value is Response {
  if (value instanceof Response) return true;
  if (typeof value !== "object" || value === null) return false;
  const { status, headers } = value as { status?: unknown; headers?: { entries?: unknown } };
  return typeof status === "number" && typeof headers?.entries === "function" && "body" in value;
}

async function sendResponse(out: Outbound, web: Response): Promise<void> {
  if (web.status < 200) throw new TypeError("a network error response cannot be returned");
  const headers: string[] = [];
  const named = namedByConnection(web.headers.get("connection") ?? undefined);
  for (const [name, value] of web.headers) {
    if (!isHopByHop(name) && !name.startsWith("x-windlass-") && !named?.has(name)) headers.push(name, value);
  }
  out.head(web.status, headers);
  const trailers = trailersOf(web);
  if (web.body === null || out.bodyless) {
    if (trailers === undefined || out.bodyless) out.end();
    else await endWith(out, trailers);
    await web.body?.cancel();
    return;
  }
  const reader = web.body.getReader();
  const first = new Settled(reader.read());
  // One piece ahead: of the usual body, made of one string or buffer, this is the end.
  const second = new Settled(reader.read());
  await turn();
  const whole = first.value?.value;
  if (whole instanceof Uint8Array && second.value?.done && trailers === undefined) {
    // Cheaper for the proxy with a length than chunked.
    if (!web.headers.has("content-length")) headers.push("content-length", String(whole.byteLength));
    out.end(whole);
    return;
  }
  const stop = (): void => void reader.cancel().catch(() => {});
  if (out.closed) stop();
  else void out.over.then(stop);
  await pump(out, reader, [first, second], trailers);
}

/** Trailers that cannot be sent are an error of user code; the answer is cut, as one whose body breaks. */
async function endWith(out: Outbound, trailers: ResponseTrailers): Promise<void> {
  const fields = trailerFields(await readTrailers(trailers));
  if (!fitsHead(fields)) throw new TypeError("the trailers of the answer are no headers, or too long");
  if (fields.length === 0) out.end();
  else out.endWith(fields);
}

type Piece = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]>>;

async function pump(
  out: Outbound,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  [first, second]: readonly [Settled<Piece>, Settled<Piece>],
  trailers: ResponseTrailers | undefined,
): Promise<void> {
  // The first piece takes its time: the client should have the head meanwhile.
  if (first.value === undefined && !first.failed) out.flushHead();
  let result = await first.promise;
  for (let ahead: Promise<Piece> | undefined = second.promise; !result.done && !out.closed; ahead = undefined) {
    if (!out.write(bytesOf(result.value))) await out.drained();
    // Not before the piece was taken: what is read meanwhile could fail while nobody waits for it.
    result = await (ahead ?? reader.read());
  }
  if (trailers === undefined || out.closed) out.end();
  else await endWith(out, trailers);
}

/** What a stream gave, as bytes: text and other views of memory are meant as such. Throws a TypeError for the rest. */
function bytesOf(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  if (typeof piece === "string") return Buffer.from(piece);
  if (piece instanceof ArrayBuffer) return new Uint8Array(piece);
  if (ArrayBuffer.isView(piece)) return new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
  throw new TypeError(`the body of the answer gave ${piece === null ? "null" : `a ${typeof piece}`}, not bytes`);
}

/** A promise that can be looked at without waiting. Its rejection counts as handled. */
class Settled<T> {
  readonly promise: Promise<T>;
  /** undefined: pending or failed. */
  value: T | undefined;
  failed = false;

  constructor(promise: Promise<T>) {
    this.promise = promise;
    promise.then(
      (value) => {
        this.value = value;
      },
      () => {
        this.failed = true;
      },
    );
  }
}

/** Resolves when all that needs no I/O has run. */
function turn(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
