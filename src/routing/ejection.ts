/** A replica that fails so many requests in a row, by itself, is left out … */
export const EJECT_AFTER = 5;
/** … for so long, times the number of times. Ms. */
export const EJECT_MS = 10_000;
/** At most. Ms. */
export const MAX_EJECT_MS = 300_000;
/** Who has served for so long begins anew. Ms. */
const FORGET_MS = 300_000;

/** What a router remembers of a replica that failed requests. Times are monotonic ms. */
export class Ejection {
  #failures = 0;
  #times = 0;
  #backSinceMs = 0;
  /** Left out until then, and then until a request has succeeded; undefined: in service. */
  #untilMs: number | undefined;

  /** Until when it is left out; undefined: it is in service. */
  get untilMs(): number | undefined {
    return this.#untilMs;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Whether a request must not go there. `own`: those that are there; after its time one is let in to try. */
  keepsOut(nowMs: number, own: number): boolean {
    return this.#untilMs !== undefined && (nowMs < this.#untilMs || own > 0);
  }

  /** It failed a request. Whether it is to be left out (again). */
  failed(nowMs: number): boolean {
    this.#failures += 1;
    if (this.#untilMs !== undefined) return nowMs >= this.#untilMs;
    return this.#failures >= EJECT_AFTER;
  }

  /** Leaves it out; returns for how long. Ms. */
  eject(nowMs: number): number {
    if (this.#untilMs === undefined && nowMs - this.#backSinceMs > FORGET_MS) this.#times = 0;
    this.#times += 1;
    const forMs = Math.min(EJECT_MS * this.#times, MAX_EJECT_MS);
    this.#untilMs = nowMs + forMs;
    return forMs;
  }

  /** It took a request. Whether it is back in service by that. */
  succeeded(nowMs: number): boolean {
    if (this.#untilMs !== undefined && nowMs < this.#untilMs) return false;
    this.#failures = 0;
    return this.pardon(nowMs);
  }

  /** Back in service, whatever it did. Whether it was out. */
  pardon(nowMs: number): boolean {
    if (this.#untilMs === undefined) return false;
    this.#untilMs = undefined;
    this.#backSinceMs = nowMs;
    return true;
  }
}
