import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Decision } from "../../src/autoscaling/decide.ts";
import { scalingRules } from "../../src/autoscaling/rules.ts";
import { AUTOSCALING_DEFAULTS } from "../../src/config/defaults.ts";
import type { AutoscalingConfig } from "../../src/config/types.ts";
import { type Outcome, type SimulationOptions, simulateDeployment } from "../../src/simulate/deployment.ts";
import { generator } from "../../src/simulate/generator.ts";
import type { Subject } from "../../src/simulate/subject.ts";
import { waitAt } from "../../src/simulate/tally.ts";
import type { Traffic } from "../../src/simulate/traffic.ts";

const EPOCH_S = 1_790_000_000;

function subject(more: Partial<Subject> = {}): Subject {
  return {
    application: "a",
    deployment: "d",
    maxOngoingRequests: 1,
    maxQueuedRequests: -1,
    requestTimeoutS: null,
    coldStartTimeoutS: null,
    gracefulShutdownTimeoutS: 20,
    initialReplicas: 1,
    autoscaling: null,
    ...more,
  };
}

function autoscaled(part: Partial<AutoscalingConfig>, more: Partial<Subject> = {}): Subject {
  const config = { ...AUTOSCALING_DEFAULTS, ...part };
  const initialReplicas = config.initial_replicas ?? config.min_replicas;
  return subject({ initialReplicas, autoscaling: { config, rules: scalingRules(config) }, ...more });
}

/** Requests as pairs of arrival and service time. */
function requests(...list: [atS: number, serviceS: number][]): Traffic {
  return {
    kind: "requests",
    timesS: Float64Array.from(list, ([atS]) => atS),
    servicesS: Float64Array.from(list, ([, serviceS]) => serviceS),
  };
}

function run(what: Subject, traffic: Traffic, more: Partial<SimulationOptions> = {}): Outcome {
  return simulateDeployment(what, traffic, {
    horizonS: 100,
    epochS: EPOCH_S,
    replicaStartS: 2,
    arrivalRandom: generator(1),
    choiceRandom: generator(2),
    ...more,
  });
}

