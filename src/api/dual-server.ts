/**
 * One port for HTTP/1.1 and HTTP/2: in cleartext the first bytes of a connection tell which (prior knowledge), over TLS
 * its handshake. The same for a unix socket.
 */
import * as http from "node:http";
import * as http2 from "node:http2";
import * as net from "node:net";
import type * as tls from "node:tls";
import type { Clock, Timer } from "../core/clock.ts";
import { closeLingering } from "../core/linger.ts";
import { createTlsListener, renewListener } from "../tls/listener.ts";
import type { TlsMaterial } from "../tls/material.ts";
import type { NodeHandler, NodeRequest, NodeResponse } from "./http.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** What holds where {@link DualServerOptions} say nothing; docs/rest.md has the same numbers. */
export const SERVER_LIMITS = {
  peekTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 300_000,
  maxConnections: 4096,
  maxHeaderBytes: 16 * 1024,
  idleTimeoutMs: 120_000,
  maxConcurrentStreams: 1000,
} as const;

/** Options of {@link createDualServer}. */
export interface DualServerOptions {
  readonly handler: NodeHandler;
  readonly clock: Clock;
  /** How long a connection may take to show which protocol it speaks. Default: 10 000. */
  readonly peekTimeoutMs?: number;
  /** How long an HTTP/1.1 request may take to send its headers. Default: 10 000. */
  readonly headersTimeoutMs?: number;
  /** How long an HTTP/1.1 request may take to arrive whole, its body included; 408 beyond. Default: 300 000. */
  readonly requestTimeoutMs?: number;
  /** Connections open at once; further ones are closed unheard. Default: 4096. */
  readonly maxConnections?: number;
  /** The largest headers of a request, in bytes; 431 beyond. Default: 16 KiB. */
  readonly maxHeaderBytes?: number;
  /** How long a connection may be without a request before it is closed. Default: 120 000. */
  readonly idleTimeoutMs?: number;
  /** Streams one HTTP/2 connection may have open at once. Default: 1000. */
  readonly maxConcurrentStreams?: number;
  /** Serves over TLS. Callers are known by their tokens: certificates of clients are not asked for. Default: cleartext. */
  readonly tls?: TlsMaterial | undefined;
}

/** A server that is not listening yet. */
export interface DualServer {
  /** Listens on `host:port` (port 0: any free one) or on a unix socket. Rejects where that is not possible. */
  listen(address: { host: string; port: number } | { path: string }): Promise<{ port: number }>;
  /**
   * Stops taking connections, says so on those that are open (GOAWAY, `connection: close`), and resolves when they
   * are gone; those left after `graceMs` are cut.
   */
  close(graceMs: number): Promise<void>;
  /** Connections open now. */
  connections(): number;
  /** Connections to come are served with another certificate. Without effect where there is no TLS. */
  renew(material: TlsMaterial): void;
}

