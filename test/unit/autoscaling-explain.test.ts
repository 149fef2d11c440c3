import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Decision, decide, type PolicyAnswer, type Situation } from "../../src/autoscaling/decide.ts";
import { DecisionLog } from "../../src/autoscaling/decision-log.ts";
import { NO_DELAY } from "../../src/autoscaling/delay.ts";
import { type Adjustment, explain, withoutDelays } from "../../src/autoscaling/explain.ts";
import { NO_LOAD } from "../../src/autoscaling/load.ts";
import { scalingRules } from "../../src/autoscaling/rules.ts";
import { NEW_SCALING_STATE } from "../../src/autoscaling/state.ts";
import { AUTOSCALING_DEFAULTS } from "../../src/config/defaults.ts";
import type { AutoscalingConfig } from "../../src/config/types.ts";

function situation(
  part: Partial<AutoscalingConfig>,
  running: number,
  target: number,
  total: number,
  gang = 1,
): Situation {
  const config = { ...AUTOSCALING_DEFAULTS, min_replicas: 0, max_replicas: 10, target_ongoing_requests: 1, ...part };
  return { rules: scalingRules(config, null, null, gang), running, target, total, source: NO_LOAD.source };
}

const wish = (desired: number): PolicyAnswer => ({ kind: "answered", desired, state: {} });

describe("the record of a decision", () => {
  it.each<{
    name: string;
    of: Situation;
    answer?: PolicyAnswer;
    adjustments: Adjustment[];
    result: number;
    without: number;
  }>([
    {
      name: "a wish that waits says for how long, and what would be without the wait",
      of: situation({}, 2, 2, 6),
      adjustments: [{ kind: "delay", direction: "up", delayS: 30, leftS: 18, from: 6, to: 2 }],
      result: 2,
      without: 6,
    },
    {
      name: "steps are listed in the order they were taken",
      of: situation({ upscaling_factor: 0.5, upscale_delay_s: 0 }, 2, 2, 30, 3),
      adjustments: [
        { kind: "factor", factor: 0.5, from: 30, to: 16 },
        { kind: "gang", gangSize: 3, from: 16, to: 18 },
        { kind: "upper-bound", from: 18, to: 10 },
      ],
      result: 10,
      without: 10,
    },
    {
      name: "a wish below none, on the way through one",
      of: situation({ downscale_delay_s: 0 }, 4, 4, 0),
      answer: wish(-2.5),
      adjustments: [
        { kind: "factor", factor: 1, from: -2.5, to: -2 },
        { kind: "not-negative", from: -2, to: 0 },
        { kind: "through-one", from: 0, to: 1 },
      ],
      result: 1,
      without: 1,
    },
    {
      name: "a target below the bounds is raised whatever waits",
      of: situation({ min_replicas: 3 }, 2, 2, 6),
      adjustments: [
        { kind: "delay", direction: "up", delayS: 30, leftS: 18, from: 6, to: 2 },
        { kind: "lower-bound", from: 2, to: 3 },
      ],
      result: 3,
      without: 6,
    },
    {
      name: "a cold start",
      of: situation({ upscaling_factor: 4 }, 0, 0, 1),
      adjustments: [{ kind: "cold-start", from: 0, to: 4 }],
      result: 4,
      without: 4,
    },
    {
      name: "a wish while nothing runs is followed at once",
      of: situation({}, 0, 2, 0),
      answer: wish(5),
      adjustments: [{ kind: "nothing-runs", from: 2, to: 5 }],
      result: 5,
      without: 5,
    },
    { name: "nothing to adjust", of: situation({}, 2, 2, 2), adjustments: [], result: 2, without: 2 },
  ])("$name", ({ of, answer, adjustments, result, without }) => {
    const before = { ...NEW_SCALING_STATE, delay: { kind: "up", sinceS: 100, turns: 1 } as const };
    const record = explain(decide(of, before, 112, answer).decision);
    expect({ ...record, load: 0 }).toMatchObject({ adjustments, result, withoutDelays: without, keptBecause: null });
  });

  it("has the age of what was counted, and why a target was kept", () => {
    const source = { runningFrom: "handles", series: 3, oldestS: 105, newestS: 111.5 } as const;
    const of = { ...situation({}, 2, 2, 6), source };
    const record = explain(decide(of, NEW_SCALING_STATE, 112, { kind: "failed", reason: "boom" }).decision);
    expect(record).toEqual({
      atS: 112,
      policy: "user",
      running: 2,
      target: 2,
      totalRequests: 6,
      load: { runningFrom: "handles", series: 3, oldestAgeS: 7, newestAgeS: 0.5 },
      desired: null,
      adjustments: [],
      result: 2,
      withoutDelays: 2,
      keptBecause: "boom",
    });
  });

  it("adjustments lead from the wish to the result, and the counterfactual is the decision with delays of 0", () => {
    const small = fc.integer({ min: 0, max: 14 });
    fc.assert(
      fc.property(
        small,
        small,
        fc.double({ min: 0, max: 40, noNaN: true }),
        fc.constantFrom(0.3, 1, 2),
        fc.constantFrom(1, 3),
        (running, target, total, factor, gang) => {
          const part = { upscaling_factor: factor, downscaling_factor: factor, min_replicas: 2 * (running % 2) };
          const { decision } = decide(situation(part, running, target, total, gang), NEW_SCALING_STATE, 5);
          const { desired, adjustments, result } = explain(decision);
          let at = desired ?? decision.target;
          for (const { kind, from, to } of adjustments) {
            // A wish while nothing runs is compared with the target instead.
            if (kind !== "nothing-runs")
              expect(from).toBe(at === decision.target && kind === "gang" ? decision.proposed : at);
            at = to;
          }
          expect(at).toBe(result);
          const now = { ...part, upscale_delay_s: 0, downscale_delay_s: 0 };
          const undelayed = decide(situation(now, running, target, total, gang), NEW_SCALING_STATE, 5).decision;
          expect(withoutDelays(decision)).toBe(undelayed.result);
        },
      ),
    );
  });
});

describe("the log of decisions", () => {
  const at = (atS: number, total: number, target = 2): Decision =>
    decide(situation({}, target, target, total), { ...NEW_SCALING_STATE, delay: NO_DELAY }, atS).decision;

  it("keeps one entry for what is decided again, with its newest load", () => {
    const log = new DecisionLog();
    const rules = at(0, 0).rules;
    const same = (atS: number, total: number): Decision => ({ ...at(atS, total), rules });
    expect([log.add(same(1, 1.5)), log.add(same(2, 1.7)), log.add(same(3, 2))]).toEqual([true, false, false]);
    expect(log.list()).toMatchObject([{ first: { atS: 1, total: 1.5 }, last: { atS: 3, total: 2 }, turns: 3 }]);
  });

  it("tells a wait that began anew, another target and other rules apart", () => {
    const log = new DecisionLog();
    const decisions = [at(1, 9), at(2, 9), at(3, 2), at(3, 3, 3)];
    expect(decisions.map((each) => log.add(each))).toEqual([true, true, true, true]);
  });

  it("keeps the last ones, oldest first", () => {
    const log = new DecisionLog(3);
    for (let target = 1; target <= 7; target++) log.add(at(target, target, target));
    expect(log.list().map(({ first }) => first.target)).toEqual([5, 6, 7]);
    expect(log.add({ ...log.list()[2]!.first, atS: 9 })).toBe(false);
    expect(log.list().map(({ last }) => last.atS)).toEqual([5, 6, 9]);
  });
});
