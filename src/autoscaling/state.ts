/** What the autoscaler remembers of a deployment besides its reports, and how registering and applying change it. */
import { initialTarget } from "../config/effective.ts";
import type { CapacityDirection } from "../config/target-capacity.ts";
import type { AutoscalingConfig } from "../config/types.ts";
import { type DelayState, NO_DELAY } from "./delay.ts";
import type { ScalingRules } from "./rules.ts";

/** Plain JSON, for the store. */
export interface ScalingState {
  readonly delay: DelayState;
  /** What the user's policy returned last. */
  readonly policyState: Readonly<Record<string, unknown>>;
  /** When the target last rose and fell visibly, epoch seconds; null: never. */
  readonly lastScaleUpS: number | null;
  readonly lastScaleDownS: number | null;
}

/** Nothing remembered. */
export const NEW_SCALING_STATE: ScalingState = Object.freeze({
  delay: NO_DELAY,
  policyState: Object.freeze({}),
  lastScaleUpS: null,
  lastScaleDownS: null,
});

/** Names under which the reference keeps its delay inside a policy's state; a policy's own values there are dropped. */
const RESERVED_STATE_NAMES: ReadonlySet<string> = new Set(["__decision_counters", "__decision_timestamp"]);

/** What a policy returned to be kept, without the names that are reserved. */
export function keptPolicyState(returned: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(returned).filter(([name]) => !RESERVED_STATE_NAMES.has(name)));
}

/** Whether `after` must be saved for a restart to go on as if nothing had happened; a mere count of turns need not. */
export function worthSaving(before: ScalingState, after: ScalingState): boolean {
  if (before === after) return false;
  const waited = before.delay.kind === "none" ? null : before.delay.sinceS;
  const waits = after.delay.kind === "none" ? null : after.delay.sinceS;
  return (
    before.delay.kind !== after.delay.kind ||
    waited !== waits ||
    before.policyState !== after.policyState ||
    before.lastScaleUpS !== after.lastScaleUpS ||
    before.lastScaleDownS !== after.lastScaleDownS
  );
}

/** A deploy that changed something about an autoscaled deployment. */
export interface Registration {
  readonly config: AutoscalingConfig;
  /** Of the instance: percent (null is 100) and direction. */
  readonly capacity: number | null;
  readonly direction: CapacityDirection;
  /** The target before the deploy, and whether config, actor options or version changed; absent on the first one. */
  readonly current?: { readonly target: number; readonly changed: boolean };
}

/**
 * The target to start from and the memory to go on with: pending delays and policy state are lost, the scale times are
 * kept. A deploy that changes nothing at all, capacity and route included, must not come here.
 */
export function register(
  registration: Registration,
  state: ScalingState = NEW_SCALING_STATE,
): { target: number; state: ScalingState } {
  const { config, capacity, direction, current } = registration;
  const target = initialTarget({ autoscaling_config: config }, capacity, direction, current);
  return {
    target,
    state: { ...state, delay: NEW_SCALING_STATE.delay, policyState: NEW_SCALING_STATE.policyState },
  };
}

/** What a decision means for the deployment. */
export type TargetChange =
  | { readonly kind: "none" }
  /** `visible`: a scale event, with its status and time; otherwise the target changes silently. */
  | { readonly kind: "up" | "down"; readonly target: number; readonly visible: boolean };

/**
 * Compares a decision with the target. The change is visible when the replicas that run the target version are within
 * the bounds already; only then is it remembered as the last scale up or down.
 */
export function applyResult(
  change: {
    readonly result: number;
    readonly target: number;
    readonly runningAtVersion: number;
    readonly rules: ScalingRules;
  },
  state: ScalingState,
  nowS: number,
): { change: TargetChange; state: ScalingState } {
  const { result, target, runningAtVersion, rules } = change;
  if (result === target) return { change: { kind: "none" }, state };
  const kind = result > target ? "up" : "down";
  const visible = runningAtVersion >= rules.lower && runningAtVersion <= rules.upper;
  const time = kind === "up" ? { lastScaleUpS: nowS } : { lastScaleDownS: nowS };
  return { change: { kind, target: result, visible }, state: visible ? { ...state, ...time } : state };
}
