import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadCurve, mergeAndAggregate, timeWeightedMean, valueAt } from "../../src/autoscaling/aggregate.ts";
import { handleTimeoutS, samplingIntervalS } from "../../src/autoscaling/intervals.ts";
import { mergeSeries } from "../../src/autoscaling/merge.ts";
import { addSample, isSound, prune, type Series, type SeriesStore, seriesOf } from "../../src/autoscaling/series.ts";

const EPOCH_S = 1_790_000_000;
type Points = [number, number][];

const pointsOf = ({ timesS, values }: Series): Points => timesS.map((timeS, i) => [timeS, values[i]!]);

describe("the producer's store", () => {
  it("keeps samples in order of time, the latest added last among equals", () => {
    const store: SeriesStore = new Map();
    for (const [timeS, value] of [
      [3, 1],
      [1, 2],
      [3, 3],
      [2, 4],
      [1, 5],
    ] as const)
      addSample(store, "a", timeS, value);
    expect(pointsOf(store.get("a")!)).toEqual([
      [1, 2],
      [1, 5],
      [2, 4],
      [3, 1],
      [3, 3],
    ]);
  });

  it.each([
    { name: "a point at the start of the look-back goes", startS: 2, left: { a: [[3, 3]] } },
    { name: "a newest point at the start leaves an empty series", startS: 3, left: { a: [] } },
    { name: "a newest point before the start takes the series along", startS: 3.001, left: {} },
    {
      name: "newer points stay",
      startS: 0.5,
      left: {
        a: [
          [1, 1],
          [2, 2],
          [3, 3],
        ],
      },
    },
  ])("$name", ({ startS, left }) => {
    const store: SeriesStore = new Map();
    for (const timeS of [1, 2, 3]) addSample(store, "a", timeS, timeS);
    prune(store, startS);
    expect(Object.fromEntries([...store].map(([name, series]) => [name, pointsOf(series)]))).toEqual(left);
    prune(store, startS);
    expect(store.has("a")).toBe("a" in left);
  });

  it("knows series from outside that cannot be used", () => {
    expect(
      isSound(
        seriesOf([
          [1, 2],
          [1, 3],
          [2, 0],
        ]),
      ),
    ).toBe(true);
    expect(isSound({ timesS: [], values: [] })).toBe(true);
    expect(isSound({ timesS: [1], values: [] })).toBe(false);
    expect(isSound({ timesS: [2, 1], values: [0, 0] })).toBe(false);
    expect(isSound({ timesS: [1], values: [Number.NaN] })).toBe(false);
    expect(isSound({ timesS: [Number.POSITIVE_INFINITY], values: [1] })).toBe(false);
  });

  it("samples five times a look-back period, or once a metrics interval if that is shorter", () => {
    expect(samplingIntervalS({ metrics_interval_s: 10, look_back_period_s: 30 })).toBe(6);
    expect(samplingIntervalS({ metrics_interval_s: 1, look_back_period_s: 30 })).toBe(1);
  });

  it("waits two metrics intervals for a handle, at least ten seconds", () => {
    expect([1, 5, 10].map(handleTimeoutS)).toEqual([10, 10, 20]);
  });
});

const arbitraryPoints = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 9 })), { maxLength: 8 })
  .map((points): Points => points.sort(([a], [b]) => a - b).map(([cs, value]) => [EPOCH_S + cs / 100, value]));

