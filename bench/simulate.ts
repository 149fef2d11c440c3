// node bench/simulate.ts [--deployments N] [--hours N]: how long a day of traffic for 100 deployments takes to simulate, on
// one core, with decisions at the reference's 0.1 s ticks. Each deployment has a day with a quiet night, a rush and its own
// size; the traffic is the same in every run. Prints CPU time, so that a busy machine does not count. Needs no build.
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { validateDeployConfig } from "../src/config/check.ts";
import { type Load, simulate } from "../src/simulate/run.ts";
import { subjectsOf } from "../src/simulate/subject.ts";
import type { RateRow } from "../src/simulate/traffic.ts";

const { values } = parseArgs({
  options: { deployments: { type: "string", default: "100" }, hours: { type: "string", default: "24" } },
});
const count = Number(values.deployments);
const horizonS = 3600 * Number(values.hours);
const BUDGET_S = 10;
/** Steady for so long, then another rate. */
const ROW_S = 300;

/** A rush by day around a mean of about `rps`, nothing for some hours of the night. */
function day(rps: number, serviceS: number, shiftS: number): RateRow[] {
  return Array.from({ length: Math.ceil(horizonS / ROW_S) }, (_, row) => {
    const startS = row * ROW_S;
    const wave = Math.sin((2 * Math.PI * (startS + shiftS)) / 86_400);
    const rush = row % 12 === 5 ? 1.6 : 1;
    return {
      startS,
      endS: Math.min(horizonS, startS + ROW_S),
      rps: Math.max(0, rps * (1 + 1.3 * wave) * rush),
      serviceS,
    };
  });
}

const deployments = Array.from({ length: count }, (_, i) => ({
  name: `d${i}`,
  max_ongoing_requests: 5,
  autoscaling_config: { min_replicas: i % 4 === 0 ? 0 : 1, max_replicas: 20, target_ongoing_requests: 2 },
}));
const checked = validateDeployConfig({ applications: [{ import_path: "./app.ts:app", deployments }] });
if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
const found = subjectsOf(checked.config);
if (!found.ok) throw new Error(JSON.stringify(found.problems));
const loads: Load[] = found.subjects.map((subject, i) => {
  const serviceS = 0.25 * (1 + (i % 8));
  const rows = day(0.4 + (i % 10) / 5, serviceS, (i % 24) * 3600);
  return { key: subject.deployment, subject, traffic: { kind: "rates", rows } };
});

const start = process.threadCpuUsage();
const outcomes = simulate(loads, { replicaStartS: 2, seed: 1, epochS: 1_790_000_000, horizonS });
const took = process.threadCpuUsage(start);
const tookS = (took.user + took.system) / 1e6;
const sum = (pick: (outcome: (typeof outcomes)[number]) => number): number =>
  outcomes.reduce((all, outcome) => all + pick(outcome), 0);
const format = (value: number): string => Math.round(value).toLocaleString("en-US");
process.stdout.write(`${cpus()[0]?.model}\n\n| ${count} deployments, ${values.hours} h | |\n|---|---|\n`);
const rows: [string, string][] = [
  ["CPU time", `${tookS.toFixed(2)} s`],
  ["requests", format(sum(({ requests }) => requests.arrived))],
  ["ticks of 0.1 s", format(sum(({ endS }) => endS) * 10)],
  ["of them decided, the others proven to decide the same", format(sum(({ decided }) => decided))],
  ["replica-hours", format(sum(({ replicaSeconds }) => replicaSeconds) / 3600)],
  ["changes of targets", format(sum(({ scaleUps, scaleDowns }) => scaleUps + scaleDowns))],
];
for (const row of rows) process.stdout.write(`| ${row.join(" | ")} |\n`);
process.stdout.write(`\n${tookS < BUDGET_S ? "within" : "over"} the budget of ${BUDGET_S} s\n`);
process.exitCode = tookS < BUDGET_S ? 0 : 1;
