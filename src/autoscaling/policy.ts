/** What policies read and answer, and the built-in one. Users' policies run elsewhere, in the policy host. */
import type { AutoscalingConfig } from "../config/types.ts";
import { type Load, type ReplicaMetrics, replicaMetrics, type Totals, totalsOf } from "./load.ts";
import type { Reports } from "./reports.ts";
import type { ScalingRules } from "./rules.ts";
import type { ScalingState } from "./state.ts";

/** What a policy is told of one deployment. Plain JSON. */
export interface PolicyInput {
  readonly application: string;
  readonly deployment: string;
  readonly config: AutoscalingConfig;
  /** Ids of the running replicas, of any version. */
  readonly runningReplicas: readonly string[];
  readonly currentNumReplicas: number;
  readonly targetNumReplicas: number;
  readonly totalNumRequests: number;
  readonly totalQueuedRequests: number;
  readonly totalRunningRequests: number;
  /** By metric, then replica. */
  readonly aggregatedMetrics: ReplicaMetrics["aggregated"];
  readonly rawMetrics: ReplicaMetrics["raw"];
  /** The bounds at the present target capacity. */
  readonly capacityAdjustedMinReplicas: number;
  readonly capacityAdjustedMaxReplicas: number;
  /** What the policy returned the last time it was called; `{}` at first. */
  readonly policyState: Readonly<Record<string, unknown>>;
  /** Epoch seconds; null: not since the deployment was registered. */
  readonly lastScaleUpTimeS: number | null;
  readonly lastScaleDownTimeS: number | null;
  /** Epoch seconds. */
  readonly currentTimeS: number;
}

/** What a deployment's policy answers. */
export interface PolicyOutput {
  /** Replicas wished for; need not be whole or positive. */
  readonly desired: number;
  /** Kept for the next call, in place of what was kept before. Must be plain JSON. Default: `{}`. */
  readonly state?: Readonly<Record<string, unknown>>;
}

/** What an application's policy answers. */
export interface ApplicationPolicyOutput {
  /** Replicas wished for, by deployment; those left out are left alone. */
  readonly desired: Readonly<Record<string, number>>;
  /** Kept for the next call by deployment; left out and null are `{}`. */
  readonly states?: Readonly<Record<string, Readonly<Record<string, unknown>> | null>> | null;
}

/** What the built-in policy wishes for, from the mean load; NaN: `target_ongoing_requests` is null or next to nothing. */
export function desiredByRequests(
  total: number,
  running: number,
  target: number,
  targetOngoingRequests: number | null,
): number {
  if (running === 0) return target;
  if (targetOngoingRequests === null) return Number.NaN;
  // Not total / targetOngoingRequests: 7 running and 29 requests at 1 each are 30 in this order, as in the reference.
  return running * (total / (targetOngoingRequests * running));
}

/** What goes into a policy's input. */
export interface PolicyFacts {
  readonly application: string;
  readonly deployment: string;
  readonly config: AutoscalingConfig;
  readonly rules: ScalingRules;
  readonly runningReplicas: readonly string[];
  /** The present target; as `shownTarget` of it for a deployment's policy. */
  readonly target: number;
  readonly reports: Reports;
  readonly load: Load;
  readonly state: ScalingState;
}

/** Builds a policy's input at `nowS`, epoch seconds. Takes time in proportion to the reports: for users' policies only. */
export function policyInput(facts: PolicyFacts, nowS: number): PolicyInput {
  const { config, rules, runningReplicas, reports, load, state } = facts;
  const totals: Totals = totalsOf(load, reports, rules.aggregation, nowS);
  const metrics = replicaMetrics(reports, runningReplicas, rules.aggregation, nowS);
  return {
    application: facts.application,
    deployment: facts.deployment,
    config,
    runningReplicas,
    currentNumReplicas: runningReplicas.length,
    targetNumReplicas: facts.target,
    totalNumRequests: totals.total,
    totalQueuedRequests: totals.queued,
    totalRunningRequests: totals.running,
    aggregatedMetrics: metrics.aggregated,
    rawMetrics: metrics.raw,
    capacityAdjustedMinReplicas: rules.lower,
    capacityAdjustedMaxReplicas: rules.upper,
    policyState: { ...state.policyState },
    lastScaleUpTimeS: state.lastScaleUpS,
    lastScaleDownTimeS: state.lastScaleDownS,
    currentTimeS: nowS,
  };
}
