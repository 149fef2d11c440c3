// node bench/autoscale-live.ts [--seconds N] [--kill-every N] …: a real instance under a load that changes, then the
// same decisions once more from what it recorded. Exits with 1 where they differ. docs/bench.md says how to read it.
import { appendFileSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { recordedEntries } from "../src/controller/autoscale-decisions.ts";
import {
  beyondOutages,
  compareDecisions,
  divergences,
  type Outage,
  targetSteps,
  uninterruptedSteps,
} from "../src/simulate/replay.ts";
import { openEmbeddedStore } from "../src/store/embedded.ts";
import { cleanUp, eventually, tempFolder } from "./lib/children.ts";
import { closedLoop } from "./lib/closed-loop.ts";
import { course, levelAt } from "./lib/course.ts";
import { followDecisions } from "./lib/decisions.ts";
import { load, machine } from "./lib/machine.ts";
import { ROOT, startWindlass, type Windlass } from "./lib/windlass.ts";

const NUMBERS = {
  seconds: 600,
  "kill-every": 0,
  seed: 1,
  peak: 24,
  "service-ms": 200,
  "max-replicas": 6,
  "target-ongoing-requests": 4,
  "metrics-interval-s": 2,
  "look-back-period-s": 6,
  "upscale-delay-s": 2,
  "downscale-delay-s": 5,
};
type Name = keyof typeof NUMBERS;

const { values } = parseArgs({
  options: {
    ...Object.fromEntries(Object.keys(NUMBERS).map((name) => [name, { type: "string" as const }])),
    /** A file for what was recorded and told, to look into differences. */
    recording: { type: "string" },
    "no-file": { type: "boolean", default: false },
  },
});
const given = values as Record<string, string | boolean | undefined>;
const numbers = Object.fromEntries(
  Object.entries(NUMBERS).map(([name, usual]) => [name, Number(given[name] ?? usual)]),
) as Record<Name, number>;
const bad = (Object.keys(NUMBERS) as Name[]).find((name) => !(numbers[name] > 0) && name !== "kill-every");
if (bad !== undefined || !(numbers["kill-every"] >= 0)) {
  process.stderr.write(`autoscale-live: --${bad ?? "kill-every"} must be a number above 0\n`);
  process.exit(2);
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.on("exit", cleanUp);

const APP = "live";
const DEPLOYMENT = "Noop";
/** Load levels are set so often. */
const STEP_MS = 50;
const progress = (text: string): void => void process.stderr.write(`autoscale-live: ${text}\n`);
const nowS = (): number => Date.now() / 1_000;

/** The no-op application, autoscaled as the arguments say, in a folder of its own. */
function config(): string {
  const folder = tempFolder();
  copyFileSync(join(ROOT, "bench", "app", "app.ts"), join(folder, "app.ts"));
  const deployment = {
    name: DEPLOYMENT,
    max_ongoing_requests: 100,
    graceful_shutdown_timeout_s: 5,
    graceful_shutdown_wait_loop_s: 0.1,
    autoscaling_config: {
      min_replicas: 0,
      initial_replicas: 1,
      max_replicas: numbers["max-replicas"],
      target_ongoing_requests: numbers["target-ongoing-requests"],
      metrics_interval_s: numbers["metrics-interval-s"],
      look_back_period_s: numbers["look-back-period-s"],
      upscale_delay_s: numbers["upscale-delay-s"],
      downscale_delay_s: numbers["downscale-delay-s"],
    },
  };
  const file = join(folder, "app.yaml");
  const application = { name: APP, route_prefix: "/", import_path: "./app.ts:app", deployments: [deployment] };
  writeFileSync(file, JSON.stringify({ applications: [application] }));
  return file;
}

/** The controller's pid; undefined while none is ready. */
async function controllerOf(windlass: Windlass): Promise<number | undefined> {
  try {
    const response = await fetch(`${windlass.control}/-/readyz`, { signal: AbortSignal.timeout(2_000) });
    const { pid } = (await response.json()) as { pid?: number };
    return response.status === 200 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Ends the controller as nothing ends it in order, and waits for the next one. */
async function kill(windlass: Windlass): Promise<Outage> {
  const before = await eventually("a controller", () => controllerOf(windlass));
  const fromS = nowS();
  process.kill(before, "SIGKILL");
  await eventually("the next controller", async () => {
    const pid = await controllerOf(windlass);
    return pid === undefined || pid === before ? undefined : pid;
  });
  return { fromS, toS: nowS() };
}

async function target(windlass: Windlass): Promise<number | undefined> {
  try {
    const response = await fetch(`${windlass.control}/api/serve/applications/`, {
      headers: { authorization: `Bearer ${windlass.token}` },
    });
    const all = (await response.json()) as {
      applications: Record<string, { deployments: Record<string, { target_num_replicas: number }> }>;
    };
    return all.applications[APP]?.deployments[DEPLOYMENT]?.target_num_replicas;
  } catch {
    return undefined;
  }
}

const loadAtStart = load();
const began = new Date();
const windlass = await startWindlass({ config: config() });
const feed = followDecisions(windlass, `applications/${APP}/deployments/${DEPLOYMENT}`);
await eventually("a scaling decision", () => (feed.told().length > 0 ? true : undefined));
const phases = course(numbers.seconds, numbers.peak, numbers.seed);
const requests = closedLoop(`${windlass.http}/?ms=${numbers["service-ms"]}`);
const startedS = nowS();
let ended = false;
const driving = (async () => {
  let kind = "";
  for (let atS = 0; atS < numbers.seconds; atS = nowS() - startedS) {
    const phase = phases.find(({ toS }) => atS < toS);
    if (phase !== undefined && phase.kind !== kind) {
      kind = phase.kind;
      progress(`${atS.toFixed(0)} s: ${kind} ${phase.from} to ${phase.to}, target ${await target(windlass)}`);
    }
    requests.level(levelAt(phases, atS));
    await sleep(STEP_MS);
  }
  ended = true;
  return requests.stop();
})();

const outages: Outage[] = [];
for (let n = 1; numbers["kill-every"] > 0 && !ended; n++) {
  while (!ended && nowS() - startedS < n * numbers["kill-every"]) await sleep(STEP_MS);
  if (ended) break;
  outages.push(await kill(windlass));
  await eventually("the decisions' feed", () => (feed.connected() ? true : undefined));
}
const { ok, failures } = await driving;
await eventually("no replica wanted", async () => ((await target(windlass)) === 0 ? true : undefined));
// What is recorded is stored within a second.
await sleep(2_000);
feed.close();
await windlass.stop();

const store = await openEmbeddedStore({ path: join(windlass.stateDir, "state.db"), busyTimeoutMs: 5_000 });
const entries = recordedEntries(store, APP, DEPLOYMENT);
const bytes = JSON.stringify(entries).length;
await store.close();
if (typeof given["recording"] === "string") {
  writeFileSync(given["recording"], JSON.stringify({ entries, told: feed.told(), outages }));
}
const endS = entries.at(-1)?.atS ?? 0;
const recordedS = endS - (entries[0]?.atS ?? 0);
const same = compareDecisions(entries, feed.told());
const live = targetSteps(entries);
const alone = uninterruptedSteps(entries);
const apart = divergences(live, alone, endS);
const graceS = numbers["metrics-interval-s"];
const beyond = beyondOutages(apart, outages, graceS);
const changes = live.slice(1).map(({ target: now }, i) => now - live[i]!.target);
const rises = changes.filter((by) => by > 0).length;
const falls = changes.filter((by) => by < 0).length;
const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
const rounds = phases.filter(({ kind }) => kind === "idle").length;
const whole = (entries[0]?.atS ?? Number.POSITIVE_INFINITY) <= startedS;
const lagS = Math.max(0, ...apart.map(({ fromS, toS }) => toS - fromS));
const allowedS = graceS + Math.max(0, ...outages.map(({ fromS, toS }) => toS - fromS));
const restarts = outages.map(({ fromS, toS }) => toS - fromS).sort((a, b) => a - b);
const sum = (all: readonly { fromS: number; toS: number }[]): string =>
  `${all.reduce((total, { fromS, toS }) => total + toS - fromS, 0).toFixed(1)} s`;

const rows: readonly (readonly [what: string, figure: string, holds: boolean | undefined])[] = [
  ["load", `${numbers.seconds} s, ${rounds} rounds, up to ${numbers.peak} at once, seed ${numbers.seed}`, undefined],
  ["requests", `${ok.toLocaleString("en-US")} answered, ${failed} failed`, failed === 0],
  [
    "target",
    `${rises} rises, ${falls} falls, 0 to ${Math.max(...live.map((step) => step.target))}`,
    rises >= rounds && falls >= rounds,
  ],
  ["recording", `${entries.length} entries, ${(bytes / 1024).toFixed(0)} KiB, ${recordedS.toFixed(0)} s`, whole],
  ["decisions told while it ran", `${same.told}`, same.told > 0],
  ["differences from the replay", `${same.differences.length}`, same.differences.length === 0],
  [
    "controller killed",
    outages.length === 0
      ? "never"
      : `${outages.length} times, back after ${restarts[0]!.toFixed(2)} to ${restarts.at(-1)!.toFixed(2)} s`,
    undefined,
  ],
  [
    "apart from the uninterrupted replay",
    `${sum(apart)} in all, ${sum(beyond)} of them later than ${graceS} s after a restart`,
    undefined,
  ],
  [
    "a step of it is followed after",
    `${lagS.toFixed(1)} s at most; allowed are ${graceS} s and the restart, ${allowedS.toFixed(1)} s`,
    lagS <= allowedS,
  ],
];
const [day, time] = began.toISOString().split("T") as [string, string];
const text = [
  `## ${day}, ${time.slice(0, 5)} UTC, autoscaling replayed`,
  `${machine()}. Load average ${loadAtStart} at the start, ${load()} at the end.`,
  ["| What | Figure | Verdict |", "|---|---|---|"]
    .concat(rows.map(([what, figure, holds]) => `| ${what} | ${figure} | ${verdict(holds)} |`))
    .join("\n"),
].join("\n\n");
process.stdout.write(`${text}\n`);
for (const { atS, what, live: was, replayed } of same.differences.slice(0, 10)) {
  process.stdout.write(`${new Date(atS * 1_000).toISOString()} ${what}: live ${was}, replayed ${replayed}\n`);
}
for (const { fromS, toS, live: was, replayed } of beyond.slice(0, 10)) {
  const from = new Date(fromS * 1_000).toISOString();
  process.stdout.write(`${from} for ${(toS - fromS).toFixed(1)} s: live ${was}, uninterrupted ${replayed}\n`);
}
if (!given["no-file"]) {
  const folder = join(import.meta.dirname, "results");
  const file = join(folder, `${day}.md`);
  mkdirSync(folder, { recursive: true });
  appendFileSync(file, existsSync(file) ? `\n${text}\n` : `# Bench\n\n${text}\n`);
}
// Kept connections to what has been stopped would hold the process.
process.exit(rows.every(([, , holds]) => holds !== false) ? 0 : 1);

function verdict(holds: boolean | undefined): string {
  if (holds === undefined) return "–";
  return holds ? "holds" : "**does not hold**";
}
