import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideApplication, type Member } from "../../src/autoscaling/application.ts";
import { decide, type PolicyAnswer, type Situation } from "../../src/autoscaling/decide.ts";
import type { DelayState } from "../../src/autoscaling/delay.ts";
import { loadOf, NO_LOAD } from "../../src/autoscaling/load.ts";
import { policyInput } from "../../src/autoscaling/policy.ts";
import { readApplicationOutput, readPolicyOutput } from "../../src/autoscaling/policy-output.ts";
import { acceptHandleReport, acceptReplicaReport, emptyReports } from "../../src/autoscaling/reports.ts";
import { scalingRules } from "../../src/autoscaling/rules.ts";
import { seriesOf } from "../../src/autoscaling/series.ts";
import {
  applyResult,
  NEW_SCALING_STATE,
  register,
  type ScalingState,
  worthSaving,
} from "../../src/autoscaling/state.ts";
import { AUTOSCALING_DEFAULTS } from "../../src/config/defaults.ts";
import type { AutoscalingConfig } from "../../src/config/types.ts";

const config = (part: Partial<AutoscalingConfig>): AutoscalingConfig => ({
  ...AUTOSCALING_DEFAULTS,
  min_replicas: 0,
  max_replicas: 20,
  target_ongoing_requests: 1,
  upscale_delay_s: 0,
  downscale_delay_s: 0,
  ...part,
});

function situation(
  part: Partial<AutoscalingConfig>,
  running: number,
  target: number,
  total: number,
  gang = 1,
): Situation {
  return { rules: scalingRules(config(part), null, null, gang), running, target, total, source: NO_LOAD.source };
}

const waiting = (kind: "up" | "down", sinceS: number, turns = 1): DelayState => ({ kind, sinceS, turns });
const remembering = (delay: DelayState): ScalingState => ({ ...NEW_SCALING_STATE, delay });

