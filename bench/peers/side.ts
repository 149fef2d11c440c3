import { setTimeout as sleep } from "node:timers/promises";
import { type LoadResult, runGrpcLoad, runLoad } from "../lib/load.ts";
import { cpuOf } from "../lib/proc.ts";
import { canPin, freeze, pin, thaw } from "../lib/signals.ts";
import { median } from "../lib/stats.ts";
import { firstAnswer } from "../lib/windlass.ts";
import type { Contender, ContenderName } from "./contenders.ts";
import { type Load, WORKLOADS, type Workload } from "./workloads.ts";

/** One contender under one workload: the middle of its rounds. null: nothing came in time to be measured. */
export interface Figures {
  /** Of the workload's unit. */
  readonly perSecond: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** CPU time of the server's processes for one of the unit, in microseconds. */
  readonly userUs: number | null;
  readonly systemUs: number | null;
  /** Cores that the server's processes used. */
  readonly cores: number;
  /** Share of a core that the generator used. */
  readonly generator: number;
  /** Requests that failed, over all rounds, by cause. */
  readonly failures: Readonly<Record<string, number>>;
}

/** By workload, then by contender. */
export type SideFigures = Readonly<Record<string, Readonly<Partial<Record<ContenderName, Figures>>>>>;

/** What the comparison gives. */
export interface SideResults {
  readonly figures: SideFigures;
  /** Why those are missing that are. */
  readonly missing: Readonly<Partial<Record<ContenderName, string>>>;
}

/** Of one load, before it is measured. */
const WARM_UP_S = 0.4;
const THAW_MS = 30_000;

/** Measures all workloads on all contenders, in turns. */
export async function measureSide(
  contenders: readonly Contender[],
  options: { readonly seconds: number; readonly rounds: number; progress(text: string): void },
): Promise<SideFigures> {
  const { seconds, rounds, progress } = options;
  const workloads = WORKLOADS.filter(({ oneCore }) => !oneCore || canPin());
  const all = new Map<string, Figures[]>();
  const resting = contenders.filter(({ restless }) => restless);
  for (const one of resting) freeze(one.pids());
  try {
    for (let round = 1; round <= rounds; round++) {
      for (const workload of workloads) {
        progress(`round ${round} of ${rounds}: ${workload.what}`);
        for (const contender of contenders) {
          if (contender.restless) await wake(contender);
          const key = `${workload.what}\n${contender.name}`;
          all.set(key, [...(all.get(key) ?? []), await measure(contender, workload, seconds)]);
          if (contender.restless) freeze(contender.pids());
        }
      }
    }
  } finally {
    // What is frozen would not hear that it is to end.
    for (const one of resting) thaw(one.pids());
  }
  const of = (workload: Workload): Partial<Record<ContenderName, Figures>> =>
    Object.fromEntries(contenders.map(({ name }) => [name, middle(all.get(`${workload.what}\n${name}`)!)]));
  return Object.fromEntries(workloads.map((workload) => [workload.what, of(workload)]));
}

/** Resolves once it answers again; what it had missed is then behind it. */
async function wake(contender: Contender): Promise<void> {
  thaw(contender.pids());
  await firstAnswer(`http://${contender.http.host}:${contender.http.port}/`, 0, THAW_MS);
  await sleep(200);
}

async function measure(contender: Contender, workload: Workload, seconds: number): Promise<Figures> {
  const pids = contender.pids();
  if (workload.oneCore) pin(pids, "0");
  const before = new Map(pids.map((pid) => [pid, cpuOf(pid)]));
  const startedAt = performance.now();
  const result = await send(contender, workload.load, seconds, workload.oneCore ? 1 : undefined);
  const elapsedMs = performance.now() - startedAt;
  let userMs = 0;
  let systemMs = 0;
  for (const pid of contender.pids()) {
    const after = cpuOf(pid);
    userMs += after.userMs - (before.get(pid)?.userMs ?? 0);
    systemMs += after.systemMs - (before.get(pid)?.systemMs ?? 0);
  }
  if (workload.oneCore) pin(contender.pids(), `0-${navigator.hardwareConcurrency - 1}`);
  const { perSecond, all } = counted(workload, result);
  return {
    perSecond,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    userUs: all === 0 ? null : (userMs * 1_000) / all,
    systemUs: all === 0 ? null : (systemMs * 1_000) / all,
    cores: (userMs + systemMs) / elapsedMs,
    generator: result.cpuShare,
    failures: result.failures,
  };
}

function send({ http, grpc }: Contender, load: Load, seconds: number, core?: number): Promise<LoadResult> {
  const times = { warmUpSeconds: WARM_UP_S, seconds };
  if (load.kind === "grpc") return runGrpcLoad({ ...load, ...times, target: grpc });
  return runLoad({ ...load, ...times, target: http }, core);
}

/** What came of the workload's unit: in a second while it was measured, and in all. */
function counted({ unit, size }: Workload, result: LoadResult): { perSecond: number; all: number } {
  switch (unit) {
    case "requests":
      return { perSecond: result.perSecond, all: result.answered };
    case "MB up":
      return { perSecond: (result.perSecond * size!) / 1e6, all: (result.answered * size!) / 1e6 };
    case "MB down":
      return { perSecond: result.bodyBytesPerSecond / 1e6, all: result.allBodyBytes / 1e6 };
    case "events":
      return { perSecond: result.bodyBytesPerSecond / size!, all: result.allBodyBytes / size! };
  }
}

function middle(rounds: readonly Figures[]): Figures {
  const known = (pick: (figures: Figures) => number | null): number | null => {
    // NaN where no request came to its end.
    const values = rounds.map(pick).filter((value) => value !== null && Number.isFinite(value));
    return values.length === 0 ? null : median(values as number[]);
  };
  const of = (pick: (figures: Figures) => number): number => median(rounds.map(pick));
  const failures: Record<string, number> = {};
  for (const one of rounds) {
    for (const [cause, count] of Object.entries(one.failures)) failures[cause] = (failures[cause] ?? 0) + count;
  }
  return {
    perSecond: of(({ perSecond }) => perSecond),
    p50Ms: known(({ p50Ms }) => p50Ms),
    p99Ms: known(({ p99Ms }) => p99Ms),
    userUs: known(({ userUs }) => userUs),
    systemUs: known(({ systemUs }) => systemUs),
    cores: of(({ cores }) => cores),
    generator: of(({ generator }) => generator),
    failures,
  };
}
