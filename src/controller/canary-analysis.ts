import type { CanaryAnalysis } from "./records.ts";

/** How the requests of one revision ended in the present step of a canary. */
export interface RevisionSample {
  readonly requests: number;
  /** Answered with a status >= 500, or not at all. */
  readonly errors: number;
  /** At the analysis' quantile; null without requests. */
  readonly latencyMs: number | null;
  /** Counts of latencies up to 1.1^index ms, from index 0. */
  readonly latencyBuckets: readonly number[];
}

/** What the samples say of a canary. */
export type CanaryVerdict =
  | { readonly kind: "too-few"; readonly seen: number; readonly wanted: number }
  | { readonly kind: "good" }
  /** It looks worse, which may be chance: more requests will tell. */
  | { readonly kind: "unclear"; readonly reason: string }
  | { readonly kind: "breach"; readonly reason: string };

/**
 * How unlikely a difference must be by chance. The verdict is looked at again and again while a step runs, so one look
 * alone must almost never be wrong.
 */
export const CHANCE = 1e-4;

/** A slower answer by less than this is nobody's concern, whatever the ratio. */
export const LATENCY_FLOOR_MS = 10;

/**
 * Compares a canary with the stable revision over the same time. A breach is a higher error rate, by more than
 * `maxErrorRateIncrease`, or a latency above `maxLatencyRatio` times the stable one's; beyond chance, else it is
 * unclear. Without requests to the stable revision its error rate counts as 0 and latency is not compared.
 */
export function analyseCanary(canary: RevisionSample, stable: RevisionSample, analysis: CanaryAnalysis): CanaryVerdict {
  if (canary.requests < analysis.minRequests) {
    return { kind: "too-few", seen: canary.requests, wanted: analysis.minRequests };
  }
  const verdicts = [latencyVerdict(canary, stable, analysis), errorVerdict(canary, stable, analysis)];
  const worst = verdicts.find(({ kind }) => kind === "breach") ?? verdicts.find(({ kind }) => kind === "unclear");
  return worst ?? { kind: "good" };
}

function errorVerdict(canary: RevisionSample, stable: RevisionSample, analysis: CanaryAnalysis): CanaryVerdict {
  const rate = canary.errors / canary.requests;
  const before = stable.requests === 0 ? 0 : stable.errors / stable.requests;
  if (rate - before <= analysis.maxErrorRateIncrease) return { kind: "good" };
  const reason = `${percent(rate)} of its ${canary.requests} requests failed, of the stable revision's ${stable.requests} ${percent(before)}; the limit is ${percent(analysis.maxErrorRateIncrease)} more`;
  return beyondChance(canary, stable, { canary: canary.errors, stable: stable.errors }, reason);
}

function latencyVerdict(canary: RevisionSample, stable: RevisionSample, analysis: CanaryAnalysis): CanaryVerdict {
  const { maxLatencyRatio, latencyQuantile, minRequests } = analysis;
  if (maxLatencyRatio === null || stable.requests < minRequests) return { kind: "good" };
  if (canary.latencyMs === null || stable.latencyMs === null) return { kind: "good" };
  const limit = Math.max(stable.latencyMs * maxLatencyRatio, stable.latencyMs + LATENCY_FLOOR_MS);
  if (canary.latencyMs <= limit) return { kind: "good" };
  const reason = `its p${Math.round(latencyQuantile * 100)} latency is ${canary.latencyMs.toFixed(0)} ms, the stable revision's ${stable.latencyMs.toFixed(0)} ms; the limit is ${maxLatencyRatio} times as much`;
  // A quantile alone jumps where a few more or less are slow.
  return beyondChance(canary, stable, { canary: slower(canary, limit), stable: slower(stable, limit) }, reason);
}

/** How many requests took longer. */
function slower({ latencyBuckets }: RevisionSample, limitMs: number): number {
  return latencyBuckets.reduce((sum, count, index) => (1.1 ** index > limitMs ? sum + count : sum), 0);
}

/** A breach where equal revisions would almost never have the bad requests shared out so. */
function beyondChance(
  canary: RevisionSample,
  stable: RevisionSample,
  bad: { readonly canary: number; readonly stable: number },
  reason: string,
): CanaryVerdict {
  // Of two equal revisions every bad request is the canary's by its share of the requests.
  const share = canary.requests / (canary.requests + (stable.requests === 0 ? canary.requests : stable.requests));
  const byChance = binomialTail(bad.canary + bad.stable, bad.canary, share);
  return { kind: byChance > CHANCE ? "unclear" : "breach", reason };
}

/** The probability of at least `least` hits in `tries`, each with probability `p`; 0 < p < 1. */
function binomialTail(tries: number, least: number, p: number): number {
  let log = least * Math.log(p) + (tries - least) * Math.log1p(-p);
  for (let i = 1; i <= least; i++) log += Math.log((tries - least + i) / i);
  let term = Math.exp(log);
  let sum = 0;
  for (let hits = least; hits <= tries && term > 0; hits++) {
    sum += term;
    term *= ((tries - hits) / (hits + 1)) * (p / (1 - p));
  }
  return sum;
}

function percent(rate: number): string {
  return `${Number((rate * 100).toFixed(2))} %`;
}
