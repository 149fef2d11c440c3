/** What REST handlers need of node:http and node:http2 alike. */
import type * as http from "node:http";
import type * as http2 from "node:http2";
import { WindlassError } from "../core/errors.ts";

/** A request over HTTP/1.1 or HTTP/2. */
export type NodeRequest = http.IncomingMessage | http2.Http2ServerRequest;

/** Its answer; both kinds have these members with the same meaning. */
export type NodeResponse = Pick<
  http.ServerResponse,
  "setHeader" | "writeHead" | "end" | "write" | "on" | "once" | "off" | "headersSent" | "destroy" | "writableEnded"
>;

/** Answers requests of a server. */
export type NodeHandler = (request: NodeRequest, response: NodeResponse) => void;

/** The largest request body taken, in bytes. */
export const MAX_BODY_BYTES = 100 * 1024 * 1024;

/** An answer as data. `body` is text; without one there is no content-type. */
export interface Reply {
  readonly status: number;
  /** Given `charset=utf-8` where it says none. */
  readonly contentType?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

/** An answer whose body is sent piece by piece, each when the client has taken the one before. */
export interface StreamReply {
  readonly status: number;
  readonly contentType: "text/event-stream" | "text/plain";
  readonly headers?: Readonly<Record<string, string>>;
  /** Ended early (`return`) when the client leaves. */
  readonly chunks: AsyncIterable<string>;
  /** Writes what follows them by itself. Resolves when that is all; rejects as `chunks` does. Default: nothing follows. */
  readonly onward?: (response: NodeResponse) => Promise<void>;
}

/** A JSON answer. */
export function json(status: number, value: unknown, headers: Reply["headers"] = {}): Reply {
  return { status, contentType: "application/json", body: JSON.stringify(value), headers };
}

/** A plain-text answer. */
export function text(status: number, body: string, headers: Reply["headers"] = {}): Reply {
  return { status, contentType: "text/plain", body, headers };
}

/** Sends an answer; one to HEAD goes without its body. */
export function send(request: NodeRequest, response: NodeResponse, reply: Reply): void {
  for (const [name, value] of Object.entries(reply.headers ?? {})) {
    // HTTP/2 has no such header, and node warns about it on the console.
    if (name === "connection" && request.httpVersionMajor === 2) continue;
    response.setHeader(name, typeof value === "string" ? value : [...value]);
  }
  const bytes = Buffer.from(reply.body ?? "", "utf8");
  if (reply.contentType !== undefined) response.setHeader("content-type", withCharset(reply.contentType));
  response.setHeader("content-length", bytes.length);
  response.writeHead(reply.status);
  response.end(request.method === "HEAD" ? undefined : bytes);
}

function withCharset(contentType: string): string {
  return contentType.includes("charset=") ? contentType : `${contentType}; charset=utf-8`;
}

/** Sends an answer piece by piece. Resolves when it is complete or the client has left; rejects as `chunks` does. */
export async function sendStream(response: NodeResponse, reply: StreamReply, left: AbortSignal): Promise<void> {
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  response.setHeader("content-type", withCharset(reply.contentType));
  response.writeHead(reply.status);
  for await (const chunk of reply.chunks) {
    if (left.aborted) return;
    if (!response.write(chunk)) await drained(response, left);
  }
  if (!left.aborted) await reply.onward?.(response);
  if (!left.aborted) response.end();
}

function drained(response: NodeResponse, left: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done);
      left.removeEventListener("abort", done);
      resolve();
    };
    response.once("drain", done);
    left.addEventListener("abort", done, { once: true });
    if (left.aborted) done();
  });
}

/** Aborts when the client has left or the answer is complete. Ask for it before anything is awaited. */
export function leftSignal(response: NodeResponse): AbortSignal {
  const left = new AbortController();
  response.once("close", () => left.abort());
  return left.signal;
}

/** The body was over {@link MAX_BODY_BYTES}: 413. */
export class BodyTooLargeError extends Error {
  override readonly name = "BodyTooLargeError";
}

/** The client went away; there is nobody to answer. */
export class ClientLeftError extends Error {
  override readonly name = "ClientLeftError";
}

/** Reads the whole body. Rejects with {@link ClientLeftError}, {@link BodyTooLargeError}, or INVALID_REQUEST where it is not UTF-8. */
export async function readText(request: NodeRequest, limitBytes: number = MAX_BODY_BYTES): Promise<string> {
  const tooLarge = (): BodyTooLargeError => {
    request.resume(); // so that the client, which is still sending, gets to read the answer
    return new BodyTooLargeError(`request body is over ${limitBytes} bytes`);
  };
  if (Number(request.headers["content-length"] ?? 0) > limitBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  await new Promise<void>((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= limitBytes) return void chunks.push(chunk);
      request.off("data", onData);
      reject(tooLarge());
    };
    request.on("data", onData);
    request.once("end", resolve);
    const left = (): void => reject(new ClientLeftError("the client left before the body was complete"));
    request.once("error", left);
    request.once("close", left);
  });
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new WindlassError("INVALID_REQUEST", "the body is not UTF-8: send JSON encoded as UTF-8");
  }
}

/** A header's one value; several are joined as HTTP says. */
export function header(request: NodeRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** Host and port the client asked for. */
export function authority(request: NodeRequest): string | undefined {
  return header(request, ":authority") ?? header(request, "host");
}
