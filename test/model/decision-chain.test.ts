/**
 * Whoever follows what is told of decisions knows each target there was, however often the controller dies, and what was
 * told was recorded.
 */
import { expect, it } from "vitest";
import { recordedEntries } from "../../src/controller/autoscale-decisions.ts";
import type { DecisionNews } from "../../src/controller/controller.ts";
import { type DeploymentRecord, keys } from "../../src/controller/records.ts";
import { compareDecisions } from "../../src/simulate/replay.ts";
import { deployAutoscaled, targetOf, toldOf } from "../support/autoscaled.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { historyOf } from "../support/store-drivers.ts";

/** A random life of `a/D` with controllers that are killed; the store holds the history of it. */
async function live(seed: number) {
  const random = seededRandom(seed);
  const pick = <T>(...options: readonly T[]): T => options[Math.floor(random.next() * options.length)]!;
  const config = {
    min_replicas: pick(0, 1),
    initial_replicas: 1,
    metrics_interval_s: pick(0.2, 1),
    look_back_period_s: pick(1, 3),
    upscale_delay_s: pick(0, 0.35, 1.5),
    downscale_delay_s: pick(0, 0.6, 2),
  };
  const { simulation, router } = await deployAutoscaled(config, {}, { seed });
  for (let phase = 0; phase < 12; phase++) {
    router.concurrent = pick(0, 1, 3, 5, 7, 12);
    await router.run(pick(0.2, 0.7, 1.5, 3));
    const death = random.next();
    if (death < 0.3) continue;
    if (death < 0.5) await simulation.crash();
    else await simulation.restart(pick(0, 150, 600, 1_300, 2_500));
    if (random.next() < 0.5) router.reconnected();
    else await simulation.clock.advance(pick(0, 100, 400, 1_500));
  }
  await simulation.controller.close();
  return { store: simulation.store, target: targetOf(simulation) };
}

const SEEDS = process.env["SEED"] ? [Number(process.env["SEED"])] : Array.from({ length: 40 }, (_, i) => i + 1);

it.each(SEEDS)("each change of the target is told with it, in order and once (seed %i)", async (seed) => {
  const { store, target } = await live(seed);
  let led = 1;
  let lastS = 0;
  let changes = 0;
  for (const { changes: all } of await historyOf(store, "", 0)) {
    const written = (wanted: string) => all.find(({ key }) => key === wanted)?.value;
    const told = written(keys.decision("a", "D"));
    const news = told === undefined ? [] : (JSON.parse(told) as DecisionNews).decisions;
    for (const { atS, target: from, result } of news) {
      expect(atS).toBeGreaterThan(lastS);
      lastS = atS;
      expect(from).toBe(led);
      led = result;
      if (from !== result) changes += 1;
    }
    const record = written(keys.deployment("a", "D"));
    if (record !== undefined) expect((JSON.parse(record) as DeploymentRecord).target.replicas).toBe(led);
  }
  expect(led).toBe(target);
  expect(changes).toBeGreaterThan(0);
});

it.each(SEEDS)(
  "a replay of what is stored has each decision that was told, to the last bit (seed %i)",
  async (seed) => {
    const { store } = await live(seed);
    const told = await toldOf(store);
    const found = compareDecisions(recordedEntries(store, "a", "D"), told);
    expect(found.told).toBe(told.length);
    expect(found.differences).toEqual([]);
  },
);
