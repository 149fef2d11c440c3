import { prune, type SeriesStore } from "../autoscaling/series.ts";

/** A config of short intervals and a long look-back keeps no series longer than this; the oldest samples go. */
export const MAX_POINTS = 1_000;

/** Forgets in place what is older than `startS`, epoch seconds, and what is more than {@link MAX_POINTS}. */
export function keepBounded(store: SeriesStore, startS: number): void {
  prune(store, startS);
  for (const { timesS, values } of store.values()) {
    const excess = timesS.length - MAX_POINTS;
    if (excess <= 0) continue;
    timesS.splice(0, excess);
    values.splice(0, excess);
  }
}
