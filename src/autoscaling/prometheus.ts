/** The policy `windlass:prometheus` without its queries: what a value, an old value and none mean for the replicas. */
import type { PrometheusKwargs } from "../config/policy-kwargs.ts";
import { desiredByRequests, type PolicyInput } from "./policy.ts";

/** What is known of a query. Times are epoch seconds. */
export interface PrometheusReading {
  /** The last number it gave; null: none yet. */
  readonly sample: { readonly value: number; readonly atS: number } | null;
  /** Why the newest query gave none, one line; null: it gave one, or none has ended. */
  readonly problem: string | null;
  /** Whether a query has ended, whatever came of it. */
  readonly asked: boolean;
}

/** What the policy answers; `warning` is one line for the application's message, null where all is well. */
export type PrometheusAnswer =
  | { readonly kind: "wish"; readonly desired: number; readonly warning: string | null }
  /** The target stays. */
  | { readonly kind: "hold"; readonly reason: string };

/**
 * The wish at `input.currentTimeS`. A value is good until it is older than `freshness_s`; then `missing` says what
 * follows, but not before the first query has ended: a process that just started knows nothing yet.
 */
export function prometheusAnswer(
  kwargs: PrometheusKwargs,
  reading: PrometheusReading,
  input: PolicyInput,
): PrometheusAnswer {
  const { sample } = reading;
  // A clock that was set back makes no value older.
  const ageS = sample === null ? Number.POSITIVE_INFINITY : Math.max(0, input.currentTimeS - sample.atS);
  if (sample !== null && ageS <= kwargs.freshness_s) {
    return { kind: "wish", desired: composed(kwargs, wishBy(kwargs, sample.value, input), input), warning: null };
  }
  if (!reading.asked) return held(kwargs, input, "the Prometheus query has not been answered yet");
  const because = `the Prometheus query has had no value for ${since(ageS, kwargs.freshness_s)}: ${reading.problem ?? "its last value is too old"}`;
  switch (kwargs.missing) {
    case "hold":
      return held(kwargs, input, because);
    case "min": {
      const desired = composed(kwargs, input.capacityAdjustedMinReplicas, input);
      return { kind: "wish", desired, warning: `${because}; min_replicas applies` };
    }
    case "ignore":
      return { kind: "wish", desired: byRequests(input), warning: `${because}; requests decide` };
  }
}

/** Replicas for a value. With nothing running a ratio to what one replica brings about is unknown: a value above 0 wakes one. */
function wishBy({ target }: PrometheusKwargs, value: number, input: PolicyInput): number {
  if (target.kind === "per_replica") return value / target.value;
  const { currentNumReplicas: running, targetNumReplicas } = input;
  return running === 0 ? Math.max(targetNumReplicas, value > 0 ? 1 : 0) : running * (value / target.value);
}

/** The target stays, but more requests than it can take still raise it where `compose` is max. */
function held(kwargs: PrometheusKwargs, input: PolicyInput, reason: string): PrometheusAnswer {
  const needed = kwargs.compose === "max" ? byRequests(input) : 0;
  if (needed <= input.targetNumReplicas) return { kind: "hold", reason };
  return { kind: "wish", desired: needed, warning: `${reason}; requests still raise the target` };
}

function composed({ compose }: PrometheusKwargs, wish: number, input: PolicyInput): number {
  return compose === "max" ? Math.max(wish, byRequests(input)) : wish;
}

function byRequests(input: PolicyInput): number {
  const { totalNumRequests, currentNumReplicas, targetNumReplicas, config } = input;
  return desiredByRequests(totalNumRequests, currentNumReplicas, targetNumReplicas, config.target_ongoing_requests);
}

/** In steps, so that a message that stays true is not a new one with each turn. */
function since(ageS: number, freshnessS: number): string {
  return ageS === Number.POSITIVE_INFINITY ? "as long as this has run" : `more than ${freshnessS} s`;
}

/**
 * The number in the answer of a Prometheus server to an instant query: its one sample or scalar; else why there is
 * none, one line.
 */
export function readPrometheusResult(body: unknown): { readonly value: number } | { readonly problem: string } {
  const { status, data, error } = (isObject(body) ? body : {}) as Record<string, unknown>;
  if (status === "error") return { problem: `the server says ${JSON.stringify(String(error)).slice(0, 200)}` };
  const { resultType, result } = (isObject(data) ? data : {}) as Record<string, unknown>;
  if (status !== "success" || !Array.isArray(result))
    return { problem: "the answer is not one of a Prometheus server" };
  if (resultType === "scalar") return numberIn(result);
  if (resultType !== "vector") {
    return { problem: `the query gives a ${String(resultType)}; write one that gives one number, e.g. with sum(...)` };
  }
  if (result.length === 0) return { problem: "the query matches nothing" };
  if (result.length > 1) return { problem: `the query gives ${result.length} series; join them, e.g. with sum(...)` };
  const [only] = result as unknown[];
  if (isObject(only) && "histogram" in only)
    return { problem: "the query gives a histogram; use histogram_quantile(...)" };
  return numberIn(isObject(only) ? only.value : null);
}

/** Of `[time, "value"]`. */
function numberIn(pair: unknown): { readonly value: number } | { readonly problem: string } {
  const text: unknown = Array.isArray(pair) ? pair[1] : undefined;
  if (typeof text !== "string" || text.trim() === "")
    return { problem: "the answer is not one of a Prometheus server" };
  const value = Number(text);
  // NaN and +Inf are what divisions by nothing give.
  return Number.isFinite(value) ? { value } : { problem: `the query gives ${text.slice(0, 20)}` };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
