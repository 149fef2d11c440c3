import { describe, expect, it } from "vitest";
import { deployAutoscaled as deployed, autoscaled as scaled, targetOf as target } from "../support/autoscaled.ts";

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

  it("begins with initial_replicas, and again when something but the capacity is deployed anew", async () => {
    const { simulation, router } = await deployed({ initial_replicas: 3, downscale_delay_s: 1 });
    expect(target(simulation)).toBe(3);
    await router.run(4);
    expect(target(simulation)).toBe(1);
    await simulation.put([scaled({ initial_replicas: 3, downscale_delay_s: 1 })], { target_capacity: 50 });
    await simulation.clock.advance(300);
    expect(target(simulation)).toBe(1);
    await simulation.put([scaled({ initial_replicas: 4, downscale_delay_s: 1 })], { target_capacity: 50 });
    await simulation.clock.advance(300);
    expect(target(simulation)).toBe(4);
    await router.run(4);
    expect(target(simulation)).toBe(1);
    await simulation.controller.close();
  });

  it("keeps to initial_replicas as the floor while the capacity rises", async () => {
    const { simulation, router } = await deployed({ initial_replicas: 6, downscale_delay_s: 0 });
    await simulation.put([scaled({ initial_replicas: 6, downscale_delay_s: 0 })], { target_capacity: 0 });
    await router.run(1);
    expect(target(simulation)).toBe(0);
    await simulation.put([scaled({ initial_replicas: 6, downscale_delay_s: 0 })], { target_capacity: 50 });
    await router.run(3);
    expect(target(simulation)).toBe(3);
    await simulation.put([scaled({ initial_replicas: 6, downscale_delay_s: 0 })]);
    await router.run(3);
    expect(target(simulation)).toBe(1);
    await simulation.controller.close();
  });

  it("corrects a target beyond lowered bounds at once, and silently", async () => {
    const { simulation, router } = await deployed({ upscale_delay_s: 0 });
    router.concurrent = 12;
    await router.run(3);
    expect(target(simulation)).toBe(6);
    await simulation.put([scaled({ upscale_delay_s: 0, max_replicas: 3 })]);
    await router.run(0.2);
    expect(target(simulation)).toBe(3);
    await router.run(2);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 3");
    await simulation.controller.close();
  });

  it("leaves alone what somebody else scales", async () => {
    const { simulation, router } = await deployed({ upscale_delay_s: 0 }, { scaling: { owner: "manual" } });
    router.concurrent = 12;
    await router.run(3);
    expect(target(simulation)).toBe(1);
    await simulation.controller.close();
  });

  it("takes over where a lease has ended and left the target to the policy, until the next write", async () => {
    const { simulation, router } = await deployed(
      { upscale_delay_s: 0, downscale_delay_s: 0 },
      { scaling: { owner: "external", lease_fallback: "policy" } },
    );
    router.concurrent = 12;
    await router.run(1);
    await simulation.scale("a", "D", 2, { owner: "scaler", ttlMs: 3_000 });
    await router.run(2.5);
    expect(target(simulation)).toBe(2);
    await router.run(2);
    expect(target(simulation)).toBe(6);
    expect(simulation.controller.deployment("a", "D")!.target.owner).toBe("autoscaler");
    await simulation.scale("a", "D", 4);
    await router.run(3);
    expect(target(simulation)).toBe(4);
    await simulation.controller.close();
  });

  it("goes on while code is built anew, and where that fails", async () => {
    const { simulation, router } = await deployed({ min_replicas: 0, downscale_delay_s: 1, upscale_delay_s: 0 });
    await router.run(2);
    expect(target(simulation)).toBe(0);
    simulation.engine.applications.get("app")!.buildError = "no such thing";
    await simulation.put([scaled({ min_replicas: 0 }, { args: { other: true } })]);
    await router.run(1);
    expect(simulation.controller.application("a")!.status).toBe("DEPLOY_FAILED");
    router.concurrent = 1;
    await router.run(0.2);
    expect(target(simulation)).toBe(1);
    await simulation.controller.close();
  });

  it("forgets a deployment that is deleted, and begins anew with one of its name", async () => {
    const { simulation, router } = await deployed({ upscale_delay_s: 0 });
    router.concurrent = 12;
    await router.run(3);
    expect(simulation.store.range("autoscaling/")).toHaveLength(1);
    await simulation.put([]);
    await router.run(2);
    expect(simulation.store.range("autoscaling/")).toHaveLength(0);
    await simulation.put([scaled()]);
    await simulation.clock.advance(200);
    expect(target(simulation)).toBe(1);
    await simulation.controller.close();
  });

  it("writes its memory at most once a second", async () => {
    const { simulation, router } = await deployed({ metrics_interval_s: 0.2, upscale_delay_s: 0, max_replicas: 2 });
    router.concurrent = 3;
    await router.run(2);
    const seen = new Set<string>();
    await router.run(5, () => void seen.add(simulation.store.get("autoscaling/a/D")!.value));
    expect(seen.size).toBeGreaterThanOrEqual(3);
    expect(seen.size).toBeLessThanOrEqual(6);
    await simulation.controller.close();
  });
});
