/** Handlers that were written for Node's HTTP server, as handlers of web requests. */
import { type ClientRequest, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { type Duplex, duplexPair, pipeline, Readable } from "node:stream";
import type { ReadableStream as NodeStream } from "node:stream/web";
import { withTrailers } from "./trailers.ts";

/** What Node's HTTP server calls for a request; also the form of Express and of Koa's `callback()`. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Bytes of a request's or response's head; the proxy's own limit comes before. */
const MAX_HEADER_BYTES = 1 << 20;

/** Headers between two ends of one connection. The connection in here has its own. */
const OF_CONNECTIONS = /^(?:connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|expect)$/;

const BODYLESS = new Set([204, 205, 304]);

/**
 * A handler of web requests that has `handler` answer on a server of Node's own, without a port: each request comes on a
 * connection in memory, so that streams, back-pressure and `close` events are those of Node. What `handler` throws before it
 * has answered rejects. When the request is cancelled, the connection breaks.
 */
export function webHandlerOf(handler: NodeHandler): (request: Request) => Promise<Response> {
  /** What the handler of a connection threw is heard there. */
  const failures = new WeakMap<object, (error: unknown) => void>();
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, async (incoming, response) => {
    try {
      await handler(incoming, response);
    } catch (error) {
      failures.get(incoming.socket)?.(error);
      incoming.socket.destroy();
    }
  });
  return (web) =>
    new Promise((resolve, reject) => {
      const [near, far] = connection();
      failures.set(far, reject);
      const call = toNodeRequest(web, near);
      call.once("response", (answer) => resolve(toWebResponse(answer)));
      // Once there is a response, what breaks is its body.
      call.on("error", reject);
      // The server must have the context of this request.
      server.emit("connection", far);
      const { signal } = web;
      const cancel = (): void => void call.destroy(signal.reason as Error);
      if (signal.aborted) return cancel();
      signal.addEventListener("abort", cancel, { once: true });
      near.once("close", () => signal.removeEventListener("abort", cancel));
    });
}

/** Two ends of a connection in memory, which close together. */
function connection(): [Duplex, Duplex] {
  const [near, far] = duplexPair() as [Duplex, Duplex];
  // Who was told that a piece is written may use its memory again, and what is read of it here is sent later.
  const write = far._write;
  far._write = (piece: Buffer, encoding, done) => write.call(far, Buffer.from(piece), encoding, done);
  near.once("close", () => far.destroy());
  far.once("close", () => near.destroy());
  // Handlers may ask for it, as they may on sockets.
  Object.assign(far, { setTimeout: () => far, setNoDelay: () => far, setKeepAlive: () => far });
  return [near, far];
}

function toNodeRequest(web: Request, near: Duplex): ClientRequest {
  const { pathname, search, host } = new URL(web.url);
  const headers: string[] = [];
  for (const [name, value] of web.headers) if (!OF_CONNECTIONS.test(name)) headers.push(name, value);
  if (!web.headers.has("host")) headers.push("host", host);
  const call = request({
    method: web.method,
    path: pathname + search,
    headers,
    createConnection: () => near,
    maxHeaderSize: MAX_HEADER_BYTES,
  });
  if (web.body === null) call.end();
  else pipeline(Readable.fromWeb(web.body as NodeStream), call, () => {});
  return call;
}

function toWebResponse(answer: IncomingMessage): Response {
  const headers: [string, string][] = [];
  const { rawHeaders, statusCode: status = 200, statusMessage: statusText = "" } = answer;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!OF_CONNECTIONS.test(rawHeaders[i]!.toLowerCase())) headers.push([rawHeaders[i]!, rawHeaders[i + 1]!]);
  }
  if (BODYLESS.has(status)) answer.resume();
  const body = BODYLESS.has(status) ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>);
  const response = new Response(body, { status, statusText, headers });
  // Those of `addTrailers()`, which only bodies in chunks have; what they are is known once the body was read.
  if (answer.headers["transfer-encoding"] === undefined) return response;
  return withTrailers(response, () => answer.trailers as Record<string, string>);
}
