/** How the requests of split applications ended, counted here and told to the controller. */
import type { Clock, Timer } from "../core/clock.ts";

/** Requests of one revision that ended since the last report (windlass.runtime.v1.RevisionTraffic). */
export interface TrafficDelta {
  readonly application: string;
  readonly revision: bigint;
  requests: bigint;
  errors: bigint;
  readonly latencyBuckets: bigint[];
}

/** How long ended requests may wait to be told. */
const REPORT_AFTER_MS = 500;
/** Bucket i counts latencies up to 1.1^i ms; the last takes all that are longer (1.1^150 ms is half an hour). */
const LAST_BUCKET = 150;
const LOG_BASE = Math.log(1.1);

/** Counts ended requests by revision, and hands them to `send` a little later. Nothing runs while nothing ends. */
export class RevisionTraffic {
  readonly #clock: Clock;
  readonly #send: (traffic: readonly TrafficDelta[]) => Promise<void>;
  #deltas = new Map<string, TrafficDelta>();
  #timer: Timer | undefined;

  /** What `send` rejects is lost: the controller is away, and its successor counts from zero. */
  constructor(clock: Clock, send: (traffic: readonly TrafficDelta[]) => Promise<void>) {
    this.#clock = clock;
    this.#send = send;
  }

  /** `failed`: answered with a status >= 500, or not at all. */
  ended(application: string, revision: number, failed: boolean, latencyMs: number): void {
    const key = `${revision}/${application}`;
    let delta = this.#deltas.get(key);
    if (delta === undefined) {
      delta = { application, revision: BigInt(revision), requests: 0n, errors: 0n, latencyBuckets: [] };
      this.#deltas.set(key, delta);
    }
    delta.requests += 1n;
    if (failed) delta.errors += 1n;
    const bucket = latencyBucket(latencyMs);
    while (delta.latencyBuckets.length <= bucket) delta.latencyBuckets.push(0n);
    delta.latencyBuckets[bucket]! += 1n;
    this.#timer ??= this.#clock.timer(REPORT_AFTER_MS, () => this.flush(), { unref: true });
  }

  /** Tells at once what has ended. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#deltas.size === 0) return;
    const deltas = [...this.#deltas.values()];
    this.#deltas = new Map();
    this.#send(deltas).catch(() => {});
  }
}

/** Index of the bucket for a latency. */
export function latencyBucket(latencyMs: number): number {
  if (latencyMs <= 1) return 0;
  // Less a little, so that 1.1^i itself is not rounded into the next.
  return Math.min(LAST_BUCKET, Math.ceil(Math.log(latencyMs) / LOG_BASE - 1e-9));
}