describe("one replica that takes one request at a time", () => {
  it("works on requests one after the other, in order", () => {
    // Come at 0, 1, 2, each 3 s of work: they begin at 0, 3, 6 and wait 0, 2, 4.
    const outcome = run(subject(), requests([0, 3], [1, 3], [2, 3]));
    const none = { shed: 0, timedOut: 0, noReplica: 0, dropped: 0, unserved: 0 };
    expect(outcome.requests).toEqual({ arrived: 3, completed: 3, ...none });
    expect([...outcome.waits.sortedS]).toEqual([2, 4]);
    expect(waitAt(outcome.waits, 0.5)).toBe(2);
    expect(waitAt(outcome.waits, 0.99)).toBe(4);
    expect(outcome).toMatchObject({ workedSeconds: 9, replicaSeconds: 100, slotSeconds: 100, endS: 100 });
  });

  it("refuses what comes while max_queued_requests wait", () => {
    const outcome = run(subject({ maxQueuedRequests: 1 }), requests([0, 5], [1, 5], [2, 5], [6, 5]));
    expect(outcome.requests).toMatchObject({ completed: 3, shed: 1 });
    expect([...outcome.waits.sortedS]).toEqual([4, 4]);
  });

  it("gives requests up after request_timeout_s, waiting and worked on, and frees the replica", () => {
    // The first is cut at 4; the second waits from 1 and is cut at 5 after a second of work; the third waits 0 from 6 on.
    const outcome = run(subject({ requestTimeoutS: 4 }), requests([0, 10], [1, 10], [6, 1]));
    expect(outcome.requests).toMatchObject({ completed: 1, timedOut: 2 });
    expect(outcome.workedSeconds).toBe(4 + 1 + 1);
    const starved = run(subject({ requestTimeoutS: 4, initialReplicas: 0 }), requests([0, 1]));
    expect(starved.requests).toMatchObject({ timedOut: 1 });
    expect([...starved.waits.sortedS]).toEqual([4]);
  });

  it("gives requests up after cold_start_timeout_s without a replica, each from when it came", () => {
    const none = subject({ initialReplicas: 0, coldStartTimeoutS: 5 });
    const outcome = run(none, requests([1, 1], [3, 1], [3, 1]));
    expect(outcome.requests).toMatchObject({ noReplica: 3, timedOut: 0, unserved: 0 });
    expect([...outcome.waits.sortedS]).toEqual([5, 5, 5]);
    const sooner = run({ ...none, requestTimeoutS: 4 }, requests([1, 1]));
    expect(sooner.requests).toMatchObject({ noReplica: 0, timedOut: 1 });
  });

  it("counts no time with a replica, however busy, for cold_start_timeout_s, and all without one", () => {
    // From zero, a replica is started when the first waits, and serves 6 s later.
    const what = autoscaled(
      { min_replicas: 0, max_replicas: 1, metrics_interval_s: 1, look_back_period_s: 2 },
      { coldStartTimeoutS: 7 },
    );
    // The first works from 11 to 31; the second has waited 5 s without a replica, and 20 s with one.
    const served = run(what, requests([5, 20], [6, 1]), { replicaStartS: 6 });
    expect(served.requests).toMatchObject({ completed: 2, noReplica: 0 });
    expect([...served.waits.sortedS].map(Math.round)).toEqual([6, 25]);
    const late = run(what, requests([5, 20], [6, 1]), { replicaStartS: 9 });
    expect(late.requests).toMatchObject({ completed: 0, noReplica: 2 });
    expect([...late.waits.sortedS]).toEqual([7, 7]);
  });

  it("is simulated past the horizon until the last request has ended, and for an hour at most", () => {
    expect(run(subject(), requests([99, 30]))).toMatchObject({ endS: 129, replicaSeconds: 129 });
    const stuck = run(subject({ initialReplicas: 0 }), requests([99, 30]), { horizonS: 100 });
    expect(stuck).toMatchObject({ endS: 3700, requests: { unserved: 1, completed: 0 } });
  });

  it("says the mean of what waits and is worked on in each part of the horizon", () => {
    // 480 parts of a second: one request from 10.5 to 12.5, another waits from 11 to 12.5 and is worked on until 14.5.
    const { load } = run(subject(), requests([10.5, 2], [11, 2]), { horizonS: 480 });
    expect([...load.slice(9, 16)]).toEqual([0, 0.5, 2, 1.5, 1, 0.5, 0]);
  });
});

