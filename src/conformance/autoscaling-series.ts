/** Cases of series: merging, reducing, pruning, totals of reports, and when reports are dropped. */
import { type AggregationFunction, aggregate, mergeAndAggregate, timeWeightedMean } from "../autoscaling/aggregate.ts";
import { handleTimeoutS } from "../autoscaling/intervals.ts";
import { loadOf, replicaMetrics, totalsOf } from "../autoscaling/load.ts";
import { mergeSeries } from "../autoscaling/merge.ts";
import {
  acceptHandleReport,
  acceptReplicaReport,
  dropStaleHandles,
  emptyReports,
  type HandleReport,
  type Reports,
  RUNNING_REQUESTS,
  restoreReports,
  saveReports,
} from "../autoscaling/reports.ts";
import { addSample, prune, type Series, type SeriesStore, seriesOf } from "../autoscaling/series.ts";
import type { CaseRunner, Outcome } from "./case.ts";

type Points = readonly (readonly [number, number])[];

const pointsOf = ({ timesS, values }: Series): Points => timesS.map((timeS, i) => [timeS, values[i]!] as const);

/** A series function of the product; the case's function tells which. */
export const runSeriesCase: CaseRunner = (vector) => {
  const run = FUNCTIONS[vector.fn as string];
  if (!run) return { kind: "failed", expected: "a known function", actual: vector.fn };
  return compareNearly(vector.expected, run(vector.input as Input));
};

type Input = Readonly<Record<string, unknown>>;

const FUNCTIONS: Readonly<Record<string, (input: Input) => unknown>> = {
  merge: (input) => pointsOf(mergeSeries(manyOf(input))),
  time_weighted_average: (input) =>
    timeWeightedMean(oneOf(input), orNull(input.window_start), orNull(input.window_end), input.last_window_s as number),
  aggregate: (input) => aggregate(oneOf(input), byOf(input), orNull(input.window_start), input.last_window_s as number),
  merge_and_aggregate: (input) => mergeAndAggregate(manyOf(input), byOf(input), input.now as number),
  prune: runPrune,
  controller_totals: runTotals,
  handle_staleness: runStaleness,
};

const oneOf = (input: Input): Series => seriesOf(input.series as Points);
const manyOf = (input: Input): Series[] => (input.series as Points[]).map(seriesOf);
const byOf = (input: Input): AggregationFunction => input.function as AggregationFunction;
const orNull = (value: unknown): number | null => (value ?? null) as number | null;

function runPrune(input: Input): unknown {
  const store: SeriesStore = new Map();
  for (const [name, points] of Object.entries(input.insertions as Record<string, Points>)) {
    for (const [timeS, value] of points) addSample(store, name, timeS, value);
  }
  prune(store, input.start_timestamp as number);
  return Object.fromEntries([...store].map(([name, series]) => [name, pointsOf(series)]));
}

interface RecordedHandle {
  readonly timestamp: number;
  readonly queued: Points;
  readonly running: Readonly<Record<string, Points>>;
}
interface RecordedReplica {
  readonly timestamp: number;
  readonly metrics: Readonly<Record<string, Points>>;
}

/** The vectors' name for {@link RUNNING_REQUESTS}. */
const RECORDED_RUNNING = "running";

function runTotals(input: Input): unknown {
  const reports = reportsOf(input);
  const [running, by, now] = [input.running_replicas as string[], byOf(input), input.now as number];
  // Through the store and back, as after a restart.
  const restored = restoreReports(JSON.parse(JSON.stringify(saveReports(reports, now, 0))), now, 0);
  const totals = totalsOf(loadOf(restored, running, by), restored, by, now);
  const { aggregated } = replicaMetrics(restored, running, by, now);
  return {
    total_num_requests: totals.total,
    total_queued_requests: totals.queued,
    total_running_requests: totals.running,
    aggregated_metrics: Object.fromEntries(
      Object.entries(aggregated).map(([name, byReplica]) => [
        name === RUNNING_REQUESTS ? RECORDED_RUNNING : name,
        byReplica,
      ]),
    ),
  };
}

function reportsOf(input: Input): Reports {
  const reports = emptyReports();
  for (const [handle, told] of Object.entries(input.handle_reports as Record<string, RecordedHandle>)) {
    const running = new Map(Object.entries(told.running).map(([replica, points]) => [replica, seriesOf(points)]));
    const owner = { kind: "other", id: null } as const;
    const queued = seriesOf(told.queued);
    acceptHandleReport(reports, { handle, owner, timestampS: told.timestamp, queued, running }, 0);
  }
  for (const [replica, told] of Object.entries(input.replica_reports as Record<string, RecordedReplica>)) {
    const metrics = new Map(
      Object.entries(told.metrics).map(([name, points]) => [
        name === RECORDED_RUNNING ? RUNNING_REQUESTS : name,
        seriesOf(points),
      ]),
    );
    acceptReplicaReport(reports, { replica, timestampS: told.timestamp, metrics });
  }
  return reports;
}

type StaleEvent =
  | {
      readonly op: "report";
      readonly mono: number;
      readonly handle: string;
      readonly actor: string | null;
      readonly source: string;
      readonly timestamp: number;
      readonly queued: number;
    }
  | { readonly op: "drop"; readonly mono: number; readonly alive_actors: readonly string[] };

const OWNER_KINDS: Readonly<Record<string, HandleReport["owner"]["kind"]>> = { PROXY: "proxy", REPLICA: "replica" };

function runStaleness(input: Input): unknown {
  const reports = emptyReports();
  const timeoutS = handleTimeoutS(input.metrics_interval_s as number);
  return (input.events as StaleEvent[]).map((event) => {
    if (event.op === "drop") {
      dropStaleHandles(reports, new Set(event.alive_actors), timeoutS, event.mono);
      return { remaining: [...reports.handles.keys()] };
    }
    const owner = { kind: OWNER_KINDS[event.source] ?? "other", id: event.actor } as const;
    const queued = { timesS: [event.timestamp], values: [event.queued] };
    const report = { handle: event.handle, owner, timestampS: event.timestamp, queued, running: new Map() };
    return { accepted: acceptHandleReport(reports, report, event.mono) };
  });
}

/** Relative; the reference has two numeric paths that differ in the last bits. Times of today are compared closer. */
const TOLERANCE = 1e-9;
const MOST_APART = 1e-6;

/** Passed when equal as JSON but for the last bits of numbers. */
function compareNearly(expected: unknown, actual: unknown): Outcome {
  return nearlyEqual(expected, actual) ? { kind: "passed" } : { kind: "failed", expected, actual };
}

function nearlyEqual(expected: unknown, actual: unknown): boolean {
  if (typeof expected === "number" && typeof actual === "number") {
    const apart = TOLERANCE * Math.max(Math.abs(expected), Math.abs(actual));
    return Math.abs(expected - actual) <= Math.min(apart, MOST_APART);
  }
  if (typeof expected !== "object" || typeof actual !== "object" || expected === null || actual === null) {
    return expected === actual;
  }
  if (Array.isArray(expected) !== Array.isArray(actual)) return false;
  const [wanted, got] = [Object.entries(expected), new Map(Object.entries(actual))];
  return (
    wanted.length === got.size && wanted.every(([name, value]) => got.has(name) && nearlyEqual(value, got.get(name)))
  );
}
