/** What decisions were made on, as it is recorded: each entry says what changed since the one before it. Plain JSON. */
import type { HandleReport, ReplicaReport, Reports } from "./reports.ts";
import type { ScalingRules } from "./rules.ts";
import type { Series } from "./series.ts";
import type { ScalingState } from "./state.ts";

/** A decision with what was new about its inputs. */
export interface TraceEntry {
  /** When it was made, epoch seconds. */
  readonly atS: number;
  /** The first tick at which something was due and nothing was decided, because the turn came late; absent: none. */
  readonly missedFromS?: number;
  /** The memory before the decision, where it does not follow from the entry before: nothing before counts then. */
  readonly state?: ScalingState;
  /** Whether all reports are told here; else those that came and went. */
  readonly whole?: true;
  readonly rules?: ScalingRules;
  /** Ids of the replicas that run. */
  readonly running?: readonly string[];
  /** Where it is not the result of the entry before. */
  readonly target?: number;
  readonly handles?: readonly HandleDelta[];
  readonly replicas?: readonly ReplicaDelta[];
  /** Handles and replicas whose reports were dropped. */
  readonly gone?: readonly string[];
  /** What a policy said that a replay cannot ask; absent: the built-in one was asked. */
  readonly answer?: { readonly desired: number } | { readonly failed: string };
  /** Replicas to have. */
  readonly result: number;
}

/** A report beside the one before it: by series how many points went at the beginning, and those that came at the end. */
export interface HandleDelta {
  readonly id: string;
  readonly timestampS: number;
  readonly queued: SeriesDelta;
  readonly running: Readonly<Record<string, SeriesDelta>>;
}

/** The same of a replica's report of itself. */
export interface ReplicaDelta {
  readonly id: string;
  readonly timestampS: number;
  readonly metrics: Readonly<Record<string, SeriesDelta>>;
}

/** `[points dropped, times added, values added]`. */
export type SeriesDelta = readonly [dropped: number, timesS: readonly number[], values: readonly number[]];

/** The reports that the last entry knew. */
export interface KnownReports {
  readonly handles: ReadonlyMap<string, HandleReport>;
  readonly replicas: ReadonlyMap<string, ReplicaReport>;
}

/** Nobody has reported. */
export const NO_KNOWN_REPORTS: KnownReports = Object.freeze({ handles: new Map(), replicas: new Map() });

/** What of the present reports the last entry did not know. */
export function reportsDelta(
  known: KnownReports,
  reports: Reports,
): { readonly delta: Pick<TraceEntry, "handles" | "replicas" | "gone">; readonly known: KnownReports } {
  const handles = new Map([...reports.handles].map(([id, { report }]) => [id, report] as const));
  const replicas = new Map(reports.replicas);
  const gone = [...known.handles.keys(), ...known.replicas.keys()].filter(
    (id) => !handles.has(id) && !replicas.has(id),
  );
  const handleDeltas = [...handles]
    .filter(([id, report]) => known.handles.get(id) !== report)
    .map(([id, report]): HandleDelta => {
      const before = known.handles.get(id);
      return {
        id,
        timestampS: report.timestampS,
        queued: seriesDelta(before?.queued, report.queued),
        running: deltasOf(before?.running, report.running),
      };
    });
  const replicaDeltas = [...replicas]
    .filter(([id, report]) => known.replicas.get(id) !== report)
    .map(([id, report]): ReplicaDelta => {
      const metrics = deltasOf(known.replicas.get(id)?.metrics, report.metrics);
      return { id, timestampS: report.timestampS, metrics };
    });
  return {
    delta: {
      ...(handleDeltas.length > 0 ? { handles: handleDeltas } : {}),
      ...(replicaDeltas.length > 0 ? { replicas: replicaDeltas } : {}),
      ...(gone.length > 0 ? { gone } : {}),
    },
    known: { handles, replicas },
  };
}

/** Brings reports to what they were at an entry, in place. */
export function applyDelta(reports: Reports, entry: TraceEntry): void {
  if (entry.whole) {
    reports.handles.clear();
    reports.replicas.clear();
  }
  for (const id of entry.gone ?? []) {
    reports.handles.delete(id);
    reports.replicas.delete(id);
  }
  for (const { id, timestampS, queued, running } of entry.handles ?? []) {
    const before = reports.handles.get(id)?.report;
    const report: HandleReport = {
      handle: id,
      owner: { kind: "other", id: null },
      timestampS,
      queued: withDelta(before?.queued, queued),
      running: new Map(
        Object.entries(running).map(([name, delta]) => [name, withDelta(before?.running.get(name), delta)]),
      ),
    };
    reports.handles.set(id, { report, receivedMonoS: 0 });
  }
  for (const { id, timestampS, metrics } of entry.replicas ?? []) {
    const before = reports.replicas.get(id)?.metrics;
    const all = Object.entries(metrics).map(([name, delta]) => [name, withDelta(before?.get(name), delta)] as const);
    reports.replicas.set(id, { replica: id, timestampS, metrics: new Map(all) });
  }
}

function deltasOf(
  before: ReadonlyMap<string, Series> | undefined,
  after: ReadonlyMap<string, Series>,
): Record<string, SeriesDelta> {
  // Names come from users; unlike an assignment, this takes any.
  return Object.fromEntries([...after].map(([name, series]) => [name, seriesDelta(before?.get(name), series)]));
}

/** Windows move on: points go at the beginning and come at the end. Whatever else happened, all points are told. */
function seriesDelta(before: Series | undefined, { timesS, values }: Series): SeriesDelta {
  const had = before?.timesS.length ?? 0;
  const dropped = timesS.length === 0 ? had : (before?.timesS.indexOf(timesS[0]!) ?? -1);
  const kept = had - dropped;
  const moved =
    before !== undefined &&
    dropped >= 0 &&
    kept <= timesS.length &&
    before.timesS
      .slice(dropped)
      .every((timeS, at) => timeS === timesS[at] && before.values[dropped + at] === values[at]);
  if (!moved) return [had, timesS, values];
  return [dropped, timesS.slice(kept), values.slice(kept)];
}

function withDelta(before: Series | undefined, [dropped, timesS, values]: SeriesDelta): Series {
  return {
    timesS: [...(before?.timesS.slice(dropped) ?? []), ...timesS],
    values: [...(before?.values.slice(dropped) ?? []), ...values],
  };
}