describe("a decision", () => {
  it.each<{ name: string; of: Situation; result: number }>([
    { name: "rounds the mean load up to whole replicas", of: situation({}, 2, 2, 2.1), result: 3 },
    {
      name: "keeps the order of floating-point operations: 29 requests on 7 running are 30",
      of: situation({ max_replicas: 50 }, 7, 7, 29),
      result: 30,
    },
    { name: "wakes a deployment of which nothing runs with one replica", of: situation({}, 0, 0, 0.1), result: 1 },
    {
      name: "wakes with the factor up, within the bounds",
      of: situation({ upscaling_factor: 9.5, max_replicas: 8 }, 0, 0, 1),
      result: 8,
    },
    { name: "never wakes below the target", of: situation({}, 0, 3, 1), result: 3 },
    { name: "keeps the target while nothing runs and nothing waits", of: situation({}, 0, 3, 0), result: 3 },
    { name: "multiplies the step up", of: situation({ upscaling_factor: 0.5 }, 4, 4, 10), result: 7 },
    {
      name: "advances by one with the smallest factor up",
      of: situation({ upscaling_factor: 0.001 }, 4, 4, 10),
      result: 5,
    },
    {
      name: "retreats by one with the smallest factor down",
      of: situation({ downscaling_factor: 0.001 }, 4, 4, 1),
      result: 3,
    },
    { name: "damps from what runs, not from the target", of: situation({ upscaling_factor: 0.5 }, 1, 5, 6), result: 4 },
    { name: "goes to none through one", of: situation({}, 4, 4, 0), result: 1 },
    { name: "goes to none from one", of: situation({}, 1, 1, 0), result: 0 },
    {
      name: "corrects a target above the bounds at once",
      of: situation({ max_replicas: 3, downscale_delay_s: 600 }, 9, 9, 9),
      result: 3,
    },
    {
      name: "corrects a target below the bounds at once",
      of: situation({ min_replicas: 2, upscale_delay_s: 30 }, 1, 1, 1),
      result: 2,
    },
    {
      name: "survives a factor without end",
      of: situation({ upscaling_factor: Number.POSITIVE_INFINITY }, 2, 2, 3),
      result: 20,
    },
    {
      name: "a factor without end leaves a fitting count alone",
      of: situation({ downscaling_factor: Number.POSITIVE_INFINITY }, 3, 3, 3),
      result: 3,
    },
  ])("$name", ({ of, result }) => {
    expect(decide(of, NEW_SCALING_STATE, 100).decision.result).toBe(result);
  });

  it.each<{ name: string; of: Situation; delay: DelayState; nowS: number; result: number; next: DelayState }>([
    {
      name: "begins to wait up",
      of: situation({ upscale_delay_s: 5 }, 2, 2, 4),
      delay: { kind: "none" },
      nowS: 0,
      result: 2,
      next: waiting("up", 0),
    },
    {
      name: "goes on waiting",
      of: situation({ upscale_delay_s: 5 }, 2, 2, 9),
      delay: waiting("up", 0),
      nowS: 4.9,
      result: 2,
      next: waiting("up", 0, 2),
    },
    {
      name: "fires with the present wish",
      of: situation({ upscale_delay_s: 5 }, 2, 2, 9),
      delay: waiting("up", 0, 9),
      nowS: 5,
      result: 9,
      next: { kind: "none" },
    },
    {
      name: "fires within the tolerance",
      of: situation({ upscale_delay_s: 5 }, 2, 2, 9),
      delay: waiting("up", 0),
      nowS: 4.9999995,
      result: 9,
      next: { kind: "none" },
    },
    {
      name: "an opposite wish begins anew",
      of: situation({ downscale_delay_s: 5 }, 4, 4, 2),
      delay: waiting("up", 0),
      nowS: 9,
      result: 4,
      next: waiting("down", 9),
    },
    {
      name: "a neutral turn forgets the wait",
      of: situation({ upscale_delay_s: 5 }, 2, 2, 2),
      delay: waiting("up", 0),
      nowS: 4,
      result: 2,
      next: { kind: "none" },
    },
    {
      name: "the wait goes on when the target changes from outside",
      of: situation({ downscale_delay_s: 5, downscale_to_zero_delay_s: 7 }, 1, 1, 0),
      delay: waiting("down", 0),
      nowS: 7,
      result: 0,
      next: { kind: "none" },
    },
    {
      name: "the last replica waits by its own delay",
      of: situation({ downscale_delay_s: 5, downscale_to_zero_delay_s: 7 }, 1, 1, 0),
      delay: waiting("down", 0),
      nowS: 6,
      result: 1,
      next: waiting("down", 0, 2),
    },
    {
      name: "a null delay to zero is the delay down",
      of: situation({ downscale_delay_s: 5 }, 1, 1, 0),
      delay: waiting("down", 0),
      nowS: 5,
      result: 0,
      next: { kind: "none" },
    },
    {
      name: "a clock set back lengthens the wait",
      of: situation({ upscale_delay_s: 5 }, 2, 2, 9),
      delay: waiting("up", 100),
      nowS: 60,
      result: 2,
      next: waiting("up", 100, 2),
    },
    {
      name: "a cold start leaves a wait alone",
      of: situation({ downscale_delay_s: 5 }, 0, 2, 1),
      delay: waiting("down", 0),
      nowS: 60,
      result: 2,
      next: waiting("down", 0),
    },
    {
      name: "a crash of all leaves a wait alone",
      of: situation({ downscale_delay_s: 5 }, 0, 2, 0),
      delay: waiting("down", 0),
      nowS: 60,
      result: 2,
      next: waiting("down", 0),
    },
    {
      name: "the clamp does not end a wait",
      of: situation({ max_replicas: 3, upscale_delay_s: 5 }, 4, 4, 9),
      delay: { kind: "none" },
      nowS: 1,
      result: 3,
      next: waiting("up", 1),
    },
  ])("$name", ({ of, delay, nowS, result, next }) => {
    const step = decide(of, remembering(delay), nowS);
    expect(step.decision.result).toBe(result);
    expect(step.state.delay).toEqual(next);
  });

  it.each<{ name: string; of: Situation; result: number; waits: string }>([
    { name: "gangs are rounded up", of: situation({}, 4, 4, 5, 4), result: 8, waits: "none" },
    { name: "gangs are rounded up when they shrink", of: situation({}, 8, 8, 5, 4), result: 8, waits: "none" },
    {
      name: "the last gang waits by the delay to zero",
      of: situation({ downscale_to_zero_delay_s: 9 }, 4, 4, 0, 4),
      result: 4,
      waits: "down",
    },
    {
      name: "the last gang goes as one",
      of: situation({ downscale_to_zero_delay_s: 0 }, 4, 4, 0, 4),
      result: 0,
      waits: "none",
    },
    {
      name: "the last gang stays where none is not allowed",
      of: situation({ min_replicas: 4 }, 4, 4, 0, 4),
      result: 4,
      waits: "none",
    },
    { name: "the bounds may break a gang", of: situation({ max_replicas: 6 }, 4, 4, 5, 4), result: 6, waits: "none" },
  ])("$name", ({ of, result, waits }) => {
    const step = decide(of, NEW_SCALING_STATE, 100);
    expect([step.decision.result, step.state.delay.kind]).toEqual([result, waits]);
  });

  it("remembers the same object when nothing changed", () => {
    expect(decide(situation({}, 2, 2, 2), NEW_SCALING_STATE, 1).state).toBe(NEW_SCALING_STATE);
  });

  it("is saved when a wait begins or ends, not for every turn of it", () => {
    const of = situation({ upscale_delay_s: 5 }, 2, 2, 4);
    const first = decide(of, NEW_SCALING_STATE, 1).state;
    const second = decide(of, first, 2).state;
    const fired = decide(of, second, 9).state;
    expect([worthSaving(NEW_SCALING_STATE, first), worthSaving(first, second), worthSaving(second, fired)]).toEqual([
      true,
      false,
      true,
    ]);
    expect(worthSaving(fired, { ...fired, lastScaleUpS: 9 })).toBe(true);
  });
});

