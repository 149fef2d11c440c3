/** Decisions in the form that is shown, and what is recorded of them. */
import type { Decision } from "../autoscaling/decide.ts";
import { type LoggedDecision, saysTheSame } from "../autoscaling/decision-log.ts";
import { explain } from "../autoscaling/explain.ts";
import type { TraceEntry } from "../autoscaling/trace.ts";
import type { Store } from "../store/store.ts";
import type { TraceChunk } from "./autoscale-record.ts";
import type { ScalingDecision } from "./controller.ts";
import { keys } from "./records.ts";

/** What is recorded of the decisions on a deployment or by its shadow, oldest first; what is younger than a second may not be stored yet. */
export function recordedEntries(
  store: Pick<Store, "range">,
  application: string,
  deployment: string,
  shadow = false,
): TraceEntry[] {
  const folder = keys.trace(application, deployment, 0, shadow).slice(0, -8);
  return store.range(folder).flatMap(({ value }) => (JSON.parse(value) as TraceChunk).entries);
}

/** Both lists, oldest first; where the first ends as the second begins, that is one decision. */
export function joined(
  earlier: readonly LoggedDecision[],
  later: readonly LoggedDecision[],
): readonly LoggedDecision[] {
  const [before, after] = [earlier.at(-1), later[0]];
  if (before === undefined || after === undefined || !saysTheSameAs(before.last, after.first)) {
    return [...earlier, ...later];
  }
  const one = { first: before.first, last: after.last, turns: before.turns + after.turns };
  return [...earlier.slice(0, -1), one, ...later.slice(1)];
}

/** {@link saysTheSame} of decisions that were made by different runs, whose rules are different objects. */
export function saysTheSameAs(a: Decision, b: Decision): boolean {
  return JSON.stringify(a.rules) === JSON.stringify(b.rules) && saysTheSame({ ...a, rules: b.rules }, b);
}

/** A decision for those who read it. */
export function decisionShown({ first, last, turns }: LoggedDecision, shadow = false): ScalingDecision {
  return { ...explain(last), sinceS: first.atS, turns, ...(shadow ? { shadow } : {}) };
}
