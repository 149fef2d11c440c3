// node bench/profile.ts [--seconds S] [--connections N] [--top N]: where the CPU time of a proxied no-op request goes.
// Needs a build. Prints for the proxy and the replica the functions with the most time of their own, and those of our
// own sources with the most time including what they call; places are those of the sources, by the source maps.
// The profile counts time on the clock: a write that wakes its reader on the same core has the reader's time in it. How
// much CPU time a request really takes, in user code and in the kernel, is measured first, without the profile.
import { readdirSync, readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cleanUp, tempFolder } from "./lib/children.ts";
import { runLoad } from "./lib/load.ts";
import { cpuOf, processTree } from "./lib/proc.ts";
import { perSecond } from "./lib/stats.ts";
import { firstAnswer, ROOT, roleOf, startWindlass, targetOf } from "./lib/windlass.ts";

/** What --cpu-prof writes, as far as it is read here. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { functionName: string; url: string; lineNumber: number; columnNumber: number };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "6" },
    connections: { type: "string", default: "32" },
    top: { type: "string", default: "25" },
  },
});
process.on("exit", cleanUp);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const maps = new Map<string, SourceMap | undefined>();
const load = { connections: Number(values.connections), seconds: Number(values.seconds) };

const plain = await startWindlass({ proxyWorkers: 1 });
await firstAnswer(plain.http, 0);
await runLoad({ ...load, target: targetOf(plain.http), warmUpSeconds: 0, seconds: 2 });
const pids = processTree(plain.started.pid);
const before = pids.map(cpuOf);
const unprofiled = await runLoad({ ...load, target: targetOf(plain.http), warmUpSeconds: 0 });
process.stdout.write(`${perSecond(unprofiled.perSecond)} at ${values.connections} connections; CPU time a request:\n`);
pids.forEach((pid, i) => {
  const after = cpuOf(pid);
  const user = ((after.userMs - before[i]!.userMs) * 1_000) / unprofiled.ok;
  const system = ((after.systemMs - before[i]!.systemMs) * 1_000) / unprofiled.ok;
  process.stdout.write(`  ${roleOf(pid)}: user ${user.toFixed(1)} µs, system ${system.toFixed(1)} µs\n`);
});
await plain.stop();

const folder = tempFolder();
process.env["NODE_OPTIONS"] = `--cpu-prof --cpu-prof-interval 500 --cpu-prof-dir=${folder}`;
const profiled = await startWindlass({ proxyWorkers: 1 });
delete process.env["NODE_OPTIONS"];
await firstAnswer(profiled.http, 0);
const roles = new Map(processTree(profiled.started.pid).map((pid) => [String(pid), roleOf(pid)]));
const result = await runLoad({ ...load, target: targetOf(profiled.http), warmUpSeconds: 0 });
await profiled.stop();
process.stdout.write(`${perSecond(result.perSecond)} while profiled\n`);
for (const file of readdirSync(folder)) {
  const role = roles.get(file.split(".")[3] ?? "");
  if (role === "proxy" || role === "replica") report(role, JSON.parse(readFileSync(join(folder, file), "utf8")));
}
process.exit(0);

function report(role: string, profile: Profile): void {
  const selfUs = new Map<number, number>();
  let busyUs = 0;
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  profile.samples.forEach((id, i) => {
    const us = profile.timeDeltas[i]!;
    if (nodes.get(id)?.callFrame.functionName === "(idle)") return;
    busyUs += us;
    selfUs.set(id, (selfUs.get(id) ?? 0) + us);
  });
  const own = new Map<string, number>();
  const inclusive = new Map<string, number>();
  const walk = (id: number, above: ReadonlySet<string>): number => {
    const node = nodes.get(id)!;
    const place = placeOf(node.callFrame);
    let us = selfUs.get(id) ?? 0;
    own.set(place, (own.get(place) ?? 0) + us);
    const within = new Set([...above, place]);
    for (const child of node.children ?? []) us += walk(child, within);
    if (!above.has(place)) inclusive.set(place, (inclusive.get(place) ?? 0) + us);
    return us;
  };
  walk(profile.nodes[0]!.id, new Set());
  const show = (title: string, times: ReadonlyMap<string, number>, keep: (place: string) => boolean): void => {
    process.stdout.write(`\n${role}: ${title}\n`);
    const top = [...times].filter(([place]) => keep(place)).sort((a, b) => b[1] - a[1]);
    for (const [place, us] of top.slice(0, Number(values.top))) {
      const perRequest = (us / result.ok).toFixed(2).padStart(7);
      process.stdout.write(`${((us / busyUs) * 100).toFixed(1).padStart(6)} % ${perRequest} µs/request  ${place}\n`);
    }
  };
  process.stdout.write(`\n== ${role}: ${(busyUs / result.ok).toFixed(1)} µs not idle a request ==\n`);
  show("own time", own, () => true);
  show("time with what is called, our sources", inclusive, (place) => /\b(src|undici)\//.test(place));
}

function placeOf({ functionName, url, lineNumber, columnNumber }: Profile["nodes"][number]["callFrame"]): string {
  const name = functionName || "(anonymous)";
  if (!url.startsWith("file:")) return url === "" ? name : `${name} ${url}:${lineNumber + 1}`;
  const path = fileURLToPath(url);
  const entry = mapOf(path)?.findEntry(lineNumber, columnNumber);
  if (entry === undefined || !("originalSource" in entry)) {
    return `${name} ${relative(ROOT, path)}:${lineNumber + 1}`;
  }
  const source = entry.originalSource.replace(/^.*\/(src|gen|node_modules)\//, "$1/").replace("node_modules/", "");
  return `${name} ${source}:${entry.originalLine + 1}`;
}

function mapOf(path: string): SourceMap | undefined {
  if (!maps.has(path)) {
    let map: SourceMap | undefined;
    try {
      map = new SourceMap(JSON.parse(readFileSync(`${path}.map`, "utf8")));
    } catch {
      // No map: the built file's own lines.
    }
    maps.set(path, map);
  }
  return maps.get(path);
}
