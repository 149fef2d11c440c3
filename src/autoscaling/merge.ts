/** The sum of several series at every moment. */
import { EMPTY_SERIES, type Series } from "./series.ts";

/**
 * One series that is the sum of all. A single series with points comes back as it is. Of several, each starts from 0
 * before its first point, only points that change its value count, times are rounded to 10 ms, and changes in the same
 * 10 ms make one point; changes that cancel out leave one too.
 */
export function mergeSeries(all: readonly Series[]): Series {
  const sources = all.filter((series) => series.timesS.length > 0);
  if (sources.length === 0) return EMPTY_SERIES;
  if (sources.length === 1) return sources[0]!;
  const timesS: number[] = [];
  const values: number[] = [];
  const next = new Array<number>(sources.length).fill(0);
  // The time of each source's next point, beside each other: looking them up in the series took most of the time.
  const headsS = sources.map((series) => series.timesS[0]!);
  const heap = sources.map((_, source) => source);
  for (let at = (heap.length >> 1) - 1; at >= 0; at--) siftDown(heap, at, headsS);
  let total = 0;
  let lastS = Number.NaN;
  while (heap.length > 0) {
    const source = heap[0]!;
    const { timesS: times, values: levels } = sources[source]!;
    const at = next[source]!;
    const before = at === 0 ? 0 : levels[at - 1]!;
    const level = levels[at]!;
    if (level !== before) {
      total += level - before;
      const timeS = roundTo10Ms(headsS[source]!);
      if (timeS === lastS) values[values.length - 1] = total;
      else {
        timesS.push(timeS);
        values.push(total);
        lastS = timeS;
      }
    }
    next[source] = at + 1;
    if (at + 1 < times.length) headsS[source] = times[at + 1]!;
    else {
      const moved = heap.pop()!;
      if (heap.length === 0) break;
      heap[0] = moved;
    }
    siftDown(heap, 0, headsS);
  }
  return { timesS, values };
}

/** A time of a merged series: rounded to 10 ms, half away from zero. */
export function roundTo10Ms(timeS: number): number {
  return timeS < 0 ? -Math.floor(-timeS * 100 + 0.5) / 100 : Math.floor(timeS * 100 + 0.5) / 100;
}

/** Restores the order below `at`: by the time of the next point, then by source, so that sums have one order. */
function siftDown(heap: number[], at: number, headsS: readonly number[]): void {
  const source = heap[at]!;
  const timeS = headsS[source]!;
  let hole = at;
  for (;;) {
    let child = 2 * hole + 1;
    if (child >= heap.length) break;
    let least = heap[child]!;
    let leastS = headsS[least]!;
    if (child + 1 < heap.length) {
      const right = heap[child + 1]!;
      const rightS = headsS[right]!;
      if (rightS < leastS || (rightS === leastS && right < least)) {
        child += 1;
        least = right;
        leastS = rightS;
      }
    }
    if (timeS < leastS || (timeS === leastS && source < least)) break;
    heap[hole] = least;
    hole = child;
  }
  heap[hole] = source;
}