/** See the file's comment. */
export function createDualServer(options: DualServerOptions): DualServer {
  const { clock } = options;
  const limits = { ...SERVER_LIMITS, ...options };
  const sockets = new Set<net.Socket>();
  const peeking = new Set<net.Socket>();
  const sessions = new Set<http2.ServerHttp2Session>();
  const maxHeaderBytes = limits.maxHeaderBytes;
  let closing = false;

  const handle = (request: NodeRequest, response: NodeResponse): void => {
    if (closing && request.httpVersionMajor === 1) response.setHeader("connection", "close");
    // HTTP/2 tells clients the limit, and leaves it to us to hold them to it.
    if (request.httpVersionMajor === 2 && headerBytes(request) > maxHeaderBytes) {
      response.writeHead(431);
      response.end();
      return;
    }
    options.handler(request, response);
  };

  const headersTimeout = limits.headersTimeoutMs;
  // Node looks at header times only every so often; by default every 30 s.
  const requestTimeout = limits.requestTimeoutMs;
  const connectionsCheckingInterval = Math.min(1_000, headersTimeout, requestTimeout);
  const idleTimeoutMs = limits.idleTimeoutMs;
  const h1 = http.createServer(
    {
      headersTimeout,
      requestTimeout,
      connectionsCheckingInterval,
      maxHeaderSize: maxHeaderBytes,
      keepAliveTimeout: idleTimeoutMs,
    },
    handle,
  );
  // It never listens itself, and arms its header and idle timers only on this event.
  h1.emit("listening");
  const h2 = http2.createServer(
    {
      settings: {
        maxConcurrentStreams: limits.maxConcurrentStreams,
        maxHeaderListSize: maxHeaderBytes,
      },
    },
    handle as unknown as (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void,
  );
  closeLingering(h2, clock);
  h2.on("session", (session) => {
    sessions.add(session);
    const idle = closeWhenIdle(session, idleTimeoutMs, clock);
    session.once("close", () => {
      idle.cancel();
      sessions.delete(session);
    });
    if (closing) session.close();
  });
  h2.on("sessionError", () => {}); // a broken client; its session ends by itself

  const keep = (socket: net.Socket): void => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  };
  const peek = (socket: net.Socket): void => {
    keep(socket);
    peeking.add(socket);
    let seen: Buffer = Buffer.alloc(0);
    const timer = clock.timer(limits.peekTimeoutMs, () => socket.destroy(), { unref: true });
    const settled = (): void => {
      timer.cancel();
      peeking.delete(socket);
      socket.off("data", onData);
    };
    const onData = (chunk: Buffer): void => {
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      const known = Math.min(seen.length, PREFACE.length);
      const isHttp2 = seen.compare(PREFACE, 0, known, 0, known) === 0;
      if (isHttp2 && known < PREFACE.length) return;
      settled();
      socket.pause();
      socket.unshift(seen);
      (isHttp2 ? h2 : h1).emit("connection", socket);
      if (!isHttp2) socket.resume();
    };
    socket.on("data", onData);
    socket.on("error", () => socket.destroy());
    socket.once("close", settled);
  };
  let secure: tls.Server | undefined;
  if (options.tls !== undefined) {
    secure = createTlsListener({
      material: { ...options.tls, clientCertificates: false },
      protocols: ["h2", "http/1.1"],
      onConnection: (socket, protocol) => (protocol === "h2" ? h2 : h1).emit("connection", socket),
    });
    secure.on("connection", keep);
  }
  const server = secure ?? net.createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }, peek);

  server.maxConnections = limits.maxConnections;

  return {
    listen: (address) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen({ ...address }, () => {
          server.off("error", reject);
          const bound = server.address();
          resolve({ port: typeof bound === "object" && bound !== null ? bound.port : 0 });
        });
      }),
    close(graceMs) {
      closing = true;
      return new Promise((resolve) => {
        const timers: Timer[] = [];
        server.close(() => {
          for (const timer of timers) timer.cancel();
          resolve();
        });
        for (const socket of peeking) socket.destroy();
        for (const session of sessions) session.close();
        h1.closeIdleConnections();
        // A connection whose last answer was under way has become idle since.
        const sweep = (): void => {
          h1.closeIdleConnections();
          timers.push(clock.timer(100, sweep, { unref: true }));
        };
        sweep();
        const cut = (): void => {
          for (const socket of sockets) socket.destroy();
        };
        timers.push(clock.timer(graceMs, cut, { unref: true }));
      });
    },
    connections: () => sockets.size,
    renew(material) {
      if (secure !== undefined) renewListener(secure, material);
    },
  };
}

/** Size of headers as HTTP/2 counts it: 32 bytes each beside name and value. */
function headerBytes({ rawHeaders }: NodeRequest): number {
  return rawHeaders.reduce((sum, text) => sum + text.length + 16, 0);
}

/** Closes a session that has had no stream for a while; clients connect again for their next request. */
function closeWhenIdle(session: http2.ServerHttp2Session, idleTimeoutMs: number, clock: Clock): Timer {
  const arm = (): Timer => clock.timer(idleTimeoutMs, () => session.close(), { unref: true });
  let timer = arm();
  let open = 0;
  session.on("stream", (stream) => {
    open += 1;
    timer.cancel();
    stream.once("close", () => {
      open -= 1;
      if (open === 0 && !session.destroyed) timer = arm();
    });
  });
  return { cancel: () => timer.cancel() };
}
