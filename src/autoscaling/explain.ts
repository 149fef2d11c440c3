/** Decisions in a form to show: made from the decision when someone reads it, so that deciding stays cheap. */
import { assertNever } from "../core/assert-never.ts";
import { type Decision, finalCount, wholeGangs } from "./decide.ts";
import { throughOne } from "./delay.ts";

/** A step that made one number of replicas into another, in the order they were taken. */
export type Adjustment =
  /** Nothing ran and requests waited: no policy was asked. */
  | { readonly kind: "cold-start"; readonly from: number; readonly to: number }
  /** The step up or down was multiplied, then rounded up; a factor of 1 only rounds. */
  | { readonly kind: "factor"; readonly factor: number; readonly from: number; readonly to: number }
  /** Nothing ran, so the wish is followed without delay. */
  | { readonly kind: "nothing-runs"; readonly from: number; readonly to: number }
  | { readonly kind: "not-negative"; readonly from: number; readonly to: number }
  /** The wish has to last `leftS` more seconds of `delayS`. */
  | {
      readonly kind: "delay";
      readonly direction: "up" | "down";
      readonly delayS: number;
      readonly leftS: number;
      readonly from: number;
      readonly to: number;
    }
  /** None is reached from one replica only. */
  | { readonly kind: "through-one"; readonly from: number; readonly to: number }
  | { readonly kind: "gang"; readonly gangSize: number; readonly from: number; readonly to: number }
  | { readonly kind: "lower-bound" | "upper-bound"; readonly from: number; readonly to: number };

/** A decision as users and tools read it. Plain JSON. */
export interface DecisionRecord {
  /** Epoch seconds. */
  readonly atS: number;
  readonly policy: "built-in" | "user";
  readonly running: number;
  readonly target: number;
  readonly totalRequests: number;
  readonly load: {
    readonly runningFrom: "replicas" | "handles" | "none";
    readonly series: number;
    /** Seconds since the oldest and newest report that counted; null without one. */
    readonly oldestAgeS: number | null;
    readonly newestAgeS: number | null;
  };
  /** The policy's own wish; null when it was not asked or had none. */
  readonly desired: number | null;
  readonly adjustments: readonly Adjustment[];
  readonly result: number;
  /** What the result would be if no delay applied. */
  readonly withoutDelays: number;
  /** Why the target was kept without a wish; null otherwise. */
  readonly keptBecause: string | null;
}

/** Explains a decision. */
export function explain(decision: Decision): DecisionRecord {
  const { atS, policy, running, target, total, source, result } = decision;
  const age = (timeS: number | null): number | null => (timeS === null ? null : atS - timeS);
  return {
    atS,
    policy,
    running,
    target,
    totalRequests: total,
    load: {
      runningFrom: source.runningFrom,
      series: source.series,
      oldestAgeS: age(source.oldestS),
      newestAgeS: age(source.newestS),
    },
    desired: decision.kind === "steered" ? decision.desired : null,
    adjustments: adjustmentsOf(decision),
    result,
    withoutDelays: withoutDelays(decision),
    keptBecause: decision.kind === "kept" ? decision.reason : null,
  };
}

/** The result if no delay applied; wishes for none go through one replica all the same. */
export function withoutDelays(decision: Decision): number {
  if (decision.kind !== "steered") return decision.result;
  const { rules, gangSize, running, scaled, shownTarget } = decision;
  const followed = running === 0 && scaled > 0 ? scaled : throughOne(Math.max(0, scaled), shownTarget);
  return finalCount(rules, gangSize, followed);
}

function adjustmentsOf(decision: Decision): Adjustment[] {
  switch (decision.kind) {
    case "kept":
      return [];
    case "cold-start":
      return [{ kind: "cold-start", from: decision.target, to: decision.proposed }, ...finalAdjustments(decision)];
    case "steered":
      return [...steering(decision), ...finalAdjustments(decision)];
    default:
      return assertNever(decision);
  }
}

function steering(decision: Extract<Decision, { kind: "steered" }>): Adjustment[] {
  const { rules, running, desired, scaled, shownTarget, delay, delayS, proposed, atS } = decision;
  const found: Adjustment[] = [];
  if (scaled !== desired) {
    const factor = running === 0 ? 1 : desired > running ? rules.upFactor : rules.downFactor;
    found.push({ kind: "factor", factor, from: desired, to: scaled });
  }
  if (running === 0 && scaled > 0) {
    if (scaled !== shownTarget) found.push({ kind: "nothing-runs", from: shownTarget, to: scaled });
    return found;
  }
  const floored = Math.max(0, scaled);
  if (floored !== scaled) found.push({ kind: "not-negative", from: scaled, to: floored });
  const stepped = throughOne(floored, shownTarget);
  if (stepped !== floored) found.push({ kind: "through-one", from: floored, to: stepped });
  if (delay.kind !== "none" && delayS !== null) {
    const leftS = Math.max(0, delayS - (atS - delay.sinceS));
    found.push({ kind: "delay", direction: delay.kind, delayS, leftS, from: stepped, to: proposed });
  }
  return found;
}

function finalAdjustments({ gangSize, proposed, result }: Decision): Adjustment[] {
  const found: Adjustment[] = [];
  const whole = wholeGangs(gangSize, proposed);
  if (whole !== proposed) found.push({ kind: "gang", gangSize, from: proposed, to: whole });
  if (result !== whole) {
    found.push({ kind: result > whole ? "lower-bound" : "upper-bound", from: whole, to: result });
  }
  return found;
}