describe("a user's policy", () => {
  const answered = (desired: number, state = {}): PolicyAnswer => ({ kind: "answered", desired, state });

  it.each([
    { name: "gets factors, delays and bounds around it", desired: 7.2, result: 8 },
    { name: "may wish for less than none", desired: -3, result: 1 },
    { name: "may wish for more than the bounds", desired: 1_000, result: 20 },
  ])("$name", ({ desired, result }) => {
    expect(decide(situation({}, 2, 2, 0), NEW_SCALING_STATE, 1, answered(desired)).decision.result).toBe(result);
  });

  it("has its state replaced, without the names that are reserved", () => {
    const before = { ...remembering(waiting("up", 1)), policyState: { old: 1 } };
    const said = answered(9, { seen: 2, __decision_counters: 7, __decision_timestamp: 0 });
    const { state } = decide(situation({ upscale_delay_s: 60 }, 2, 2, 0), before, 3, said);
    expect(state).toEqual({ ...before, delay: waiting("up", 1, 2), policyState: { seen: 2 } });
  });

  it("is passed over in a cold start and keeps its state", () => {
    const before = { ...NEW_SCALING_STATE, policyState: { seen: 1 } };
    const { decision, state } = decide(situation({}, 0, 0, 1), before, 3, answered(9, { seen: 2 }));
    expect([decision.kind, decision.result, state]).toEqual(["cold-start", 1, before]);
  });

  it.each([
    { name: "nothing", value: undefined, reason: "the policy returned no object; return { desired, state }" },
    { name: "a bare number", value: 4, reason: "the policy returned no object; return { desired, state }" },
    { name: "no count", value: {}, reason: "the policy returned undefined replicas; return a finite number" },
    { name: "NaN", value: { desired: Number.NaN }, reason: "the policy returned NaN replicas; return a finite number" },
    {
      name: "no end",
      value: { desired: 1 / 0 },
      reason: "the policy returned Infinity replicas; return a finite number",
    },
    { name: "text", value: { desired: "4" }, reason: 'the policy returned "4" replicas; return a finite number' },
    {
      name: "a null state",
      value: { desired: 4, state: null },
      reason: "the policy returned a state that is no object; return an object",
    },
  ])("that returns $name has failed: the target stays and nothing changes", ({ value, reason }) => {
    const before = remembering(waiting("up", 1));
    const { decision, state } = decide(situation({ max_replicas: 3 }, 2, 5, 0), before, 3, readPolicyOutput(value));
    expect(decision).toMatchObject({ kind: "kept", reason, result: 5 });
    expect(state).toBe(before);
  });

  it("may leave its state out", () => {
    expect(readPolicyOutput({ desired: 2.5 })).toEqual({ kind: "answered", desired: 2.5, state: {} });
  });

  it("without a target per replica the built-in policy keeps the target and says why", () => {
    const { decision } = decide(situation({ target_ongoing_requests: null }, 2, 2, 9), NEW_SCALING_STATE, 3);
    expect(decision).toMatchObject({ kind: "kept", result: 2 });
    expect(decision.kind === "kept" && decision.reason).toMatch(/^target_ongoing_requests is null; .* above 0$/);
  });

  it("reads totals, metrics, bounds and its own state, as plain JSON", () => {
    const reports = emptyReports();
    const level = (value: number) => seriesOf([[90, value]]);
    const owner = { kind: "proxy", id: "p" } as const;
    acceptHandleReport(
      reports,
      { handle: "h", owner, timestampS: 99, queued: level(2), running: new Map([["r", level(3)]]) },
      0,
    );
    acceptReplicaReport(reports, { replica: "r", timestampS: 98, metrics: new Map([["gpu", level(0.5)]]) });
    const own = config({ max_replicas: 8 });
    const state = { ...NEW_SCALING_STATE, policyState: { seen: 1 }, lastScaleUpS: 40 };
    const facts = {
      application: "app",
      deployment: "llm",
      config: own,
      rules: scalingRules(own, 50),
      runningReplicas: ["r"],
      target: 4,
    };
    const input = policyInput({ ...facts, reports, load: loadOf(reports, ["r"], "mean"), state }, 100);
    expect(JSON.parse(JSON.stringify(input))).toEqual({
      application: "app",
      deployment: "llm",
      config: own,
      runningReplicas: ["r"],
      currentNumReplicas: 1,
      targetNumReplicas: 4,
      totalNumRequests: 5,
      totalQueuedRequests: 2,
      totalRunningRequests: 3,
      aggregatedMetrics: { gpu: { r: 0.5 } },
      rawMetrics: { gpu: { r: { timesS: [90], values: [0.5] } } },
      capacityAdjustedMinReplicas: 0,
      capacityAdjustedMaxReplicas: 4,
      policyState: { seen: 1 },
      lastScaleUpTimeS: 40,
      lastScaleDownTimeS: null,
      currentTimeS: 100,
    });
  });
});

