import type { ServerResponse } from "node:http";
import type { BackPressureError, DeploymentUnavailableError } from "../sdk/errors.ts";

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
  return typeof seconds === "number" ? ["retry-after", String(Math.max(0, Math.ceil(seconds)))] : [];
}

/** What an uncaught error becomes over HTTP. Errors of user code say nothing about themselves. */
export function convertError(error: unknown): { status: number; body: string; headers: string[] } {
  // By name: an application may bring a copy of the SDK.
  const name = error instanceof Error ? error.name : "";
  if (name === "BackPressureError") {
    const { message, statusCode, retryAfterS } = error as BackPressureError;
    return { status: statusCode, body: message, headers: [...PLAIN, ...retryAfter(retryAfterS)] };
  }
  if (name === "DeploymentUnavailableError") {
    const { message, retryAfterS } = error as DeploymentUnavailableError;
    return { status: 503, body: message, headers: [...PLAIN, ...retryAfter(retryAfterS)] };
  }
  return { status: 500, body: "Internal Server Error", headers: [] };
}

/** Sends what user code returned; resolves when it is sent or the peer is gone. Rejects when the body breaks. */
export async function sendResult(response: ServerResponse, value: unknown, headers: string[]): Promise<void> {
  if (isResponse(value)) return sendResponse(response, value, headers);
  const { contentType, body } = convertResult(value);
  headers.push("content-type", contentType, "content-length", String(Buffer.byteLength(body)));
  writeHead(response, 200, "", headers);
  response.end(body);
}

/** Without a date, which the proxy adds where it is missing: less to write and to read on the way there. */
function writeHead(response: ServerResponse, status: number, statusText: string, headers: string[]): void {
  response.sendDate = false;
  if (statusText === "") response.writeHead(status, headers);
  else response.writeHead(status, statusText, headers);
}

/** Responses of another copy of undici count, too. */
function isResponse(value: unknown): value is Response {
  if (value instanceof Response) return true;
  if (typeof value !== "object" || value === null) return false;
  const { status, headers } = value as { status?: unknown; headers?: { entries?: unknown } };
  return typeof status === "number" && typeof headers?.entries === "function" && "body" in value;
}

const DROPPED = new Set(["connection", "keep-alive", "transfer-encoding"]);

async function sendResponse(response: ServerResponse, web: Response, headers: string[]): Promise<void> {
  if (web.status < 200) throw new TypeError("a network error response cannot be returned");
  for (const [name, value] of web.headers) {
    if (!DROPPED.has(name) && !name.startsWith("x-windlass-")) headers.push(name, value);
  }
  const head = (): void => writeHead(response, web.status, web.statusText, headers);
  if (web.body === null || response.req.method === "HEAD") {
    head();
    response.end();
    await web.body?.cancel();
    return;
  }
  const reader = web.body.getReader();
  const first = new Settled(reader.read());
  // One piece ahead: of the usual body, made of one string or buffer, this is the end.
  const second = new Settled(reader.read());
  await turn();
  const whole = first.value?.value;
  if (whole instanceof Uint8Array && second.value?.done) {
    // A third cheaper with a length than chunked.
    if (!web.headers.has("content-length")) headers.push("content-length", String(whole.byteLength));
    head();
    endWith(response, whole);
    return;
  }
  const stop = (): void => void reader.cancel().catch(() => {});
  if (response.destroyed) stop();
  response.once("close", stop);
  try {
    await pump(response, reader, [first, second], head);
  } finally {
    response.removeListener("close", stop);
  }
}

type Piece = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]>>;

async function pump(
  response: ServerResponse,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  [first, second]: readonly [Settled<Piece>, Settled<Piece>],
  head: () => void,
): Promise<void> {
  if (first.value === undefined && !first.failed) {
    // The first piece takes its time: the client should have the head meanwhile.
    head();
    response.flushHeaders();
  }
  let result = await first.promise;
  if (!response.headersSent) head();
  for (let next = second.promise; !result.done && !response.destroyed; next = reader.read()) {
    if (!response.write(result.value)) await drained(response);
    result = await next;
  }
  response.end();
}

/** Up to this size, copying a body into the head's write is cheaper than a second buffer. */
const ONE_WRITE_BYTES = 16_384;

/** Ends a response with its whole body: in one write with the head where it is small. */
function endWith(response: ServerResponse, body: Uint8Array): void {
  if (body.byteLength > ONE_WRITE_BYTES) response.end(body);
  else response.end(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1"), "latin1");
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

/** Resolves when more may be written or nothing more can be. */
export async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed || !response.writableNeedDrain) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once("drain", resolve);
  response.once("close", resolve);
  await promise;
  response.removeListener("drain", resolve);
  response.removeListener("close", resolve);
}

/** Resolves when the response is sent or the peer is gone. */
export async function closed(response: ServerResponse): Promise<void> {
  if (response.closed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once("close", resolve);
  await promise;
}
