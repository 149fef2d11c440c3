import { join } from "node:path";
import { startBare } from "./bare.ts";
import { stop } from "./children.ts";
import { failed, type LoadOptions, type LoadResult, runLoad, type Target } from "./load.ts";
import { cpuOf, processTree } from "./proc.ts";
import { canPin, pin } from "./signals.ts";
import { median, perSecond, ratio } from "./stats.ts";
import { line } from "./table.ts";
import { firstAnswer, ROOT, roleOf, startWindlass, targetOf } from "./windlass.ts";

/** What is sent, apart from where to. */
export type Request = Omit<LoadOptions, "target" | "warmUpSeconds">;

/** Where processes may run. */
interface Placement {
  readonly what: string;
  /** Cores of the server and of the generator; undefined: all. */
  readonly server?: string;
  readonly generator?: number;
}

const ANYWHERE: Placement = { what: "all cores for all" };
const PLACEMENTS: readonly Placement[] = [
  ANYWHERE,
  { what: "the server on one core, the generator on another", server: "0", generator: 1 },
  { what: "the server and the generator on one core", server: "0", generator: 0 },
];

/** CPU time of a process for one request, in microseconds. */
interface Cost {
  readonly userUs: number;
  readonly systemUs: number;
}

interface Round {
  readonly result: LoadResult;
  readonly byRole: ReadonlyMap<string, Cost>;
  readonly generatorUs: number;
}

/** The rounds of bare node:http and of Windlass by placement. */
export type Measured = ReadonlyMap<Placement, { readonly bare: readonly Round[]; readonly windlass: readonly Round[] }>;

/** Measures what a request takes each process, on bare node:http and through Windlass in turns. */
export async function measureCosts(
  request: Request,
  rounds: number,
  progress: (text: string) => void,
): Promise<Measured> {
  const bare = await startBare();
  const windlass = await startWindlass({ proxyWorkers: 1, config: join(ROOT, "bench", "app", "side.yaml") });
  await firstAnswer(windlass.http, 0);
  const servers = [
    { name: "bare", target: bare.target, pid: bare.started.pid },
    { name: "windlass", target: targetOf(windlass.http), pid: windlass.started.pid },
  ] as const;
  for (const { target } of servers) await runLoad({ ...request, target, warmUpSeconds: 0, seconds: 1.5 });
  const measured = new Map<Placement, { bare: Round[]; windlass: Round[] }>();
  for (let round = 1; round <= rounds; round++) {
    for (const placement of PLACEMENTS) {
      if (placement.server !== undefined && !canPin()) continue;
      progress(`round ${round} of ${rounds}: ${placement.what}`);
      const both = measured.get(placement) ?? { bare: [], windlass: [] };
      measured.set(placement, both);
      for (const { name, target, pid } of servers) both[name].push(await once(request, target, pid, placement));
    }
  }
  await Promise.all([stop(bare.started), windlass.stop()]);
  return measured;
}

async function once(request: Request, target: Target, root: number, placement: Placement): Promise<Round> {
  const pids = processTree(root);
  if (placement.server !== undefined) pin(pids, placement.server);
  const before = pids.map(cpuOf);
  const result = await runLoad({ ...request, target, warmUpSeconds: 0 }, placement.generator);
  const byRole = new Map<string, Cost>();
  pids.forEach((pid, i) => {
    const after = cpuOf(pid);
    const role = roleOf(pid) ?? "bare node:http";
    const sum = byRole.get(role) ?? { userUs: 0, systemUs: 0 };
    byRole.set(role, {
      userUs: sum.userUs + ((after.userMs - before[i]!.userMs) * 1_000) / result.answered,
      systemUs: sum.systemUs + ((after.systemMs - before[i]!.systemMs) * 1_000) / result.answered,
    });
  });
  if (placement.server !== undefined) pin(processTree(root), `0-${navigator.hardwareConcurrency - 1}`);
  if (failed(result) > 0) throw new Error(`requests failed: ${JSON.stringify(result.failures)}`);
  return { result, byRole, generatorUs: (result.cpuShare * 1e6) / result.perSecond };
}

/** The tables and lines of what was measured, in Markdown. `cores` are those of the machine. */
export function costs(measured: Measured, cores: number): string {
  const { bare, windlass } = measured.get(ANYWHERE)!;
  const roles = [...windlass[0]!.byRole.keys()].filter((role) => total(windlass, role) >= 0.05);
  const generators = [
    ["generator, at bare node:http", bare],
    ["generator, at Windlass", windlass],
  ] as const;
  const processes = [
    line(["CPU time a request", "user", "system", "both"]),
    line(["---", "---", "---", "---"]),
    ...costLine(bare, "bare node:http"),
    ...roles.flatMap((role) => costLine(windlass, role)),
    ...generators.map(([name, rounds]) => line([name, "", "", us(of(rounds, (round) => round.generatorUs))])),
  ].join("\n");
  const placements = [
    line(["Where", "bare node:http", "Windlass", "ratio", "work per CPU-second of the server"]),
    line(["---", "---", "---", "---", "---"]),
    ...[...measured].map(([{ what }, both]) => {
      const [theirs, ours] = [rate(both.bare), rate(both.windlass)];
      const work = server(both.bare) / server(both.windlass);
      return line([what, perSecond(theirs), perSecond(ours), ratio(ours / theirs), ratio(work)]);
    }),
  ].join("\n");
  return [processes, placements, arithmetic(measured, cores)].join("\n\n");
}

/** What the CPU time allows, in lines. */
function arithmetic(measured: Measured, cores: number): string {
  const { bare, windlass } = measured.get(ANYWHERE)!;
  const ours = server(windlass) + of(windlass, (round) => round.generatorUs);
  const busiest = Math.max(...[...windlass[0]!.byRole.keys()].map((role) => total(windlass, role)));
  const wanted = 0.6 * rate(bare);
  return [
    `- ${us(ours)} a request, the generator's with it, on ${cores} cores: at most ${perSecond((cores * 1e6) / ours)}, and ` +
      `${perSecond(rate(windlass))} came. One process does at most ${perSecond(1e6 / busiest)} on a core of its own, on any machine.`,
    `- 0.6 × bare node:http is ${perSecond(wanted)}: it needs ${us((cores * 1e6) / wanted)} a request for all processes here, ` +
      `and ${us(1e6 / wanted)} for the busiest on a machine with a core for each.`,
  ].join("\n");
}

function costLine(rounds: readonly Round[], role: string): string[] {
  const user = of(rounds, ({ byRole }) => byRole.get(role)?.userUs ?? 0);
  const system = of(rounds, ({ byRole }) => byRole.get(role)?.systemUs ?? 0);
  return [line([role, us(user), us(system), us(total(rounds, role))])];
}

function total(rounds: readonly Round[], role: string): number {
  return of(rounds, ({ byRole }) => (byRole.get(role)?.userUs ?? 0) + (byRole.get(role)?.systemUs ?? 0));
}

/** CPU time of all processes of the server for a request. */
function server(rounds: readonly Round[]): number {
  return of(rounds, ({ byRole }) => [...byRole.values()].reduce((sum, cost) => sum + cost.userUs + cost.systemUs, 0));
}

function rate(rounds: readonly Round[]): number {
  return of(rounds, ({ result }) => result.perSecond);
}

function of(rounds: readonly Round[], pick: (round: Round) => number): number {
  return median(rounds.map(pick));
}

function us(value: number): string {
  return `${value.toFixed(1)} µs`;
}