describe("an application's policy", () => {
  const members = (...list: [string, Situation, ScalingState?][]): Map<string, Member> =>
    new Map(list.map(([name, of, state]) => [name, { situation: of, state: state ?? NEW_SCALING_STATE }]));
  const decided = (all: Map<string, Member>, said: unknown) =>
    decideApplication(all, readApplicationOutput(said, [...all.keys()]), 9);

  it("decides for those it names; the others keep target and wait, but get their state", () => {
    const steps = decided(
      members(
        ["a", situation({}, 2, 2, 0)],
        ["b", situation({ max_replicas: 3 }, 5, 5, 0), remembering(waiting("down", 1))],
      ),
      { desired: { a: 4 }, states: { b: { k: 1 } } },
    );
    expect(steps.get("a")?.decision.result).toBe(4);
    expect(steps.get("b")?.decision).toMatchObject({ kind: "kept", result: 5 });
    expect(steps.get("b")?.state).toMatchObject({ delay: waiting("down", 1), policyState: { k: 1 } });
  });

  it("is asked in a cold start too, which keeps its state but not its number; gangs do not count", () => {
    const steps = decided(members(["a", situation({}, 0, 0, 1)], ["g", situation({}, 4, 4, 5, 4)]), {
      desired: { a: 9, g: 5 },
      states: { a: { k: 1 } },
    });
    expect(steps.get("a")).toMatchObject({
      decision: { kind: "cold-start", result: 1 },
      state: { policyState: { k: 1 } },
    });
    expect(steps.get("g")).toMatchObject({ decision: { result: 5 }, state: { policyState: {} } });
  });

  it.each<{ name: string; output: unknown; reason: RegExp }>([
    {
      name: "a name that is not known",
      output: { desired: { toString: 1 }, states: null },
      reason: /names "toString", which does not autoscale; it may name a, b$/,
    },
    { name: "a state for an unknown name", output: { desired: {}, states: { c: {} } }, reason: /names "c"/ },
    {
      name: "a count that is no number",
      output: { desired: { a: "4" } },
      reason: /^a: the policy returned "4" replicas/,
    },
    {
      name: "a state that is no object",
      output: { desired: { a: 4 }, states: { a: 3 } },
      reason: /^a: .* is no object/,
    },
    { name: "no counts at all", output: { desired: null, states: null }, reason: /no replicas by deployment/ },
    { name: "states as a list", output: { desired: { a: 4 }, states: [] }, reason: /states that are no object/ },
    { name: "nothing", output: undefined, reason: /no replicas by deployment/ },
  ])("$name changes nothing for anybody and says why", ({ output, reason }) => {
    const before = members(["a", situation({}, 2, 2, 0)], ["b", situation({ max_replicas: 3 }, 5, 5, 0)]);
    const steps = decided(before, output);
    expect([...steps.keys()]).toEqual(["a", "b"]);
    for (const [name, { decision, state }] of steps) {
      expect(decision.kind === "kept" && decision.reason).toMatch(reason);
      expect(decision.result).toBe(before.get(name)!.situation.target);
      expect(state).toBe(NEW_SCALING_STATE);
    }
  });

  it("takes deployments of any name", () => {
    const steps = decided(members(["__proto__", situation({}, 2, 2, 0)], ["constructor", situation({}, 2, 2, 0)]), {
      desired: JSON.parse('{"__proto__": 4}'),
      states: JSON.parse('{"__proto__": {"k": 1}}'),
    });
    expect(steps.get("__proto__")).toMatchObject({ decision: { result: 4 }, state: { policyState: { k: 1 } } });
    expect(steps.get("constructor")).toMatchObject({ decision: { kind: "kept" }, state: { policyState: {} } });
  });

  it("that fails keeps every target", () => {
    const steps = decideApplication(members(["a", situation({}, 2, 2, 9)]), { kind: "failed", reason: "boom" }, 9);
    expect(steps.get("a")).toEqual({
      decision: expect.objectContaining({ kind: "kept", reason: "boom", result: 2 }),
      state: NEW_SCALING_STATE,
    });
  });
});

