/** How many requests there were, and how many replicas, by what was recorded of decisions. */
import { mergeSeries } from "./merge.ts";
import { emptyReports, type Reports, RUNNING_REQUESTS } from "./reports.ts";
import type { Series } from "./series.ts";
import { applyDelta, type TraceEntry } from "./trace.ts";

/** What is known of one deployment between two moments. Times are epoch seconds. */
export interface RecordedLoad {
  readonly fromS: number;
  readonly toS: number;
  /** Requests that waited or were worked on, of all routers and replicas together, as they were sampled. */
  readonly requests: Series;
  /** In columns: from `timesS[i]` on so many replicas were wanted, and ran. */
  readonly replicas: {
    readonly timesS: readonly number[];
    readonly target: readonly number[];
    readonly running: readonly number[];
  };
}

/**
 * Reads a recording that goes on until `nowS`: what was not recorded after its last entry did not change. undefined: it
 * tells nothing.
 */
export function recordedLoad(entries: readonly TraceEntry[], nowS: number): RecordedLoad | undefined {
  const begin = entries.findIndex(({ whole }) => whole);
  if (begin < 0) return undefined;
  const reports = emptyReports();
  const all = new Map<string, Growing>();
  let running = 0;
  const replicas = { timesS: [] as number[], target: [] as number[], running: [] as number[] };
  for (const entry of entries.slice(begin)) {
    applyDelta(reports, entry);
    const counted = countedSeries(reports);
    for (const [name, one] of counted) extend(all, name, one);
    for (const [name, series] of all) if (!counted.has(name)) end(series, entry.atS);
    running = entry.running?.length ?? running;
    if (replicas.target.at(-1) === entry.result && replicas.running.at(-1) === running) continue;
    replicas.timesS.push(entry.atS);
    replicas.target.push(entry.result);
    replicas.running.push(running);
  }
  const fromS = entries[begin]!.atS;
  const toS = Math.max(nowS, entries.at(-1)!.atS);
  return { fromS, toS, requests: changesOf(mergeSeries([...all.values()])), replicas };
}

/** The part of it between two moments, each of them within it; undefined: there is none. */
export function loadBetween(load: RecordedLoad, fromS: number, toS: number): RecordedLoad | undefined {
  const [beginS, endS] = [Math.max(fromS, load.fromS), Math.min(toS, load.toS)];
  if (endS <= beginS) return undefined;
  const requests = cut(load.requests.timesS, beginS, endS);
  const replicas = cut(load.replicas.timesS, beginS, endS);
  const part = <T>(column: readonly T[], { from, to }: Cut): T[] => column.slice(from, to);
  return {
    fromS: beginS,
    toS: endS,
    requests: { timesS: requests.timesS, values: part(load.requests.values, requests) },
    replicas: {
      timesS: replicas.timesS,
      target: part(load.replicas.target, replicas),
      running: part(load.replicas.running, replicas),
    },
  };
}

interface Cut {
  readonly timesS: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** From what held at `beginS` on; its moment becomes `beginS`. */
function cut(timesS: readonly number[], beginS: number, endS: number): Cut {
  const from = Math.max(
    0,
    timesS.findLastIndex((timeS) => timeS <= beginS),
  );
  const after = timesS.findIndex((timeS) => timeS >= endS);
  const to = after < 0 ? timesS.length : after;
  return { timesS: timesS.slice(from, to).map((timeS) => Math.max(timeS, beginS)), from, to };
}

interface Growing {
  readonly timesS: number[];
  readonly values: number[];
}

/** A series that is summed. */
interface Counted {
  readonly series: Series;
  /** When whoever counts it took samples: where it has none, nothing was there. */
  readonly sampledS: readonly number[];
}

/** The series that are summed, by a name of their own: as for decisions, counts of replicas silence those of routers. */
function countedSeries({ handles, replicas }: Reports): Map<string, Counted> {
  const counted = new Map<string, Counted>();
  for (const [id, { metrics }] of replicas) {
    const own = metrics.get(RUNNING_REQUESTS);
    if (own && own.timesS.length > 0) counted.set(`replica\0${id}`, { series: own, sampledS: own.timesS });
  }
  const byHandles = counted.size === 0;
  for (const [id, { report }] of handles) {
    const { queued, running } = report;
    const sampledS = [...new Set([queued, ...running.values()].flatMap(({ timesS }) => timesS))].sort((a, b) => a - b);
    counted.set(`queued\0${id}`, { series: queued, sampledS });
    if (byHandles)
      for (const [replica, series] of running) counted.set(`running\0${id}\0${replica}`, { series, sampledS });
  }
  return counted;
}

/** Adds the points that are later than those there are. */
function extend(all: Map<string, Growing>, name: string, { series: { timesS, values }, sampledS }: Counted): void {
  let series = all.get(name);
  if (series === undefined) {
    series = { timesS: [], values: [] };
    all.set(name, series);
  }
  const lastS = series.timesS.at(-1) ?? Number.NEGATIVE_INFINITY;
  timesS.forEach((timeS, i) => {
    if (timeS <= lastS) return;
    series.timesS.push(timeS);
    series.values.push(values[i]!);
  });
  const newestS = series.timesS.at(-1) ?? Number.POSITIVE_INFINITY;
  const missedS = sampledS.find((timeS) => timeS > newestS);
  if (missedS !== undefined) end(series, missedS);
}

/** Nobody counts it any more. */
function end(series: Growing, atS: number): void {
  if ((series.values.at(-1) ?? 0) === 0 || atS <= series.timesS.at(-1)!) return;
  series.timesS.push(atS);
  series.values.push(0);
}

/** Without points that change nothing; samples of several routers may add up to less than nothing by rounding. */
function changesOf({ timesS, values }: Series): Series {
  const levels = values.map((value) => Math.max(0, value));
  const kept = levels.flatMap((value, i) => (i > 0 && value === levels[i - 1] ? [] : [i]));
  return { timesS: kept.map((i) => timesS[i]!), values: kept.map((i) => levels[i]!) };
}
