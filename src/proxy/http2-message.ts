/** A stream of HTTP/2 as the request and the answer that the proxy works with. */
import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Clock } from "../core/clock.ts";
import { isHopByHop } from "../routing/hop-by-hop.ts";
import type { ProxyRequest, ProxyResponse } from "./message.ts";

/** When it is looked whether the end of an early answer has left: after this, then twice as long each time, up to … */
const FIRST_LOOK_MS = 2;
/** … this. */
const LAST_LOOK_MS = 256;

/** The request of a stream. */
export class Http2Request implements ProxyRequest {
  readonly method: string;
  readonly url: string;
  /** Without pseudo headers. */
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: string[];
  readonly #stream: ServerHttp2Stream;

  /** `further`: headers, name, value, …, that the client's protocol does without. */
  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    raw: readonly string[],
    further: readonly string[] = [],
  ) {
    this.#stream = stream;
    // A websocket's CONNECT is what HTTP/1.1 asks for by GET.
    this.method = headers[":protocol"] === "websocket" ? "GET" : headers[":method"]!;
    this.url = headers[":path"] ?? "/";
    this.rawHeaders = [...flatHeaders(headers, raw), ...further];
    this.headers = { ...headers };
    // HTTP/2 knows no such header, and a body of unknown length needs none; here it says that there is one.
    if (headers["content-length"] === undefined && !stream.endAfterHeaders) {
      this.headers["transfer-encoding"] = "chunked";
    }
  }

  on(event: string, listener: (...args: never[]) => void): this {
    this.#stream.on(event, listener as (...args: unknown[]) => void);
    return this;
  }

  off(event: string, listener: (...args: never[]) => void): this {
    this.#stream.off(event, listener as (...args: unknown[]) => void);
    return this;
  }

  pause(): this {
    this.#stream.pause();
    return this;
  }

  resume(): this {
    this.#stream.resume();
    return this;
  }

  /** Whether all of it was read. A stream that breaks off ends as well: what came of it is not all. */
  get complete(): boolean {
    return (this.#stream.readableEnded && !this.#stream.aborted) || this.#stream.endAfterHeaders;
  }

  get readableEnded(): boolean {
    return this.#stream.readableEnded;
  }

  get destroyed(): boolean {
    return this.#stream.destroyed;
  }
}

/** The answer on a stream. */
export class Http2Response implements ProxyResponse {
  statusCode = 200;
  readonly #stream: ServerHttp2Stream;
  /** Not sent yet: what comes first decides whether it ends the stream. */
  #head: OutgoingHttpHeaders | undefined;
  #written = false;
  #bodiless: boolean;
  #isTunnel = false;
  #ended = false;
  #trailers: OutgoingHttpHeaders | undefined;

  constructor(stream: ServerHttp2Stream, request: Http2Request, clock: Clock) {
    this.#stream = stream;
    this.#bodiless = request.method === "HEAD";
    // The rest of an upload is nobody's business once the answer is out.
    stream.once("finish", () => {
      if (!this.#isTunnel) stopUpload(stream, request, clock);
    });
  }

  on(event: "close" | "drain" | "finish", listener: () => void): this {
    this.#stream.on(event, () => {
      if (!this.#isTunnel) listener();
    });
    return this;
  }

