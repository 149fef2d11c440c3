import type { Server } from "node:http";
import { constants, type Http2Server, type ServerHttp2Session } from "node:http2";
import { Server as NetServer, type Socket } from "node:net";
import type { Clock } from "../core/clock.ts";

/** Idle connections are kept this long, for requests that are on their way already. */
const IDLE_GRACE_MS = 1_500;

/** "All streams you opened": a client that reads it opens no more, and none is lost on the way. */
const EVERY_STREAM = 2 ** 31 - 1;
/** Last for a client of HTTP/2 to hear of the end. */
const GOAWAY_GRACE_MS = 1_000;

/** A server that is to be drained. */
export interface Drainable {
  readonly server: Server;
  /** Its connections. */
  readonly sockets: Iterable<Socket>;
  /** What accepts for it. Default: itself. */
  readonly listener?: NetServer;
}

/**
 * Stops accepting and resolves when every connection has ended: true, or false when `timeoutMs` passed first. The
 * caller makes sure that every answer says `Connection: close`.
 *
 * Not `http.Server.close()`: it resets idle and fresh connections, and their requests fail.
 */
export function drainServer(
  { server, sockets, listener = server }: Drainable,
  clock: Clock,
  timeoutMs: number,
): Promise<boolean> {
  // Connections whose last answer was begun before the drain did not hear that they should close.
  server.keepAliveTimeout = IDLE_GRACE_MS;
  const idle = clock.timer(IDLE_GRACE_MS, () => {
    server.closeIdleConnections();
    // Those that never had a request are not idle to Node; clients keep some for requests to come.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  });
  return closed(listener, clock, timeoutMs).finally(() => idle.cancel());
}

/**
 * The same for HTTP/2: `sessions` are the connections of `server`, each of which is told to end and ends with its last
 * stream.
 */
export function drainSessions(
  server: NetServer | Http2Server,
  sessions: Iterable<ServerHttp2Session>,
  clock: Clock,
  timeoutMs: number,
): Promise<boolean> {
  const whenClosed = closed(server, clock, timeoutMs);
  for (const session of sessions) endSession(session, clock);
  return whenClosed;
}

/**
 * Tells a client to open no more streams, and ends its connection with its last one. First with a word that refuses
 * nothing: streams that are on their way are still served, and not every client would send theirs again.
 */
export function endSession(session: ServerHttp2Session, clock: Clock): void {
  if (session.closed || session.destroyed) return;
  session.goaway(constants.NGHTTP2_NO_ERROR, EVERY_STREAM);
  const close = (): void => {
    if (!session.destroyed) session.close();
  };
  const timer = clock.timer(GOAWAY_GRACE_MS, close, { unref: true });
  session.once("close", () => timer.cancel());
}

function closed(server: NetServer | Http2Server, clock: Clock, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const deadline = clock.timer(timeoutMs, () => resolve(false));
    NetServer.prototype.close.call(server, () => {
      deadline.cancel();
      resolve(true);
    });
  });
}
