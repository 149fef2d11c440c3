import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { processTree, startMark } from "./proc.ts";

/** What this run has started and made; see {@link cleanUp}. */
const running = new Set<ChildProcess>();
const folders = new Set<string>();

/** A process of this run. */
export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  /** `performance.now()` when it was spawned. */
  readonly at: number;
  /** What it wrote so far. */
  output(): { readonly stdout: string; readonly stderr: string };
  /** Resolves with the exit code; null after a signal. */
  readonly exited: Promise<number | null>;
}

/** Starts a process that ends with this run at the latest. */
export function start(command: string, args: readonly string[], options: SpawnOptions = {}): Started {
  const at = performance.now();
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], ...options });
  running.add(child);
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk) => (stdout += chunk));
  child.stderr?.on("data", (chunk) => (stderr += chunk));
  child.stdin?.on("error", () => {});
  const { promise: exited, resolve, reject } = Promise.withResolvers<number | null>();
  child.once("error", reject);
  child.once("close", (code) => {
    running.delete(child);
    resolve(code);
  });
  exited.catch(() => {});
  return { child, pid: child.pid ?? 0, at, output: () => ({ stdout, stderr }), exited };
}

/** Ends a process and all below it: SIGTERM to it, and SIGKILL to what is left of its tree after `graceMs`. */
export async function stop({ child, pid, exited }: Started, graceMs = 15_000): Promise<void> {
  const marks = marksOf(pid);
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  await Promise.race([exited.catch(() => null), sleep(graceMs, undefined, { ref: false })]);
  killLeft(marks);
}

/** A folder in the system's temp folder that is gone after the run. */
export function tempFolder(prefix = "windlass-bench-"): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  folders.add(folder);
  return folder;
}

/** Kills what still runs and removes the folders. Synchronous: for the very end. */
export function cleanUp(): void {
  for (const child of running) if (child.pid !== undefined) killLeft(marksOf(child.pid));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Polls each `everyMs` until `look` finds something; fails after `timeoutMs` naming `what`. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  timeoutMs = 60_000,
  everyMs = 5,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await sleep(everyMs);
  }
}

function marksOf(pid: number): Map<number, string> {
  return new Map(
    processTree(pid).flatMap((one) => {
      const mark = startMark(one);
      return mark === undefined ? [] : [[one, mark] as const];
    }),
  );
}

function killLeft(marks: ReadonlyMap<number, string>): void {
  for (const [pid, mark] of marks) {
    if (startMark(pid) !== mark) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended in between.
    }
  }
}
