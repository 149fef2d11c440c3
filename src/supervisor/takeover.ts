import type { Clock } from "../core/clock.ts";
import { signalSame, stillRuns } from "./process-identity.ts";
import type { RunRecord } from "./run-records.ts";
import { anotherRuns } from "./start-lock.ts";

/** How long an old proxy may drain, and an old controller may take to notice that its supervisor is gone. */
const PROXY_DRAIN_MS = 35_000;
const CONTROLLER_EXIT_MS = 2_000;

/**
 * Clears the way after a supervisor that ended without cleaning up: its proxies drain (they hold our ports), its
 * controller, builders and policy hosts end; its replicas are left to be adopted. A supervisor that still runs is an error.
 */
export async function takeOver(previous: readonly RunRecord[], stateDir: string, clock: Clock): Promise<void> {
  const alive = previous.flatMap((record) =>
    record.process && stillRuns(record.process) ? [{ ...record, process: record.process }] : [],
  );
  const supervisor = alive.find((record) => record.role === "supervisor");
  if (supervisor) {
    throw anotherRuns(supervisor.process.pid, stateDir);
  }
  const waitFor = alive.filter((record) => record.role !== "replica" && record.role !== "command");
  const deadline = clock.monotonic();
  for (const record of waitFor)
    if (record.role === "proxy" || record.role === "policy-host") signalSame(record.process, "SIGTERM");
  for (;;) {
    const left = waitFor.filter((record) => stillRuns(record.process));
    if (left.length === 0) return;
    const waitedMs = clock.monotonic() - deadline;
    for (const record of left) {
      if (waitedMs >= (record.role === "proxy" ? PROXY_DRAIN_MS : CONTROLLER_EXIT_MS)) {
        signalSame(record.process, "SIGKILL");
      }
    }
    await clock.sleep(20);
  }
}
