import { describe, expect, it } from "vitest";
import { autoscaled, deployAutoscaled, targetOf } from "../support/autoscaled.ts";
import type { SimulatedController } from "../support/simulated-controller.ts";
import type { SimulatedRouter } from "../support/simulated-router.ts";
import { historyOf } from "../support/store-drivers.ts";

/** The controller is dead for so long; what is reported meanwhile is lost. */
async function killed(simulation: SimulatedController, router: SimulatedRouter, seconds: number): Promise<void> {
  await simulation.controller.close();
  await router.run(seconds);
  await simulation.restart();
}

/** When the target became this, seconds from now. */
async function until(simulation: SimulatedController, router: SimulatedRouter, target: number): Promise<number> {
  const { clock } = simulation;
  const start = clock.now();
  for (let i = 0; i < 200 && targetOf(simulation) !== target; i++) await router.run(0.05);
  expect(targetOf(simulation)).toBe(target);
  return (clock.now() - start) / 1_000;
}

describe("the autoscaler's memory", () => {
  it.each([
    { name: "a scale-up", from: 0, to: 8, target: 4, config: { upscale_delay_s: 5 } },
    { name: "a scale-down", from: 8, to: 2, target: 1, config: { upscale_delay_s: 0, downscale_delay_s: 6 } },
    {
      name: "the step to zero",
      from: 0,
      to: 0,
      target: 0,
      config: { min_replicas: 0, initial_replicas: 1, downscale_to_zero_delay_s: 5 },
    },
  ])("goes on with the wait for $name as if the controller had not died", async ({ from, to, target, config }) => {
    const took: number[] = [];
    for (const deadS of [0, 1.5]) {
      const { simulation, router } = await deployAutoscaled(config);
      router.concurrent = from;
      await router.run(from > 0 ? 4 : 1);
      router.concurrent = to;
      await router.run(2.5);
      if (deadS > 0) {
        await killed(simulation, router, deadS);
        router.reconnected();
      } else await router.run(1.5);
      took.push(await until(simulation, router, target));
      await simulation.controller.close();
    }
    const [uninterrupted, interrupted] = took as [number, number];
    expect(Math.abs(uninterrupted - interrupted)).toBeLessThanOrEqual(0.1);
  });

  it("is kept, and is no part of the history that watches resume from", async () => {
    const { simulation, router } = await deployAutoscaled();
    router.concurrent = 8;
    await router.run(4);
    const { store } = simulation;
    expect(store.range("autoscaling/")).toHaveLength(1);
    expect(store.range("trace/").length).toBeGreaterThan(0);
    const keys = (await historyOf(store, "", 0)).flatMap(({ changes }) => changes.map(({ key }) => key.split("/")[0]));
    expect(keys).toContain("deployment");
    expect(keys.filter((key) => key === "autoscaling" || key === "trace")).toEqual([]);
    await simulation.controller.close();
  });

  it("decides on the window that an earlier controller had, before anybody reports", async () => {
    const { simulation, router } = await deployAutoscaled({ upscale_delay_s: 0, downscale_delay_s: 0 });
    router.concurrent = 8;
    await router.run(5);
    expect(targetOf(simulation)).toBe(4);
    await killed(simulation, router, 3);
    await simulation.clock.advance(4_000);
    expect(targetOf(simulation)).toBe(4);
    await simulation.controller.close();
  });

  it("drops the window of a router that never comes back", async () => {
    const { simulation, router } = await deployAutoscaled({ upscale_delay_s: 0, downscale_delay_s: 0 });
    router.concurrent = 8;
    await router.run(5);
    await killed(simulation, router, 3);
    await simulation.clock.advance(9_000);
    expect(targetOf(simulation)).toBe(1);
    await simulation.controller.close();
  });

  it("survives a crash after each write, with the target and the wait of one transaction", async () => {
    const { simulation, router } = await deployAutoscaled({ upscale_delay_s: 0, downscale_delay_s: 1 });
    router.concurrent = 12;
    for (let i = 0; i < 5; i++) {
      await router.run(0.7);
      await simulation.crash();
      router.reconnected();
    }
    await router.run(3);
    expect(targetOf(simulation)).toBe(6);
    router.concurrent = 0;
    for (let i = 0; i < 8; i++) {
      await router.run(1.3);
      await simulation.crash();
      router.reconnected();
    }
    expect(targetOf(simulation)).toBe(1);
    await simulation.controller.close();
  });

  it("is not taken for that of another deployment of the same name", async () => {
    const { simulation, router } = await deployAutoscaled({ min_replicas: 0, initial_replicas: 1 });
    router.concurrent = 8;
    await router.run(3);
    await simulation.put([]);
    await simulation.clock.advance(2_000);
    await simulation.put([autoscaled({ initial_replicas: 2 })]);
    await simulation.clock.advance(300);
    await simulation.restart();
    await simulation.clock.advance(300);
    expect(targetOf(simulation)).toBe(2);
    await simulation.controller.close();
  });
});
