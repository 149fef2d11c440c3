import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { ProcessIdentity } from "../controller/records.ts";

/**
 * What tells a process from a later one with the same pid; undefined when it does not run (a zombie does not).
 * Linux reads /proc; elsewhere `ps` is asked.
 */
export function identify(pid: number): ProcessIdentity | undefined {
  if (process.platform !== "linux") return identifyByPs(pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The command name is in parentheses and may hold anything, parentheses included.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    return { pid, startTime: fields[19]!, bootId: bootId() };
  } catch {
    return undefined;
  }
}

/** Whether the very process that was recorded still runs. */
export function stillRuns(identity: ProcessIdentity): boolean {
  const present = identify(identity.pid);
  return present !== undefined && present.startTime === identity.startTime && present.bootId === identity.bootId;
}

/** Signals the very process that was recorded; a later one with its pid is left alone. Returns whether it was sent. */
export function signalSame(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!stillRuns(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch {
    return false;
  }
}

let cachedBootId: string | undefined;

function bootId(): string {
  cachedBootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  return cachedBootId;
}

function identifyByPs(pid: number): ProcessIdentity | undefined {
  try {
    const text = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
    if (text === "" || text.startsWith("Z")) return undefined;
    return { pid, startTime: text.slice(text.indexOf(" ")).trim(), bootId: "" };
  } catch {
    return undefined;
  }
}
