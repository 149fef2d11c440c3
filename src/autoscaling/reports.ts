/** Reports of load as the controller keeps them: which are accepted, when they are dropped, how they survive. */
import type { Series } from "./series.ts";

/** The series of a replica's report that holds its ongoing requests; any other is a metric of the user's. */
export const RUNNING_REQUESTS = "running_requests";

/** What a proxy or handle says of one deployment. */
export interface HandleReport {
  readonly handle: string;
  /** Where the handle lives. Only an owner that is a proxy or replica can be found dead. */
  readonly owner: { readonly kind: "proxy" | "replica" | "other"; readonly id: string | null };
  /** When the report was made, epoch seconds of the producer. */
  readonly timestampS: number;
  /** Requests that wait for a replica. */
  readonly queued: Series;
  /** Requests that this handle has running, by replica. */
  readonly running: ReadonlyMap<string, Series>;
}

/** What a replica says of itself. */
export interface ReplicaReport {
  readonly replica: string;
  /** When the report was made, epoch seconds of the producer. */
  readonly timestampS: number;
  readonly metrics: ReadonlyMap<string, Series>;
}

/** The newest reports on one deployment; changed in place by the functions of this file. */
export interface Reports {
  readonly handles: Map<string, { readonly report: HandleReport; readonly receivedMonoS: number }>;
  readonly replicas: Map<string, ReplicaReport>;
}

/** No reports. */
export function emptyReports(): Reports {
  return { handles: new Map(), replicas: new Map() };
}

/**
 * Keeps a handle's report if it is newer than the one kept; false: it was late and changes nothing, nor does it prove
 * that the handle lives. `nowMonoS` is the controller's monotonic time.
 */
export function acceptHandleReport(reports: Reports, report: HandleReport, nowMonoS: number): boolean {
  const kept = reports.handles.get(report.handle);
  if (kept && report.timestampS <= kept.report.timestampS) return false;
  reports.handles.set(report.handle, { report, receivedMonoS: nowMonoS });
  return true;
}

/** Keeps a replica's report if it is newer than the one kept. It stays until the replica is forgotten. */
export function acceptReplicaReport(reports: Reports, report: ReplicaReport): boolean {
  const kept = reports.replicas.get(report.replica);
  if (kept && report.timestampS <= kept.timestampS) return false;
  reports.replicas.set(report.replica, report);
  return true;
}

/** Forgets the report of a replica that has stopped. */
export function forgetReplica(reports: Reports, replica: string): void {
  reports.replicas.delete(replica);
}

/**
 * Drops the handles that were silent for `timeoutS` or whose owner is known and not among `alive`; true when any was.
 * Their order is forgotten too: an older report is accepted afterwards.
 */
export function dropStaleHandles(
  reports: Reports,
  alive: ReadonlySet<string>,
  timeoutS: number,
  nowMonoS: number,
): boolean {
  const before = reports.handles.size;
  for (const [handle, { report, receivedMonoS }] of reports.handles) {
    const { kind, id } = report.owner;
    const dead = kind !== "other" && id !== null && !alive.has(id);
    if (dead || nowMonoS - receivedMonoS >= timeoutS) reports.handles.delete(handle);
  }
  return reports.handles.size < before;
}

/** When the next handle will have been silent for `timeoutS`, the controller's monotonic seconds; Infinity: never. */
export function nextStaleAtMonoS(reports: Reports, timeoutS: number): number {
  let nextS = Number.POSITIVE_INFINITY;
  for (const { receivedMonoS } of reports.handles.values()) nextS = Math.min(nextS, receivedMonoS + timeoutS);
  return nextS;
}

/** {@link Reports} as plain JSON for the store; ages instead of monotonic times, which end with the process. */
export interface SavedReports {
  /** Epoch seconds. */
  readonly savedAtS: number;
  readonly handles: readonly (Omit<HandleReport, "running"> & {
    readonly running: readonly (readonly [replica: string, series: Series])[];
    readonly ageS: number;
  })[];
  readonly replicas: readonly (Omit<ReplicaReport, "metrics"> & {
    readonly metrics: readonly (readonly [name: string, series: Series])[];
  })[];
}

/** What a restarted controller needs to go on with the same windows. */
export function saveReports(reports: Reports, nowS: number, nowMonoS: number): SavedReports {
  return {
    savedAtS: nowS,
    handles: [...reports.handles.values()].map(({ report, receivedMonoS }) => ({
      ...report,
      running: [...report.running],
      ageS: nowMonoS - receivedMonoS,
    })),
    replicas: [...reports.replicas.values()].map((report) => ({ ...report, metrics: [...report.metrics] })),
  };
}

/** The saved reports in a new process; the time in between counts as silence of the handles. */
export function restoreReports(saved: SavedReports, nowS: number, nowMonoS: number): Reports {
  const awayS = Math.max(0, nowS - saved.savedAtS);
  const reports = emptyReports();
  for (const { ageS, running, ...rest } of saved.handles) {
    const report: HandleReport = { ...rest, running: new Map(running) };
    reports.handles.set(report.handle, { report, receivedMonoS: nowMonoS - (ageS + awayS) });
  }
  for (const { metrics, ...rest } of saved.replicas) {
    reports.replicas.set(rest.replica, { ...rest, metrics: new Map(metrics) });
  }
  return reports;
}

/** Whether reports are all of nothing. What replicas measure for a policy of a user's counts as something. */
export function isIdle({ handles, replicas }: Reports): boolean {
  const zero = ({ values }: { readonly values: readonly number[] }): boolean => values.every((value) => value === 0);
  for (const { report } of handles.values()) {
    if (!zero(report.queued)) return false;
    for (const series of report.running.values()) if (!zero(series)) return false;
  }
  for (const { metrics } of replicas.values()) {
    for (const series of metrics.values()) if (!zero(series)) return false;
  }
  return true;
}
