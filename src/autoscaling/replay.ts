/** Recorded decisions made once more by the same code. */
import { valueAt } from "./aggregate.ts";
import { constantUntilS, isFutile } from "./boundary.ts";
import { BUILT_IN, type Decision, decide, isColdStart, type PolicyAnswer, type Situation } from "./decide.ts";
import { saysTheSame } from "./decision-log.ts";
import { type Load, type LoadSource, loadOf, NO_LOAD } from "./load.ts";
import { emptyReports, isIdle, type Reports } from "./reports.ts";
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
  const found: ReplayFound = { decisions: [], differences: [] };
  const replayer = new Replayer(uninterrupted);
  const wanted = { timesS: alsoAtS, next: 0 };
  for (const entry of entries) replayer.take(entry, found, wanted);
  const endS = alsoAtS.at(-1);
  if (endS !== undefined) replayer.run(endS + 0.5 / TICKS_A_SECOND, found, wanted);
  return found;
}

/** {@link Replay} while it is made. */
export interface ReplayFound {
  readonly decisions: Decision[];
  readonly differences: { readonly atS: number; readonly recorded: number; readonly replayed: number }[];
}

/** Ticks that are asked for, epoch seconds in order, and which of them comes next. */
export interface WantedTicks {
  readonly timesS: readonly number[];
  next: number;
}

const NO_TICKS: WantedTicks = Object.freeze({ timesS: Object.freeze([]), next: 0 });

/** A replay that goes on entry by entry, and can be taken up again from a copy. */
export class Replayer {
  readonly #uninterrupted: boolean;
  readonly #reports: Reports = emptyReports();
  #state: ScalingState = NEW_SCALING_STATE;
  #load: Load = NO_LOAD;
  /** Its source between entries; undefined: nobody has asked. */
  #between: LoadSource | undefined;
  #rules: ScalingRules | undefined;
  #running: readonly string[] = [];
  #target = 0;
  #last: Decision | undefined;
  #hosted = false;

  /** `uninterrupted`: see {@link ReplayOptions}. */
  constructor(uninterrupted = false) {
    this.#uninterrupted = uninterrupted;
  }

  /** The decision it made last. */
  get last(): Decision | undefined {
    return this.#last;
  }

  /** One that goes on from here by itself. */
  copy(): Replayer {
    const copy = new Replayer(this.#uninterrupted);
    // What the maps hold is never changed.
    for (const [id, report] of this.#reports.handles) copy.#reports.handles.set(id, report);
    for (const [id, report] of this.#reports.replicas) copy.#reports.replicas.set(id, report);
    copy.#state = this.#state;
    copy.#load = this.#load;
    copy.#between = this.#between;
    copy.#rules = this.#rules;
    copy.#running = this.#running;
    copy.#target = this.#target;
    copy.#last = this.#last;
    copy.#hosted = this.#hosted;
    return copy;
  }

  /** Decides what the next entry is about, and what was decided before it without being recorded. */
  take(entry: TraceEntry, found: ReplayFound, wanted: WantedTicks = NO_TICKS): void {
    const uninterrupted = this.#uninterrupted;
    if (this.#rules === undefined && !(entry.whole && entry.rules)) return;
    const anew = entry.state !== undefined && (!uninterrupted || this.#rules === undefined || !entry.whole);
    // What fired between two entries was not recorded as it happened.
    if (!anew) this.run(entry.atS, found, wanted, uninterrupted ? entry.atS : (entry.missedFromS ?? entry.atS));
    if (anew) this.#state = entry.state!;
    if (anew || !uninterrupted) this.#target = entry.target ?? this.#target;
    const rules = sameOr(this.#rules, entry.rules);
    this.#rules = rules;
    this.#running = entry.running ?? this.#running;
    applyDelta(this.#reports, entry);
    this.#load = loadOf(this.#reports, this.#running, rules.aggregation);
    this.#between = undefined;
    this.#hosted = entry.answer !== undefined;
    const situation = this.#situationAt(entry.atS);
    const decision = this.#make(situation, entry.atS, answerOf(entry, situation));
    found.decisions.push(decision);
    if (!uninterrupted && decision.result !== entry.result)
      found.differences.push({ atS: entry.atS, recorded: entry.result, replayed: decision.result });
    this.#target = uninterrupted ? decision.result : entry.result;
  }

  /** What is decided before `endS` without anything new; ticks from `missedS` on were left out, unless they are wanted. */
  run(
    endS: number,
    found: ReplayFound,
    wanted: WantedTicks = NO_TICKS,
    missedS: number = Number.POSITIVE_INFINITY,
  ): void {
    while (this.#last !== undefined && !this.#hosted) {
      const before: Decision = this.#last;
      while (wanted.next < wanted.timesS.length && wanted.timesS[wanted.next]! <= before.atS) wanted.next += 1;
      const wantedS = wanted.timesS[wanted.next] ?? Number.POSITIVE_INFINITY;
      const tickS = tickAfter(before, this.#load) / TICKS_A_SECOND;
      const atS = Math.min(wantedS, tickS < missedS ? tickS : Number.POSITIVE_INFINITY);
      if (atS >= endS) return;
      const decision = this.#make({ ...this.#situationAt(atS), source: this.#sourceBetween() }, atS);
      if (atS === wantedS || !saysTheSame(before, decision)) found.decisions.push(decision);
      if (decision.result === this.#target) continue;
      if (!this.#uninterrupted) found.differences.push({ atS, recorded: this.#target, replayed: decision.result });
      this.#target = decision.result;
    }
  }

  #situationAt(atS: number): Situation {
    return {
      rules: this.#rules!,
      running: this.#running.length,
      target: this.#target,
      total: valueAt(this.#load.total, atS),
      source: this.#load.source,
    };
  }

  /** Reports of nothing are recorded no more once there was one, so the age of the newest is not known. */
  #sourceBetween(): LoadSource {
    const { source } = this.#load;
    this.#between ??= isIdle(this.#reports) ? { ...source, oldestS: null, newestS: null } : source;
    return this.#between;
  }

  #make(situation: Situation, atS: number, answer?: PolicyAnswer): Decision {
    const step = decide(situation, this.#state, atS, answer);
    this.#state = step.state;
    this.#last = step.decision;
    return step.decision;
  }
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
  if (decision.result !== decision.target) return next;
  // The config makes the built-in policy fail: time changes nothing.
  if (decision.kind === "kept") return Number.POSITIVE_INFINITY;
  const standing = isFutile(decision) && decision.kind === "steered" ? { ...decision, delayS: null } : decision;
  const untilS = constantUntilS(standing, load.total);
  if (untilS === Number.POSITIVE_INFINITY) return untilS;
  let tick = Math.max(next, Math.floor(untilS * TICKS_A_SECOND) - 1);
  while (tick / TICKS_A_SECOND < untilS) tick += 1;
  return tick;
}
