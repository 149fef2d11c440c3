import type { ServerResponse } from "node:http";
import type { BackPressureError } from "../sdk/errors.ts";

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

/** What an uncaught error becomes over HTTP. Errors of user code say nothing about themselves. */
export function convertError(error: unknown): { status: number; body: string; headers: string[] } {
  // By name: an application may bring a copy of the SDK.
  const name = error instanceof Error ? error.name : "";
  if (name === "BackPressureError") {
    const { message, statusCode, retryAfterS } = error as BackPressureError;
    const headers = retryAfterS === null ? [] : ["retry-after", String(Math.max(0, Math.ceil(retryAfterS)))];
    return { status: statusCode, body: message, headers: ["content-type", "text/plain; charset=utf-8", ...headers] };
  }
  if (name === "DeploymentUnavailableError") {
    return { status: 503, body: (error as Error).message, headers: ["content-type", "text/plain; charset=utf-8"] };
  }
  return { status: 500, body: "Internal Server Error", headers: [] };
}

/** Sends what user code returned; resolves when it is sent or the peer is gone. Rejects when the body breaks. */
export async function sendResult(response: ServerResponse, value: unknown, headers: string[]): Promise<void> {
  if (isResponse(value)) return sendResponse(response, value, headers);
  const { contentType, body } = convertResult(value);
  const length = String(Buffer.byteLength(body));
  response.writeHead(200, [...headers, "content-type", contentType, "content-length", length]);
  response.end(body);
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
  const head = (): void => {
    if (web.statusText === "") response.writeHead(web.status, headers);
    else response.writeHead(web.status, web.statusText, headers);
  };
  if (web.body === null || response.req.method === "HEAD") {
    head();
    response.end();
    await web.body?.cancel();
    return;
  }
  const reader = web.body.getReader();
  const stop = (): void => void reader.cancel().catch(() => {});
  response.once("close", stop);
  try {
    await pump(response, reader, head, headers, web.headers.has("content-length"));
  } finally {
    response.removeListener("close", stop);
  }
}

async function pump(
  response: ServerResponse,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  head: () => void,
  headers: string[],
  hasLength: boolean,
): Promise<void> {
  let read = reader.read();
  let result = await soon(read);
  if (result === undefined) {
    // The first piece takes its time: the client should have the head meanwhile.
    head();
    response.flushHeaders();
    result = await read;
  } else if (!result.done) {
    read = reader.read();
    const next = await soon(read);
    if (next?.done) {
      // The usual answer, made of one string or buffer: a third cheaper with a length than chunked.
      if (!hasLength) headers.push("content-length", String(result.value.byteLength));
      head();
      response.end(result.value);
      return;
    }
    head();
    if (!response.write(result.value)) await drained(response);
    result = await read;
  } else head();
  while (!result.done && !response.destroyed) {
    if (!response.write(result.value)) await drained(response);
    result = await reader.read();
  }
  response.end();
}

/** What `promise` resolves to if it is as good as resolved: within a few microtasks, before any I/O. */
async function soon<T>(promise: Promise<T>): Promise<T | undefined> {
  let value: T | undefined;
  promise.then(
    (resolved) => {
      value = resolved;
    },
    () => {},
  );
  for (let turn = 0; turn < 6 && value === undefined; turn++) await undefined;
  return value;
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
