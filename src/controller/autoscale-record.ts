/** What is recorded of decisions, so that they can be explained and made again. Pure. */
import type { Decision } from "../autoscaling/decide.ts";
import { saysTheSame } from "../autoscaling/decision-log.ts";
import { explain } from "../autoscaling/explain.ts";
import { isIdle, type Reports } from "../autoscaling/reports.ts";
import type { ScalingRules } from "../autoscaling/rules.ts";
import type { ScalingState } from "../autoscaling/state.ts";
import { type KnownReports, NO_KNOWN_REPORTS, reportsDelta, type TraceEntry } from "../autoscaling/trace.ts";
import { nextTick } from "./autoscale-ticks.ts";
import type { ScalingDecision } from "./controller.ts";

/** One write of recorded decisions: key `trace/<a>/<d>/<number>`. */
export interface TraceChunk {
  readonly entries: readonly TraceEntry[];
}

/** Chunks from `first` up to, but without, `next`. */
export interface TraceRange {
  readonly first: number;
  readonly next: number;
}

/** How far the decisions on a deployment are recorded. */
export interface Recording {
  /** What the last entry told; null: the next one tells all. */
  readonly told: Told | null;
  /** Entries that are not stored yet. */
  readonly entries: readonly TraceEntry[];
  /** Decisions that say something new, and are not told yet. */
  readonly news: readonly Decision[];
  /** Chunks that were written since an entry told all. */
  readonly chunks: number;
}

interface Told {
  readonly reports: KnownReports;
  readonly idle: boolean;
  readonly rules: ScalingRules;
  readonly running: readonly string[];
  readonly target: number;
}

/** Nothing is recorded by this process. */
export const NEW_RECORDING: Recording = Object.freeze({ told: null, entries: [], news: [], chunks: 0 });

/** Chunks that are kept of one deployment and of all, so that memory stays bounded. */
const CHUNKS_OF_ONE = 2_048;
const CHUNKS_OF_ALL = 32_768;
const FEWEST_CHUNKS = 16;

/** How many chunks each of so many deployments may have. */
export function chunkLimit(deployments: number): number {
  return Math.max(FEWEST_CHUNKS, Math.min(CHUNKS_OF_ONE, Math.floor(CHUNKS_OF_ALL / Math.max(1, deployments))));
}

/** A decision that may be recorded. */
export interface Recordable {
  readonly decision: Decision;
  /** The one before it in this process. */
  readonly before: Decision | null;
  /** What was told last; asked for where this process made none before. */
  readonly toldLast: () => ScalingDecision | undefined;
  /** The memory it was made with; `fresh`: it does not follow from the decision before. */
  readonly state: ScalingState;
  readonly fresh: boolean;
  readonly running: readonly string[];
  readonly reports: Reports;
  /** When it was due, epoch ms. */
  readonly dueMs: number;
  readonly atMs: number;
  readonly answer: TraceEntry["answer"];
}

/** Whether anything is to be written. */
export function isUnwritten({ entries, news }: Recording): boolean {
  return entries.length > 0 || news.length > 0;
}

/**
 * Records a decision, unless it is one of those that only say again what the one before them said, and notes what is to
 * be told; the same recording without either. What is told is recorded, though a replay would find it between two
 * entries: where the controller dies before the later one, no replay gets there.
 */
export function recorded(recording: Recording, made: Recordable): Recording {
  const news = isNews(made);
  const noted = withEntry(recording, made, news);
  return news ? { ...noted, news: [...noted.news, made.decision] } : noted;
}

function isNews({ decision, before, toldLast }: Recordable): boolean {
  if (before !== null) return !saysTheSame(before, decision);
  if (decision.result !== decision.target) return true;
  const told = toldLast();
  return told === undefined || !looksTheSame(told, decision);
}

/** {@link saysTheSame} as far as what was told says: the load may differ where that has no effect. */
function looksTheSame(told: ScalingDecision, decision: Decision): boolean {
  return gistOf(told) === gistOf(explain(decision));
}

function gistOf({ atS, desired, adjustments, ...explained }: ReturnType<typeof explain>): string {
  const { policy, running, target, result, withoutDelays, keptBecause } = explained;
  const scaled = adjustments.find(({ kind }) => kind === "factor")?.to ?? desired;
  const steps = adjustments.flatMap((one): unknown[] => {
    const { kind, from, to } = one;
    if (kind === "factor") return [];
    if (kind !== "delay") return [[kind, from, to]];
    // Since when it waits, to the tenth of a second.
    return [[kind, from, to, one.direction, one.delayS, Math.round((atS + one.leftS - one.delayS) * 10)]];
  });
  return JSON.stringify([policy, running, target, scaled, result, withoutDelays, keptBecause, steps]);
}

function withEntry(recording: Recording, made: Recordable, news: boolean): Recording {
  const { decision, state, fresh, running, reports, answer } = made;
  const { told } = recording;
  const { rules, target, result } = decision;
  const idle = isIdle(reports);
  // A tick was left out; between ticks nothing is due that a replay would find.
  const late = Number.isFinite(made.dueMs) && nextTick(made.dueMs, Number.NEGATIVE_INFINITY) < made.atMs;
  const same =
    told !== null &&
    !news &&
    !fresh &&
    !late &&
    result === target &&
    told.rules === rules &&
    told.running === running &&
    told.target === target &&
    ((told.idle && idle) || sameReports(told.reports, reports)) &&
    (answer === undefined || (made.before !== null && saysTheSame(made.before, decision)));
  if (same) return recording;
  const { delta, known } = reportsDelta(told?.reports ?? NO_KNOWN_REPORTS, reports);
  const entry: TraceEntry = {
    atS: decision.atS,
    ...(late ? { missedFromS: made.dueMs / 1_000 } : {}),
    ...(told === null || fresh ? { state } : {}),
    ...(told === null ? { whole: true } : {}),
    ...(told?.rules === rules ? {} : { rules }),
    ...(told?.running === running ? {} : { running }),
    ...(told?.target === target ? {} : { target }),
    ...delta,
    ...(answer === undefined ? {} : { answer }),
    result,
  };
  return {
    ...recording,
    told: { reports: known, idle, rules, running, target: result },
    entries: [...recording.entries, entry],
  };
}

/**
 * The recording once its entries are in a chunk and its news are told; now and then the next entry tells all, for the
 * ring loses its oldest.
 */
export function stored(recording: Recording, limit: number): Recording {
  if (!isUnwritten(recording)) return recording;
  const chunks = recording.chunks + (recording.entries.length > 0 ? 1 : 0);
  if (chunks < limit / 4) return { ...recording, entries: [], news: [], chunks };
  return NEW_RECORDING;
}

function sameReports(known: KnownReports, reports: Reports): boolean {
  if (known.handles.size !== reports.handles.size || known.replicas.size !== reports.replicas.size) return false;
  for (const [id, { report }] of reports.handles) if (known.handles.get(id) !== report) return false;
  for (const [id, report] of reports.replicas) if (known.replicas.get(id) !== report) return false;
  return true;
}
