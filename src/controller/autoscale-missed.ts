/** The decisions that were due while no controller ran. Pure. */
import { valueAt } from "../autoscaling/aggregate.ts";
import { constantUntilS } from "../autoscaling/boundary.ts";
import { type Decision, decide } from "../autoscaling/decide.ts";
import { handleTimeoutS } from "../autoscaling/intervals.ts";
import type { Reports } from "../autoscaling/reports.ts";
import type { ScalingState } from "../autoscaling/state.ts";
import type { Seen } from "./autoscale-scaler.ts";
import { nextTick, tickFrom } from "./autoscale-ticks.ts";

/** Memory and target as they would be if the ticks that were missed had been decided. */
export interface CaughtUp {
  readonly state: ScalingState;
  readonly target: number;
  /** What led to another target, and the memory it was made with; absent: nothing did. */
  readonly change?: { readonly decision: Decision; readonly state: ScalingState };
}

/**
 * Decides by the built-in policy at the ticks after `sinceS`, epoch seconds, and before `atMs`, on the inputs that were
 * known: so waits begin and end when they would have, not when a controller came back. A second change of the target is
 * left to news. undefined: it was away for longer than silent routers are believed, so nothing is known of that time.
 */
export function decideMissed(
  { rules, running, target: before, load }: Pick<Seen, "rules" | "running" | "target" | "load">,
  stateBefore: ScalingState,
  sinceS: number,
  atMs: number,
  metricsIntervalS: number,
): CaughtUp | undefined {
  if (atMs / 1_000 - sinceS >= handleTimeoutS(metricsIntervalS)) return undefined;
  let state = stateBefore;
  let target = before;
  let change: CaughtUp["change"];
  for (let tickMs = nextTick(Math.floor(sinceS * 1_000) + 1, Number.NEGATIVE_INFINITY); tickMs < atMs; ) {
    const atS = tickMs / 1_000;
    const total = valueAt(load.total, atS);
    const step = decide({ rules, running: running.length, target, total, source: load.source }, state, atS);
    const changed = step.decision.result !== target;
    if (step.decision.kind === "kept" || (changed && target !== before)) break;
    if (changed) change = { decision: step.decision, state };
    state = step.state;
    target = step.decision.result;
    tickMs = tickFrom(changed ? 0 : constantUntilS(step.decision, load.total), tickMs);
  }
  return { state, target, ...(change === undefined ? {} : { change }) };
}

/** Whether nobody has reported anything since. */
export function isNewsless(restored: Reports, now: Reports): boolean {
  if (now.handles.size !== restored.handles.size || now.replicas.size !== restored.replicas.size) return false;
  for (const [id, { report }] of now.handles) if (restored.handles.get(id)?.report !== report) return false;
  for (const [id, report] of now.replicas) if (restored.replicas.get(id) !== report) return false;
  return true;
}