describe("replicas", () => {
  it("share requests, and are as many as a fixed number says", () => {
    const outcome = run(
      subject({ initialReplicas: 3, maxOngoingRequests: 2 }),
      requests(...Array.from({ length: 7 }, () => [0, 1] as [number, number])),
    );
    expect([...outcome.waits.sortedS]).toEqual([1]);
    expect(outcome).toMatchObject({ replicaSeconds: 300, slotSeconds: 600, peakReplicas: 3 });
  });

  it("start when the load says so, serve after their delay, and stop after theirs", () => {
    // One replica has 6 s of work at once from 0 on. Sampled at 0 (1 request: nothing waits yet), 1, 2, …
    const what = autoscaled(
      {
        min_replicas: 1,
        max_replicas: 3,
        target_ongoing_requests: 1,
        metrics_interval_s: 1,
        look_back_period_s: 5,
        upscale_delay_s: 0,
        downscale_delay_s: 3,
      },
      {},
    );
    const outcome = run(what, requests([0.5, 6], [0.5, 6], [0.5, 6]), { horizonS: 40 });
    const { timesS, target, serving } = outcome.timeline;
    // The sample of second 1 sees 3; two more start at once, and serve at 3.
    expect([timesS[1], target[1], serving[1]]).toEqual([1, 3, 1]);
    expect([timesS[2], target[2], serving[2]]).toEqual([3, 3, 3]);
    expect([...outcome.waits.sortedS]).toEqual([2.5, 2.5]);
    expect(outcome.requests).toMatchObject({ completed: 3 });
    expect(target.at(-1)).toBe(1);
    expect(serving.at(-1)).toBe(1);
    expect(outcome).toMatchObject({ scaleUps: 1, peakReplicas: 3, flaps: 0 });
  });

  it("stop to none, and the first request wakes one at once", () => {
    const what = autoscaled({
      min_replicas: 0,
      initial_replicas: 1,
      max_replicas: 5,
      metrics_interval_s: 1,
      look_back_period_s: 2,
      downscale_delay_s: 2,
      upscale_delay_s: 30,
    });
    const outcome = run(what, requests([50.03, 1]), { horizonS: 60 });
    const { timesS, target, serving } = outcome.timeline;
    expect(
      timesS
        .slice(1)
        .map((timeS, i) => [timeS, target[i + 1], serving[i + 1]])
        .slice(0, 3),
    ).toEqual([
      [2, 0, 0],
      [50.03, 1, 0],
      [52.03, 1, 1],
    ]);
    expect(outcome.waits.sortedS[0]).toBeCloseTo(2, 9);
    expect(outcome.requests.completed).toBe(1);
  });

  it("finish what they work on before they exit, and are killed after graceful_shutdown_timeout_s", () => {
    const part = {
      min_replicas: 1,
      initial_replicas: 2,
      max_replicas: 2,
      metrics_interval_s: 1,
      look_back_period_s: 2,
      downscale_delay_s: 0,
      target_ongoing_requests: 100,
    };
    // Both work; the newest is told to stop at the first report.
    const patient = run(autoscaled(part), requests([0, 9], [0, 9]), { horizonS: 50 });
    expect(patient.requests).toMatchObject({ completed: 2, dropped: 0 });
    expect(patient.replicaSeconds).toBe(50 + 9);
    const hasty = run(autoscaled(part, { gracefulShutdownTimeoutS: 4 }), requests([0, 9], [0, 9]), { horizonS: 50 });
    expect(hasty.requests).toMatchObject({ completed: 1, dropped: 1 });
    expect(hasty.replicaSeconds).toBe(50 + 4);
  });

  it("that flap are counted: a change back within a look-back period", () => {
    const what = autoscaled(
      {
        min_replicas: 1,
        max_replicas: 9,
        target_ongoing_requests: 1,
        metrics_interval_s: 1,
        look_back_period_s: 4,
        upscale_delay_s: 0,
        downscale_delay_s: 0,
      },
      { maxOngoingRequests: 9 },
    );
    const bursts = requests(
      ...[5, 15, 25].flatMap((atS) => Array.from({ length: 4 }, () => [atS, 3] as [number, number])),
    );
    const outcome = run(what, bursts, { horizonS: 60 });
    expect(outcome.flaps).toBeGreaterThan(0);
    const calm = run(
      autoscaled({ ...what.autoscaling!.config, downscale_delay_s: 30 }, { maxOngoingRequests: 9 }),
      bursts,
      { horizonS: 60 },
    );
    expect(calm.flaps).toBe(0);
  });
});

