import { setImmediate } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import type { DeploymentOverride } from "../../src/config/types.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { application, type SimulatedController, simulate } from "../support/simulated-controller.ts";

async function deployed(override: Partial<DeploymentOverride> = {}, options: Record<string, unknown> = {}) {
  const simulation = await simulate();
  simulation.engine.applications.set("app", { deployments: [{ name: "D", options }], ingress: "D", hash: "h1" });
  await simulation.put([application(override)]);
  await simulation.clock.advance(1_000);
  return simulation;
}

const ids = ({ controller }: SimulatedController): string[] => controller.snapshot().replicas.map(({ id }) => id);

describe("an update of settings that replicas refuse", () => {
  it("is frozen after the attempts a new version gets; the replica it has not reached serves on", async () => {
    const simulation = await deployed({ num_replicas: 2, user_config: { v: 1 } });
    const before = ids(simulation);
    const refusal = { reconfigureError: "Error: no", startError: "Error: no" };
    simulation.engine.behaviour.set("a/D", refusal);
    await simulation.put([application({ num_replicas: 2, user_config: { v: 2 } })]);
    await simulation.clock.advance(5_000);
    expect(simulation.status("a", "D")).toBe("DEPLOY_FAILED/REPLICA_STARTUP_FAILED");
    expect(simulation.controller.deployment("a", "D")?.message).toMatch(/failed to start 6 times.*frozen/);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 1");
    expect(before).toEqual(expect.arrayContaining(ids(simulation)));
    const starts = simulation.engine.commands.length;
    await simulation.clock.advance(5_000);
    expect(simulation.engine.commands.slice(starts).filter((command) => command.startsWith("start"))).toEqual([]);

    simulation.engine.behaviour.clear();
    await simulation.put([application({ num_replicas: 2, user_config: { v: 1 } })]);
    await simulation.clock.advance(2_000);
    expect(simulation.status("a", "D")).toBe("HEALTHY/CONFIG_UPDATE_COMPLETED");
    expect(simulation.replicas("a", "D")).toBe("RUNNING 2");
  });

  it("is not blamed for the death of a replica that it has not reached", async () => {
    const simulation = await deployed({ num_replicas: 2, user_config: { v: 1 } });
    const [, second] = ids(simulation);
    await simulation.put([application({ num_replicas: 2, user_config: { v: 2 } })]);
    simulation.engine.die(second!);
    await simulation.clock.advance(2);
    expect(simulation.status("a", "D")).toBe("UPDATING/CONFIG_UPDATE_STARTED");
    await simulation.clock.advance(2_000);
    expect(simulation.status("a", "D")).toBe("HEALTHY/CONFIG_UPDATE_COMPLETED");
  });
});

describe("a deployment that never started, scaled to zero", () => {
  it("stays DEPLOY_FAILED, and the next scale-up tries afresh", async () => {
    const simulation = await simulate();
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
    simulation.engine.behaviour.set("a/D", { startError: "Error: no model" });
    await simulation.put([application()]);
    await simulation.clock.advance(2_000);
    await simulation.scale("a", "D", 0);
    await simulation.clock.advance(2_000);
    expect(simulation.status("a", "D")).toBe("DEPLOY_FAILED/REPLICA_STARTUP_FAILED");
    expect(simulation.controller.application("a")?.status).toBe("DEPLOY_FAILED");
    simulation.engine.behaviour.clear();
    await simulation.scale("a", "D", 1);
    await simulation.clock.advance(2_000);
    expect(simulation.status("a", "D")).toBe("HEALTHY/UNSPECIFIED");
  });
});