describe("merging", () => {
  it.each<{ name: string; series: Points[]; merged: Points }>([
    {
      name: "a lone series is not touched",
      series: [
        [
          [1.23456, 0],
          [1.23456, 2],
        ],
        [],
      ],
      merged: [
        [1.23456, 0],
        [1.23456, 2],
      ],
    },
    {
      name: "zeros in front leave no point",
      series: [
        [
          [1, 0],
          [3, 2],
        ],
        [[1, 0]],
      ],
      merged: [[3, 2]],
    },
    {
      name: "times are rounded to 10 ms, half away from zero",
      series: [[[1.125, 1]], [[2.004, 1]]],
      merged: [
        [1.13, 1],
        [2, 2],
      ],
    },
    { name: "changes in the same 10 ms make one point", series: [[[1.001, 1]], [[1.004, 2]]], merged: [[1, 3]] },
    {
      name: "changes that cancel out leave a point",
      series: [
        [
          [1, 1],
          [2, 3],
        ],
        [
          [1, 2],
          [2, 0],
        ],
      ],
      merged: [
        [1, 3],
        [2, 3],
      ],
    },
    {
      name: "times before the epoch are rounded away from zero too",
      series: [[[-1.125, 1]], [[0, 1]]],
      merged: [
        [-1.13, 1],
        [0, 2],
      ],
    },
  ])("$name", ({ series, merged }) => {
    expect(pointsOf(mergeSeries(series.map(seriesOf)))).toEqual(merged);
  });

  it("is the sum of the levels at every moment, whatever the number of series", () => {
    fc.assert(
      fc.property(fc.array(arbitraryPoints, { maxLength: 12 }), (all) => {
        const series = all.map(seriesOf);
        const merged = mergeSeries(series);
        const levelAt = ({ timesS, values }: Series, timeS: number): number =>
          values[timesS.findLastIndex((each) => each <= timeS)] ?? 0;
        for (let cs = 0; cs <= 3_001; cs += 7) {
          const timeS = EPOCH_S + cs / 100 + 0.001;
          const sum = series.reduce((total, each) => total + levelAt(each, timeS), 0);
          expect(levelAt(merged, timeS)).toBe(sum);
        }
        expect(isSound(merged)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe("reducing to one number", () => {
  it.each<{ name: string; series: Points[]; by: "mean" | "max" | "min"; value: number }>([
    {
      name: "a lone series counts its idle time",
      series: [
        [
          [0, 0],
          [4, 10],
        ],
      ],
      by: "mean",
      value: 50 / 9,
    },
    {
      name: "of several, idle time in front does not count",
      series: [
        [
          [0, 0],
          [4, 10],
        ],
        [[0, 0]],
      ],
      by: "mean",
      value: 10,
    },
    { name: "the window starts where the last series begins", series: [[[0, 4]], [[5, 2]]], by: "mean", value: 6 },
    {
      name: "the last level holds until now",
      series: [
        [
          [8, 1],
          [8.5, 3],
        ],
      ],
      by: "mean",
      value: 2,
    },
    {
      name: "the largest point counts",
      series: [
        [
          [0, 4],
          [5, 1],
        ],
        [[0, 1]],
      ],
      by: "max",
      value: 5,
    },
    {
      name: "a level carried into the window does not count for max",
      series: [
        [
          [0, 9],
          [6, 1],
        ],
        [[5, 1]],
      ],
      by: "max",
      value: 10,
    },
    {
      name: "min never sees zeros in front",
      series: [
        [
          [0, 0],
          [4, 3],
        ],
        [[4, 2]],
      ],
      by: "min",
      value: 5,
    },
    { name: "nothing is 0", series: [[], []], by: "mean", value: 0 },
    { name: "nothing but zeros is 0", series: [[[0, 0]], [[3, 0]]], by: "max", value: 0 },
  ])("$name", ({ series, by, value }) => {
    const nowS = 9;
    expect(mergeAndAggregate(series.map(seriesOf), by, nowS)).toBe(value);
  });

  it("takes a short tail when the clock of the producer is ahead", () => {
    expect(
      mergeAndAggregate(
        [
          seriesOf([
            [1, 2],
            [9, 4],
          ]),
        ],
        "mean",
        5,
      ),
    ).toBeCloseTo((16 + 0.004) / 8.001, 12);
    expect(mergeAndAggregate([seriesOf([[9, 4]])], "mean", 9)).toBe(4);
  });

  it("the curve gives at every later moment what a mean over the whole window gives", () => {
    fc.assert(
      fc.property(
        fc.array(arbitraryPoints, { minLength: 2, maxLength: 5 }),
        fc.integer({ min: 0, max: 9_000 }),
        (all, afterMs) => {
          const series = all.map(seriesOf);
          const merged = mergeSeries(series);
          const nowS = EPOCH_S + 30 + afterMs / 1_000;
          const lastS = merged.timesS.at(-1);
          const begins = series.flatMap(({ timesS }) => timesS.slice(0, 1));
          const alignedS = Math.max(...begins);
          const startS =
            lastS !== undefined && begins.length > 1 && alignedS <= lastS
              ? Math.max(alignedS, merged.timesS[0]!)
              : null;
          const tailS = lastS === undefined ? 0 : nowS - lastS;
          const mean = timeWeightedMean(merged, startS, null, tailS <= 0 ? 1e-3 : tailS) ?? 0;
          expect(valueAt(loadCurve(series, "mean"), nowS)).toBe(mean);
        },
      ),
    );
  });
});
