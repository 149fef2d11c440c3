/** Connections that were ended, and whose clients do not end them on their side. */
import type { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "./clock.ts";

/** Milliseconds that a client has to read the end. */
export const LINGER_MS = 1_000;

/**
 * Closes connections of a server {@link LINGER_MS} after their last byte was sent. HTTP/2 of Node waits for the client,
 * which may have vanished, without end.
 */
export function closeLingering(server: EventEmitter, clock: Clock): void {
  server.on("connection", (socket: Socket) => {
    socket.once("finish", () => destroyLater(socket, clock));
  });
}

/** Says a last word on a connection, and closes it {@link LINGER_MS} later where its client has not. */
export function endWith(socket: Duplex, text: string, clock: Clock): void {
  socket.end(text);
  destroyLater(socket, clock);
}

function destroyLater(socket: Duplex, clock: Clock): void {
  if (socket.destroyed) return;
  const timer = clock.timer(LINGER_MS, () => socket.destroy(), { unref: true });
  socket.once("close", () => timer.cancel());
}
