import { describe, expect, it } from "vitest";
import { replay } from "../../src/autoscaling/replay.ts";
import type { TraceEntry } from "../../src/autoscaling/trace.ts";
import { chunkLimit } from "../../src/controller/autoscale-record.ts";
import type { Store } from "../../src/store/store.ts";
import { deployAutoscaled, QUICK, targetOf } from "../support/autoscaled.ts";
import { seededRandom } from "../support/seeded-random.ts";

function recordedIn(store: Store): TraceEntry[] {
  return store.range("trace/a/D/").flatMap(({ value }) => (JSON.parse(value) as { entries: TraceEntry[] }).entries);
}

/** A random life with controllers that are killed; returns what is recorded of it, and each target it had. */
async function live(seed: number): Promise<{ entries: TraceEntry[]; targets: number[] }> {
  const random = seededRandom(seed);
  const pick = <T>(...options: readonly T[]): T => options[Math.floor(random.next() * options.length)]!;
  const config = {
    ...QUICK,
    min_replicas: pick(0, 1),
    metrics_interval_s: pick(0.2, 1),
    look_back_period_s: pick(1, 3),
    upscale_delay_s: pick(0, 0.35, 1.5),
    downscale_delay_s: pick(0, 0.6, 2),
    upscaling_factor: pick(null, 0.5),
    aggregation_function: pick("mean", "mean", "max"),
  } as const;
  const { simulation, router } = await deployAutoscaled(config, {}, { seed });
  const targets = [targetOf(simulation)];
  const note = (): void => {
    if (targets.at(-1) !== targetOf(simulation)) targets.push(targetOf(simulation));
  };
  /** Nobody reports for so long that all is stored. */
  const silent = async (): Promise<void> => {
    for (let i = 0; i < 30; i++) {
      await simulation.clock.advance(50);
      note();
    }
  };
  for (let phase = 0; phase < 8; phase++) {
    router.concurrent = pick(0, 0, 1, 5, 12, 30);
    if (random.next() < 0.2) {
      await silent();
      await simulation.restart();
      router.reconnected();
    }
    await router.run(pick(0.4, 2, 4), note);
  }
  router.concurrent = 0;
  await router.run(2, note);
  await silent();
  const entries = recordedIn(simulation.store);
  await simulation.controller.close();
  return { entries, targets };
}

describe("what is recorded of decisions", () => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed + 1))(
    "gives each of them again, bit for bit (seed %i)",
    async (seed) => {
      const { entries, targets } = await live(seed);
      const { decisions, differences } = replay(entries);
      expect(differences).toEqual([]);
      const replayed = [targets[0]!];
      for (const { result } of decisions) if (replayed.at(-1) !== result) replayed.push(result);
      expect(replayed).toEqual(targets);
    },
  );

  it("tells where a record and its replay part", async () => {
    const { entries } = await live(3);
    const at = entries.findIndex(({ result }, index) => index > 0 && result > entries[index - 1]!.result);
    expect(at).toBeGreaterThan(0);
    const forged = entries.map((entry, index) => (index === at ? { ...entry, result: entry.result + 1 } : entry));
    expect(replay(forged).differences[0]).toEqual({
      atS: entries[at]!.atS,
      recorded: entries[at]!.result + 1,
      replayed: entries[at]!.result,
    });
  });

  it("is kept in a bounded ring, from any point of which a replay can begin", async () => {
    // The more deployments, the fewer chunks each may have.
    const many = 128;
    const idle = Array.from({ length: many - 1 }, (_, n) => ({
      name: `idle${n}`,
      autoscaling_config: { ...QUICK, min_replicas: 0 },
    }));
    const quick = { ...QUICK, metrics_interval_s: 0.5, downscale_delay_s: 0.5 };
    const deployments = [{ name: "D", autoscaling_config: quick }, ...idle];
    const { simulation, router } = await deployAutoscaled({}, { deployments });
    for (let round = 0; round < 100; round++) {
      router.concurrent = round % 2 === 0 ? 9 : 1;
      await router.run(3.5);
    }
    const keys = simulation.store.range("trace/a/D/").map(({ key }) => Number(key.split("/").at(-1)));
    expect(keys.length).toBe(chunkLimit(many));
    expect(keys[0]).toBeGreaterThan(0);
    const { decisions, differences } = replay(recordedIn(simulation.store));
    expect(differences).toEqual([]);
    expect(decisions.length).toBeGreaterThan(150);
    await simulation.put([]);
    await simulation.clock.advance(2_000);
    expect(simulation.store.range("trace/")).toEqual([]);
    await simulation.controller.close();
  });

  it("is shown as one decision however often it was made, in one controller or the next", async () => {
    const { simulation, router } = await deployAutoscaled({ initial_replicas: 2 });
    router.concurrent = 4;
    await router.run(6);
    const [held] = await simulation.controller.decisions("a", "D");
    await simulation.clock.advance(2_000);
    for (let i = 0; i < 3; i++) {
      await simulation.restart();
      router.reconnected();
      await router.run(6);
    }
    const shown = await simulation.controller.decisions("a", "D");
    expect(shown[0]).toMatchObject({ result: 2, sinceS: held!.sinceS });
    expect(shown[0]!.turns).toBeGreaterThan(held!.turns);
    await simulation.controller.close();
  });

  it("is shown to people, newest first, what an earlier controller decided too", async () => {
    const { simulation, router } = await deployAutoscaled({ upscale_delay_s: 1, downscale_delay_s: 2 });
    router.concurrent = 8;
    await router.run(4);
    const heard: number[] = [];
    const end = simulation.controller.onDecision("a", "D", ({ result }) => heard.push(result));
    router.concurrent = 2;
    await router.run(5);
    end();
    expect(heard).toContain(1);
    const before = await simulation.controller.decisions("a", "D");
    expect(before.map(({ atS }) => atS)).toEqual(before.map(({ atS }) => atS).toSorted((a, b) => b - a));
    const up = before.find(({ target, result }) => target === 1 && result === 4)!;
    expect(up).toMatchObject({ policy: "built-in", running: 1, totalRequests: 8, desired: 4, withoutDelays: 4 });
    const waited = before.find(({ adjustments }) =>
      adjustments.some((step) => step.kind === "delay" && step.direction === "up"),
    )!;
    expect([waited.result, waited.withoutDelays]).toEqual([1, 4]);
    await simulation.restart();
    router.reconnected();
    await router.run(1);
    const after = await simulation.controller.decisions("a", "D");
    expect(after).toContainEqual(up);
    expect(await simulation.controller.decisions("a", "nobody")).toEqual([]);
    await simulation.clock.advance(1);
    await simulation.controller.close();
  });
});
