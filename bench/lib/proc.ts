import { readdirSync, readFileSync } from "node:fs";

/** A process as /proc shows it. */
export interface ProcessView {
  readonly pid: number;
  /** Arguments, the program first. */
  readonly args: readonly string[];
  /** Resident bytes, shared pages counted in every process. */
  readonly rss: number;
  /** Resident bytes, shared pages divided among their users; NaN where the system does not say. */
  readonly pss: number;
  /** Resident bytes that no other process has; NaN where the system does not say. */
  readonly unique: number;
}

/** Memory of processes that belong together. */
export interface Footprint {
  readonly processes: number;
  /** Sum of PSS. Pages that strangers use as well, as of the same Node binary, make it smaller. */
  readonly pss: number;
  /** Pages of one process only, and the largest set of shared ones once: the same whoever else runs. */
  readonly alone: number;
}

/** Adds up what {@link look} saw. */
export function footprint(views: readonly ProcessView[]): Footprint {
  const sum = (of: (view: ProcessView) => number): number => views.reduce((total, view) => total + of(view), 0);
  return {
    processes: views.length,
    pss: sum(({ pss }) => pss),
    alone: sum(({ unique }) => unique) + Math.max(0, ...views.map(({ rss, unique }) => rss - unique)),
  };
}

/** Whether processes can be looked into: Linux. */
export const hasProc = process.platform === "linux";

/** Ticks a second of the CPU times in /proc; fixed for user space on every Linux that Node runs on. */
const TICKS_PER_S = 100;

/** `root` and everything below it, oldest first. */
export function processTree(root: number): number[] {
  const found = [root];
  for (let i = 0; i < found.length; i++) found.push(...childrenOf(found[i]!));
  return found;
}

/** Direct children; none where the process is gone or the system has no /proc. */
export function childrenOf(pid: number): number[] {
  try {
    // Each thread has a list of its own.
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      (read(`/proc/${pid}/task/${task}/children`) ?? "").split(" ").filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

/** Memory and name of a process; undefined when it is gone. */
export function look(pid: number): ProcessView | undefined {
  const args = argsOf(pid);
  const status = read(`/proc/${pid}/status`);
  const rss = /^VmRSS:\s+(\d+) kB/m.exec(status ?? "")?.[1];
  if (args.length === 0 || rss === undefined) return undefined;
  const rollup = read(`/proc/${pid}/smaps_rollup`) ?? "";
  const bytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(rollup)?.[1] ?? Number.NaN) * 1_024;
  const unique = bytes("Private_Clean") + bytes("Private_Dirty");
  return { pid, args, rss: Number(rss) * 1_024, pss: bytes("Pss"), unique };
}

/** Arguments of a process; empty when it is gone. */
export function argsOf(pid: number): string[] {
  return (read(`/proc/${pid}/cmdline`) ?? "").split("\0").filter(Boolean);
}

/** Milliseconds of CPU time of these processes so far, user and system. */
export function cpuMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const { userMs, systemMs } = cpuOf(pid);
    return sum + userMs + systemMs;
  }, 0);
}

/** CPU time of a process so far; zero when it is gone. Counted in steps of 10 ms. */
export function cpuOf(pid: number): { readonly userMs: number; readonly systemMs: number } {
  const fields = statFields(pid) ?? [];
  const ms = (field: string | undefined): number => (Number(field ?? 0) * 1_000) / TICKS_PER_S;
  return { userMs: ms(fields[11]), systemMs: ms(fields[12]) };
}

/** A mark that tells a process from a later one with the same pid; undefined when it is gone or dead. */
export function startMark(pid: number): string | undefined {
  const fields = statFields(pid);
  return fields === undefined || fields[0] === "Z" ? undefined : fields[19];
}

/** Fields of /proc/PID/stat from the third, the state, on. */
function statFields(pid: number): string[] | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
