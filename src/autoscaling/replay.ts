/** Recorded decisions made once more by the same code. */
import { valueAt } from "./aggregate.ts";
import { constantUntilS } from "./boundary.ts";
import { BUILT_IN, type Decision, decide, isColdStart, type PolicyAnswer, type Situation } from "./decide.ts";
import { saysTheSame } from "./decision-log.ts";
import { type Load, loadOf, NO_LOAD } from "./load.ts";
import { emptyReports } from "./reports.ts";
import type { ScalingRules } from "./rules.ts";
import { NEW_SCALING_STATE, type ScalingState } from "./state.ts";
import { applyDelta, type TraceEntry } from "./trace.ts";

/** Seconds between two decisions, as ticks a second: times of ticks are whole numbers divided by it. */
const TICKS_A_SECOND = 10;

/** What a replay found. */
export interface Replay {
  /** The decisions in order: those that were recorded, those that say something new between them, those asked for. */
  readonly decisions: readonly Decision[];
  /** Moments at which it decided otherwise than was recorded, epoch seconds; empty where the record is true. */
  readonly differences: readonly { readonly atS: number; readonly recorded: number; readonly replayed: number }[];
}

/** How to replay. */
export interface ReplayOptions {
  /** Ticks to decide at besides, epoch seconds, in order; those past the last entry, too. Default: none. */
  readonly alsoAtS?: readonly number[];
  /**
   * Replays as if the controller had never been away: nothing was missed, memory and target are the replay's own, and
   * only what was deployed begins anew. Default: false; then memory and target are the recorded ones.
   */
  readonly uninterrupted?: boolean;
}

/**
 * Decides again, at each recorded moment and at each tick between them. A record begins with an entry that tells all,
 * so entries before the first such are passed over.
 */
export function replay(entries: readonly TraceEntry[], options: ReplayOptions = {}): Replay {
  const { alsoAtS = [], uninterrupted = false } = options;
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
  let also = 0;
  const situationAt = (atS: number): Situation => ({
    rules: rules!,
    running: running.length,
    target,
    total: valueAt(load.total, atS),
    source: load.source,
  });
  const make = (atS: number, answer?: PolicyAnswer): Decision => {
    const step = decide(situationAt(atS), state, atS, answer);
    state = step.state;
    last = step.decision;
    return last;
  };
  /** What was decided before `endS` without being recorded; ticks from `missedS` on were left out. */
  const between = (endS: number, missedS: number): void => {
    while (last !== undefined && !hosted) {
      const before: Decision = last;
      while (also < alsoAtS.length && alsoAtS[also]! <= before.atS) also += 1;
      const wantedS = alsoAtS[also] ?? Number.POSITIVE_INFINITY;
      const tickS = tickAfter(before, load) / TICKS_A_SECOND;
      const atS = Math.min(wantedS, tickS < missedS ? tickS : Number.POSITIVE_INFINITY);
      if (atS >= endS) return;
      const decision = make(atS);
      if (atS === wantedS || !saysTheSame(before, decision)) decisions.push(decision);
      if (decision.result === target) continue;
      if (!uninterrupted) differences.push({ atS, recorded: target, replayed: decision.result });
      target = decision.result;
    }
  };

  for (const entry of entries) {
    if (rules === undefined && !(entry.whole && entry.rules)) continue;
    const anew = entry.state !== undefined && (!uninterrupted || rules === undefined || !entry.whole);
    // What fired between two entries was not recorded as it happened.
    if (!anew) between(entry.atS, uninterrupted ? entry.atS : (entry.missedFromS ?? entry.atS));
    if (anew) state = entry.state!;
    if (anew || !uninterrupted) target = entry.target ?? target;
    rules = sameOr(rules, entry.rules);
    running = entry.running ?? running;
    applyDelta(reports, entry);
    load = loadOf(reports, running, rules.aggregation);
    hosted = entry.answer !== undefined;
    const decision = make(entry.atS, answerOf(entry, situationAt(entry.atS)));
    decisions.push(decision);
    if (!uninterrupted && decision.result !== entry.result)
      differences.push({ atS: entry.atS, recorded: entry.result, replayed: decision.result });
    target = uninterrupted ? decision.result : entry.result;
  }
  const endS = alsoAtS.at(-1);
  if (endS !== undefined) between(endS + 0.5 / TICKS_A_SECOND, Number.POSITIVE_INFINITY);
  return { decisions, differences };
}

function answerOf({ answer }: TraceEntry, situation: Situation): PolicyAnswer {
  if (answer === undefined) return BUILT_IN;
  if ("failed" in answer || isColdStart(situation)) {
    return { kind: "failed", reason: "failed" in answer ? answer.failed : "" };
  }
  return { kind: "answered", desired: answer.desired, state: {} };
}

/** Rules that say the same are the same object, as in the controller: decisions under them are told by it. */
function sameOr(known: ScalingRules | undefined, told: ScalingRules | undefined): ScalingRules {
  return told === undefined || (known !== undefined && JSON.stringify(known) === JSON.stringify(told)) ? known! : told;
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
