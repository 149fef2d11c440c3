/** One number from a series: mean over time, largest or smallest value. */
import { mergeSeries } from "./merge.ts";
import type { Series } from "./series.ts";

/** How a series becomes one number; a config's `aggregation_function`. */
export type AggregationFunction = "mean" | "max" | "min";

/** The level's stand-in for a length of time that is zero or negative because clocks differ, in seconds. */
const MIN_TAIL_S = 1e-3;

/** What is known of a mean before its end: the integral so far and the level that holds from `atS` on. */
interface Integral {
  readonly area: number;
  readonly lengthS: number;
  readonly atS: number;
  readonly level: number;
}

/** The integral from `startS` over the points before `endS`; the level before the first point is 0. */
function integrate({ timesS, values }: Series, startS: number, endS: number): Integral {
  let area = 0;
  let lengthS = 0;
  let atS = startS;
  let level = 0;
  for (let i = 0; i < timesS.length; i++) {
    const timeS = timesS[i]!;
    if (timeS > startS) {
      if (timeS >= endS) break;
      const stepS = timeS - atS;
      area += level * stepS;
      lengthS += stepS;
      atS = timeS;
    }
    level = values[i]!;
  }
  return { area, lengthS, atS, level };
}

function meanUntil({ area, lengthS, atS, level }: Integral, endS: number): number | null {
  const stepS = endS - atS;
  const wholeS = lengthS + stepS;
  return wholeS > 0 ? (area + level * stepS) / wholeS : null;
}

/**
 * The mean over time from `startS` (null: the first point) to `endS` (null: `tailS` after the last point), epoch
 * seconds; null when there are no points or nothing lies between.
 */
export function timeWeightedMean(
  series: Series,
  startS: number | null,
  endS: number | null,
  tailS: number,
): number | null {
  const lastS = series.timesS.at(-1);
  if (lastS === undefined) return null;
  const fromS = startS ?? series.timesS[0]!;
  const toS = endS ?? lastS + tailS;
  return toS <= fromS ? null : meanUntil(integrate(series, fromS, toS), toS);
}

/** The largest or smallest value among the points at `startS` or later; the level carried in there does not count. */
function extreme({ timesS, values }: Series, which: "max" | "min", startS: number | null): number | null {
  let found: number | null = null;
  for (let i = 0; i < timesS.length; i++) {
    if (startS !== null && timesS[i]! < startS) continue;
    const value = values[i]!;
    if (found === null || (which === "max" ? value > found : value < found)) found = value;
  }
  return found;
}

/** Reduces a series from `startS` (null: its first point) on, where the last level holds for `tailS`; null: no value. */
export function aggregate(
  series: Series,
  by: AggregationFunction,
  startS: number | null,
  tailS: number,
): number | null {
  return by === "mean" ? timeWeightedMean(series, startS, null, tailS) : extreme(series, by, startS);
}

/**
 * The aggregate of merged series as a function of now: everything but the length of the last level. It is made once
 * for a set of reports and read in each turn by {@link valueAt}.
 */
export type LoadCurve =
  | { readonly kind: "level"; readonly value: number }
  | {
      readonly kind: "mean";
      /** The integral from the window's start to the last change, and the seconds between them. */
      readonly area: number;
      readonly lengthS: number;
      /** The last change, epoch seconds, and the level from there on. */
      readonly atS: number;
      readonly level: number;
    };

/** The curve of series without points. */
const NO_LOAD: LoadCurve = Object.freeze({ kind: "level", value: 0 });

/**
 * Merges series and reduces them. Of several series with points the window starts where all of them have begun,
 * unless that is after the last change; so time before then, idle time above all, is left out of the mean.
 */
export function loadCurve(all: readonly Series[], by: AggregationFunction): LoadCurve {
  let count = 0;
  let alignedS = Number.NEGATIVE_INFINITY;
  for (const { timesS } of all) {
    if (timesS.length === 0) continue;
    count += 1;
    alignedS = Math.max(alignedS, timesS[0]!);
  }
  return mergedCurve(mergeSeries(all), count > 1 ? alignedS : null, by);
}

/** {@link loadCurve} of series that are merged already; `alignedS`: when the last of several began, null for a single one. */
export function mergedCurve(merged: Series, alignedS: number | null, by: AggregationFunction): LoadCurve {
  const lastS = merged.timesS.at(-1);
  if (lastS === undefined) return NO_LOAD;
  const firstS = merged.timesS[0]!;
  const startS = alignedS !== null && alignedS <= lastS ? Math.max(alignedS, firstS) : null;
  if (by !== "mean") return { kind: "level", value: extreme(merged, by, startS) ?? 0 };
  const { area, lengthS, atS, level } = integrate(merged, startS ?? firstS, Number.POSITIVE_INFINITY);
  return { kind: "mean", area, lengthS, atS, level };
}

/** The curve's value at `nowS`, epoch seconds; the last level holds until then. */
export function valueAt(curve: LoadCurve, nowS: number): number {
  if (curve.kind === "level") return curve.value;
  const tailS = nowS - curve.atS;
  return meanUntil(curve, curve.atS + (tailS <= 0 ? MIN_TAIL_S : tailS)) ?? 0;
}

/** Merges series and reduces them to one number at `nowS`; 0 without points. */
export function mergeAndAggregate(all: readonly Series[], by: AggregationFunction, nowS: number): number {
  return valueAt(loadCurve(all, by), nowS);
}
