import { describe, expect, it } from "vitest";
import type { AutoscalingConfig } from "../../src/config/types.ts";
import { autoscaled, deployAutoscaled, targetOf } from "../support/autoscaled.ts";

const OTHER_CODE = { deployments: [{ name: "D" }], ingress: "D", hash: "2" };

/** A deployment that the autoscaler has brought to 4 replicas, all of which it needs. */
async function scaledToFour() {
  const { simulation, router } = await deployAutoscaled({ upscale_delay_s: 0, downscale_delay_s: 60 });
  router.concurrent = 8;
  await router.run(4);
  expect(targetOf(simulation)).toBe(4);
  const target = simulation.controller.deployment("a", "D")!.target;
  expect(target).toMatchObject({ owner: "autoscaler", reason: expect.stringContaining("the policy wants 4") });
  return { simulation, target };
}

describe("who is said to have set the target, after a redeploy", () => {
  it.each<{ what: string; config: Partial<AutoscalingConfig>; rebuilt?: boolean }>([
    { what: "of other settings", config: { max_replicas: 8 } },
    { what: "of other code", config: {}, rebuilt: true },
  ])("$what that leaves it alone: the autoscaler, as before", async ({ config, rebuilt = false }) => {
    const { simulation, target } = await scaledToFour();
    if (rebuilt) simulation.engine.applications.set("app", OTHER_CODE);
    const before = simulation.controller.deployment("a", "D")!.generation;
    await simulation.put([autoscaled({ upscale_delay_s: 0, downscale_delay_s: 60, ...config })]);
    await simulation.clock.advance(400);
    const after = simulation.controller.deployment("a", "D")!;
    expect(after.generation).toBeGreaterThan(before);
    expect(after.target).toEqual(target);
    await simulation.controller.close();
  });

  it.each<{ what: string; config: Partial<AutoscalingConfig>; replicas: number }>([
    { what: "whose bounds leave no room for it", config: { max_replicas: 3 }, replicas: 3 },
    { what: "that says how many to begin with", config: { initial_replicas: 4 }, replicas: 4 },
  ])("$what: the config", async ({ config, replicas }) => {
    const { simulation } = await scaledToFour();
    await simulation.put([autoscaled({ upscale_delay_s: 0, downscale_delay_s: 60, ...config })]);
    const { target } = simulation.controller.deployment("a", "D")!;
    expect(target).toMatchObject({ owner: "config", replicas, reason: "" });
    await simulation.controller.close();
  });

  it("of a fixed count that happens to be the same: the config", async () => {
    const { simulation } = await scaledToFour();
    await simulation.put([autoscaled({}, { deployments: [{ name: "D", num_replicas: 4 }] })]);
    expect(simulation.controller.deployment("a", "D")!.target).toMatchObject({ owner: "config", replicas: 4 });
    await simulation.controller.close();
  });
});
