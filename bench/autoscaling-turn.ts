// node bench/autoscaling-turn.ts [--deployments N] [--rounds N]: what one turn of the autoscaler costs, on one core.
// Each deployment has 5 running replicas, and one handle that reports 5 series of 5 points and a queued one; in every
// round all reports are new. Prints the turn without and with decision records, with every record formatted (which
// happens only when somebody reads), and the turn in which nothing was reported. Times are CPU times of the deciding
// thread, so that a busy machine does not count. Needs no build.
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { valueAt } from "../src/autoscaling/aggregate.ts";
import { constantUntilS } from "../src/autoscaling/boundary.ts";
import { type Decision, decide } from "../src/autoscaling/decide.ts";
import { DecisionLog } from "../src/autoscaling/decision-log.ts";
import { explain } from "../src/autoscaling/explain.ts";
import { type Load, loadOf } from "../src/autoscaling/load.ts";
import { acceptHandleReport, emptyReports, type HandleReport, type Reports } from "../src/autoscaling/reports.ts";
import { scalingRules } from "../src/autoscaling/rules.ts";
import type { Series } from "../src/autoscaling/series.ts";
import { NEW_SCALING_STATE, type ScalingState } from "../src/autoscaling/state.ts";
import { AUTOSCALING_DEFAULTS } from "../src/config/defaults.ts";

const { values } = parseArgs({
  options: { deployments: { type: "string", default: "10000" }, rounds: { type: "string", default: "15" } },
});
const count = Number(values.deployments);
const rounds = Number(values.rounds);
const BUDGET_MS = 100;
const REPLICAS = ["r1", "r2", "r3", "r4", "r5"];
const POINTS = 5;

interface Subject {
  readonly reports: Reports;
  state: ScalingState;
  target: number;
  load: Load;
}

const rules = scalingRules({ ...AUTOSCALING_DEFAULTS, max_replicas: 100 });
let nowS = 1_790_000_000;
// A small generator of its own: the same load in every run.
let seed = 1;
const upTo = (limit: number): number => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((seed / 2 ** 32) * limit);
};

function series(): Series {
  const timesS: number[] = [];
  const levels: number[] = [];
  for (let i = 0; i < POINTS; i++) {
    timesS.push(nowS - 6 * (POINTS - i) + upTo(1_000) / 1_000);
    levels.push(upTo(8));
  }
  return { timesS, values: levels };
}

function report(): HandleReport {
  const running = new Map(REPLICAS.map((replica) => [replica, series()]));
  return { handle: "h", owner: { kind: "proxy", id: "p" }, timestampS: nowS, queued: series(), running };
}

function subjects(): Subject[] {
  return Array.from({ length: count }, () => {
    const reports = emptyReports();
    acceptHandleReport(reports, report(), 0);
    return {
      reports,
      state: NEW_SCALING_STATE,
      target: REPLICAS.length,
      load: loadOf(reports, REPLICAS, rules.aggregation),
    };
  });
}

/** Decides for one; the load is summed anew when reports came in. */
function turn(subject: Subject, reported: boolean): Decision {
  if (reported) subject.load = loadOf(subject.reports, REPLICAS, rules.aggregation);
  const { target, load, state } = subject;
  const total = valueAt(load.total, nowS);
  const step = decide({ rules, running: REPLICAS.length, target, total, source: load.source }, state, nowS);
  subject.state = step.state;
  return step.decision;
}

type Kind = (subject: Subject, index: number) => number;
const logs = Array.from({ length: count }, () => new DecisionLog());
let boundaries = 0;
const kinds: Readonly<Record<string, { readonly reported: boolean; readonly run: Kind }>> = {
  "decisions alone": { reported: true, run: (subject) => turn(subject, true).result },
  "with records": {
    reported: true,
    run: (subject, index) => {
      const decision = turn(subject, true);
      logs[index]!.add(decision);
      return decision.result;
    },
  },
  "with records, all formatted": {
    reported: true,
    run: (subject, index) => {
      const decision = turn(subject, true);
      logs[index]!.add(decision);
      return JSON.stringify(explain(decision)).length;
    },
  },
  "nothing reported": { reported: false, run: (subject) => turn(subject, false).result },
  "next boundary of each": {
    reported: false,
    run: (subject) => {
      const untilS = constantUntilS(turn(subject, false), subject.load.total);
      if (untilS > nowS) boundaries += 1;
      return untilS;
    },
  },
};

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const all = Object.fromEntries(Object.keys(kinds).map((name) => [name, subjects()]));
const times = new Map<string, number[]>(Object.keys(kinds).map((name) => [name, []]));
const WARM_UP = 5;
let guard = 0;
for (let round = 0; round < rounds + WARM_UP; round++) {
  nowS += 10;
  // One round of each after the other, so that what disturbs the machine disturbs all alike.
  const order = Object.entries(kinds);
  if (round % 2 === 1) order.reverse();
  for (const [name, { reported, run }] of order) {
    const own = all[name]!;
    if (reported) for (const subject of own) acceptHandleReport(subject.reports, report(), nowS);
    // What making the reports left behind is not the turn's.
    collectGarbage();
    const start = process.threadCpuUsage();
    for (let i = 0; i < own.length; i++) guard += run(own[i]!, i) > 0 ? 1 : 0;
    const took = process.threadCpuUsage(start);
    const tookMs = (took.user + took.system) / 1_000;
    if (round >= WARM_UP) times.get(name)!.push(tookMs);
  }
}

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1]!;
const base = median(times.get("decisions alone")!);
process.stdout.write(
  `${count} deployments, ${REPLICAS.length + 1} series of ${POINTS} points each; ${cpus()[0]?.model}\n\n`,
);
process.stdout.write("| A turn | Median | Worst | To decisions alone |\n|---|---|---|---|\n");
for (const [name, list] of times) {
  const worst = Math.max(...list);
  const ratio = (median(list) / base).toFixed(2);
  process.stdout.write(`| ${name} | ${median(list).toFixed(1)} ms | ${worst.toFixed(1)} ms | ${ratio} |\n`);
}
const skippable = ((100 * boundaries) / (count * (rounds + WARM_UP))).toFixed(0);
process.stdout.write(`\nTurns after which further ones may be skipped: ${skippable} %\n`);
const withRecords = median(times.get("with records")!);
const passed = withRecords < BUDGET_MS && guard > 0;
process.stdout.write(`${passed ? "within" : "over"} the budget of ${BUDGET_MS} ms with records\n`);
process.exitCode = passed ? 0 : 1;
