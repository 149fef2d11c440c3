/** What the reports on a deployment come to: which series count, and their totals. */
import { type AggregationFunction, type LoadCurve, loadCurve, mergeAndAggregate, valueAt } from "./aggregate.ts";
import { type Reports, RUNNING_REQUESTS } from "./reports.ts";
import type { Series } from "./series.ts";

/** Where the running requests were counted, and how old what counted is. */
export interface LoadSource {
  /** Replicas' own counts silence those of the handles; "none": nobody has any running. */
  readonly runningFrom: "replicas" | "handles" | "none";
  /** Series that counted, queued ones among them. */
  readonly series: number;
  /** Times of the oldest and newest report that counted, epoch seconds; null without one. */
  readonly oldestS: number | null;
  readonly newestS: number | null;
}

/** The load of a deployment until other reports come in or other replicas run. */
export interface Load {
  readonly total: LoadCurve;
  readonly source: LoadSource;
}

/** The load without any report. */
export const NO_LOAD: Load = Object.freeze({
  total: Object.freeze({ kind: "level", value: 0 }),
  source: Object.freeze({ runningFrom: "none", series: 0, oldestS: null, newestS: null }),
});

/** Sums what counts for a deployment whose replicas `running` run. Unchanged reports and replicas give an equal load. */
export function loadOf(reports: Reports, running: readonly string[], by: AggregationFunction): Load {
  if (reports.handles.size === 0 && reports.replicas.size === 0) return NO_LOAD;
  const series: Series[] = [];
  let oldestS = Number.POSITIVE_INFINITY;
  let newestS = Number.NEGATIVE_INFINITY;
  const count = (counted: Series, timestampS: number): void => {
    series.push(counted);
    if (timestampS < oldestS) oldestS = timestampS;
    if (timestampS > newestS) newestS = timestampS;
  };
  let runningFrom: LoadSource["runningFrom"] = "none";
  if (reports.replicas.size > 0) {
    for (const replica of running) {
      const report = reports.replicas.get(replica);
      const own = report?.metrics.get(RUNNING_REQUESTS);
      if (own && own.timesS.length > 0) count(own, report!.timestampS);
    }
    if (series.length > 0) runningFrom = "replicas";
  }
  if (runningFrom === "none") {
    for (const { report } of reports.handles.values()) {
      if (report.running.size === 0) continue;
      for (const replica of running) {
        const own = report.running.get(replica);
        if (own && own.timesS.length > 0) count(own, report.timestampS);
      }
    }
    if (series.length > 0) runningFrom = "handles";
  }
  for (const { report } of reports.handles.values()) {
    if (report.queued.timesS.length > 0) count(report.queued, report.timestampS);
  }
  if (series.length === 0) return NO_LOAD;
  return { total: loadCurve(series, by), source: { runningFrom, series: series.length, oldestS, newestS } };
}

/** The totals a policy may read, in requests. */
export interface Totals {
  readonly total: number;
  readonly queued: number;
  /** Never negative. */
  readonly running: number;
}

/** The totals at `nowS`; the queued ones are aggregated by themselves and the running ones are the rest. */
export function totalsOf(load: Load, reports: Reports, by: AggregationFunction, nowS: number): Totals {
  const total = valueAt(load.total, nowS);
  const waiting = [...reports.handles.values()].map(({ report }) => report.queued);
  const queued = mergeAndAggregate(waiting, by, nowS);
  return { total, queued, running: Math.max(0, total - queued) };
}

/** Each metric of the running replicas by metric and replica: aggregated at `nowS`, or as reported. */
export interface ReplicaMetrics {
  readonly aggregated: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly raw: Readonly<Record<string, Readonly<Record<string, Series>>>>;
}

/** The metrics that running replicas report of themselves, {@link RUNNING_REQUESTS} among them if they count it. */
export function replicaMetrics(
  reports: Reports,
  running: readonly string[],
  by: AggregationFunction,
  nowS: number,
): ReplicaMetrics {
  // Names come from users; an object without a prototype takes any.
  const aggregated: Record<string, Record<string, number>> = Object.create(null);
  const raw: Record<string, Record<string, Series>> = Object.create(null);
  for (const replica of running) {
    for (const [name, series] of reports.replicas.get(replica)?.metrics ?? []) {
      aggregated[name] ??= Object.create(null) as Record<string, number>;
      raw[name] ??= Object.create(null) as Record<string, Series>;
      aggregated[name][replica] = mergeAndAggregate([series], by, nowS);
      raw[name][replica] = series;
    }
  }
  return { aggregated, raw };
}
