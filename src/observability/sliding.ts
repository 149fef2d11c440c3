/** Figures over the last minutes, kept in a few buckets: taking a value in costs a division and an addition. */

/** See {@link slidingWindow}. Times are monotonic ms and never go back. */
export interface SlidingWindow {
  take(value: number, nowMs: number): void;
  /** Of what was taken within the window. */
  read(nowMs: number): { readonly sum: number; readonly max: number };
}

/** A window of `windowMs` in so many buckets; what it tells reaches back up to one bucket less. */
export function slidingWindow(windowMs: number, buckets: number): SlidingWindow {
  const widthMs = windowMs / buckets;
  const sums = new Array<number>(buckets).fill(0);
  const maxima = new Array<number>(buckets).fill(0);
  let newest = Number.NEGATIVE_INFINITY;
  const advance = (nowMs: number): number => {
    const at = Math.floor(nowMs / widthMs);
    for (let old = Math.max(newest + 1, at - buckets + 1); old <= at; old++) {
      sums[old % buckets] = 0;
      maxima[old % buckets] = 0;
    }
    newest = Math.max(newest, at);
    return newest % buckets;
  };
  return {
    take(value, nowMs) {
      const index = advance(nowMs);
      sums[index]! += value;
      if (value > maxima[index]!) maxima[index] = value;
    },
    read(nowMs) {
      advance(nowMs);
      return { sum: sums.reduce((sum, each) => sum + each, 0), max: Math.max(...maxima) };
    },
  };
}
