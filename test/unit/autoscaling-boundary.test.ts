import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LoadCurve, loadCurve, valueAt } from "../../src/autoscaling/aggregate.ts";
import { constantUntilS } from "../../src/autoscaling/boundary.ts";
import { type Decision, decide } from "../../src/autoscaling/decide.ts";
import { NO_LOAD } from "../../src/autoscaling/load.ts";
import { type ScalingRules, scalingRules } from "../../src/autoscaling/rules.ts";
import { type Series, seriesOf } from "../../src/autoscaling/series.ts";
import { NEW_SCALING_STATE } from "../../src/autoscaling/state.ts";
import { AUTOSCALING_DEFAULTS } from "../../src/config/defaults.ts";

const EPOCH_S = 1_790_000_000;
const TICK_S = 0.1;

interface Seen {
  readonly result: number;
  readonly waits: string;
  readonly sinceS: number | null;
}

const seenIn = ({ result, delay }: Decision): Seen => ({
  result,
  waits: delay.kind,
  sinceS: delay.kind === "none" ? null : delay.sinceS,
});

/** Runs the built-in policy in a closed loop over a load; `skip` leaves out the turns that are proven constant. */
function run(
  rules: ScalingRules,
  curve: LoadCurve,
  start: { atS: number; running: number; target: number },
  ticks: number,
  skip: boolean,
): { seen: Seen[]; decided: number } {
  let { running, target } = start;
  let state = NEW_SCALING_STATE;
  let untilS = Number.NEGATIVE_INFINITY;
  let last: Decision | undefined;
  let decided = 0;
  const seen: Seen[] = [];
  for (let tick = 0; tick < ticks; tick++) {
    const nowS = start.atS + tick * TICK_S;
    if (!skip || !last || nowS >= untilS) {
      const situation = { rules, running, target, total: valueAt(curve, nowS), source: NO_LOAD.source };
      const step = decide(situation, state, nowS);
      last = step.decision;
      state = step.state;
      decided += 1;
      untilS = constantUntilS(last, curve);
      if (last.result !== target) {
        // An event: the target changed, and replicas follow at once.
        target = last.result;
        running = last.result;
        untilS = Number.NEGATIVE_INFINITY;
      }
    }
    seen.push(seenIn(last));
  }
  return { seen, decided };
}

const arbitraryRules = fc
  .record({
    min_replicas: fc.integer({ min: 0, max: 2 }),
    max_replicas: fc.integer({ min: 2, max: 30 }),
    target_ongoing_requests: fc.constantFrom(0.5, 1, 2, 3.3, 7),
    upscale_delay_s: fc.constantFrom(0, 0.3, 1, 2.5, 7),
    downscale_delay_s: fc.constantFrom(0, 0.5, 3, 8.2),
    downscale_to_zero_delay_s: fc.constantFrom(null, 0, 4),
    upscaling_factor: fc.constantFrom(null, 0.3, 1.7),
    downscaling_factor: fc.constantFrom(null, 0.4, 2),
    aggregation_function: fc.constantFrom("mean" as const, "max" as const, "min" as const),
  })
  .chain((part) =>
    fc
      .constantFrom(1, 1, 1, 2, 4)
      .map((gangSize) => scalingRules({ ...AUTOSCALING_DEFAULTS, ...part }, null, null, gangSize)),
  );

const arbitrarySeries = (baseS: number, value: fc.Arbitrary<number>): fc.Arbitrary<Series[]> =>
  fc.array(
    fc
      .array(fc.tuple(fc.integer({ min: 0, max: 30_000 }), value), { maxLength: 6 })
      .map((points) =>
        seriesOf(points.sort(([a], [b]) => a - b).map(([ms, level]) => [baseS + ms / 1_000, level] as const)),
      ),
    { maxLength: 5 },
  );

