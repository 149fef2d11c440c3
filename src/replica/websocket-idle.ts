import type { Clock, Timer } from "../core/clock.ts";

/** What {@link watchIdle} needs of a websocket. */
export interface WatchedSocket {
  readonly isPaused: boolean;
  readonly isOpen: boolean;
  /** `sent` is called when it has left, after all that waited before it. */
  ping(sent: () => void): void;
  terminate(): void;
}

/** What has gone through it. */
export interface WatchedStream {
  /** Bytes that came from the client. */
  readonly received: number;
  /** Bytes that the client took, as far as known. */
  readonly taken: number;
}

/**
 * Whether the client was asked for a word. `asking`: the ping waits behind what the client has not taken yet; who takes
 * of that lives, however slowly.
 */
type State =
  | { readonly kind: "heard" }
  | { readonly kind: "asking"; taken: number }
  | { readonly kind: "asked"; readonly sinceMs: number };

/** Pings a client that is silent, and closes where it does not answer. Returns what ends that. */
export function watchIdle(socket: WatchedSocket, stream: WatchedStream, clock: Clock, idleMs: number): () => void {
  let received = -1;
  let state: State = { kind: "heard" };
  let timer: Timer;
  const ask = (): void => {
    const asking: State = { kind: "asking", taken: stream.taken };
    state = asking;
    socket.ping(() => {
      if (state === asking) state = { kind: "asked", sinceMs: clock.monotonic() };
    });
  };
  /** Returns when to look again; undefined: it is over. */
  const look = (): number | undefined => {
    if (stream.received !== received || socket.isPaused) {
      received = stream.received;
      state = { kind: "heard" };
      return idleMs;
    }
    switch (state.kind) {
      case "heard":
        if (socket.isOpen) ask();
        return idleMs;
      case "asking":
        if (stream.taken === state.taken) return undefined;
        state.taken = stream.taken;
        return idleMs;
      case "asked": {
        const leftMs = state.sinceMs + idleMs - clock.monotonic();
        return leftMs > 0 ? leftMs : undefined;
      }
    }
  };
  const turn = (): void => {
    const nextMs = look();
    if (nextMs === undefined) socket.terminate();
    else timer = clock.timer(nextMs, turn, { unref: true });
  };
  turn();
  return () => timer?.cancel();
}
