import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadCurve, valueAt } from "../../src/autoscaling/aggregate.ts";
import { loadOf } from "../../src/autoscaling/load.ts";
import { acceptHandleReport, emptyReports } from "../../src/autoscaling/reports.ts";
import { addSample, EMPTY_SERIES, prune, type SeriesStore } from "../../src/autoscaling/series.ts";
import { LoadWindow, type Sampled } from "../../src/simulate/load-window.ts";

const EPOCH_S = 1_790_000_000;

type Step =
  | {
      readonly kind: "sample" | "report" | "wake";
      readonly afterS: number;
      readonly queued: number;
      readonly levels: number[];
    }
  | { readonly kind: "join" | "leave"; readonly which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("sample" as const, "sample" as const, "report" as const, "wake" as const),
      // Some within the 10 ms that merging takes for one moment.
      afterS: fc.constantFrom(0.003, 0.25, 1.37, 2, 6),
      queued: fc.integer({ min: 0, max: 3 }),
      levels: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 6, maxLength: 6 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom("join" as const, "leave" as const),
      which: fc.integer({ min: 0, max: 5 }),
    }),
  },
);

/** A router as the product has it: a store of series, and a report with copies of them. */
function reference() {
  const store: SeriesStore = new Map();
  let reports = emptyReports();
  return {
    sample(timeS: number, queued: number, running: readonly (Sampled & { id: string })[]): void {
      addSample(store, "queued", timeS, queued);
      for (const { id, ongoing } of running) addSample(store, id, timeS, ongoing);
    },
    /** What the product does before it reports at once that requests wait. */
    forgetIdle(): void {
      if (store.get("queued")?.values.at(-1) === 0) store.delete("queued");
    },
    report(timeS: number, startS: number): void {
      prune(store, startS);
      const copy = [...store].map(
        ([name, { timesS, values }]) => [name, { timesS: [...timesS], values: [...values] }] as const,
      );
      reports = emptyReports();
      acceptHandleReport(
        reports,
        {
          handle: "h",
          owner: { kind: "proxy", id: "p" },
          timestampS: timeS,
          queued: copy.find(([name]) => name === "queued")?.[1] ?? EMPTY_SERIES,
          running: new Map(copy.filter(([name]) => name !== "queued")),
        },
        timeS,
      );
    },
    load: (running: readonly string[], by: "mean" | "max" | "min") => loadOf(reports, running, by).total,
  };
}

describe("the load of a simulated router", () => {
  it.each(["mean", "max", "min"] as const)("is to the last bit what the reports of the product say, by %s", (by) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(3, 10, 30), (steps, lookBackS) => {
        const window = new LoadWindow();
        const product = reference();
        let nowS = EPOCH_S;
        let names = 0;
        let running: (Sampled & { id: string; ongoing: number })[] = [];
        for (const each of steps) {
          if ("which" in each && each.kind === "join") {
            const replica = { id: `r${names++}`, ongoing: 0, column: 0, sinceRow: 0 };
            window.track(replica);
            running = [...running, replica];
          } else if ("which" in each) {
            const gone = running[each.which];
            if (gone) window.drop(gone);
            running = running.filter((replica) => replica !== gone);
          } else {
            nowS += each.afterS;
            running.forEach((replica, i) => {
              replica.ongoing = each.levels[i % each.levels.length]!;
            });
            if (each.kind === "wake") {
              window.forgetIdle();
              product.forgetIdle();
            }
            window.sample(nowS, each.queued, running);
            product.sample(nowS, each.queued, running);
            if (each.kind !== "sample") {
              window.report(nowS - lookBackS);
              product.report(nowS, nowS - lookBackS);
            }
          }
          const load = window.load(running, by);
          const expected = product.load(
            running.map(({ id }) => id),
            by,
          );
          if (!window.quiet) expect(load).toEqual(expected);
          for (const afterS of [0, 0.1, 3.7])
            expect(valueAt(load, nowS + afterS)).toBe(valueAt(expected, nowS + afterS));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("is none before the first report, and none when nothing waits or is worked on", () => {
    const window = new LoadWindow();
    expect(valueAt(window.load([], "mean"), EPOCH_S)).toBe(0);
    window.sample(EPOCH_S, 0, []);
    window.report(EPOCH_S - 30);
    expect(window.quiet).toBe(true);
    window.sample(EPOCH_S + 6, 2, []);
    window.report(EPOCH_S - 24);
    expect(window.quiet).toBe(false);
    expect(window.load([], "mean")).toEqual(loadCurve([{ timesS: [EPOCH_S, EPOCH_S + 6], values: [0, 2] }], "mean"));
  });
});
