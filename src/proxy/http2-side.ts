/** HTTP/2 of the HTTP proxy: connections, their limits, and their end. What requests mean is not told here. */
import { randomBytes } from "node:crypto";
import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Clock, Timer } from "../core/clock.ts";
import { closeLingering } from "../core/linger.ts";
import { endSession } from "./draining.ts";
import { Http2Request, Http2Response } from "./http2-message.ts";
import { Handshake } from "./websocket.ts";

/** Requests that one connection may have under way; clients hold the others back, or open another connection. */
const MAX_STREAMS_PER_CONNECTION = 1_000;
/** Megabytes of a connection's bodies that may be under way; more would refuse new requests. Node's default is 10. */
const MAX_CONNECTION_MB = 256;
/**
 * Requests a second that clients may cancel on one connection: those of a gateway carry the requests of many. With Node's
 * default of 33 all others on it would fail then.
 */
const MAX_RESETS_PER_S = 10_000;
/** What a client may send of a body before it is read; the default of 64 KiB makes long ways slow. */
const WINDOW_BYTES = 262_144;
/** Names and values of a request's headers together, as Node limits them over HTTP/1.1. */
const MAX_HEADER_BYTES = 16_384;

/** Takes a request; with a handshake where it asks for a websocket. */
type OnRequest = (req: Http2Request, res: Http2Response, handshake?: Handshake) => void;

/** What {@link Http2Side} needs. */
export interface Http2SideOptions {
  readonly clock: Clock;
  /** Seconds that a connection without requests is kept. */
  readonly keepAliveTimeoutS: number;
  readonly onRequest: OnRequest;
  /** Refuses a request for its headers' size, or its method. */
  readonly refuse: (req: Http2Request, res: Http2Response, status: 431 | 501) => void;
}

/** See the file's comment. It is given connections; it does not listen. */
export class Http2Side {
  readonly server: Http2Server;
  readonly #options: Http2SideOptions;
  readonly #sessions = new Set<ServerHttp2Session>();
  #draining = false;

  constructor(options: Http2SideOptions) {
    this.#options = options;
    this.server = createServer({
      maxSessionMemory: MAX_CONNECTION_MB,
      streamResetBurst: MAX_RESETS_PER_S,
      streamResetRate: MAX_RESETS_PER_S,
      settings: {
        enableConnectProtocol: true,
        maxConcurrentStreams: MAX_STREAMS_PER_CONNECTION,
        initialWindowSize: WINDOW_BYTES,
      },
    });
    closeLingering(this.server, options.clock);
    this.server.on("session", (session) => this.#began(session));
    this.server.on("stream", (stream, headers, _flags, raw) => this.#onStream(stream, headers, raw));
  }

  /** Tells clients to open no more streams here, and ends each connection with its last one. */
  startDraining(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (const session of this.#sessions) endSession(session, this.#options.clock);
  }

  #began(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    const idle = closeWhenIdle(session, this.#options.keepAliveTimeoutS * 1_000, this.#options.clock);
    session.once("close", () => {
      idle.cancel();
      this.#sessions.delete(session);
    });
    // Peers that speak something else, flood us, or go away in the middle of a frame: their connection ends, no more.
    session.on("error", () => {});
    if (this.#draining) endSession(session, this.#options.clock);
  }

  #onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: readonly string[]): void {
    // A client that resets its request; `close` says so too.
    stream.on("error", () => {});
    const { onRequest, refuse } = this.#options;
    const websocket = headers[":method"] === "CONNECT" && headers[":protocol"] === "websocket";
    const req = new Http2Request(stream, headers, raw, websocket ? websocketHeaders() : []);
    const res = new Http2Response(stream, req, this.#options.clock);
    if (headerBytes(raw) > MAX_HEADER_BYTES) refuse(req, res, 431);
    else if (headers[":method"] === "CONNECT" && !websocket) refuse(req, res, 501);
    else
      onRequest(req, res, websocket ? new Handshake(stream, Buffer.alloc(0), (head) => res.tunnel(head)) : undefined);
  }
}

/** What the handshake of HTTP/1.1 has, and RFC 8441's has not. */
function websocketHeaders(): string[] {
  return ["sec-websocket-key", randomBytes(16).toString("base64")];
}

function headerBytes(raw: readonly string[]): number {
  let bytes = 0;
  for (const text of raw) bytes += text.length;
  return bytes;
}

/** Closes a connection that has had no stream for a while; clients connect again for their next request. */
function closeWhenIdle(session: ServerHttp2Session, idleTimeoutMs: number, clock: Clock): Timer {
  const arm = (): Timer => clock.timer(idleTimeoutMs, () => session.close(), { unref: true });
  let timer = arm();
  let open = 0;
  session.on("stream", (stream) => {
    if (open === 0) timer.cancel();
    open += 1;
    stream.once("close", () => {
      open -= 1;
      if (open === 0 && !session.destroyed) timer = arm();
    });
  });
  return { cancel: () => timer.cancel() };
}
