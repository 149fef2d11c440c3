// node bench/controller-turn.ts [--deployments N] [--one N] [--rounds N] [--store memory|embedded]: what a whole turn of the
// controller costs, on one core: the real reconciler on a store, with an engine that runs no processes and on virtual time.
// N autoscaled deployments are all reported anew in each round, with one router's report of a queue and a series a replica;
// then one round in which every target changes. Prints the turn by its parts, the time in which one application with many
// deployments settles, and what an instance costs at which nothing happens. Times are CPU times of the deciding thread, so
// that a busy machine does not count; the parts come from a profile of further rounds. Needs no build.
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { build, type Instance } from "./lib/controller-instance.ts";
import { median as medianOf } from "./lib/stats.ts";
import { profiled } from "./lib/turn-profile.ts";

const { values } = parseArgs({
  options: {
    deployments: { type: "string", default: "10000" },
    one: { type: "string", default: "2000" },
    rounds: { type: "string", default: "7" },
    store: { type: "string", default: "embedded" },
  },
});
const count = Number(values.deployments);
const inOne = Number(values.one);
const rounds = Number(values.rounds);
const kind = values.store === "memory" ? "memory" : "embedded";
/** Of the part that is the controller's own, without the store's. */
const OWN_BUDGET_MS = 100;
/** Percent of a whole turn. */
const RECORDS_BUDGET = 5;
const PER_APPLICATION = Math.min(100, count);
const QUIET = { health_check_period_s: 3600 };
const SCALED = {
  ...QUIET,
  autoscaling_config: { min_replicas: 1, max_replicas: 10, target_ongoing_requests: 2, upscale_delay_s: 0 },
};

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;

/** CPU milliseconds of this thread. */
async function cpuMs(work: () => unknown): Promise<number> {
  const start = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(start);
  return (user + system) / 1_000;
}

async function turns(): Promise<boolean> {
  const instance = await build(kind);
  const applications = Math.ceil(count / PER_APPLICATION);
  await instance.deploy(applications, PER_APPLICATION, SCALED);
  const total = applications * PER_APPLICATION;
  print(`${total} deployments in ${applications} applications, ${kind} store; ${cpus()[0]?.model}\n`);

  const WARM_UP = 3;
  const ingest: number[] = [];
  const turn: number[] = [];
  const store: number[] = [];
  for (let round = 0; round < WARM_UP + rounds; round++) {
    await instance.advance(10_000);
    instance.storeMs = 0;
    const reported = await cpuMs(() => instance.report(1));
    const decided = await cpuMs(() => instance.advance(1_200));
    if (round < WARM_UP) continue;
    ingest.push(reported);
    turn.push(decided);
    store.push(instance.storeMs);
  }
  print("| All reported anew, no target changes | Median |\n|---|---|");
  print(`| taking the reports in | ${ms(medianOf(ingest))} |`);
  print(`| the turn | ${ms(medianOf(turn))} |`);
  print(`| … of it the store's transaction | ${ms(medianOf(store))} |`);
  const own = medianOf(turn) - medianOf(store);
  print(`| … and the controller's own | ${ms(own)} |`);
  const steady = await parts("no target changes", instance, rounds, 1);

  instance.storeMs = 0;
  instance.report(4);
  const changed = await cpuMs(() => instance.advance(150));
  print("\n| Every target changes, and a replica is started for each | Once |\n|---|---|");
  print(`| the turn | ${ms(changed)} |`);
  print(`| … of it the store's transaction | ${ms(instance.storeMs)} |`);
  print(`| until they run | ${ms(await cpuMs(() => instance.advance(5_000)))} |`);
  await instance.close();
  const another = await build(kind);
  await another.deploy(applications, PER_APPLICATION, SCALED);
  await parts("every target changes", another, 1, 4);
  await another.close();
  print(`\ncontroller's own part: ${own < OWN_BUDGET_MS ? "within" : "over"} the budget of ${OWN_BUDGET_MS} ms`);
  print(`decision records: ${(steady.get("records") ?? 0).toFixed(1)} % of the turn, budget ${RECORDS_BUDGET} %`);
  return own < OWN_BUDGET_MS && (steady.get("records") ?? 0) <= RECORDS_BUDGET;
}

/** Profiles further rounds; percent of the whole by part. */
async function parts(title: string, instance: Instance, times: number, level: number): Promise<Map<string, number>> {
  const sums = new Map<string, number>();
  for (let round = 0; round < times; round++) {
    await instance.advance(10_000);
    for (const [part, took] of await profiled(async () => {
      instance.report(level);
      await instance.advance(1_200);
    }, instance.recordShare)) {
      sums.set(part, (sums.get(part) ?? 0) + took);
    }
  }
  const all = [...sums.values()].reduce((sum, took) => sum + took, 0);
  print(`\n| Parts (profile), ${title} | Share | Time |\n|---|---|---|`);
  const sorted = [...sums].sort(([, a], [, b]) => b - a);
  for (const [part, took] of sorted) print(`| ${part} | ${((100 * took) / all).toFixed(1)} % | ${ms(took / times)} |`);
  return new Map(sorted.map(([part, took]) => [part, (100 * took) / all]));
}

async function settling(): Promise<void> {
  const instance = await build(kind);
  instance.spreadMs = 5 * inOne;
  const took = await cpuMs(() => instance.deploy(1, inOne, { health_check_period_s: 3600 }));
  print(`\n| One application with ${inOne} deployments | |\n|---|---|`);
  print(`| settles in | ${ms(took)} |`);
  print(`| … by turns | ${instance.transactions} that wrote |`);
  const seconds = 60;
  const idle = await cpuMs(() => instance.advance(seconds * 1_000));
  print(`| nothing happens | ${((100 * idle) / (seconds * 1_000)).toFixed(2)} % of a core |`);
  await instance.close();
  const checked = await build(kind);
  await checked.deploy(1, inOne, {});
  await checked.advance(20_000);
  const health = await cpuMs(() => checked.advance(seconds * 1_000));
  print(
    `| each replica's health is checked every 10 s | ${((100 * health) / (seconds * 1_000)).toFixed(2)} % of a core |`,
  );
  await checked.close();
}

const within = await turns();
await settling();
process.exitCode = within ? 0 : 1;