const LOADS = [
  ["whole requests on the wall clock", EPOCH_S, fc.integer({ min: 0, max: 12 })],
  ["fractions on the wall clock", EPOCH_S, fc.double({ min: 0, max: 12, noNaN: true })],
  ["whole requests on a small clock", 10, fc.integer({ min: 0, max: 12 })],
  ["negative levels", EPOCH_S, fc.integer({ min: -6, max: 12 })],
] as const;

describe("until when decisions stay the same", () => {
  it.each(LOADS)("turns that are left out would have decided the same: %s", (_, baseS, value) => {
    fc.assert(
      fc.property(
        arbitraryRules,
        arbitrarySeries(baseS, value),
        fc.integer({ min: 0, max: 8 }),
        fc.integer({ min: 0, max: 8 }),
        // From before the last point, as by a clock that lags behind, to long after.
        fc.integer({ min: 20_000, max: 60_000 }),
        (rules, series, running, target, startMs) => {
          const curve = loadCurve(series, rules.aggregation);
          const start = { atS: baseS + startMs / 1_000, running, target };
          expect(run(rules, curve, start, 300, true).seen).toEqual(run(rules, curve, start, 300, false).seen);
        },
      ),
      { numRuns: 150 },
    );
  });

  const rules = scalingRules({
    ...AUTOSCALING_DEFAULTS,
    min_replicas: 0,
    max_replicas: 10,
    target_ongoing_requests: 1,
    downscale_delay_s: 5,
  });
  const steady = (level: number): LoadCurve =>
    loadCurve([seriesOf([[EPOCH_S, level]]), seriesOf([[EPOCH_S + 1, 0]])], "mean");
  const steps = (...points: [number, number][]): LoadCurve =>
    loadCurve([seriesOf(points.map(([afterS, level]) => [EPOCH_S + afterS, level])), seriesOf([[EPOCH_S, 1]])], "mean");

  it.each([
    { name: "an idle deployment without replicas decides once", curve: NO_LOAD.total, size: 0, turns: [1, 1], ends: 0 },
    { name: "a steady load that fits is decided once", curve: steady(4), size: 4, turns: [1, 1], ends: 4 },
    { name: "a wait is decided when it begins and ends", curve: steady(7), size: 4, turns: [2, 4], ends: 7 },
    {
      name: "a load that fades is decided where it crosses a whole replica, and its wait begins and ends",
      curve: steps([0, 8], [10, 0]),
      size: 8,
      turns: [6, 60],
      ends: 2,
    },
  ])("$name", ({ curve, size, turns: [least, most], ends }) => {
    const start = { atS: EPOCH_S + 12, running: size, target: size };
    const all = run(rules, curve, start, 6_000, false);
    const skipped = run(rules, curve, start, 6_000, true);
    expect(skipped.seen).toEqual(all.seen);
    expect(all.seen.at(-1)?.result).toBe(ends);
    expect(skipped.decided).toBeGreaterThanOrEqual(least!);
    expect(skipped.decided).toBeLessThanOrEqual(most!);
  });

  it("proves nothing for a decision that a failed policy left open", () => {
    const broken = { ...rules, targetOngoingRequests: null };
    const situation = { rules: broken, running: 2, target: 2, total: 1, source: NO_LOAD.source };
    const { decision } = decide(situation, NEW_SCALING_STATE, EPOCH_S);
    expect(decision.kind).toBe("kept");
    expect(constantUntilS(decision, NO_LOAD.total)).toBe(EPOCH_S);
  });

  it("proves nothing for a policy of a user's, which may go by the time", () => {
    const situation = { rules, running: 2, target: 2, total: 0, source: NO_LOAD.source };
    const { decision } = decide(situation, NEW_SCALING_STATE, EPOCH_S, { kind: "answered", desired: 2, state: {} });
    expect(decision.result).toBe(2);
    expect(constantUntilS(decision, NO_LOAD.total)).toBe(EPOCH_S);
  });
});
