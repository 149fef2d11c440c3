/** A span of time is looked at until it is this long … */
const WINDOW_MS = 1_000;
/** … and that many requests have ended in it. */
const WINDOW_ENDS = 16;
/** Less says nothing. */
const MIN_MS = 300;
const MIN_ENDS = 10;
/** After so long without anybody in line, what was measured holds no more. */
const STALE_MS = 10_000;

/**
 * How many requests of a router end at its replicas, while others wait: that is all that the replicas can do for it.
 * Measured over the last one to two windows of such time. Times are monotonic ms.
 */
export class DrainRate {
  /** Somebody waits since; undefined: nobody does. */
  #sinceMs: number | undefined;
  #lastMs = Number.NEGATIVE_INFINITY;
  #ends = 0;
  #ms = 0;
  #endsBefore = 0;
  #msBefore = 0;

  /** Somebody waits. */
  busy(nowMs: number): void {
    if (this.#sinceMs !== undefined) return;
    if (nowMs - this.#lastMs > STALE_MS) {
      this.#ends = 0;
      this.#ms = 0;
      this.#endsBefore = 0;
      this.#msBefore = 0;
    }
    this.#sinceMs = nowMs;
  }

  /** Nobody waits any more. */
  idle(nowMs: number): void {
    if (this.#sinceMs === undefined) return;
    this.#ms += nowMs - this.#sinceMs;
    this.#sinceMs = undefined;
    this.#lastMs = nowMs;
  }

  /** A request has ended; counts while somebody waits. */
  ended(nowMs: number): void {
    if (this.#sinceMs === undefined) return;
    this.#ends += 1;
    const ms = this.#ms + nowMs - this.#sinceMs;
    if (ms < WINDOW_MS || this.#ends < WINDOW_ENDS) return;
    this.#endsBefore = this.#ends;
    this.#msBefore = ms;
    this.#ends = 0;
    this.#ms = 0;
    this.#sinceMs = nowMs;
  }

  /** Requests that end in a ms; undefined: not known. */
  perMs(nowMs: number): number | undefined {
    if (this.#sinceMs === undefined && nowMs - this.#lastMs > STALE_MS) return undefined;
    const present = this.#ms + (this.#sinceMs === undefined ? 0 : nowMs - this.#sinceMs);
    const ms = this.#msBefore + present;
    const ends = this.#endsBefore + this.#ends;
    return ms < MIN_MS || ends < MIN_ENDS ? undefined : ends / ms;
  }
}
