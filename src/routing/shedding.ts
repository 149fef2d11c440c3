/**
 * Which requests are refused because their answer would come after their deadline. An estimate made of what was
 * measured: without that nobody is refused (docs/overload.md).
 */
import { DrainRate } from "./drain-rate.ts";

/** A late answer lengthens the time that is kept for the work itself by this part of the mean … */
const LATE_STEP = 0.5;
/** … and one in time shortens it: so about one in twenty-five is late, at most. */
const IN_TIME_STEP = 0.02;
/** It is never longer than so many times the mean. */
const MAX_WORK = 2;

/** What is known of a line when a request is judged. Ms are monotonic. */
export interface LineNow {
  readonly nowMs: number;
  /** When the request is due. */
  readonly dueMs: number;
  /** Requests that go before it. */
  readonly ahead: number;
  /** Requests that replicas were given, be it that some wait there. */
  readonly running: number;
}

/** How far a request is from being answered in time. Ms. */
export interface TooLate {
  /** How long it would wait. */
  readonly waitMs: number;
  /** How long it has. */
  readonly leftMs: number;
}

/** See the file's comment; of one deployment at one router. */
export class Shedding {
  readonly drain = new DrainRate();
  /** Time that is kept for the work itself: learnt from answers that came late although their request had waited. */
  #workMs = 0;

  /** How long the last of so many would wait; undefined: not known. Ms. */
  waitMs(ahead: number, nowMs: number): number | undefined {
    const rate = this.drain.perMs(nowMs);
    return rate === undefined ? undefined : ahead / rate;
  }

  /** Whether a request that is about to wait would be answered too late; undefined: it may be in time. */
  tooLate({ nowMs, dueMs, ahead, running }: LineNow): TooLate | undefined {
    const rate = this.drain.perMs(nowMs);
    if (rate === undefined) return undefined;
    const waitMs = ahead / rate;
    const leftMs = dueMs - nowMs;
    return waitMs + this.#workOf(running / rate) <= leftMs ? undefined : { waitMs, leftMs };
  }

  /** Whether the work itself would take longer than is left. `running`: see {@link LineNow}, it included. */
  hopeless(nowMs: number, dueMs: number, running: number): boolean {
    const rate = this.drain.perMs(nowMs);
    return rate !== undefined && dueMs - nowMs < this.#workOf(running / rate);
  }

  /** A request that had waited, and has a deadline, has ended. `running`: see {@link LineNow}, it included. */
  learn(late: boolean, running: number, nowMs: number): void {
    const rate = this.drain.perMs(nowMs);
    if (rate === undefined) return;
    // As many run as come to an end while one runs.
    const meanMs = running / rate;
    this.#workMs = Math.max(0, this.#workOf(meanMs) + (late ? LATE_STEP : -IN_TIME_STEP) * meanMs);
  }

  /** By the mean of now: what was learnt of slower times must not keep requests out that would teach otherwise. */
  #workOf(meanMs: number): number {
    return Math.min(this.#workMs, MAX_WORK * meanMs);
  }
}
