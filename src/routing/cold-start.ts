/**
 * How long requests may wait while no replica of their deployment serves. Time with replicas, however busy, does not
 * count, and what a request has waited stays with it when a replica that took it dies.
 */
import type { Clock, Timer } from "../core/clock.ts";
import type { RouterFailure } from "./outcome.ts";

/** What a routing table says of it (windlass.runtime.v1.ColdStart). */
export interface ColdStart {
  /** Seconds; absent: no limit. */
  readonly timeoutS?: number | undefined;
  /** Why no replica serves; "" while one does. */
  readonly reason: string;
  readonly retryAfterS: number;
}

/** What holds before the first table. */
export const NO_TABLE: ColdStart = {
  timeoutS: 300,
  reason: "no routing table has come from the controller",
  retryAfterS: 5,
};

/** What of a request's wait is kept with it. Ms. */
export interface Held {
  /** Waited without a replica, before the present wait. */
  heldMs: number;
  /** The stopwatch when the present wait began. */
  heldFromMs: number;
}

/** Many requests that are due one after the other are refused together. */
const GRAIN_MS = 25;

/** A stopwatch that runs while requests wait and no replica serves, with an alarm. */
export class ColdWatch {
  readonly #clock: Clock;
  readonly #onAlarm: () => void;
  #pastMs = 0;
  #startedMs: number | undefined;
  #timer: Timer | undefined;
  #alarmMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onAlarm: () => void) {
    this.#clock = clock;
    this.#onAlarm = onAlarm;
  }

  get running(): boolean {
    return this.#startedMs !== undefined;
  }

  start(): void {
    this.#startedMs ??= this.#clock.monotonic();
  }

  /** Stops it, and its alarm. */
  stop(): void {
    this.#pastMs = this.#readingMs();
    this.#startedMs = undefined;
    this.silence();
  }

  /** A request begins to wait. */
  enter(held: Held): void {
    held.heldFromMs = this.#readingMs();
  }

  /** A request waits no more. */
  leave(held: Held): void {
    held.heldMs = this.waitedMs(held);
  }

  /** How long a waiting request has waited without a replica, in all. */
  waitedMs({ heldMs, heldFromMs }: Held): number {
    return heldMs + this.#readingMs() - heldFromMs;
  }

  /** Sounds the alarm after `ms`, or before if it is set so. Infinity: does nothing. */
  alarmIn(ms: number): void {
    if (ms === Number.POSITIVE_INFINITY) return;
    const atMs = this.#clock.monotonic() + Math.max(ms, GRAIN_MS);
    if (atMs >= this.#alarmMs) return;
    this.silence();
    this.#alarmMs = atMs;
    this.#timer = this.#clock.timer(atMs - this.#clock.monotonic(), () => {
      this.silence();
      this.#onAlarm();
    });
  }

  silence(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#alarmMs = Number.POSITIVE_INFINITY;
  }

  #readingMs(): number {
    return this.#pastMs + (this.#startedMs === undefined ? 0 : this.#clock.monotonic() - this.#startedMs);
  }
}

/** How long a request may wait so; ms, Infinity for no limit. */
export function limitMs({ timeoutS }: ColdStart): number {
  return timeoutS === undefined ? Number.POSITIVE_INFINITY : timeoutS * 1_000;
}

/** The end of a request that waited too long. */
export function refusalOf(
  { timeoutS = 0, reason, retryAfterS }: ColdStart,
  { application, deployment }: { readonly application: string; readonly deployment: string },
): RouterFailure {
  const name = `Deployment(name='${deployment}', app='${application}')`;
  const why = reason === "" ? "those that it had are gone" : reason;
  const message = `${name} had no replica that serves for ${timeoutS} s (cold_start_timeout_s): ${why}. Try again in ${retryAfterS} s.`;
  return { kind: "no-replica", message, retryAfterS };
}
