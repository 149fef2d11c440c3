import type { Server } from "node:http";
import { Server as NetServer } from "node:net";
import type { Clock } from "../core/clock.ts";

/** Idle connections are kept this long, for requests that are on their way already. */
const IDLE_GRACE_MS = 1_500;

/**
 * Stops accepting and resolves when every connection has ended: true, or false when `timeoutMs` passed first. The
 * caller makes sure that every answer says `Connection: close`.
 *
 * Not `http.Server.close()`: it resets idle and fresh connections, and their requests fail.
 */
export function drainServer(server: Server, clock: Clock, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    // Connections whose last answer was begun before the drain did not hear that they should close.
    server.keepAliveTimeout = IDLE_GRACE_MS;
    const idle = clock.timer(IDLE_GRACE_MS, () => server.closeIdleConnections());
    const deadline = clock.timer(timeoutMs, () => {
      idle.cancel();
      resolve(false);
    });
    NetServer.prototype.close.call(server, () => {
      idle.cancel();
      deadline.cancel();
      resolve(true);
    });
  });
}
