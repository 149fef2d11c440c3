/** What of the autoscaler outlives the controller: key `autoscaling/<a>/<d>`, of a shadow `shadow/<a>/<d>`. */
import { isIdle, type Reports, restoreReports, type SavedReports } from "../autoscaling/reports.ts";
import { restoreWindow, type SavedWindow, saveWindow } from "../autoscaling/saved-window.ts";
import type { ScalingState } from "../autoscaling/state.ts";
import type { TraceEntry } from "../autoscaling/trace.ts";
import type { Recording } from "./autoscale-record.ts";

/** The memory of one deployment. */
export interface ScalingRecord {
  readonly application: string;
  readonly deployment: string;
  /** Of the deployment. */
  readonly uid: string;
  /** What it was registered with last; see registrationOf and buildOf. */
  readonly registration: string;
  readonly build: string;
  readonly state: ScalingState;
  /** Of a shadow: the replicas it would have; absent: this is of what is followed. */
  readonly shadowTarget?: number;
  /** All reports, as older versions wrote them; null: nobody had any load, or there is a `window`. */
  readonly reports: SavedReports | null;
  /** The reports, beside what was recorded of decisions; absent: nobody had any load. */
  readonly window?: SavedWindow;
  /** When it was written, epoch seconds; absent in records of older versions. */
  readonly savedAtS?: number;
}

/** At most one write of a deployment's memory in so many milliseconds. */
export const SAVE_INTERVAL_MS = 1_000;

/** The reports as they are stored; null where they say nothing but that nothing is to be done. */
export function windowToSave(
  reports: Reports | undefined,
  { told }: Recording,
  nowMs: number,
  nowMonoMs: number,
): SavedWindow | null {
  if (reports === undefined || isIdle(reports)) return null;
  return saveWindow(reports, told?.reports ?? null, nowMs / 1_000, nowMonoMs / 1_000);
}

/** What was stored, as it is now; `record` as for {@link restoreWindow}. null: nobody had any load. */
export function restoredReports(
  { reports, window }: ScalingRecord,
  record: () => readonly TraceEntry[],
  nowMs: number,
  nowMonoMs: number,
): Reports | null {
  const [nowS, nowMonoS] = [nowMs / 1_000, nowMonoMs / 1_000];
  if (window !== undefined) return restoreWindow(window, record, nowS, nowMonoS);
  return reports === null ? null : restoreReports(reports, nowS, nowMonoS);
}
