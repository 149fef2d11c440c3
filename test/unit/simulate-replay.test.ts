import { describe, expect, it } from "vitest";
import type { TraceEntry } from "../../src/autoscaling/trace.ts";
import type { AutoscalingConfig } from "../../src/config/types.ts";
import { recordedEntries } from "../../src/controller/autoscale-decisions.ts";
import type { ScalingDecision } from "../../src/controller/controller.ts";
import {
  beyondOutages,
  compareDecisions,
  divergences,
  type Outage,
  targetSteps,
  uninterruptedSteps,
} from "../../src/simulate/replay.ts";
import { deployAutoscaled, toldOf } from "../support/autoscaled.ts";

/** A load that rises and falls, under controllers that are killed; what watches were told and what was recorded of it. */
async function live(): Promise<{ entries: TraceEntry[]; told: ScalingDecision[]; outages: Outage[] }> {
  const { simulation, router } = await deployAutoscaled({ min_replicas: 0, upscale_delay_s: 1.5 });
  const outages: Outage[] = [];
  for (const [concurrent, killed] of [
    [8, false],
    [14, true],
    [3, true],
    [0, false],
    [5, true],
    [0, false],
  ] as const) {
    router.concurrent = concurrent;
    await router.run(2.3);
    if (killed) {
      const fromS = simulation.clock.now() / 1_000;
      await simulation.crash();
      outages.push({ fromS, toS: simulation.clock.now() / 1_000 });
      router.reconnected();
    }
    await router.run(4);
  }
  const entries = recordedEntries(simulation.store, "a", "D");
  const told = await toldOf(simulation.store);
  await simulation.controller.close();
  return { entries, told, outages };
}

/**
 * A load of `requests` on one replica, and a controller that is killed `afterMs` after the load came and away for `awayMs`;
 * what is recorded of it. Routers are back only when decisions have been made.
 */
async function killedOnce(
  config: Partial<AutoscalingConfig>,
  requests: readonly [number, number],
  afterMs: number,
  awayMs: number,
): Promise<{ entries: TraceEntry[]; outage: Outage }> {
  const { simulation, router } = await deployAutoscaled({ ...config, metrics_interval_s: 0.5 });
  router.concurrent = requests[0];
  await router.run(8);
  router.concurrent = requests[1];
  await router.run(afterMs / 1_000);
  const fromS = simulation.clock.now() / 1_000;
  await simulation.restart(awayMs);
  const outage = { fromS, toS: simulation.clock.now() / 1_000 };
  await simulation.clock.advance(200);
  router.reconnected();
  await router.run(14);
  const entries = recordedEntries(simulation.store, "a", "D");
  await simulation.controller.close();
  return { entries, outage };
}

describe("a recording beside its replay", () => {
  it("is the same to the last bit, in all that was told", async () => {
    const { entries, told } = await live();
    const same = compareDecisions(entries, told);
    expect(same.differences).toEqual([]);
    expect(same.told).toBeGreaterThan(20);
    expect(same.changes).toBeGreaterThan(5);
  });

  it("is told apart where a load, a wish or a moment is not what it was", async () => {
    const { entries, told } = await live();
    const at = told.findLastIndex(({ result, target }) => result > target);
    const forge = (change: Partial<ScalingDecision>): ScalingDecision[] =>
      told.map((one, index) => (index === at ? { ...one, ...change } : one));
    const { atS, desired, totalRequests } = told[at]!;
    const found = (change: Partial<ScalingDecision>) =>
      compareDecisions(entries, forge(change)).differences.map(({ what }) => what);
    expect(found({ desired: desired! * (1 + Number.EPSILON) })).toEqual(["desired"]);
    expect(found({ totalRequests: totalRequests + 1e-9 })).toEqual(["load"]);
    expect(found({ result: 99 })).toEqual(["result"]);
    expect(found({ atS: atS + 0.1 })).toContain("told");
    const missing = told.filter((_, index) => index !== at);
    expect(compareDecisions(entries, missing).differences).toMatchObject([{ atS, what: "told" }]);
  });

  it("goes as if the controller had never been killed", async () => {
    const { entries, outages } = await live();
    const endS = entries.at(-1)!.atS;
    const apart = divergences(targetSteps(entries), uninterruptedSteps(entries), endS);
    expect(beyondOutages(apart, outages, 1)).toEqual([]);
    expect(new Set(targetSteps(entries).map(({ target }) => target)).size).toBeGreaterThan(3);
  });

  it.each([
    ["a wait of 3 s for more", { upscale_delay_s: 3 }, [2, 12]],
    ["waits of 2.5 s for fewer, one after the other to none", { downscale_delay_s: 2.5, min_replicas: 0 }, [9, 0]],
    ["no wait at all", { upscale_delay_s: 0 }, [2, 12]],
  ] as const)("keeps the moments of %s, wherever in them the controller is killed", async (_, config, requests) => {
    for (let afterMs = 250; afterMs <= 6_500; afterMs += 250) {
      const { entries, outage } = await killedOnce(config, requests, afterMs, 400);
      const live = targetSteps(entries);
      const apart = divergences(live, uninterruptedSteps(entries), entries.at(-1)!.atS);
      // What is known of the load is as old as the last report.
      expect([afterMs, beyondOutages(apart, [outage], 0.5)]).toEqual([afterMs, []]);
      expect(new Set(live.map(({ target }) => target)).size).toBeGreaterThan(1);
    }
  });
});

describe("two courses of a target", () => {
  const steps = (...all: [number, number][]) => all.map(([atS, target]) => ({ atS, target }));

  it("differ from where one moves until the other does", () => {
    const live = steps([0, 1], [10, 3], [20, 2]);
    const replayed = steps([0, 1], [12, 3], [19, 1], [20, 2], [30, 5]);
    expect(divergences(live, replayed, 31)).toEqual([
      { fromS: 10, toS: 12, live: 3, replayed: 1 },
      { fromS: 19, toS: 20, live: 3, replayed: 1 },
      { fromS: 30, toS: 31, live: 2, replayed: 5 },
    ]);
  });

  it("may differ in an outage and for a while after it, and not beyond", () => {
    const apart = [{ fromS: 8, toS: 20, live: 1, replayed: 2 }];
    expect(beyondOutages(apart, [{ fromS: 10, toS: 12 }], 3)).toEqual([
      { fromS: 8, toS: 10, live: 1, replayed: 2 },
      { fromS: 15, toS: 20, live: 1, replayed: 2 },
    ]);
    expect(beyondOutages(apart, [{ fromS: 7, toS: 18 }], 3)).toEqual([]);
  });
});