  once(event: "close" | "drain" | "finish", listener: () => void): this {
    this.#stream.once(event, () => {
      if (!this.#isTunnel) listener();
    });
    return this;
  }

  /** Agrees to a websocket: the stream is no answer any more, and nothing is heard of it here. */
  tunnel(headers: string[]): void {
    this.#isTunnel = true;
    // A client that broke off in this turn: its tunnel hears of the stream's end.
    if (this.#gone) return;
    const head = responseHeaders(200, headers);
    delete head["sec-websocket-accept"];
    this.#stream.respond(head);
  }

  get destroyed(): boolean {
    return this.#stream.destroyed;
  }

  get headersSent(): boolean {
    return this.#written;
  }

  /** A stream that its client broke off finishes as well: what counts is that we ended it. */
  get writableFinished(): boolean {
    return this.#ended && this.#stream.writableFinished;
  }

  writeContinue(): void {
    if (this.#gone) return;
    this.#stream.additionalHeaders({ ":status": 100 });
  }

  /** Throws a RangeError for a status that HTTP/2 does not have, before anything is sent. */
  writeHead(status: number, headers: string[]): void {
    if (this.#written) return;
    // Node would throw when the head goes out, where nobody expects it.
    if (status < 200 || status > 599) throw new RangeError(`HTTP/2 has no answers with status ${status}`);
    this.#written = true;
    this.statusCode = status;
    this.#head = responseHeaders(status, headers);
    if (status === 204 || status === 205 || status === 304) this.#bodiless = true;
  }

  flushHeaders(): void {
    this.#respond(!this.#bodiless);
  }

  /** `openEnded`: the end of the body is not yet the end of the stream, which can be cut until then. */
  #respond(openEnded: boolean): void {
    const head = this.#head;
    if (head === undefined) return;
    this.#head = undefined;
    if (this.#gone) return;
    this.#stream.respond(head, { endStream: this.#bodiless, waitForTrailers: openEnded });
    if (openEnded)
      this.#stream.once("wantTrailers", () => this.#stream.closed || this.#stream.sendTrailers(this.#trailers ?? {}));
  }

  addTrailers(trailers: readonly (readonly [string, string])[]): void {
    if (!this.#bodiless) this.#trailers = Object.fromEntries(trailers);
  }

  write(chunk: Uint8Array): boolean {
    this.flushHeaders();
    if (this.#bodiless || this.#gone) return true;
    return this.#stream.write(chunk);
  }

  end(chunk?: string | Uint8Array, encoding: BufferEncoding = "utf8"): void {
    const body = typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk;
    const head = this.#head;
    if (head !== undefined) {
      if (!this.#bodiless && head["content-length"] === undefined) head["content-length"] = String(body?.length ?? 0);
      if (this.#trailers === undefined && (body === undefined || body.length === 0)) this.#bodiless = true;
    }
    this.#respond(this.#trailers !== undefined);
    this.#ended = true;
    if (this.#gone || this.#stream.writableEnded) return;
    if (this.#bodiless || body === undefined) this.#stream.end();
    else this.#stream.end(body);
  }

  /** Tells the client that the answer is not whole. */
  destroy(): this {
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    return this;
  }

  get #gone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }
}

/**
 * Has a client stop that still sends, once the answer's end has left. A reset overtakes what waits to be sent: the answer
 * would not be whole. Node does not tell when a stream's end has left, which may wait for the client to read.
 */
function stopUpload(stream: ServerHttp2Stream, request: Http2Request, clock: Clock, pauseMs = FIRST_LOOK_MS): void {
  if (request.complete || stream.closed || stream.destroyed) return;
  if (stream.state.localClose === 1) stream.close(constants.NGHTTP2_NO_ERROR);
  else {
    const nextMs = Math.min(2 * pauseMs, LAST_LOOK_MS);
    clock.timer(pauseMs, () => stopUpload(stream, request, clock, nextMs), { unref: true });
  }
}

/** As HTTP/1.1 would have brought them: no pseudo headers, the authority as `host`, cookies in one line. */
function flatHeaders(headers: IncomingHttpHeaders, raw: readonly string[]): string[] {
  const flat: string[] = [];
  const authority = headers[":authority"];
  if (typeof authority === "string" && headers.host === undefined) flat.push("host", authority);
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    if (!name.startsWith(":") && name !== "cookie") flat.push(name, raw[i + 1]!);
  }
  if (headers.cookie !== undefined) flat.push("cookie", headers.cookie);
  return flat;
}

function responseHeaders(status: number, flat: readonly string[]): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders & { [name: string]: string | string[] } = Object.create(null);
  headers[":status"] = status as never;
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!.toLowerCase();
    if (isHopByHop(name)) continue;
    const value = flat[i + 1]!;
    const before = headers[name];
    if (name === "set-cookie") headers[name] = before === undefined ? [value] : [...(before as string[]), value];
    // Lists may be written in one line, and HTTP/2's writer throws where some headers come twice.
    else headers[name] = before === undefined ? value : `${before as string}, ${value}`;
  }
  return headers;
}
