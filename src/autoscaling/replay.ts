/** Recorded decisions made once more by the same code. */
import { valueAt } from "./aggregate.ts";
import { constantUntilS } from "./boundary.ts";
import { BUILT_IN, type Decision, decide, isColdStart, type PolicyAnswer, type Situation } from "./decide.ts";
import { type Load, loadOf, NO_LOAD } from "./load.ts";
import { emptyReports } from "./reports.ts";
import type { ScalingRules } from "./rules.ts";
import { NEW_SCALING_STATE, type ScalingState } from "./state.ts";
import { applyDelta, type TraceEntry } from "./trace.ts";

/** Seconds between two decisions, as ticks a second: times of ticks are whole numbers divided by it. */
const TICKS_A_SECOND = 10;

/** What a replay found. */
export interface Replay {
  /** The decisions in order: those that were recorded, and those at which something fired. */
  readonly decisions: readonly Decision[];
  /** Moments at which it decided otherwise than was recorded, epoch seconds; empty where the record is true. */
  readonly differences: readonly { readonly atS: number; readonly recorded: number; readonly replayed: number }[];
}

/**
 * Decides again, at each recorded moment and at each tick between them. A record begins with an entry that tells all,
 * so entries before the first such are passed over.
 */
export function replay(entries: readonly TraceEntry[]): Replay {
  const decisions: Decision[] = [];
  const differences: { atS: number; recorded: number; replayed: number }[] = [];
  const reports = emptyReports();
  let state: ScalingState = NEW_SCALING_STATE;
  let load: Load = NO_LOAD;
  let rules: ScalingRules | undefined;
  let running: readonly string[] = [];
  let target = 0;
  let last: Decision | undefined;
  let hosted = false;
  const situationAt = (atS: number): Situation => ({
    rules: rules!,
    running: running.length,
    target,
    total: valueAt(load.total, atS),
    source: load.source,
  });

  for (const entry of entries) {
    if (rules === undefined && !(entry.whole && entry.rules)) continue;
    if (entry.state === undefined && last !== undefined && !hosted) {
      // What fired between two entries was not recorded as it happened.
      const endS = entry.missedFromS ?? entry.atS;
      for (let tick = tickAfter(last, load); tick / TICKS_A_SECOND < endS; tick = tickAfter(last, load)) {
        const atS = tick / TICKS_A_SECOND;
        const step = decide(situationAt(atS), state, atS);
        state = step.state;
        last = step.decision;
        if (last.result === target) continue;
        decisions.push(last);
        differences.push({ atS, recorded: target, replayed: last.result });
        target = last.result;
      }
    }
    state = entry.state ?? state;
    rules = entry.rules ?? rules!;
    running = entry.running ?? running;
    target = entry.target ?? target;
    applyDelta(reports, entry);
    load = loadOf(reports, running, rules.aggregation);
    const situation = situationAt(entry.atS);
    const answer = answerOf(entry, situation);
    hosted = entry.answer !== undefined;
    const step = decide(situation, state, entry.atS, answer);
    state = step.state;
    last = step.decision;
    decisions.push(last);
    if (last.result !== entry.result)
      differences.push({ atS: entry.atS, recorded: entry.result, replayed: last.result });
    target = entry.result;
  }
  return { decisions, differences };
}

function answerOf({ answer }: TraceEntry, situation: Situation): PolicyAnswer {
  if (answer === undefined) return BUILT_IN;
  if ("failed" in answer || isColdStart(situation)) {
    return { kind: "failed", reason: "failed" in answer ? answer.failed : "" };
  }
  return { kind: "answered", desired: answer.desired, state: {} };
}

/** The next tick after a decision at which the outcome may differ; ticks are counted from the epoch. */
function tickAfter(decision: Decision, load: Load): number {
  const next = Math.floor(decision.atS * TICKS_A_SECOND + 1e-6) + 1;
  if (decision.result !== decision.target || decision.kind === "kept") return next;
  const untilS = constantUntilS(decision, load.total);
  if (untilS === Number.POSITIVE_INFINITY) return untilS;
  let tick = Math.max(next, Math.floor(untilS * TICKS_A_SECOND) - 1);
  while (tick / TICKS_A_SECOND < untilS) tick += 1;
  return tick;
}
