import { seeded } from "./seeded.ts";

/** A stretch of a load: so many requests under way at its beginning and at its end, and evenly between. */
export interface Phase {
  readonly kind: "ramp up" | "hold" | "burst" | "ramp down" | "idle";
  /** Seconds from the beginning of the load. */
  readonly fromS: number;
  readonly toS: number;
  readonly from: number;
  readonly to: number;
}

/** Seconds of one round of phases at most. */
const ROUND_S = 100;

/** A load that changes: rounds of ramps, holds, a burst and silence, drawn by a seed. The last phase is silence. */
export function course(seconds: number, peak: number, seed: number): Phase[] {
  const random = seeded(seed);
  const between = (low: number, high: number): number => low + (high - low) * random();
  const rounds = Math.max(1, Math.round(seconds / ROUND_S));
  const roundS = seconds / rounds;
  const phases: Phase[] = [];
  for (let round = 0; round < rounds; round++) {
    const top = Math.round(peak * between(0.5, 1));
    const low = Math.round(peak * between(0.1, 0.4));
    const shapes: readonly (readonly [Phase["kind"], share: number, from: number, to: number])[] = [
      ["ramp up", between(0.1, 0.25), 0, top],
      ["hold", between(0.05, 0.2), top, top],
      ["ramp down", between(0.05, 0.2), top, low],
      ["hold", between(0.05, 0.15), low, low],
      ["burst", between(0.05, 0.12), peak, peak],
      ["hold", between(0.02, 0.1), low, low],
      ["idle", between(0.25, 0.35), 0, 0],
    ];
    const sum = shapes.reduce((all, [, share]) => all + share, 0);
    for (const [kind, share, from, to] of shapes) {
      const fromS = phases.at(-1)?.toS ?? 0;
      phases.push({ kind, fromS, toS: fromS + (share / sum) * roundS, from, to });
    }
  }
  return phases;
}

/** Requests that are to be under way so many seconds after the beginning. */
export function levelAt(phases: readonly Phase[], atS: number): number {
  const phase = phases.find(({ toS }) => atS < toS);
  if (phase === undefined) return 0;
  const share = (atS - phase.fromS) / (phase.toS - phase.fromS);
  return Math.round(phase.from + share * (phase.to - phase.from));
}
