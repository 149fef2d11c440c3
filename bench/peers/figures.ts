import type { Footprint } from "../lib/proc.ts";

/** What another system does with the same no-op application, measured in the same run. Milliseconds and bytes. */
export interface PeerFigures {
  /** Good answers a second at 32 connections. */
  readonly perSecond: number;
  /** At 1 connection. */
  readonly perSecondSingle: number;
  readonly p50SingleMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** From the start of the first process to the first answered request. */
  readonly firstAnswerMs: number;
  /** From the 200 of the scale call to 3 RUNNING. */
  readonly scaleMs: readonly number[];
  /** From the scale call 0 → 1 to the first byte of a request that waits; undefined: not measured. */
  readonly fromZeroMs: readonly number[];
  /** All processes, one replica, idle. */
  readonly memory: Footprint;
}
