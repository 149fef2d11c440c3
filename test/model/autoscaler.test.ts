import { describe, expect, it } from "vitest";
import { deployAutoscaled, QUICK, targetOf } from "../support/autoscaled.ts";
import { seededRandom } from "../support/seeded-random.ts";

/** Virtual seconds that a killed controller is away. */
const AWAY_S = 0.7;

/**
 * Random settings, random load, replicas that die, and controllers that are killed between any two writes. At every
 * moment the target is within its bounds; a request finds a replica soon, whatever came before; and idle time leads to
 * the minimum within the time that the settings allow.
 */
async function live(seed: number): Promise<string[]> {
  const random = seededRandom(seed);
  const pick = <T>(...options: readonly T[]): T => options[Math.floor(random.next() * options.length)]!;
  const config = {
    ...QUICK,
    min_replicas: pick(0, 0, 1, 2),
    max_replicas: pick(2, 5, 9),
    metrics_interval_s: pick(0.2, 1),
    look_back_period_s: pick(1, 3),
    upscale_delay_s: pick(0, 0.5, 1.5),
    downscale_delay_s: pick(0, 0.5, 2),
    downscale_to_zero_delay_s: pick(null, 0, 3),
    downscaling_factor: pick(null, 0.3),
    aggregation_function: pick("mean", "max", "min"),
  } as const;
  const { simulation, router } = await deployAutoscaled(config, {}, { seed });
  simulation.engine.behaviour.set("a/D", { startMs: pick(20, 400), stopMs: pick(5, 300) });
  const broken: string[] = [];
  const look = (): void => {
    const target = targetOf(simulation);
    if (target < config.min_replicas || target > config.max_replicas) broken.push(`target ${target} out of bounds`);
  };
  for (let phase = 0; phase < 10; phase++) {
    const kind = pick("load", "load", "crash", "restart", "die");
    if (kind === "load") router.concurrent = pick(0, 1, 2, 5, 30);
    if (kind === "crash") await simulation.crash();
    if (kind === "restart") {
      await simulation.clock.advance(0);
      await simulation.controller.close();
      await router.run(AWAY_S);
      await simulation.restart();
    }
    if (kind === "crash" || kind === "restart") router.reconnected();
    if (kind === "die") {
      const [id] = simulation.engine.running.keys();
      if (id !== undefined) simulation.engine.die(id);
    }
    await router.run(pick(0.2, 1, 3), look);
  }

  // No wake-up is lost, wherever it is: one request is served soon.
  router.concurrent = 0;
  await router.run(pick(0.05, 0.5, 6), look);
  router.concurrent = 1;
  await router.run(2.5, look);
  if (router.queued > 0) broken.push("a request waits for ever");

  // Each step down takes a delay, a report's time and the replicas' end; then the target is the minimum and stays it.
  router.concurrent = 0;
  const { downscale_delay_s: downS, downscale_to_zero_delay_s: zeroS, metrics_interval_s: everyS } = config;
  const steps = config.downscaling_factor === null ? 2 : config.max_replicas;
  await router.run(config.look_back_period_s + steps * (downS + 2 * everyS + 0.5) + (zeroS ?? downS) + 1, look);
  if (targetOf(simulation) !== config.min_replicas) broken.push(`idle, the target is ${targetOf(simulation)}`);
  await router.run(2, look);
  const running = simulation.replicas("a", "D");
  if (running !== (config.min_replicas === 0 ? "" : `RUNNING ${config.min_replicas}`)) {
    broken.push(`idle, there is "${running}"`);
  }
  await simulation.clock.advance(1);
  await simulation.controller.close();
  return broken;
}

describe("whatever happens to an autoscaled deployment", () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed + 1))(
    "bounds hold, requests find a replica, idleness ends at the minimum (seed %i)",
    async (seed) => {
      expect(await live(seed)).toEqual([]);
    },
  );
});
