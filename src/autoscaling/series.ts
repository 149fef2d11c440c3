/**
 * Series of measured values and the producer's store of them.
 * Times are epoch seconds as doubles, not milliseconds: decisions are equal to the reference's to the last bit, and
 * that needs its unit and its order of operations. `nowMs / 1000` is the conversion.
 */

/** A step function in columns: `values[i]` holds from `timesS[i]` on until the next point. Times never decrease. */
export interface Series {
  readonly timesS: readonly number[];
  readonly values: readonly number[];
}

/** A series without points. */
export const EMPTY_SERIES: Series = Object.freeze({ timesS: Object.freeze([]), values: Object.freeze([]) });

/** A series of the points given as pairs of time (epoch seconds) and value, in order of time. */
export function seriesOf(points: readonly (readonly [timeS: number, value: number])[]): Series {
  return { timesS: points.map(([timeS]) => timeS), values: points.map(([, value]) => value) };
}

/** Whether a series from outside may be used: columns of one length, finite numbers, times in order. */
export function isSound({ timesS, values }: Series): boolean {
  if (timesS.length !== values.length) return false;
  for (let i = 0; i < timesS.length; i++) {
    if (!Number.isFinite(timesS[i]) || !Number.isFinite(values[i])) return false;
    if (i > 0 && timesS[i]! < timesS[i - 1]!) return false;
  }
  return true;
}

/** What a proxy, handle or replica has sampled and not yet pruned, by the name of the series. Plain to serialise. */
export type SeriesStore = Map<string, { readonly timesS: number[]; readonly values: number[] }>;

/** Adds a sample to `store` in place, keeping order; among equal times the latest added comes last. */
export function addSample(store: SeriesStore, name: string, timeS: number, value: number): void {
  let series = store.get(name);
  if (!series) {
    series = { timesS: [], values: [] };
    store.set(name, series);
  }
  // Nearly always the newest sample: the search from the end ends at once.
  let at = series.timesS.length;
  while (at > 0 && series.timesS[at - 1]! > timeS) at -= 1;
  series.timesS.splice(at, 0, timeS);
  series.values.splice(at, 0, value);
}

/**
 * Forgets in place what is older than the look-back: a series whose newest point is older than `startS` goes, of the
 * others the points that are not newer than `startS`. So a series may be left without points.
 */
export function prune(store: SeriesStore, startS: number): void {
  for (const [name, { timesS, values }] of store) {
    const newest = timesS.at(-1);
    if (newest === undefined) continue;
    if (newest < startS) {
      store.delete(name);
      continue;
    }
    let count = 0;
    while (count < timesS.length && timesS[count]! <= startS) count += 1;
    if (count === 0) continue;
    timesS.splice(0, count);
    values.splice(0, count);
  }
}