describe("an application that is deleted and put again before it is gone", () => {
  it("begins anew: new replicas, and none of the old ones among its dead", async () => {
    const simulation = await deployed();
    const [before] = ids(simulation);
    simulation.engine.behaviour.set("a/D", { stopMs: 5_000 });
    await simulation.put([]);
    await simulation.clock.advance(1_000);
    expect(simulation.replicas("a", "D")).toBe("STOPPING 1");
    await simulation.put([application()]);
    await simulation.clock.advance(10_000);
    expect(simulation.controller.application("a")?.status).toBe("RUNNING");
    expect(ids(simulation)).not.toContain(before);
    expect(simulation.controller.deployment("a", "D")?.recentDead).toEqual([]);
  });

  it("is scaled no more, and a deployment it never had is not found", async () => {
    const simulation = await deployed();
    simulation.engine.behaviour.set("a/D", { stopMs: 5_000 });
    await simulation.put([]);
    await expect(simulation.scale("a", "D", 2)).rejects.toMatchObject({ reason: "DEPLOYMENT_DELETED" });
    await expect(simulation.scale("a", "E", 2)).rejects.toMatchObject({ reason: "NOT_FOUND" });
  });
});

describe("what an application gives its deployments", () => {
  it("is its runtime env, beneath the deployment's own", async () => {
    const simulation = await simulate();
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
    const own = { ray_actor_options: { num_cpus: 0.1, runtime_env: { env_vars: { B: "own", C: "3" } } } };
    const runtime_env = { env_vars: { A: "1", B: "app" } };
    await simulation.put([application(own, { runtime_env })]);
    await simulation.clock.advance(1_000);
    const env = { A: "1", B: "own", C: "3" };
    expect(simulation.controller.deployment("a", "D")?.config.ray_actor_options).toEqual({
      num_cpus: 0.1,
      runtime_env: { env_vars: env },
    });
    expect([...simulation.engine.running.values()].map((request) => request.env)).toEqual([env]);
  });

  it("adds no runtime_env where nobody set one", async () => {
    const simulation = await deployed();
    expect(simulation.controller.deployment("a", "D")?.config.ray_actor_options).toEqual({ num_cpus: 1 });
  });
});

describe("a first bundle that is too small for a replica", () => {
  it("fails the application with the resource and both amounts", async () => {
    const simulation = await deployed(
      { placement_group_bundles: [{ CPU: 0.01 }] },
      { ray_actor_options: { num_cpus: 0.1 } },
    );
    expect(simulation.controller.application("a")).toMatchObject({
      status: "DEPLOY_FAILED",
      message:
        'Deployment "D": placement_group_bundles[0]: the first bundle has CPU 0.01, but a replica takes 0.1; raise it to at least 0.1',
    });
  });
});

