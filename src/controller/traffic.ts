/** How the requests of split applications ended, as proxies report it: what a canary is judged by. In memory alone. */
import type { RevisionSample } from "./canary-analysis.ts";

/** Requests of one revision that ended since a proxy's last report; windlass.runtime.v1.RevisionTraffic as numbers. */
export interface RevisionTraffic {
  readonly application: string;
  readonly revision: number;
  readonly requests: number;
  readonly errors: number;
  /** Counts of latencies up to 1.1^index ms, from index 0. */
  readonly latencyBuckets: readonly number[];
}

/** Takes reports in; the runtime socket's handler calls it. */
export interface TrafficSink {
  report(traffic: readonly RevisionTraffic[]): void;
}

interface Sum {
  requests: number;
  errors: number;
  buckets: number[];
}

/** More buckets than any latency needs (1.1^200 ms is 2 days): a report cannot make us hold more. */
const MAX_BUCKETS = 200;

/** Sums reports of the applications that are followed. */
export class TrafficSums implements TrafficSink {
  readonly #sums = new Map<string, Map<number, Sum>>();

  /** Begins to sum for an application, from zero; what was summed before is dropped. */
  follow(application: string): void {
    this.#sums.set(application, new Map());
  }

  unfollow(application: string): void {
    this.#sums.delete(application);
  }

  follows(application: string): boolean {
    return this.#sums.has(application);
  }

  report(traffic: readonly RevisionTraffic[]): void {
    for (const { application, revision, requests, errors, latencyBuckets } of traffic) {
      const revisions = this.#sums.get(application);
      if (revisions === undefined) continue;
      const sum = revisions.get(revision) ?? { requests: 0, errors: 0, buckets: [] };
      sum.requests += requests;
      sum.errors += errors;
      for (const [index, count] of latencyBuckets.slice(0, MAX_BUCKETS).entries()) {
        sum.buckets[index] = (sum.buckets[index] ?? 0) + count;
      }
      revisions.set(revision, sum);
    }
  }

  /** What is known of a revision since the application is followed. */
  sample(application: string, revision: number, latencyQuantile: number): RevisionSample {
    const sum = this.#sums.get(application)?.get(revision);
    if (sum === undefined) return { requests: 0, errors: 0, latencyMs: null, latencyBuckets: [] };
    const { requests, errors, buckets } = sum;
    return { requests, errors, latencyMs: quantileMs(buckets, latencyQuantile), latencyBuckets: buckets };
  }
}

/** Upper bound of the bucket that holds the quantile; null where the buckets are empty. */
function quantileMs(buckets: readonly (number | undefined)[], quantile: number): number | null {
  let total = 0;
  for (const count of buckets) total += count ?? 0;
  if (total === 0) return null;
  let seen = 0;
  for (const [index, count] of buckets.entries()) {
    seen += count ?? 0;
    if (seen >= quantile * total) return 1.1 ** index;
  }
  return 1.1 ** (buckets.length - 1);
}
