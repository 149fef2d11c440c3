/** When decisions are made: on the whole tenths of a second of the wall clock, so that a replay finds the same moments. */

/** Milliseconds between two decisions on one deployment. */
export const TICK_MS = 100;

/** The last tick up to `nowMs`, epoch milliseconds. */
export function tickAt(nowMs: number): number {
  return Math.floor(nowMs / TICK_MS) * TICK_MS;
}

/** The first tick at or after `nowMs`, and after `lastMs`, the last decision; epoch milliseconds. */
export function nextTick(nowMs: number, lastMs: number): number {
  return Math.max(Math.ceil(nowMs / TICK_MS) * TICK_MS, tickAt(lastMs) + TICK_MS);
}

/** The first tick after `lastMs` at which something that held before `untilS` (epoch seconds) may not hold; Infinity. */
export function tickFrom(untilS: number, lastMs: number): number {
  if (untilS === Number.POSITIVE_INFINITY) return untilS;
  let tick = nextTick(Math.floor(untilS * 1_000), lastMs);
  // Rounding may have led one tick too far or not far enough.
  while (tick - TICK_MS > lastMs && (tick - TICK_MS) / 1_000 >= untilS) tick -= TICK_MS;
  while (tick / 1_000 < untilS) tick += TICK_MS;
  return tick;
}
