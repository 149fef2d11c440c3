/** One decision about one deployment. */
import { assertNever } from "../core/assert-never.ts";
import { applyDelay, type DelayState } from "./delay.ts";
import { scaleStep } from "./factor.ts";
import type { LoadSource } from "./load.ts";
import { desiredByRequests } from "./policy.ts";
import { type ScalingRules, withinBounds } from "./rules.ts";
import { keptPolicyState, type ScalingState } from "./state.ts";

/** What a decision is made on. */
export interface Situation {
  readonly rules: ScalingRules;
  /** Replicas that run, of any version. */
  readonly running: number;
  /** Replicas the deployment is to have. */
  readonly target: number;
  /** Ongoing requests, running and queued. */
  readonly total: number;
  readonly source: LoadSource;
}

/** What the policy said; `desired` is a finite number, see policy-output.ts. */
export type PolicyAnswer =
  | { readonly kind: "built-in" }
  | { readonly kind: "answered"; readonly desired: number; readonly state: Readonly<Record<string, unknown>> }
  /** `reason` is one line for users. */
  | { readonly kind: "failed"; readonly reason: string };

/** Whose policy a deployment follows. */
export type PolicyOwner = "built-in" | "user";

/** Asks the built-in policy. */
export const BUILT_IN: PolicyAnswer = Object.freeze({ kind: "built-in" });

/** A decision with all that explain.ts needs to say why. */
export type Decision =
  /** Nothing runs and something waits: no policy was asked and nothing delays. */
  | (DecisionFacts & { readonly kind: "cold-start" })
  | (DecisionFacts & {
      readonly kind: "steered";
      /** The policy's wish, and after its factor. */
      readonly desired: number;
      readonly scaled: number;
      /** The delay that applied, seconds; null: none did. */
      readonly delayS: number | null;
    })
  /** The policy failed or left the deployment out: the target stays, whatever the bounds. */
  | (DecisionFacts & { readonly kind: "kept"; readonly reason: string });

interface DecisionFacts extends Situation {
  /** Epoch seconds. */
  readonly atS: number;
  readonly policy: PolicyOwner;
  /** The target the steps worked with; see {@link shownTarget}. */
  readonly shownTarget: number;
  /** Whole gangs of so many; 1 where gangs do not count. */
  readonly gangSize: number;
  /** What waits after this decision. */
  readonly delay: DelayState;
  /** Replicas before gangs and bounds. */
  readonly proposed: number;
  /** Replicas to have now. */
  readonly result: number;
}

/** A decision, and what to remember for the next one: the same object when nothing changed. */
export interface Step {
  readonly decision: Decision;
  readonly state: ScalingState;
}

/** Whether the policy of a deployment is passed over: nothing runs and requests wait. */
export function isColdStart(situation: Pick<Situation, "running" | "total">): boolean {
  return situation.running === 0 && situation.total > 0;
}

/** The target as a deployment's policy sees it: a last gang that may go is one replica, so that the delay to zero applies. */
export function shownTarget(rules: ScalingRules, target: number): number {
  return rules.gangSize > 1 && rules.mayBeZero && target === rules.gangSize ? 1 : target;
}

/**
 * Decides at `nowS`, epoch seconds: cold start, else policy, factor, delay; then whole gangs and bounds. A user's
 * policy is asked before, and only when {@link isColdStart} is false.
 */
export function decide(situation: Situation, state: ScalingState, nowS: number, answer: PolicyAnswer = BUILT_IN): Step {
  const { rules, running, target, total } = situation;
  const policy: PolicyOwner = answer.kind === "built-in" ? "built-in" : "user";
  const course: Course = { situation, policy, shown: shownTarget(rules, target), gangSize: rules.gangSize, nowS };
  if (isColdStart(situation)) return { decision: coldStart(course, state.delay), state };
  switch (answer.kind) {
    case "failed":
      return { decision: keep(course, state.delay, answer.reason), state };
    case "answered": {
      const decision = steer(course, answer.desired, state.delay);
      return { decision, state: { ...state, delay: decision.delay, policyState: keptPolicyState(answer.state) } };
    }
    case "built-in": {
      const desired = desiredByRequests(total, running, course.shown, rules.targetOngoingRequests);
      if (!Number.isFinite(desired)) return { decision: keep(course, state.delay, badTarget(rules)), state };
      const decision = steer(course, desired, state.delay);
      return { decision, state: decision.delay === state.delay ? state : { ...state, delay: decision.delay } };
    }
    default:
      return assertNever(answer);
  }
}

function badTarget({ targetOngoingRequests }: ScalingRules): string {
  return `target_ongoing_requests is ${targetOngoingRequests}; the built-in policy needs a number above 0`;
}

/** What every decision of one turn has in common. */
export interface Course {
  readonly situation: Situation;
  readonly policy: PolicyOwner;
  /** The target to work with. */
  readonly shown: number;
  readonly gangSize: number;
  readonly nowS: number;
}

/** Wakes a deployment of which nothing runs; a pending delay goes on. */
export function coldStart({ situation, policy, shown, gangSize, nowS }: Course, delay: DelayState): Decision {
  const { rules, running, target, total, source } = situation;
  const proposed = Math.max(Math.ceil(rules.upFactor), shown);
  const result = finalCount(rules, gangSize, proposed);
  // Written out, here and below: decisions are made by the ten thousand, and spreading costs more than the decision.
  return {
    kind: "cold-start",
    atS: nowS,
    policy,
    rules,
    running,
    target,
    total,
    source,
    shownTarget: shown,
    gangSize,
    delay,
    proposed,
    result,
  };
}

/** Keeps the target. */
export function keep(
  { situation, policy, shown, gangSize, nowS }: Course,
  delay: DelayState,
  reason: string,
): Decision {
  const { rules, running, target, total, source } = situation;
  return {
    kind: "kept",
    reason,
    atS: nowS,
    policy,
    rules,
    running,
    target,
    total,
    source,
    shownTarget: shown,
    gangSize,
    delay,
    proposed: target,
    result: target,
  };
}

/** From a policy's wish, a finite number, to the replicas to have. */
export function steer(
  { situation, policy, shown, gangSize, nowS }: Course,
  desired: number,
  delay: DelayState,
): Decision {
  const { rules, running, target, total, source } = situation;
  const scaled = scaleStep(desired, running, rules);
  let proposed = scaled;
  let after = delay;
  let delayS: number | null = null;
  // With nothing running the wish is followed at once, and what waits goes on waiting.
  if (running !== 0 || scaled <= 0) {
    const step = applyDelay(Math.max(0, scaled), shown, delay, rules, nowS);
    proposed = step.value;
    after = step.state;
    delayS = step.delayS;
  }
  const result = finalCount(rules, gangSize, proposed);
  return {
    kind: "steered",
    desired,
    scaled,
    delayS,
    atS: nowS,
    policy,
    rules,
    running,
    target,
    total,
    source,
    shownTarget: shown,
    gangSize,
    delay: after,
    proposed,
    result,
  };
}

/** Whole gangs, then the bounds, which may break a gang. */
export function finalCount(rules: ScalingRules, gangSize: number, proposed: number): number {
  return withinBounds(rules, wholeGangs(gangSize, proposed));
}

/** `replicas` rounded up to a multiple of the gang's size. */
export function wholeGangs(gangSize: number, replicas: number): number {
  return gangSize > 1 && replicas > 0 ? Math.ceil(replicas / gangSize) * gangSize : replicas;
}
