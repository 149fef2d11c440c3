import { readdirSync } from "node:fs";
import { join } from "node:path";
import { startBare } from "./bare.ts";
import { stop, tempFolder } from "./children.ts";
import { monotonicUs, readProfile, type Times } from "./cpu-profile.ts";
import { runLoad, type Target } from "./load.ts";
import { childrenOf, processTree } from "./proc.ts";
import type { Request } from "./request-costs.ts";
import { line } from "./table.ts";
import { firstAnswer, ROOT, roleOf, startWindlass, targetOf } from "./windlass.ts";

/** A process that was profiled under a load. */
export interface Profiled {
  readonly name: string;
  readonly times: Times;
  readonly requests: number;
}

/** Half a millisecond: at a shorter one the profiler itself is seen. */
const INTERVAL_US = 500;

/** Profiles bare node:http, the proxy and the replica that serve a request. */
export async function profileRequest(request: Request): Promise<Profiled[]> {
  const folder = tempFolder();
  process.env["NODE_OPTIONS"] = `--cpu-prof --cpu-prof-interval ${INTERVAL_US} --cpu-prof-dir=${folder}`;
  const bare = await startBare();
  const windlass = await startWindlass({ proxyWorkers: 1, config: join(ROOT, "bench", "app", "side.yaml") });
  delete process.env["NODE_OPTIONS"];
  await firstAnswer(windlass.http, 0);
  const names = new Map(processTree(windlass.started.pid).map((pid) => [pid, roleOf(pid) ?? ""]));
  // A process with children of its own is no server.
  names.set([bare.started.pid, ...childrenOf(bare.started.pid)].at(-1)!, "bare node:http");
  const atBare = await loaded(request, bare.target);
  const atWindlass = await loaded(request, targetOf(windlass.http));
  // It writes its profile when it is told to end, not when it is killed.
  bare.started.child.stdin?.end();
  await bare.started.exited;
  await Promise.all([stop(bare.started), windlass.stop()]);
  const found = readdirSync(folder).flatMap((file) => {
    const name = names.get(Number(file.split(".")[3]));
    if (name !== "proxy" && name !== "replica" && name !== "bare node:http") return [];
    const { requests, fromUs, toUs } = name === "bare node:http" ? atBare : atWindlass;
    return [{ name, times: readProfile(join(folder, file), fromUs, toUs), requests }];
  });
  // There is a replica for each deployment; the busiest is the one that was asked.
  const busiest = new Map<string, Profiled>();
  for (const one of found)
    if (one.times.busyUs > (busiest.get(one.name)?.times.busyUs ?? 0)) busiest.set(one.name, one);
  return ["bare node:http", "proxy", "replica"].flatMap((name) => busiest.get(name) ?? []);
}

/** Puts the load on, once to warm up and once to be looked at. */
async function loaded(request: Request, target: Target): Promise<{ requests: number; fromUs: number; toUs: number }> {
  await runLoad({ ...request, target, warmUpSeconds: 0, seconds: 2 });
  const fromUs = monotonicUs();
  const { answered } = await runLoad({ ...request, target, warmUpSeconds: 0 });
  return { requests: answered, fromUs, toUs: monotonicUs() };
}

/** Own time by what it is part of, a column for each process, in Markdown. */
export function timesTable(profiled: readonly Profiled[]): string {
  const categories = new Set(profiled.flatMap(({ times }) => [...times.categories.keys()]));
  const most = (category: string): number =>
    Math.max(...profiled.map(({ times, requests }) => (times.categories.get(category) ?? 0) / requests));
  const shown = [...categories].filter((category) => most(category) >= 0.1).sort((a, b) => most(b) - most(a));
  const head = ["Not idle, a request, by the profiler", ...profiled.map(({ name }) => name)];
  return [
    line(head),
    line(head.map(() => "---")),
    ...shown.map((category) =>
      line([
        category,
        ...profiled.map(({ times, requests }) => {
          const us = times.categories.get(category) ?? 0;
          return us === 0 ? undefined : `${(us / requests).toFixed(1)} µs, ${((us / times.busyUs) * 100).toFixed(0)} %`;
        }),
      ]),
    ),
    line(["all", ...profiled.map(({ times, requests }) => `${(times.busyUs / requests).toFixed(1)} µs`)]),
  ].join("\n");
}

/** Prints the functions with the most time. */
export function showFunctions({ name, times, requests }: Profiled, top: number): void {
  const show = (title: string, all: ReadonlyMap<string, number>, keep: (place: string) => boolean): void => {
    process.stdout.write(`\n${name}: ${title}\n`);
    const sorted = [...all].filter(([place]) => keep(place)).sort((a, b) => b[1] - a[1]);
    for (const [place, us] of sorted.slice(0, top)) {
      const share = ((us / times.busyUs) * 100).toFixed(1).padStart(6);
      process.stdout.write(`${share} % ${(us / requests).toFixed(2).padStart(7)} µs/request  ${place}\n`);
    }
  };
  show("own time", times.own, () => true);
  if (name === "bare node:http") return;
  show("time with what is called, our sources", times.inclusive, (place) => place.includes(" src/"));
}
