/** Runs while no replica serves, so that time with replicas does not count for `cold_start_timeout_s`. Seconds. */
export class ColdClock {
  #pastS = 0;
  /** When it was started; undefined: it stands. At first nothing serves. */
  #sinceS: number | undefined = 0;

  /** What it shows at `nowS`. */
  at(nowS: number): number {
    return this.#pastS + (this.#sinceS === undefined ? 0 : nowS - this.#sinceS);
  }

  /** Lets it run, or stops it, from `nowS` on. */
  run(running: boolean, nowS: number): void {
    if (running === (this.#sinceS !== undefined)) return;
    this.#pastS = this.at(nowS);
    this.#sinceS = running ? nowS : undefined;
  }

  /** When it will show `readingS`, if nothing changes; Infinity while it stands. */
  whenS(readingS: number): number {
    return this.#sinceS === undefined ? Number.POSITIVE_INFINITY : this.#sinceS + (readingS - this.#pastS);
  }
}
