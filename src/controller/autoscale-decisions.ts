/** Decisions as they are shown: those of this process, and before them those that an earlier one recorded. */
import { DecisionLog, type LoggedDecision, saysTheSame } from "../autoscaling/decision-log.ts";
import { explain } from "../autoscaling/explain.ts";
import { replay } from "../autoscaling/replay.ts";
import type { TraceEntry } from "../autoscaling/trace.ts";
import type { Store } from "../store/store.ts";
import type { TraceChunk } from "./autoscale-record.ts";
import type { ScalingDecision } from "./controller.ts";
import { keys } from "./records.ts";

/** Decisions that are shown at most. */
const MOST = 1_000;

/** What is recorded of the decisions on a deployment or by its shadow, oldest first; what is younger than a second may not be stored yet. */
export function recordedEntries(store: Store, application: string, deployment: string, shadow = false): TraceEntry[] {
  const folder = keys.trace(application, deployment, 0, shadow).slice(0, -8);
  return store.range(folder).flatMap(({ value }) => (JSON.parse(value) as TraceChunk).entries);
}

/** The decisions that differ from the one before them, newest first. */
export function decisionsMade(
  log: readonly LoggedDecision[],
  entries: readonly TraceEntry[],
  shadow = false,
): readonly ScalingDecision[] {
  const beganS = log[0]?.first.atS ?? Number.POSITIVE_INFINITY;
  const earlier = new DecisionLog(MOST);
  for (const decision of replay(entries.filter(({ atS }) => atS < beganS)).decisions) earlier.add(decision);
  return joined(earlier.list(), log)
    .slice(-MOST)
    .reverse()
    .map((logged) => decisionShown(logged, shadow));
}

/** Both lists; where the first ends as the second begins, that is one decision. */
function joined(earlier: readonly LoggedDecision[], later: readonly LoggedDecision[]): readonly LoggedDecision[] {
  const [before, after] = [earlier.at(-1), later[0]];
  if (before === undefined || after === undefined) return [...earlier, ...later];
  const { rules } = after.first;
  const same =
    JSON.stringify(before.last.rules) === JSON.stringify(rules) && saysTheSame({ ...before.last, rules }, after.first);
  if (!same) return [...earlier, ...later];
  const one = { first: before.first, last: after.last, turns: before.turns + after.turns };
  return [...earlier.slice(0, -1), one, ...later.slice(1)];
}

/** A decision for those who read it. */
export function decisionShown({ first, last, turns }: LoggedDecision, shadow = false): ScalingDecision {
  return { ...explain(last), sinceS: first.atS, turns, ...(shadow ? { shadow } : {}) };
}
