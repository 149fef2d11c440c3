import type { Clock } from "../core/clock.ts";

/** Retries of broken requests may be this part of the requests of the last 10 to 20 s … */
const RATIO = 0.2;
/** … and this many more, so that a quiet router may retry at all. */
const FLOOR = 10;
const WINDOW_MS = 10_000;

/** Keeps retries from multiplying the load of a failing deployment. */
export class RetryBudget {
  readonly #clock: Clock;
  #windowStart: number;
  #requests = [0, 0];
  #retries = [0, 0];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#windowStart = clock.monotonic();
  }

  /** Counts a request. */
  request(): void {
    this.#roll();
    this.#requests[0]! += 1;
  }

  /** Takes one retry; false when the budget is spent. */
  take(): boolean {
    this.#roll();
    const retries = this.#retries[0]! + this.#retries[1]!;
    if (retries >= FLOOR + RATIO * (this.#requests[0]! + this.#requests[1]!)) return false;
    this.#retries[0]! += 1;
    return true;
  }

  #roll(): void {
    const now = this.#clock.monotonic();
    const windows = Math.floor((now - this.#windowStart) / WINDOW_MS);
    if (windows === 0) return;
    this.#windowStart += windows * WINDOW_MS;
    this.#requests = [0, windows === 1 ? this.#requests[0]! : 0];
    this.#retries = [0, windows === 1 ? this.#retries[0]! : 0];
  }
}
