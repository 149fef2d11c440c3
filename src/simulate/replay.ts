/** A recording of a running instance beside its replay: whether the same code decides the same once more. */
import type { Decision } from "../autoscaling/decide.ts";
import { type DecisionRecord, explain } from "../autoscaling/explain.ts";
import { replay } from "../autoscaling/replay.ts";
import type { TraceEntry } from "../autoscaling/trace.ts";

/** A decision as an instance told it while it ran. */
export type ToldDecision = Pick<
  DecisionRecord,
  "atS" | "running" | "target" | "totalRequests" | "desired" | "adjustments" | "result" | "withoutDelays"
>;

/** One number that the instance and the replay do not agree on. */
export interface Difference {
  /** Epoch seconds. */
  readonly atS: number;
  /** What differs: "result", "desired", "told" (decided in the replay and not told), … */
  readonly what: string;
  readonly live: number | string | null;
  readonly replayed: number | string | null;
}

/** What {@link compareDecisions} looked at and found. */
export interface Comparison {
  /** Recorded moments that were decided again, and decisions that the instance told. */
  readonly recorded: number;
  readonly told: number;
  /** Recorded changes of the target. */
  readonly changes: number;
  /** Empty where all is the same. */
  readonly differences: readonly Difference[];
}

/**
 * Replays a recording and compares it with itself, and with what was told of each decision: moments, loads, wishes,
 * steps and targets, to the last bit. What was told was recorded, however often controllers were killed; so was each
 * change of the target told. `told` is in order; decisions before the recording are passed over.
 */
export function compareDecisions(entries: readonly TraceEntry[], told: readonly ToldDecision[]): Comparison {
  const firstS = entries.find(({ whole }) => whole)?.atS ?? Number.POSITIVE_INFINITY;
  const heard = told.filter(({ atS }) => atS >= firstS);
  const { decisions, differences } = replay(entries, { alsoAtS: heard.map(({ atS }) => atS) });
  const found: Difference[] = differences.map(({ atS, recorded, replayed }) => ({
    atS,
    what: "result",
    live: recorded,
    replayed,
  }));
  const byTime = Map.groupBy(decisions, ({ atS }) => atS);
  for (const live of heard) {
    const made = byTime.get(live.atS) ?? [];
    const tries = made.map((decision) => differing(live, decision));
    const best = tries.toSorted((a, b) => a.length - b.length)[0];
    found.push(...(best ?? [{ atS: live.atS, what: "decided", live: live.result, replayed: null }]));
  }
  const changesTold = new Set(heard.filter(({ result, target }) => result !== target).map(({ atS }) => atS));
  const firstToldS = heard[0]?.atS ?? Number.POSITIVE_INFINITY;
  for (const { atS, result, target } of decisions) {
    if (result === target || atS < firstToldS || changesTold.has(atS)) continue;
    found.push({ atS, what: "told", live: null, replayed: result });
  }
  const steps = targetSteps(entries);
  const recorded = entries.filter(({ atS }) => atS >= firstS).length;
  return { recorded, told: heard.length, changes: Math.max(0, steps.length - 1), differences: found };
}

/** The numbers in which a decision that was told differs from a replayed one. */
function differing(live: ToldDecision, decision: Decision): Difference[] {
  const made = explain(decision);
  const found: Difference[] = [];
  const compare = (what: string, a: number | string | null, b: number | string | null): void => {
    if (a !== b) found.push({ atS: live.atS, what, live: a, replayed: b });
  };
  compare("running", live.running, made.running);
  compare("target", live.target, made.target);
  compare("load", live.totalRequests, made.totalRequests);
  compare("desired", live.desired, made.desired);
  compare("result", live.result, made.result);
  compare("without delays", live.withoutDelays, made.withoutDelays);
  // A wish that ends at a bound waits again and again, and ticks at which it does are left out.
  if (!endsAtBound(decision)) compare("steps", JSON.stringify(live.adjustments), JSON.stringify(made.adjustments));
  return found;
}

function endsAtBound(decision: Decision): boolean {
  if (decision.kind !== "steered" || decision.delayS === null || decision.result !== decision.target) return false;
  const { scaled, shownTarget, target, rules } = decision;
  return scaled < shownTarget ? target <= rules.lower : target >= rules.upper;
}

/** A target and from when on it held, epoch seconds. */
export interface TargetStep {
  readonly atS: number;
  readonly target: number;
}

/** How the target went by the recording, from its first entry that tells all. */
export function targetSteps(entries: readonly TraceEntry[]): TargetStep[] {
  const from = entries.findIndex(({ whole }) => whole);
  return stepsOf(from < 0 ? [] : entries.slice(from).map(({ atS, result }) => ({ atS, target: result })));
}

/** How the target would have gone if the controller had never been away; see `uninterrupted` of `replay`. */
export function uninterruptedSteps(entries: readonly TraceEntry[]): TargetStep[] {
  const { decisions } = replay(entries, { uninterrupted: true });
  return stepsOf(decisions.map(({ atS, result }) => ({ atS, target: result })));
}

function stepsOf(all: readonly TargetStep[]): TargetStep[] {
  return all.filter(({ target }, i) => i === 0 || target !== all[i - 1]!.target);
}

/** A stretch of time in which two courses of a target differ; epoch seconds. */
export interface Divergence {
  readonly fromS: number;
  readonly toS: number;
  readonly live: number;
  readonly replayed: number;
}

/** Where two courses of a target differ, from the later of their beginnings to `endS`, epoch seconds. */
export function divergences(live: readonly TargetStep[], replayed: readonly TargetStep[], endS: number): Divergence[] {
  const beginS = Math.max(live[0]?.atS ?? endS, replayed[0]?.atS ?? endS);
  const moments = [...new Set([beginS, ...[...live, ...replayed].map(({ atS }) => atS), endS])]
    .filter((atS) => atS >= beginS && atS <= endS)
    .sort((a, b) => a - b);
  const at = (steps: readonly TargetStep[], atS: number): number => steps.findLast((step) => step.atS <= atS)!.target;
  const found: Divergence[] = [];
  for (let i = 0; i + 1 < moments.length; i++) {
    const [fromS, toS] = [moments[i]!, moments[i + 1]!];
    const [a, b] = [at(live, fromS), at(replayed, fromS)];
    if (a === b) continue;
    const before = found.at(-1);
    if (before?.toS === fromS && before.live === a && before.replayed === b)
      found[found.length - 1] = { ...before, toS };
    else found.push({ fromS, toS, live: a, replayed: b });
  }
  return found;
}

/** A time in which the controller was away, epoch seconds. */
export interface Outage {
  readonly fromS: number;
  readonly toS: number;
}

/** What of the divergences lies neither in an outage nor in the `graceS` seconds after one. */
export function beyondOutages(
  all: readonly Divergence[],
  outages: readonly Outage[],
  graceS: number,
): readonly Divergence[] {
  return outages.reduce<readonly Divergence[]>(
    (rest, outage) =>
      rest.flatMap((one) => {
        const [fromS, toS] = [outage.fromS, outage.toS + graceS];
        return [
          { ...one, toS: Math.min(one.toS, fromS) },
          { ...one, fromS: Math.max(one.fromS, toS) },
        ].filter((part) => part.toS > part.fromS);
      }),
    all,
  );
}
