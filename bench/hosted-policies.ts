// node bench/hosted-policies.ts [--deployments N] [--seconds S]: what users' scaling policies cost, which are asked each
// 0.1 s. One application of N deployments that scale to zero, so that no replica runs, each with a policy of its own
// class in the application's policy host. Prints CPU time of the controller and of the host for a second and a question,
// and the same instance with the request-based policy beside it. Needs a build (npm run build).
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { cleanUp, tempFolder } from "./lib/children.ts";
import { argsOf, processTree } from "./lib/proc.ts";
import { startWindlass, type Windlass } from "./lib/windlass.ts";

const { values } = parseArgs({
  options: { deployments: { type: "string", default: "100" }, seconds: { type: "string", default: "15" } },
});
const count = Number(values.deployments);
const seconds = Number(values.seconds);
const WARM_UP_MS = 4_000;
/** Of one core, in percent, for both processes together at 100 deployments. */
const BUDGET_PERCENT = 15;

const POLICY = `import { writeFileSync } from "node:fs";
let calls = 0;
setInterval(() => writeFileSync(new URL("calls", "file://" + process.cwd() + "/"), String(calls)), 100).unref();
export class Counted {
  decide({ totalNumRequests, policyState }) {
    calls += 1;
    return { desired: totalNumRequests / 4, state: { level: policyState.level ?? 0 } };
  }
}
`;

/** An application of N deployments behind one, with a policy or without. */
function writeApp(policy: boolean): { readonly config: string; readonly folder: string } {
  const folder = join(tempFolder(), "app");
  mkdirSync(folder);
  const names = Array.from({ length: count }, (_, index) => `D${index}`);
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  writeFileSync(join(folder, "policy.ts"), POLICY);
  const source = `import { deployment } from "windlass";
class Leaf { call() { return 1; } }
class Front { constructor(...leaves) { this.leaves = leaves; } fetch() { return new Response("ok"); } }
const leaves = ${JSON.stringify(names.slice(1))}.map((name) => deployment(Leaf, { name }).bind());
export const app = deployment(Front, { name: "D0" }).bind(...leaves);
`;
  writeFileSync(join(folder, "app.ts"), source);
  const autoscaling_config = {
    min_replicas: 0,
    initial_replicas: 0,
    max_replicas: 4,
    ...(policy ? { policy: { policy_function: "./policy.ts:Counted" } } : {}),
  };
  const deployments = names.map((name) => ({ name, autoscaling_config }));
  const config = join(folder, "app.json");
  writeFileSync(config, JSON.stringify({ applications: [{ name: "many", import_path: "./app.ts:app", deployments }] }));
  return { config, folder };
}

/** CPU milliseconds that the processes of a program have used. */
function cpuMs(windlass: Windlass, program: string): number {
  const TICK_MS = 10;
  return processTree(windlass.started.pid)
    .filter((pid) => argsOf(pid).some((arg) => arg.endsWith(`/bin/${program}.js`)))
    .reduce((sum, pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      return sum + (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    }, 0);
}

interface Cost {
  readonly controller: number;
  readonly host: number;
  readonly perSecond: number;
}

/** CPU milliseconds a second, and questions. */
async function measure(policy: boolean): Promise<Cost> {
  const { config, folder } = writeApp(policy);
  const windlass = await startWindlass({ config });
  await sleep(WARM_UP_MS);
  const calls = () => (policy ? Number(readFileSync(join(folder, "calls"), "utf8")) : 0);
  const before = [cpuMs(windlass, "controller"), cpuMs(windlass, "policy-host"), calls(), performance.now()] as const;
  await sleep(seconds * 1_000);
  const after = [cpuMs(windlass, "controller"), cpuMs(windlass, "policy-host"), calls(), performance.now()] as const;
  await windlass.stop();
  const tookS = (after[3] - before[3]) / 1_000;
  return {
    controller: (after[0] - before[0]) / tookS,
    host: (after[1] - before[1]) / tookS,
    perSecond: (after[2] - before[2]) / tookS,
  };
}

process.on("exit", cleanUp);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const percent = (msPerSecond: number): string => `${(msPerSecond / 10).toFixed(1)} %`;

print(`${count} deployments, ${seconds} s each; ${cpus()[0]?.model}\n`);
const plain = await measure(false);
const hosted = await measure(true);
const each = (msPerSecond: number): string => `${((1_000 * msPerSecond) / hosted.perSecond).toFixed(0)} µs`;
print("| | Request-based | Hosted | A question |\n|---|---|---|---|");
print(`| questions a second | – | ${hosted.perSecond.toFixed(0)} | |`);
print(
  `| the controller, of a core | ${percent(plain.controller)} | ${percent(hosted.controller)} | ${each(hosted.controller)} |`,
);
print(`| the policy host, of a core | – | ${percent(hosted.host)} | ${each(hosted.host)} |`);
const both = (hosted.controller + hosted.host) / 10;
print(`\nboth: ${both.toFixed(1)} %, budget ${BUDGET_PERCENT} % at 100 deployments`);
process.exit(both <= BUDGET_PERCENT || count > 100 ? 0 : 1);
