/** What a running instance recorded of a deployment's load, as a trace. */
import type { Series } from "../autoscaling/series.ts";
import type { Trace } from "./trace.ts";
import type { RateRow, Traffic } from "./traffic.ts";

/** The load of one deployment while it was recorded. */
export interface RecordedLoad {
  /** `APP/DEPLOYMENT`. */
  readonly name: string;
  /** Requests that waited or were worked on, of all routers and replicas together, epoch seconds. */
  readonly total: Series;
  /** Mean seconds that a replica worked on a request. */
  readonly serviceS: number;
}

/**
 * A trace with the same load between `fromS` and `toS`, epoch seconds. A recording knows how many requests there were
 * at a time, not when each came: they are drawn so that as many are there in the mean.
 */
export function readRecording(loads: readonly RecordedLoad[], fromS: number, toS: number): Trace {
  const startS = Math.floor(fromS);
  const traffic = new Map<string, Traffic>();
  for (const { name, total, serviceS } of loads) {
    const rows: RateRow[] = [];
    total.timesS.forEach((timeS, i) => {
      const begin = Math.max(timeS, fromS);
      const end = Math.min(total.timesS[i + 1] ?? toS, toS);
      if (end <= begin || serviceS <= 0) return;
      const rps = Math.max(0, total.values[i]!) / serviceS;
      rows.push({ startS: begin - startS, endS: end - startS, rps, serviceS });
    });
    traffic.set(name, { kind: "rates", rows });
  }
  return { startS, lengthS: toS - startS, traffic };
}
