/** Results over time, in so many columns of equal length: what charts are drawn from. */
import type { Outcome } from "./deployment.ts";
import type { ScheduleCourse } from "./schedule-windows.ts";

/** Mean requests that waited or were worked on. */
export function loadColumns(outcomes: readonly Outcome[], count: number): number[] {
  const columns = new Array<number>(count).fill(0);
  for (const { load } of outcomes) {
    for (let column = 0; column < count; column++) {
      const from = Math.floor((column * load.length) / count);
      const to = Math.max(from + 1, Math.floor(((column + 1) * load.length) / count));
      let sum = 0;
      for (let i = from; i < to; i++) sum += load[i]!;
      columns[column]! += sum / (to - from);
    }
  }
  return columns;
}

/** Mean replicas, those that are to be or those that serve. */
export function replicaColumns(
  outcomes: readonly Outcome[],
  which: "target" | "serving",
  count: number,
  lengthS: number,
): number[] {
  const columns = new Array<number>(count).fill(0);
  const widthS = lengthS / count;
  for (const { timeline } of outcomes) {
    const { timesS } = timeline;
    const levels = timeline[which];
    for (let i = 0; i < timesS.length; i++) {
      const fromS = timesS[i]!;
      const toS = Math.min(timesS[i + 1] ?? lengthS, lengthS);
      const last = Math.min(count - 1, Math.floor(toS / widthS));
      for (let column = Math.floor(fromS / widthS); column <= last; column++) {
        const overlapS = Math.min(toS, (column + 1) * widthS) - Math.max(fromS, column * widthS);
        if (overlapS > 0) columns[column]! += (overlapS / widthS) * levels[i]!;
      }
    }
  }
  return columns;
}

/** Where a window of a schedule is open at any moment. */
export function openColumns(
  changes: ScheduleCourse["changes"],
  window: number,
  count: number,
  lengthS: number,
): boolean[] {
  const columns = new Array<boolean>(count).fill(false);
  changes.forEach(({ atS, open }, i) => {
    if (!open.includes(window)) return;
    const end = Math.ceil(((changes[i + 1]?.atS ?? lengthS) / lengthS) * count);
    columns.fill(true, Math.floor((atS / lengthS) * count), end);
  });
  return columns;
}