describe("a schedule", () => {
  // Second 0 is a Monday, midnight UTC.
  const epochS = 20_717 * 86_400;
  const schedule = {
    policy: {
      policy_function: "windlass:schedule",
      policy_kwargs: { windows: [{ start: "0 8 * * MON-FRI", end: "0 18 * * MON-FRI", min_replicas: 3 }] },
    },
  };
  const what = autoscaled(
    { min_replicas: 0, max_replicas: 9, upscale_delay_s: 0, downscale_delay_s: 60, ...schedule },
    { maxOngoingRequests: 5 },
  );

  it("decides at its times, and requests beside it", () => {
    const rush: Traffic = { kind: "rates", rows: [{ startS: 36_000, endS: 39_600, rps: 10, serviceS: 1 }] };
    const outcome = run(what, rush, { epochS, horizonS: 86_400 });
    const { timesS, target } = outcome.timeline;
    const targetAt = (atS: number): number => target[timesS.findLastIndex((timeS) => timeS <= atS)]!;
    expect([8 * 3600 - 1, 8 * 3600, 10.5 * 3600, 15 * 3600].map(targetAt)).toEqual([0, 3, expect.any(Number), 3]);
    expect(targetAt(10.5 * 3600)).toBeGreaterThan(3);
    expect([18 * 3600 + 59, 18 * 3600 + 60.1, 18 * 3600 + 121].map(targetAt)).toEqual([3, 1, 0]);
    expect(outcome.decided).toBeLessThan(2_000);
  });

  it("tells when which of its windows were open", () => {
    const idle: Traffic = { kind: "rates", rows: [{ startS: 0, endS: 86_400, rps: 0, serviceS: 1 }] };
    expect(run(what, idle, { epochS, horizonS: 86_400 }).schedule).toEqual({
      windows: ["0 8 * * MON-FRI to 0 18 * * MON-FRI: at least 3"],
      otherwise: "requests decide",
      changes: [
        { atS: 0, open: [] },
        { atS: 8 * 3600, open: [0] },
        { atS: 18 * 3600, open: [] },
      ],
    });
    const { changes } = run(what, idle, { epochS: epochS + 9 * 3600, horizonS: 60 }).schedule!;
    expect(changes).toEqual([{ atS: 0, open: [0] }]);
    expect(run(subject(), idle).schedule).toBeUndefined();
  });

  it("is asked at no more ticks than needed: every tick decides the same", () => {
    const rows: Traffic = { kind: "rates", rows: [{ startS: 0, endS: 900, rps: 0.2, serviceS: 3 }] };
    // From ten minutes before it opens.
    const options = { epochS: epochS + 8 * 3600 - 600, horizonS: 1_200 };
    const { decided: few, ...some } = run(what, rows, options);
    const { decided: many, ...all } = run(what, rows, { ...options, everyTick: true });
    expect(some).toEqual(all);
    expect(few).toBeLessThan(many / 10);
  });
});

