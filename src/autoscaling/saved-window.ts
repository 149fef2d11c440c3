/**
 * Reports as they are kept for the next process. The record of decisions holds nearly all of them (trace.ts), so what is
 * kept beside it is who reports, and what the last entry of the record did not know.
 */
import { emptyReports, type HandleReport, type Reports } from "./reports.ts";
import { applyDelta, type KnownReports, NO_KNOWN_REPORTS, reportsDelta, type TraceEntry } from "./trace.ts";

/** Plain JSON. */
export interface SavedWindow {
  /** Epoch seconds. */
  readonly savedAtS: number;
  /** Whether `news` follows the record of decisions; else all is here. */
  readonly onRecord: boolean;
  /** In order; ages instead of monotonic times, which end with the process. */
  readonly handles: readonly { readonly id: string; readonly owner: HandleReport["owner"]; readonly ageS: number }[];
  readonly replicas: readonly string[];
  readonly news: Pick<TraceEntry, "handles" | "replicas" | "gone">;
}

/** What a restarted controller needs to go on with the same windows. `known`: what the record tells; null: it tells nothing. */
export function saveWindow(reports: Reports, known: KnownReports | null, nowS: number, nowMonoS: number): SavedWindow {
  return {
    savedAtS: nowS,
    onRecord: known !== null,
    handles: [...reports.handles].map(([id, { report, receivedMonoS }]) => ({
      id,
      owner: report.owner,
      ageS: nowMonoS - receivedMonoS,
    })),
    replicas: [...reports.replicas.keys()],
    news: reportsDelta(known ?? NO_KNOWN_REPORTS, reports).delta,
  };
}

/**
 * The reports in a new process; the time in between counts as silence of the handles. `record`: what was recorded from
 * the last entry on that tells all; not looked at where everything was kept.
 */
export function restoreWindow(
  saved: SavedWindow,
  record: () => readonly TraceEntry[],
  nowS: number,
  nowMonoS: number,
): Reports {
  const awayS = Math.max(0, nowS - saved.savedAtS);
  const all = emptyReports();
  for (const entry of saved.onRecord ? record() : []) applyDelta(all, entry);
  applyDelta(all, { atS: 0, result: 0, ...saved.news });
  const reports = emptyReports();
  for (const { id, owner, ageS } of saved.handles) {
    const report = all.handles.get(id)?.report;
    if (report) reports.handles.set(id, { report: { ...report, owner }, receivedMonoS: nowMonoS - (ageS + awayS) });
  }
  for (const id of saved.replicas) {
    const report = all.replicas.get(id);
    if (report) reports.replicas.set(id, report);
  }
  return reports;
}
