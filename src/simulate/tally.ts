/** What is counted while a deployment is simulated. Times are seconds from the start. */

/** What became of the requests. Each ends in exactly one of these. */
export interface RequestCounts {
  completed: number;
  /** Refused because `max_queued_requests` waited already. */
  shed: number;
  /** Given up after `request_timeout_s`, waiting or worked on. */
  timedOut: number;
  /** Given up after `cold_start_timeout_s` in which no replica served. */
  noReplica: number;
  /** Worked on by a replica that was killed because it did not end within `graceful_shutdown_timeout_s`. */
  dropped: number;
  /** Still there when the simulation gave up. */
  unserved: number;
}

/** Columns of one chart: the mean over each of so many equal stretches of the horizon. */
export const BUCKETS = 480;

export class Tally {
  readonly counts: RequestCounts = { completed: 0, shed: 0, timedOut: 0, noReplica: 0, dropped: 0, unserved: 0 };
  arrived = 0;
  /** Request-seconds that replicas worked. */
  workedS = 0;
  /** Replica-seconds from the decision to start until the exit, and those of them in which requests could be taken. */
  replicaS = 0;
  servingS = 0;
  /** When the last request ended. */
  lastEndS = 0;
  /** Request-seconds, waiting or worked on, in each bucket. */
  readonly loadArea = new Float64Array(BUCKETS);
  readonly #bucketS: number;
  /** Waits above zero. */
  #waits = new Float64Array(256);
  #waited = 0;
  /** Requests that were given to a replica, or were given up while they waited. */
  #placed = 0;
  #atS = 0;
  #bucket = 0;

  /** The chart covers `horizonS`. */
  constructor(horizonS: number) {
    this.#bucketS = horizonS / BUCKETS;
  }

  /** Counts the time up to `nowS`, in which so many requests waited and were worked on. */
  advance(nowS: number, queued: number, ongoing: number): void {
    const stepS = nowS - this.#atS;
    if (stepS <= 0) return;
    this.workedS += stepS * ongoing;
    const load = queued + ongoing;
    if (load > 0) this.#addLoad(nowS, load);
    this.#atS = nowS;
  }

  /** Notes how long a request waited. */
  wait(waitS: number): void {
    this.#placed += 1;
    if (waitS <= 0) return;
    if (this.#waited === this.#waits.length) {
      const longer = new Float64Array(2 * this.#waits.length);
      longer.set(this.#waits);
      this.#waits = longer;
    }
    this.#waits[this.#waited++] = waitS;
  }

  /** The waits above zero in order, and the number of all. */
  waits(): Waits {
    return { placed: this.#placed, sortedS: this.#waits.slice(0, this.#waited).sort() };
  }

  #addLoad(nowS: number, load: number): void {
    let fromS = this.#atS;
    while (this.#bucket < BUCKETS && this.#bucketS > 0) {
      const endS = (this.#bucket + 1) * this.#bucketS;
      if (fromS < endS) {
        const toS = Math.min(nowS, endS);
        this.loadArea[this.#bucket]! += (toS - fromS) * load;
        fromS = toS;
        if (nowS < endS) return;
      }
      this.#bucket += 1;
    }
  }
}

/** How long requests waited. */
export interface Waits {
  /** All requests, those that did not wait among them. */
  readonly placed: number;
  /** Waits above zero in seconds, shortest first. */
  readonly sortedS: Float64Array;
}

/** The wait that `quantile` (0 to 1) of the requests did not exceed, by nearest rank; null without requests. */
export function waitAt({ placed, sortedS }: Waits, quantile: number): number | null {
  if (placed === 0) return null;
  const rank = Math.max(1, Math.ceil(quantile * placed));
  return sortedS[rank - 1 - (placed - sortedS.length)] ?? 0;
}

/** The waits of several deployments together. */
export function allWaits(all: readonly Waits[]): Waits {
  const sortedS = new Float64Array(all.reduce((sum, { sortedS }) => sum + sortedS.length, 0));
  let at = 0;
  let placed = 0;
  for (const waits of all) {
    sortedS.set(waits.sortedS, at);
    at += waits.sortedS.length;
    placed += waits.placed;
  }
  return { placed, sortedS: sortedS.sort() };
}
