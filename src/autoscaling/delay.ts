/** How long a wish must last before it is followed. */

/** The wish that waits. Plain JSON, for the store. */
export type DelayState =
  | { readonly kind: "none" }
  | {
      readonly kind: "up" | "down";
      /** The first turn of this wish, epoch seconds. */
      readonly sinceS: number;
      /** Turns that wished so; for information, since turns without a possible effect are skipped. */
      readonly turns: number;
    };

/** Nothing waits. */
export const NO_DELAY: DelayState = Object.freeze({ kind: "none" });

/** The delays of a config in seconds. */
export interface Delays {
  readonly upDelayS: number;
  readonly downDelayS: number;
  readonly toZeroDelayS: number;
}

/** Absorbs rounding of clocks when a delay is compared. */
export const DELAY_TOLERANCE_S = 1e-6;

/** What the delay rule made of a wish. */
export interface DelayStep {
  /** The replicas to have now: the target while waiting. */
  readonly value: number;
  readonly state: DelayState;
  /** The delay that applies to the wish in seconds; null when nothing is wished. */
  readonly delayS: number | null;
}

/**
 * ```
 * Wish (s) against target (T) | Waiting  | → Waiting, since       | Fires when the wait is
 * s > T                       | up       | up, unchanged          | upDelayS
 * s > T                       | down, no | up, now                | upDelayS
 * s < T                       | down     | down, unchanged        | downDelayS; toZeroDelayS at T = 1
 * s < T                       | up, no   | down, now              | the same
 * s = T                       | any      | none                   | never
 * ```
 * Firing answers the present wish and waits for nothing more. A wish below 1 counts as 1 unless the target is 1.
 */
export function applyDelay(scaled: number, target: number, state: DelayState, delays: Delays, nowS: number): DelayStep {
  if (scaled === target) return { value: target, state: NO_DELAY, delayS: null };
  const kind = scaled > target ? "up" : "down";
  const delayS = delayFor(scaled, target, delays);
  const before = state.kind === kind ? state : null;
  const sinceS = before?.sinceS ?? nowS;
  if (nowS - sinceS + DELAY_TOLERANCE_S >= delayS) {
    return { value: throughOne(scaled, target), state: NO_DELAY, delayS };
  }
  return { value: target, state: { kind, sinceS, turns: (before?.turns ?? 0) + 1 }, delayS };
}

/** The delay of a wish that differs from the target, in seconds. */
function delayFor(scaled: number, target: number, delays: Delays): number {
  if (scaled > target) return delays.upDelayS;
  return target === 1 ? delays.toZeroDelayS : delays.downDelayS;
}

/** A wish for none goes through one replica. */
export function throughOne(scaled: number, target: number): number {
  return scaled < target && target !== 1 ? Math.max(1, scaled) : scaled;
}
