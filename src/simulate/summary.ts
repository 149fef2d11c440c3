/** Results in numbers: of one deployment, and of all together. */
import { nameOf } from "./assign.ts";
import type { Outcome } from "./deployment.ts";
import { allWaits, waitAt } from "./tally.ts";

/** The numbers of one deployment, or of several; seconds unless the name says otherwise. */
export interface Summary {
  /** These are null where only how many requests there were at a time is known. */
  readonly requests: number | null;
  readonly completed: number | null;
  readonly shed: number | null;
  readonly timedOut: number | null;
  readonly noReplica: number | null;
  readonly dropped: number | null;
  readonly unserved: number | null;
  /** How long requests waited for a replica; null: there were none. */
  readonly waitP50S: number | null;
  readonly waitP99S: number | null;
  readonly waitMaxS: number | null;
  readonly replicaSeconds: number;
  /** Of the requests that the replicas could have worked on, those that they did, 0 to 1; null: none ever served. */
  readonly utilisation: number | null;
  /** The most replicas that served at a time, of each deployment. */
  readonly peakReplicas: number;
  readonly scaleUps: number;
  readonly scaleDowns: number;
  readonly flaps: number;
}

/** One metric of the report: its name in tables, in documents, and how it is written. */
export interface Metric {
  readonly title: string;
  readonly key: string;
  readonly value: (summary: Summary) => number | null;
  readonly format: (value: number) => string;
}

const count = (value: number): string => value.toLocaleString("en-US");
const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

/** A number of seconds for people: 8 ms, 1.25 s, 2 min 5 s, 3.5 h. */
export function formatSeconds(valueS: number): string {
  if (valueS === 0) return "0 s";
  if (valueS < 0.9995) return `${Math.max(1, Math.round(valueS * 1000))} ms`;
  if (valueS < 60) return `${Number(valueS.toFixed(2))} s`;
  if (valueS < 3600) return `${Math.floor(valueS / 60)} min ${Math.floor(valueS % 60)} s`;
  return `${Number((valueS / 3600).toFixed(2))} h`;
}

/** All metrics, in the order of tables. */
export const METRICS: readonly Metric[] = [
  { title: "requests", key: "requests", value: (s) => s.requests, format: count },
  { title: "completed", key: "completed", value: (s) => s.completed, format: count },
  { title: "shed", key: "shed", value: (s) => s.shed, format: count },
  { title: "timed out", key: "timed_out", value: (s) => s.timedOut, format: count },
  { title: "no replica", key: "no_replica", value: (s) => s.noReplica, format: count },
  { title: "dropped", key: "dropped", value: (s) => s.dropped, format: count },
  { title: "unserved", key: "unserved", value: (s) => s.unserved, format: count },
  { title: "wait p50", key: "wait_p50_s", value: (s) => s.waitP50S, format: formatSeconds },
  { title: "wait p99", key: "wait_p99_s", value: (s) => s.waitP99S, format: formatSeconds },
  { title: "wait max", key: "wait_max_s", value: (s) => s.waitMaxS, format: formatSeconds },
  {
    title: "replica-hours",
    key: "replica_seconds",
    value: (s) => s.replicaSeconds,
    format: (value) => (value / 3600).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 }),
  },
  { title: "utilisation", key: "utilisation", value: (s) => s.utilisation, format: percent },
  { title: "peak replicas", key: "peak_replicas", value: (s) => s.peakReplicas, format: count },
  { title: "scaled up", key: "scale_ups", value: (s) => s.scaleUps, format: count },
  { title: "scaled down", key: "scale_downs", value: (s) => s.scaleDowns, format: count },
  { title: "flaps", key: "flaps", value: (s) => s.flaps, format: count },
];

/** The numbers of all these deployments together. */
export function summarize(outcomes: readonly Outcome[]): Summary {
  const sum = (pick: (outcome: Outcome) => number): number => outcomes.reduce((all, outcome) => all + pick(outcome), 0);
  const waits = allWaits(outcomes.map((outcome) => outcome.waits));
  const slots = sum(({ slotSeconds }) => slotSeconds);
  const loadOnly = outcomes.some((outcome) => outcome.loadOnly);
  const count = (which: keyof Outcome["requests"]): number | null =>
    loadOnly ? null : sum(({ requests }) => requests[which]);
  return {
    requests: count("arrived"),
    completed: count("completed"),
    shed: count("shed"),
    timedOut: count("timedOut"),
    noReplica: count("noReplica"),
    dropped: count("dropped"),
    unserved: count("unserved"),
    waitP50S: waitAt(waits, 0.5),
    waitP99S: waitAt(waits, 0.99),
    waitMaxS: waitAt(waits, 1),
    replicaSeconds: sum(({ replicaSeconds }) => replicaSeconds),
    utilisation: slots > 0 ? sum(({ workedSeconds }) => workedSeconds) / slots : null,
    peakReplicas: sum(({ peakReplicas }) => peakReplicas),
    scaleUps: sum(({ scaleUps }) => scaleUps),
    scaleDowns: sum(({ scaleDowns }) => scaleDowns),
    flaps: sum(({ flaps }) => flaps),
  };
}

/** The metrics that something is known of. */
export function metricsOf({ runs }: Report): readonly Metric[] {
  const all = runs.map(({ outcomes }) => summarize(outcomes));
  const loadOnly = all.some(({ requests }) => requests === null);
  return loadOnly ? METRICS.filter(({ value }) => all.some((summary) => value(summary) !== null)) : METRICS;
}

/** A metric as text; "-" where there is none. */
export function cell({ value, format }: Metric, summary: Summary): string {
  const number = value(summary);
  return number === null ? "-" : format(number);
}

/** What a run came to, and what it was made of. */
export interface Report {
  /** What the trace is called, and its length in seconds. */
  readonly trace: string;
  readonly lengthS: number;
  /** What second 0 is, epoch seconds; null: the trace does not say. */
  readonly startS: number | null;
  readonly replicaStartS: number;
  readonly seed: number;
  /** Of each config its deployments, in the same order. */
  readonly runs: readonly Run[];
}

/** One config's part of a report. */
export interface Run {
  /** What the config is called. */
  readonly config: string;
  readonly outcomes: readonly Outcome[];
}

/** A report as plain JSON; times in seconds from the start of the trace. */
export function documentOf({ trace, lengthS, startS, replicaStartS, seed, runs }: Report): Record<string, unknown> {
  return {
    trace: { file: trace, length_s: lengthS, start_time_s: startS },
    replica_start_s: replicaStartS,
    seed,
    configs: runs.map(({ config, outcomes }) => ({
      file: config,
      total: numbersOf(summarize(outcomes)),
      deployments: outcomes.map((outcome) => ({
        name: nameOf(outcome),
        ...numbersOf(summarize([outcome])),
        targets: targetsOf(outcome),
        ...(outcome.policyFailures === undefined ? {} : { policy_failures: outcome.policyFailures.count }),
        ...(outcome.schedule === undefined
          ? {}
          : { windows: outcome.schedule.changes.map(({ atS, open }) => ({ at_s: atS, open })) }),
      })),
    })),
  };
}

function numbersOf(summary: Summary): Record<string, number | null> {
  return Object.fromEntries(METRICS.map(({ key, value }) => [key, value(summary)]));
}

/** When the target became what, the first one at 0. */
function targetsOf({ timeline: { timesS, target } }: Outcome): { at_s: number; replicas: number }[] {
  return target.flatMap((replicas, i) => (replicas === target[i - 1] ? [] : [{ at_s: timesS[i]!, replicas }]));
}