describe("a step of the controller that throws", () => {
  it("is tried again after a pause, and goes on once it works", async () => {
    let broken = false;
    let calls = 0;
    const sockets = (id: string) => {
      calls += 1;
      if (broken) throw new Error("no room");
      return { dataSocket: `/run/${id}.sock`, controlSocket: `/run/${id}.ctl` };
    };
    const simulation = await simulate({ sockets });
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
    await simulation.put([application({ num_replicas: 2 })]);
    await simulation.clock.advance(1_000);
    broken = true;
    simulation.engine.die(ids(simulation)[0]!);
    // Past the next health check: what the last good step wished for.
    await simulation.clock.advance(30_000);
    expect(simulation.status("a", "D")).toBe("UNHEALTHY/INTERNAL_ERROR");
    const before = calls;
    for (let i = 0; i < 20; i++) await setImmediate();
    expect(calls).toBe(before);
    broken = false;
    await simulation.clock.advance(3_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 2");
  });
});

describe("a turn of the controller that throws", () => {
  it("answers who asked, keeps what happened, and goes on", async () => {
    const simulation = await deployed({ num_replicas: 2 });
    const scaler: { decide(draft: unknown): unknown } = Reflect.get(simulation.controller, "autoscaler");
    const decide = vi.spyOn(scaler, "decide").mockImplementationOnce(() => {
      throw new Error("of its own");
    });
    simulation.engine.die(ids(simulation)[0]!);
    await expect(simulation.scale("a", "D", 3)).rejects.toThrow("of its own");
    decide.mockRestore();
    await simulation.clock.advance(5_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 2");
    await simulation.scale("a", "D", 3);
    await simulation.clock.advance(2_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 3");
  });

  it("answers who asked, and acts on the rest, where an action cannot be begun", async () => {
    const simulation = await deployed({ num_replicas: 2 });
    const start = vi.spyOn(simulation.engine, "start").mockImplementationOnce(() => {
      throw new Error("no such engine");
    });
    await simulation.scale("a", "D", 5);
    expect(start).toHaveBeenCalledTimes(3);
    start.mockRestore();
    await simulation.clock.advance(2_000);
    expect(simulation.controller.deployment("a", "D")?.replicaCounts["RUNNING"]).toBe(4);
  });
});

describe("a store that refuses a write for a while", () => {
  async function withRefusals(
    override: Partial<DeploymentOverride> = {},
  ): Promise<{ simulation: SimulatedController; refuse(on: boolean): void }> {
    const store = createMemoryStore();
    let full = false;
    const simulation = await simulate({
      store: new Proxy(store, {
        get(target, property) {
          if (property === "txn" && full) return () => Promise.reject(new Error("disk full"));
          const value: unknown = Reflect.get(target, property, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      }),
    });
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
    await simulation.put([application({ num_replicas: 2, ...override })]);
    await simulation.clock.advance(500);
    const refuse = (on: boolean): void => {
      full = on;
    };
    return { simulation, refuse };
  }

  it("ends no health checks", async () => {
    const { simulation, refuse } = await withRefusals();
    refuse(true);
    // A write is wanted, and checks are due, for as long as the store refuses.
    const [dead, survivor] = ids(simulation);
    simulation.engine.die(dead!);
    await simulation.clock.advance(30_000);
    refuse(false);
    await simulation.clock.advance(5_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 2");
    const checks = () => simulation.engine.commands.filter((command) => command === `health ${survivor}`).length;
    const before = checks();
    await simulation.clock.advance(60_000);
    expect(checks() - before).toBeGreaterThan(3);
  });

  it.each([
    { failures: 1, unhealthy: false },
    { failures: 2, unhealthy: false },
    { failures: 3, unhealthy: true },
  ])(
    "counts a failed check that comes meanwhile once: unhealthy after $failures is $unhealthy",
    async ({ failures, unhealthy }) => {
      const { simulation, refuse } = await withRefusals({ health_check_period_s: 1 });
      const [dead, survivor] = ids(simulation);
      simulation.engine.behaviour.set("a/D", { healthError: "sick" });
      const checks = () => simulation.engine.commands.filter((command) => command === `health ${survivor}`).length;
      const until = checks() + failures;
      // Only the last result comes while the store refuses; another death makes that turn want a write.
      while (checks() < until) await simulation.clock.advance(1);
      refuse(true);
      simulation.engine.die(dead!);
      await simulation.clock.advance(5_000);
      simulation.engine.behaviour.clear();
      refuse(false);
      await simulation.clock.advance(2_000);
      expect(simulation.engine.running.has(survivor!)).toBe(!unhealthy);
      expect(simulation.replicas("a", "D")).toBe("RUNNING 2");
    },
  );
});

it.each([
  { name: "half a character", given: "D\ud800", says: "must be whole characters, got half of a surrogate pair" },
  { name: "too many characters", given: "D".repeat(256), says: "must have at most 255 characters, got 256" },
])("code that names a deployment with $name fails to deploy, and the controller goes on", async ({ given, says }) => {
  const simulation = await simulate();
  simulation.engine.applications.set("app", { deployments: [{ name: given }], ingress: given, hash: "h1" });
  await simulation.put([application({}, { deployments: [] })]);
  await simulation.clock.advance(1_000);
  expect(simulation.controller.application("a")).toMatchObject({
    status: "DEPLOY_FAILED",
    message: `The name of deployment ${JSON.stringify(given)} ${says}; rename it.`,
  });
  simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h2" });
  await simulation.put([application()]);
  await simulation.clock.advance(1_000);
  expect(simulation.controller.application("a")?.status).toBe("RUNNING");
});
