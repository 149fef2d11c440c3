import { describe, expect, it } from "vitest";
import { loadBetween, type RecordedLoad, recordedLoad } from "../../src/autoscaling/recorded-load.ts";
import { recordedEntries } from "../../src/controller/autoscale-decisions.ts";
import { storedLoad } from "../../src/controller/stored-recordings.ts";
import { recordedOutcome, simulateRecording } from "../../src/simulate/recording.ts";
import { subjectsOf } from "../../src/simulate/subject.ts";
import { autoscaled, deployAutoscaled, type QUICK, targetOf } from "../support/autoscaled.ts";

/** 8 requests, then 3, then none, 6 s each, and nobody for a while; what is recorded of it, and the targets it had. */
async function lived(): Promise<{ load: RecordedLoad; targets: number[]; beganS: number }> {
  const { simulation, router } = await deployAutoscaled({ min_replicas: 0, initial_replicas: 1 });
  const beganS = simulation.clock.now() / 1_000;
  const targets = [targetOf(simulation)];
  for (const concurrent of [8, 3, 0]) {
    router.concurrent = concurrent;
    await router.run(6, () => {
      if (targets.at(-1) !== targetOf(simulation)) targets.push(targetOf(simulation));
    });
  }
  await simulation.clock.advance(60_000);
  const load = simulation.controller.recordedLoad("a", "D", 0, Number.POSITIVE_INFINITY)!;
  const again = recordedLoad(recordedEntries(simulation.store, "a", "D"), simulation.clock.now() / 1_000);
  expect(load).toEqual(again);
  expect(simulation.controller.recordedLoad("a", "nobody", 0, Number.POSITIVE_INFINITY)).toBeUndefined();
  await simulation.controller.close();
  return { load, targets, beganS };
}

const at = ({ requests: { timesS, values } }: RecordedLoad, timeS: number): number =>
  values[timesS.findLastIndex((each) => each <= timeS)] ?? 0;

describe("the load in a recording", () => {
  it("is the number of requests that there was, and ends where nobody counts any more", async () => {
    const { load, beganS } = await lived();
    const seen = [1, 5.5, 7, 11, 13, 17, 60].map((afterS) => at(load, beganS + afterS));
    expect(seen).toEqual([8, 8, 3, 3, 0, 0, 0]);
    expect(Math.max(...load.requests.values)).toBe(8);
    expect(load.toS - beganS).toBeCloseTo(78, 0);
  });

  it("has the replicas beside it", async () => {
    const { load, targets } = await lived();
    const { timesS, target, running } = load.replicas;
    expect(target.filter((count, i) => count !== target[i - 1])).toEqual(targets);
    expect(Math.max(...running)).toBe(4);
    expect([target.at(-1), running.at(-1)]).toEqual([0, 0]);
    expect(timesS).toEqual(timesS.toSorted((a, b) => a - b));
  });

  it("can be cut: what held at the begin holds from there on", async () => {
    const { load, beganS } = await lived();
    const part = loadBetween(load, beganS + 3, beganS + 8)!;
    expect([part.fromS, part.toS]).toEqual([beganS + 3, beganS + 8]);
    expect([part.requests.timesS[0], part.requests.values[0]]).toEqual([beganS + 3, 8]);
    expect(part.requests.values.at(-1)).toBe(3);
    expect(part.replicas.timesS[0]).toBe(beganS + 3);
    expect(loadBetween(load, beganS - 100, beganS - 50)).toBeUndefined();
    expect(loadBetween(load, load.toS, load.toS + 9)).toBeUndefined();
  });

  it("is nothing where no entry tells all", () => {
    expect(recordedLoad([], 5)).toBeUndefined();
    expect(recordedLoad([{ atS: 1, result: 2 }], 5)).toBeUndefined();
  });
});

describe("the recording of an instance that is stopped", () => {
  it.each([
    { when: "under load", concurrent: 8, idleS: 0 },
    { when: "in the middle of a second", concurrent: 8, idleS: 0.3 },
    { when: "long after the last request", concurrent: 0, idleS: 90 },
  ])("goes on until its end, $when", async ({ concurrent, idleS }) => {
    const { simulation, router } = await deployAutoscaled();
    for (const requests of [8, concurrent]) {
      router.concurrent = requests;
      await router.run(3.15);
    }
    await simulation.clock.advance(idleS * 1_000);
    const { controller, clock, store } = simulation;
    const stoppedS = clock.now() / 1_000;
    const told = controller.recordedLoad("a", "D", 0, Number.POSITIVE_INFINITY)!;
    const stopped = controller.stopReplicas();
    await clock.advance(30_000);
    await stopped;
    const stored = storedLoad(store, "a", "D", { fromS: 0, toS: Number.POSITIVE_INFINITY });
    expect(stored).toEqual(told);
    expect(stored!.toS).toBe(stoppedS);
    expect(storedLoad(store, "a", "", { fromS: 0, toS: Number.POSITIVE_INFINITY })).toBeUndefined();
  });

  it("ends with its last write where it was killed", async () => {
    const { simulation, router } = await deployAutoscaled();
    router.concurrent = 8;
    await router.run(5);
    const toldS = simulation.clock.now() / 1_000;
    await simulation.controller.close();
    await simulation.clock.advance(60_000);
    const stored = storedLoad(simulation.store, "a", "D", { fromS: 0, toS: Number.POSITIVE_INFINITY })!;
    expect(stored.toS).toBeGreaterThan(toldS - 1.2);
    expect(stored.toS).toBeLessThanOrEqual(toldS);
  });
});

describe("a config under a recorded load", () => {
  const subject = (config: Partial<typeof QUICK>) => {
    const found = subjectsOf({ applications: [autoscaled({ min_replicas: 0, ...config })] });
    if (!found.ok) throw new Error(JSON.stringify(found.problems));
    return found.subjects[0]!;
  };
  const course = (timesS: readonly number[], target: readonly number[]): number[] =>
    target.filter((count, i) => count !== target[i - 1] && timesS[i] !== undefined);

  it("comes to the targets that it came to when it was recorded", async () => {
    const { load, targets } = await lived();
    const epochS = Math.floor(load.fromS);
    const options = { epochS, horizonS: load.toS - epochS, replicaStartS: 0.3 };
    const { timeline, loadOnly } = simulateRecording(subject({}), load, options);
    expect(loadOnly).toBe(true);
    const simulated = course(timeline.timesS, timeline.target);
    expect([Math.max(...simulated), simulated.at(-1)]).toEqual([Math.max(...targets), targets.at(-1)]);
    const was = recordedOutcome(subject({}), load, options);
    expect(course(was.timeline.timesS, was.timeline.target)).toEqual(targets);
    expect(was.peakReplicas).toBe(4);
    expect(was.workedSeconds).toBeCloseTo(8 * 6 + 3 * 6, -1);
  });

  it("comes to others with other settings", async () => {
    const { load } = await lived();
    const epochS = Math.floor(load.fromS);
    const options = { epochS, horizonS: load.toS - epochS, replicaStartS: 0.3 };
    const peak = (config: Partial<typeof QUICK>): number =>
      simulateRecording(subject(config), load, options).peakReplicas;
    expect([peak({ target_ongoing_requests: 1 }), peak({ max_replicas: 3 })]).toEqual([8, 3]);
    expect(peak({ upscale_delay_s: 60 })).toBe(1);
  });
});
