/** What the autoscaler holds of one deployment between decisions. Immutable, so that a turn that is not stored leaves no trace. */
import type { Decision } from "../autoscaling/decide.ts";
import type { Load } from "../autoscaling/load.ts";
import { emptyReports, isIdle, type Reports } from "../autoscaling/reports.ts";
import type { ScalingRules } from "../autoscaling/rules.ts";
import { NEW_SCALING_STATE, type ScalingState } from "../autoscaling/state.ts";
import { type Autoscaled, buildOf, registrationOf, rulesOf, runningIds } from "./autoscale-inputs.ts";
import type { ScalingRecord } from "./autoscale-memory.ts";
import { applicationPolicy } from "./autoscale-policies.ts";
import { NEW_RECORDING, type Recording } from "./autoscale-record.ts";
import { nextTick, TICK_MS } from "./autoscale-ticks.ts";
import type { ApplicationRecord, InstanceRecord, ReplicaRecord } from "./records.ts";

export interface Scaler {
  readonly application: string;
  readonly deployment: string;
  readonly uid: string;
  readonly registration: string;
  readonly build: string;
  readonly state: ScalingState;
  /** What the last decision was made on; null: none was made in this process. */
  readonly seen: Seen | null;
  /** When to decide next although nothing changes, epoch ms; Infinity: never. A tick, unless it is to be at once. */
  readonly dueMs: number;
  /** When the last decision was made, epoch ms. */
  readonly lastMs: number;
  /** When the memory was written last, epoch ms. */
  readonly savedMs: number;
  /** Whether the store lacks something that a restarted controller needs. */
  readonly unsaved: boolean;
  /** Whether the store's reports are of nothing. */
  readonly savedIdle: boolean;
  readonly recording: Recording;
  /** What an earlier controller wrote down, until this one has decided. */
  readonly left?: { readonly atS: number; readonly reports: Reports };
  /** Of a shadow: the replicas it would have; null: this one is followed. */
  readonly shadowTarget: number | null;
}

/** The inputs of a decision. */
export interface Seen {
  readonly rules: ScalingRules;
  readonly running: readonly string[];
  readonly target: number;
  readonly load: Load;
  readonly decision: Decision | null;
  /** To tell without a look inside whether anything was deployed anew. */
  readonly basis: Basis;
}

/** What beside a deployment's own record its decisions are made on. */
interface Context {
  readonly application: ApplicationRecord;
  readonly instance: InstanceRecord;
}

interface Basis {
  readonly config: object;
  readonly version: object;
  readonly built: object | null;
  readonly policy: object | null;
  readonly capacity: number | null;
  readonly direction: string | null;
}

/** One that nothing is known of, to be decided on at the next tick; of a shadow with the target that it begins with. */
export function newScaler(deployment: Autoscaled, nowMs: number, shadowTarget: number | null = null): Scaler {
  return {
    application: deployment.application,
    deployment: deployment.name,
    uid: deployment.uid,
    registration: "",
    build: "",
    state: NEW_SCALING_STATE,
    seen: null,
    dueMs: nextTick(nowMs, Number.NEGATIVE_INFINITY),
    lastMs: Number.NEGATIVE_INFINITY,
    savedMs: Number.NEGATIVE_INFINITY,
    unsaved: false,
    savedIdle: true,
    recording: NEW_RECORDING,
    shadowTarget,
  };
}

/** One as an earlier controller left it, with the reports it had. */
export function recoveredScaler(record: ScalingRecord, restored: Reports, nowMs: number): Scaler {
  const {
    application,
    deployment,
    uid,
    registration,
    build,
    state,
    reports,
    window,
    savedAtS,
    shadowTarget = null,
  } = record;
  // No moment is decided on twice.
  const lastMs = savedAtS === undefined ? Number.NEGATIVE_INFINITY : Math.round(savedAtS * 1_000);
  return {
    application,
    deployment,
    uid,
    registration,
    build,
    state,
    seen: null,
    dueMs: nextTick(nowMs, lastMs),
    lastMs,
    savedMs: nowMs,
    unsaved: false,
    savedIdle: reports === null && window === undefined,
    recording: NEW_RECORDING,
    shadowTarget,
    ...(savedAtS === undefined ? {} : { left: { atS: savedAtS, reports: restored } }),
  };
}

