import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packSeries, unpackSeries } from "../../src/core/series-table.ts";

const seriesArbitrary = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.double({ noNaN: true, noDefaultInfinity: true })))
  .map((points) => points.sort(([a], [b]) => a - b))
  .map((points) => ({
    timesS: points.map(([timeS]) => 1_700_000_000 + timeS / 4),
    values: points.map(([, value]) => value),
  }));

describe("series over one column of times", () => {
  it("come back as they were packed, whatever their times are", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ maxLength: 3 }), seriesArbitrary), (given) => {
        const all = Object.entries(given);
        expect(unpackSeries(packSeries(all))).toEqual(new Map(all));
      }),
    );
  });

  it("need no rows when they were sampled together, also those that began later", () => {
    const packed = packSeries([
      ["", { timesS: [1, 2, 3], values: [0, 4, 5] }],
      ["r1", { timesS: [2, 3], values: [1, 2] }],
      ["left", { timesS: [1], values: [7] }],
    ]);
    expect(packed).toEqual({
      timesS: [1, 2, 3],
      columns: [
        { name: "", values: [0, 4, 5], rows: [] },
        { name: "r1", values: [1, 2], rows: [] },
        { name: "left", values: [7], rows: [0] },
      ],
    });
  });

  it.each([
    ["a time that is no number", { timesS: [Number.NaN], columns: [] }, "time 0 is NaN: it must be a finite number"],
    ["times that go back", { timesS: [2, 1], columns: [] }, "time 1 is earlier than the one before it"],
    [
      "a value that is no number",
      one([1], [Number.POSITIVE_INFINITY]),
      'a value of "q" is Infinity: it must be a finite number',
    ],
    ["more values than times", one([1], [1, 2]), '"q" has 2 values for 1 times'],
    ["more rows than values", one([1, 2], [1], [0, 1]), '"q" has 1 values for 2 rows'],
    ["a row without a time", one([1, 2], [1], [2]), '"q" has row 2 of 2'],
    ["rows that go back", one([1, 2], [1, 2], [1, 0]), 'the rows of "q" go back'],
  ])("%s is refused", (_, table, message) => {
    expect(() => unpackSeries(table)).toThrow(message);
  });
});

function one(timesS: number[], values: number[], rows: number[] = []) {
  return { timesS, columns: [{ name: "q", values, rows }] };
}