describe("registering and applying", () => {
  it("a changed deploy starts from initial_replicas and forgets waits and policy state, not the scale times", () => {
    const state = { delay: waiting("up", 1), policyState: { k: 1 }, lastScaleUpS: 3, lastScaleDownS: null };
    const deploy = { config: config({ initial_replicas: 6 }), capacity: null, direction: null };
    expect(register({ ...deploy, current: { target: 2, changed: true } }, state)).toEqual({
      target: 6,
      state: { ...NEW_SCALING_STATE, lastScaleUpS: 3 },
    });
    expect(register({ ...deploy, current: { target: 2, changed: false } }, state).target).toBe(2);
    expect(register(deploy).target).toBe(6);
  });

  it.each([
    {
      name: "the same count is no change",
      result: 2,
      runningAtVersion: 2,
      change: { kind: "none" },
      times: [null, null],
    },
    { name: "up", result: 3, runningAtVersion: 2, change: { kind: "up", target: 3, visible: true }, times: [9, null] },
    {
      name: "down",
      result: 1,
      runningAtVersion: 2,
      change: { kind: "down", target: 1, visible: true },
      times: [null, 9],
    },
    {
      name: "silently below the bounds",
      result: 3,
      runningAtVersion: 0,
      change: { kind: "up", target: 3, visible: false },
      times: [null, null],
    },
    {
      name: "silently above the bounds",
      result: 1,
      runningAtVersion: 21,
      change: { kind: "down", target: 1, visible: false },
      times: [null, null],
    },
  ])("applies a decision: $name", ({ result, runningAtVersion, change, times }) => {
    const { rules } = situation({ min_replicas: 1 }, 2, 2, 0);
    const applied = applyResult({ result, target: 2, runningAtVersion, rules }, NEW_SCALING_STATE, 9);
    expect(applied.change).toEqual(change);
    expect([applied.state.lastScaleUpS, applied.state.lastScaleDownS]).toEqual(times);
  });
});

