import { spawnSync } from "node:child_process";

/** Stops processes where they are, until {@link thaw}: what they do beside a measurement of another costs it nothing. */
export function freeze(pids: readonly number[]): void {
  signal(pids, "SIGSTOP");
}

/** Lets frozen processes go on. */
export function thaw(pids: readonly number[]): void {
  signal(pids, "SIGCONT");
}

/** Puts processes, with their threads and what they start from now on, on these cores ("0", "0-3"). */
export function pin(pids: readonly number[], cores: string): void {
  for (const pid of pids) spawnSync("taskset", ["-a", "-c", "-p", cores, String(pid)]);
}

/** Whether {@link pin} works: Linux with taskset. */
export function canPin(): boolean {
  return spawnSync("taskset", ["-p", String(process.pid)]).status === 0;
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It ended in between.
    }
  }
}
