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

/** What is recorded of a deployment's decisions, oldest first; what is younger than a second may not be stored yet. */
export function recordedEntries(store: Store, application: string, deployment: string): TraceEntry[] {
  const folder = keys.trace(application, deployment, 0).slice(0, -8);
  return store.range(folder).flatMap(({ value }) => (JSON.parse(value) as TraceChunk).entries);
}

/** The decisions that differ from the one before them, newest first. */
export function decisionsMade(
  log: readonly LoggedDecision[],
  entries: readonly TraceEntry[],
): readonly ScalingDecision[] {
  const beganS = log[0]?.first.atS ?? Number.POSITIVE_INFINITY;
  const earlier = new DecisionLog(MOST);
  for (const decision of replay(entries.filter(({ atS }) => atS < beganS)).decisions) earlier.add(decision);
  return [...earlier.list(), ...log].slice(-MOST).reverse().map(decisionShown);
}

/** A decision for those who read it. */
export function decisionShown({ first, last, turns }: LoggedDecision): ScalingDecision {
  return { ...explain(last), sinceS: first.atS, turns };
}