describe("whatever the config and the load", () => {
  const anyConfig = fc
    .record({
      min_replicas: fc.integer({ min: 0, max: 5 }),
      max_replicas: fc.integer({ min: 5, max: 60 }),
      initial_replicas: fc.constantFrom(null, 5),
      target_ongoing_requests: fc.constantFrom(0.1, 1, 2, 5.5),
      upscale_delay_s: fc.constantFrom(0, 1, 30),
      downscale_delay_s: fc.constantFrom(0, 2, 20),
      downscale_to_zero_delay_s: fc.constantFrom(null, 0, 9),
      upscaling_factor: fc.constantFrom(null, 0.2, 3),
      downscaling_factor: fc.constantFrom(null, 0.2, 0.9, 4),
    })
    .map(config);
  const capacity = fc.constantFrom(null, 0, 33, 100);
  const direction = fc.constantFrom(null, "UP" as const, "DOWN" as const);
  const count = fc.integer({ min: 0, max: 70 });
  const load = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 500, noNaN: true }));

  it("the bounds are never broken", () => {
    fc.assert(
      fc.property(
        anyConfig,
        capacity,
        direction,
        fc.constantFrom(1, 4),
        fc.array(fc.tuple(count, count, load), { maxLength: 20 }),
        (own, percent, way, gang, turns) => {
          const rules = scalingRules(own, percent, way, gang);
          let state = NEW_SCALING_STATE;
          turns.forEach(([running, target, total], turn) => {
            const step = decide({ rules, running, target, total, source: NO_LOAD.source }, state, turn);
            state = step.state;
            expect(step.decision.result).toBeGreaterThanOrEqual(Math.min(rules.lower, rules.upper));
            expect(step.decision.result).toBeLessThanOrEqual(Math.max(rules.lower, rules.upper));
            expect(Number.isInteger(step.decision.result) && !Object.is(step.decision.result, -0)).toBe(true);
          });
        },
      ),
    );
  });

  it("one request leads to at least one replica at once", () => {
    fc.assert(
      fc.property(anyConfig, fc.double({ min: 1e-6, max: 1, noNaN: true }), (own, total) => {
        const rules = scalingRules(own);
        const { decision } = decide(
          { rules, running: 0, target: 0, total, source: NO_LOAD.source },
          NEW_SCALING_STATE,
          5,
        );
        expect(decision.result).toBeGreaterThanOrEqual(1);
      }),
    );
  });

  it("an idle deployment is at its minimum after a delay for each step, and stays there", () => {
    fc.assert(
      fc.property(anyConfig, count, (own, from) => {
        const rules = scalingRules(own);
        const tickS = 0.5;
        // With a factor below 1 the way down is a series of steps; one from N to 1 otherwise, and one to none.
        let steps = 0;
        for (let left = Math.min(from, rules.upper); left > 1; steps++)
          left = Math.min(left - 1, Math.max(1, Math.ceil(left * (1 - rules.downFactor))));
        const withinS = (steps + 1) * (rules.downDelayS + tickS) + rules.toZeroDelayS + 2 * tickS;
        let [replicas, state] = [from, NEW_SCALING_STATE];
        for (let nowS = 0; nowS < withinS + 30; nowS += tickS) {
          const step = decide(
            { rules, running: replicas, target: replicas, total: 0, source: NO_LOAD.source },
            state,
            nowS,
          );
          [replicas, state] = [step.decision.result, step.state];
          if (nowS >= withinS) expect(replicas).toBe(rules.lower);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("a steady load that fits is left alone", () => {
    fc.assert(
      fc.property(anyConfig, fc.integer({ min: 5, max: 60 }), (own, replicas) => {
        const rules = scalingRules({ ...own, max_replicas: 60, target_ongoing_requests: 1 });
        const of = { rules, running: replicas, target: replicas, total: replicas, source: NO_LOAD.source };
        expect(decide(of, NEW_SCALING_STATE, 7)).toMatchObject({
          decision: { result: replicas, delay: { kind: "none" } },
        });
      }),
    );
  });
});
