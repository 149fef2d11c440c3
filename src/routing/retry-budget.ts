/** Retries of broken requests may be this part of a deployment's requests of the last 10 to 20 s … */
const RATIO = 0.2;
/** … and this many more, so that a quiet deployment's may be retried at all. */
const FLOOR = 10;
const WINDOW_MS = 10_000;

/** Keeps retries from multiplying the load of a failing deployment: one for each deployment. Times are monotonic ms. */
export class RetryBudget {
  #windowStartMs: number;
  #requests = 0;
  #retries = 0;
  #requestsBefore = 0;
  #retriesBefore = 0;

  constructor(nowMs: number) {
    this.#windowStartMs = nowMs;
  }

  /** Counts a request. */
  request(nowMs: number): void {
    if (nowMs - this.#windowStartMs >= WINDOW_MS) this.#roll(nowMs);
    this.#requests += 1;
  }

  /** Takes one retry; false when the budget is spent. */
  take(nowMs: number): boolean {
    if (nowMs - this.#windowStartMs >= WINDOW_MS) this.#roll(nowMs);
    const retries = this.#retries + this.#retriesBefore;
    if (retries >= FLOOR + RATIO * (this.#requests + this.#requestsBefore)) return false;
    this.#retries += 1;
    return true;
  }

  #roll(nowMs: number): void {
    const windows = Math.floor((nowMs - this.#windowStartMs) / WINDOW_MS);
    this.#windowStartMs += windows * WINDOW_MS;
    this.#requestsBefore = windows === 1 ? this.#requests : 0;
    this.#retriesBefore = windows === 1 ? this.#retries : 0;
    this.#requests = 0;
    this.#retries = 0;
  }
}
