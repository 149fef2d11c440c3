import { describe, expect, it } from "vitest";
import type { ApplicationConfig, AutoscalingConfig } from "../../src/config/types.ts";
import { type SimulatedController, simulate } from "../support/simulated-controller.ts";
import { SimulatedRouter } from "../support/simulated-router.ts";

const QUICK: Partial<AutoscalingConfig> = {
  min_replicas: 1,
  max_replicas: 10,
  target_ongoing_requests: 2,
  metrics_interval_s: 1,
  look_back_period_s: 2,
  upscale_delay_s: 1,
  downscale_delay_s: 2,
};

function scaled(config: Partial<AutoscalingConfig> = {}, more: Partial<ApplicationConfig> = {}): ApplicationConfig {
  const autoscaling_config = { ...QUICK, ...config };
  return {
    name: "a",
    route_prefix: "/a",
    import_path: "app",
    deployments: [{ name: "D", autoscaling_config }],
    ...more,
  };
}

async function deployed(
  config: Partial<AutoscalingConfig> = {},
  more: Partial<ApplicationConfig> = {},
): Promise<{ simulation: SimulatedController; router: SimulatedRouter }> {
  const simulation = await simulate();
  simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "1" });
  await simulation.put([scaled(config, more)]);
  await simulation.clock.advance(500);
  return { simulation, router: new SimulatedRouter(simulation) };
}

const target = ({ controller }: SimulatedController): number => controller.deployment("a", "D")!.target.replicas;

describe("the autoscaler", () => {
  it("follows the load up after its delay, and down after its delay", async () => {
    const { simulation, router } = await deployed();
    expect(simulation.replicas("a", "D")).toBe("RUNNING 1");
    router.concurrent = 8;
    await router.run(0.9);
    expect(target(simulation)).toBe(1);
    await router.run(3.1);
    expect(target(simulation)).toBe(4);
    await router.run(1);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 4");
    expect(simulation.controller.deployment("a", "D")!.target.owner).toBe("autoscaler");
    router.concurrent = 0;
    await router.run(1);
    expect(target(simulation)).toBe(4);
    await router.run(8);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 1");
    await simulation.controller.close();
  });

  it("shows a scaling deployment as such, and its application as running", async () => {
    const { simulation, router } = await deployed({ upscale_delay_s: 0 });
    simulation.engine.behaviour.set("a/D", { startMs: 2_000 });
    router.concurrent = 8;
    await router.run(1.5);
    expect(simulation.status("a", "D")).toBe("UPSCALING/AUTOSCALING");
    expect(simulation.controller.deployment("a", "D")!.message).toBe("Upscaling from 1 to 4 replicas.");
    expect(simulation.controller.application("a")!.status).toBe("RUNNING");
    await router.run(3);
    expect(simulation.status("a", "D")).toBe("HEALTHY/UPSCALE_COMPLETED");
    await simulation.controller.close();
  });

  it("goes to zero through one replica, and comes back at once on one request", async () => {
    const { simulation, router } = await deployed({ min_replicas: 0, initial_replicas: 3, downscale_delay_s: 1 });
    expect(simulation.replicas("a", "D")).toBe("RUNNING 3");
    const seen: number[] = [];
    await router.run(5, () => void (seen.at(-1) === target(simulation) || seen.push(target(simulation))));
    expect(seen).toEqual([3, 1, 0]);
    expect(simulation.replicas("a", "D")).toBe("");
    await simulation.clock.advance(37);
    router.concurrent = 1;
    await simulation.clock.advance(0);
    expect(target(simulation)).toBe(1);
    await router.run(0.2);
    expect(router.queued).toBe(0);
    await simulation.controller.close();
  });

  it("makes no turn while nothing changes", async () => {
    const { simulation } = await deployed({ min_replicas: 1 });
    await simulation.clock.advance(30_000);
    const { revision } = simulation.store;
    await simulation.clock.advance(600_000);
    expect(simulation.store.revision).toBe(revision);
    await simulation.controller.close();
  });
});