const settings = fc.record({
  min_replicas: fc.integer({ min: 0, max: 2 }),
  max_replicas: fc.integer({ min: 2, max: 8 }),
  target_ongoing_requests: fc.constantFrom(0.5, 1, 2, 3.3),
  metrics_interval_s: fc.constantFrom(0.7, 1, 10),
  look_back_period_s: fc.constantFrom(1.3, 5, 30),
  upscale_delay_s: fc.constantFrom(0, 0.3, 2.5, 30),
  downscale_delay_s: fc.constantFrom(0, 0.5, 3, 40),
  downscale_to_zero_delay_s: fc.constantFrom(null, 0, 4),
  upscaling_factor: fc.constantFrom(null, 0.3, 1.7),
  aggregation_function: fc.constantFrom("mean" as const, "max" as const, "min" as const),
});
const limits = fc.record({
  maxOngoingRequests: fc.integer({ min: 1, max: 4 }),
  maxQueuedRequests: fc.constantFrom(-1, -1, 0, 3),
  requestTimeoutS: fc.constantFrom(null, null, 2, 20),
  gracefulShutdownTimeoutS: fc.constantFrom(0, 2, 20),
});
const traffic: fc.Arbitrary<Traffic> = fc
  .array(
    fc.record({
      lengthS: fc.integer({ min: 5, max: 90 }),
      rps: fc.constantFrom(0, 0.05, 0.7, 3),
      serviceS: fc.constantFrom(0.05, 0.9, 7),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) => {
    let atS = 0;
    const rows = parts.map(({ lengthS, ...rest }) => {
      const row = { startS: atS, endS: atS + lengthS, ...rest };
      atS += lengthS;
      return row;
    });
    return { kind: "rates", rows };
  });

describe("any deployment under any traffic", () => {
  const all = fc.tuple(settings, limits, traffic, fc.constantFrom(0, 0.35, 2, 12), fc.nat());
  const options = (replicaStartS: number, seed: number): Partial<SimulationOptions> => ({
    horizonS: 300,
    replicaStartS,
    arrivalRandom: generator(seed),
    choiceRandom: generator(seed + 1),
  });

  it("every request ends once, replicas stay within the bounds, and nobody works who is not counted", () => {
    fc.assert(
      fc.property(all, ([config, limit, requestsOf, replicaStartS, seed]) => {
        const what = autoscaled(config, limit);
        const outcome = run(what, requestsOf, options(replicaStartS, seed));
        const { arrived, ...ends } = outcome.requests;
        expect(Object.values(ends).reduce((sum, count) => sum + count, 0)).toBe(arrived);
        expect(outcome.waits.placed).toBeLessThanOrEqual(arrived - ends.shed);
        const { target, serving, timesS } = outcome.timeline;
        for (const count of target) {
          expect(count).toBeGreaterThanOrEqual(config.min_replicas);
          expect(count).toBeLessThanOrEqual(config.max_replicas);
        }
        serving.forEach((count, i) => {
          expect(count).toBeLessThanOrEqual(Math.max(target[i]!, target[i - 1] ?? 0));
        });
        expect(timesS).toEqual([...timesS].sort((a, b) => a - b));
        expect(outcome.workedSeconds).toBeLessThanOrEqual(outcome.replicaSeconds * limit.maxOngoingRequests + 1e-6);
        expect(outcome.slotSeconds).toBeLessThanOrEqual(outcome.replicaSeconds * limit.maxOngoingRequests + 1e-6);
        expect(outcome.peakReplicas).toBeLessThanOrEqual(config.max_replicas);
        expect(outcome.slotSeconds).toBeLessThanOrEqual(
          outcome.endS * config.max_replicas * limit.maxOngoingRequests + 1e-6,
        );
        expect(outcome.scaleUps + outcome.scaleDowns).toBeGreaterThanOrEqual(outcome.flaps);
      }),
      { numRuns: 150 },
    );
  });

  it("turns that are left out would have changed nothing: deciding at every tick gives the same", () => {
    let skipped = 0;
    fc.assert(
      fc.property(all, ([config, limit, requestsOf, replicaStartS, seed]) => {
        const what = autoscaled(config, limit);
        const last: (Decision | undefined)[] = [undefined, undefined];
        const [some, each] = [false, true].map((everyTick, i) =>
          run(what, requestsOf, {
            ...options(replicaStartS, seed),
            everyTick,
            onDecision(decision) {
              last[i] = decision;
            },
          }),
        );
        const { decided: few, ...result } = some!;
        const { decided: many, ...expected } = each!;
        expect(result).toEqual(expected);
        expect(many).toBeGreaterThanOrEqual(few);
        expect(last[0]?.result).toBe(last[1]?.result);
        expect(last[0]?.delay.kind).toBe(last[1]?.delay.kind);
        skipped += many - few;
      }),
      { numRuns: 120 },
    );
    expect(skipped).toBeGreaterThan(100_000);
  });

  it("the same seed gives the same result, another one another", () => {
    const rows: Traffic = { kind: "rates", rows: [{ startS: 0, endS: 100, rps: 2, serviceS: 0.7 }] };
    const of = (seed: number): Outcome =>
      run(subject(), rows, { arrivalRandom: generator(seed), choiceRandom: generator(9) });
    expect(of(5)).toEqual(of(5));
    expect(of(5).requests.arrived).not.toBe(0);
    expect(of(6).waits.sortedS).not.toEqual(of(5).waits.sortedS);
  });
});