/** Whether it is to be decided on; also where the clock was set back, since nothing else would hold then. */
export function isDue({ dueMs, lastMs }: Pick<Scaler, "dueMs" | "lastMs">, nowMs: number): boolean {
  return dueMs <= nowMs || nowMs < lastMs - TICK_MS;
}

/** Whether something other than its reports differs from what the last decision was made on. */
export function inputsChanged(
  { seen, shadowTarget }: Scaler,
  deployment: Autoscaled,
  context: Context,
  replicas: readonly ReplicaRecord[],
): boolean {
  if (seen === null || seen.target !== deployment.target.replicas) return true;
  const basis = basisOf(deployment, context, shadowTarget !== null);
  return !sameBasis(seen.basis, basis) || !sameIds(seen.running, runningIds(replicas));
}

/** What a decision is to be made on now; what did not change is the same object as before. */
export function inputsOf(
  { seen, shadowTarget }: Scaler,
  deployment: Autoscaled,
  context: Context,
  replicas: readonly ReplicaRecord[],
): Omit<Seen, "load" | "decision"> {
  const running = runningIds(replicas);
  const basis = basisOf(deployment, context, shadowTarget !== null);
  const known = seen !== null && sameBasis(seen.basis, basis);
  return {
    rules: known ? seen.rules : sameOr(seen?.rules, rulesOf(deployment, context.instance)),
    running: seen !== null && sameIds(seen.running, running) ? seen.running : running,
    target: deployment.target.replicas,
    basis: known ? seen.basis : basis,
  };
}

/**
 * A deployment that was deployed with something changed waits for nothing any more, and its policy begins anew. New code
 * forgets when it was scaled last, except under a policy of the application, which begins anew instead.
 */
export function registered(scaler: Scaler, deployment: Autoscaled, context: Context): Scaler {
  const shadow = scaler.shadowTarget !== null;
  // Hashes are made only where something was written.
  if (scaler.seen !== null && sameBasis(scaler.seen.basis, basisOf(deployment, context, shadow))) return scaler;
  const registration = registrationOf(deployment, context.instance);
  const build = buildOf(context.application, shadow);
  if (scaler.registration === registration && scaler.build === build) return scaler;
  if (scaler.registration === "") return { ...scaler, registration, build, unsaved: true };
  const rebuilt = scaler.build !== build;
  const byApplication = applicationPolicy(context.application, shadow) !== undefined;
  const { delay, policyState, lastScaleUpS, lastScaleDownS } = NEW_SCALING_STATE;
  const state = {
    ...scaler.state,
    delay,
    policyState: byApplication && !rebuilt ? scaler.state.policyState : policyState,
    ...(rebuilt && !byApplication ? { lastScaleUpS, lastScaleDownS } : {}),
  };
  return { ...scaler, registration, build, state, unsaved: true };
}

/** Whether reports that came in are to be stored. */
export function mustSaveReports({ savedIdle }: Scaler, reports: Reports = emptyReports()): boolean {
  return !savedIdle || !isIdle(reports);
}

function basisOf({ config, version }: Autoscaled, { application, instance }: Context, shadow: boolean): Basis {
  const { autoscaling_policy, autoscaling_shadow } = application.config;
  return {
    config,
    version,
    built: application.built,
    policy: (shadow ? autoscaling_shadow : autoscaling_policy) ?? null,
    capacity: instance.targetCapacity,
    direction: instance.targetCapacityDirection,
  };
}

function sameBasis(a: Basis, b: Basis): boolean {
  return (
    a.config === b.config &&
    a.version === b.version &&
    a.built === b.built &&
    a.policy === b.policy &&
    a.capacity === b.capacity &&
    a.direction === b.direction
  );
}

/** The earlier object where both say the same: decisions under the same rules are told by it. */
function sameOr(earlier: ScalingRules | undefined, rules: ScalingRules): ScalingRules {
  return earlier !== undefined && JSON.stringify(earlier) === JSON.stringify(rules) ? earlier : rules;
}

function sameIds(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}
