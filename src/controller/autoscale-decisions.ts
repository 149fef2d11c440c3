/** Decisions as they are shown: those of this process, and before them those that an earlier one recorded. */
import { DecisionLog, type LoggedDecision } from "../autoscaling/decision-log.ts";
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
  return [...earlier.list(), ...log]
    .slice(-MOST)
    .reverse()
    .map((logged) => decisionShown(logged, shadow));
}

/** A decision for those who read it. */
export function decisionShown({ first, last, turns }: LoggedDecision, shadow = false): ScalingDecision {
  return { ...explain(last), sinceS: first.atS, turns, ...(shadow ? { shadow } : {}) };
}
