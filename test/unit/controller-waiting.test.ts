import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { DeploymentOverride } from "../../src/config/types.ts";
import { isRoutable } from "../../src/controller/replica-state.ts";
import { type NodeCapacity, UNLIMITED } from "../../src/controller/resources.ts";
import { randomInt } from "../../src/core/random.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { application, type SimulatedController, simulate } from "../support/simulated-controller.ts";

const cpus = (count: number): NodeCapacity => ({ ...UNLIMITED, cpus: count });

async function simulated(capacity: NodeCapacity): Promise<SimulatedController> {
  const simulation = await simulate({ capacity });
  simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
  return simulation;
}

const app = (name: string, override: Partial<DeploymentOverride> = {}) =>
  application(override, { name, route_prefix: `/${name}` });

const states = (simulation: SimulatedController, name = "a"): string[] =>
  simulation.controller
    .snapshot()
    .replicas.filter((replica) => replica.application === name)
    .map(({ state }) => state.kind)
    .sort();

const page = readFileSync(new URL("../../docs/resources.md", import.meta.url), "utf8");

const message = (simulation: SimulatedController, name = "a"): string =>
  simulation.controller.deployment(name, "D")!.message;

/** CPUs that processes of the engine take, by the records. */
function cpusTaken(simulation: SimulatedController): number {
  const { replicas } = simulation.controller.snapshot();
  return replicas
    .filter(({ state }) => state.kind !== "waiting")
    .reduce((sum, { resources }) => sum + (resources?.["CPU"] ?? 0), 0);
}

describe("replicas that find no room", () => {
  it("wait as STARTING, say why at once, and count as no failed start", async () => {
    const simulation = await simulated(cpus(2));
    await simulation.put([app("a", { num_replicas: 3 })]);
    await simulation.clock.advance(200_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 2, STARTING 1");
    expect(simulation.status("a", "D")).toBe("UPDATING/CONFIG_UPDATE_STARTED");
    expect(message(simulation)).toBe("1 of 3 replicas waits for resources: each takes CPU 1; free is CPU 0 of 2.");
    expect(simulation.controller.deployment("a", "D")!.failures).toBe(0);
    expect(simulation.engine.running.size).toBe(2);
  });

  it("start when another application gives the room back, those that wait longest first", async () => {
    const simulation = await simulated(cpus(2));
    await simulation.put([app("a", { num_replicas: 2 })]);
    await simulation.clock.advance(1_000);
    await simulation.put([app("a", { num_replicas: 2 }), app("b"), app("c")]);
    await simulation.clock.advance(10);
    await simulation.put([app("a", { num_replicas: 1 }), app("b"), app("c")]);
    await simulation.clock.advance(10_000);
    expect([states(simulation, "a"), states(simulation, "b"), states(simulation, "c")]).toEqual([
      ["running"],
      ["running"],
      ["waiting"],
    ]);
    await simulation.put([app("b"), app("c")]);
    await simulation.clock.advance(10_000);
    expect(simulation.status("c", "D")).toBe("HEALTHY/CONFIG_UPDATE_COMPLETED");
    expect(message(simulation, "c")).toBe("");
  });

  it("do not keep smaller ones of others from starting", async () => {
    const simulation = await simulated(cpus(3));
    await simulation.put([app("a", { num_replicas: 2, ray_actor_options: { num_cpus: 2 } })]);
    await simulation.clock.advance(100);
    await simulation.put([app("a", { num_replicas: 2, ray_actor_options: { num_cpus: 2 } }), app("b")]);
    await simulation.clock.advance(1_000);
    expect([states(simulation, "a"), states(simulation, "b")]).toEqual([["running", "waiting"], ["running"]]);
  });

  it("say when they never can start", async () => {
    const simulation = await simulated(cpus(2));
    await simulation.put([app("a", { ray_actor_options: { num_cpus: 4 } })]);
    await simulation.clock.advance(1_000);
    expect(message(simulation)).toBe(
      "1 of 1 replicas can never start: each takes CPU 4, but the node has CPU 2 in all; lower ray_actor_options or raise what start gives.",
    );
  });

  it("leave first when the deployment is scaled down, and with it when it is deleted", async () => {
    const simulation = await simulated(cpus(2));
    await simulation.put([app("a", { num_replicas: 4 })]);
    await simulation.clock.advance(1_000);
    const ran = [...simulation.engine.running.keys()];
    await simulation.scale("a", "D", 2);
    await simulation.clock.advance(1_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 2");
    expect([...simulation.engine.running.keys()]).toEqual(ran);
    expect(message(simulation)).toBe("");
    await simulation.scale("a", "D", 4);
    await simulation.put([]);
    await simulation.clock.advance(60_000);
    expect(simulation.controller.snapshot().replicas).toEqual([]);
  });

  it("are taken back when the deployment scaled from outside needs them no more, and HEALTHY says so meanwhile", async () => {
    const simulation = await simulated(cpus(1));
    await simulation.put([app("a")]);
    await simulation.clock.advance(1_000);
    await simulation.scale("a", "D", 2);
    await simulation.clock.advance(1_000);
    expect(simulation.status("a", "D")).toBe("HEALTHY/CONFIG_UPDATE_COMPLETED");
    expect(message(simulation)).toMatch(/^1 of 2 replicas waits for resources/);
    await simulation.scale("a", "D", 1);
    await simulation.clock.advance(1_000);
    expect(message(simulation)).toBe("");
  });

  it("take new settings while they wait", async () => {
    const simulation = await simulated(cpus(1));
    await simulation.put([app("a", { num_replicas: 2 })]);
    await simulation.clock.advance(1_000);
    await simulation.put([app("a", { num_replicas: 2, user_config: { v: 2 } })]);
    await simulation.clock.advance(1_000);
    const { replicas } = simulation.controller.snapshot();
    expect(new Set(replicas.map(({ version }) => version.settings)).size).toBe(1);
    expect(states(simulation)).toEqual(["running", "waiting"]);
  });

  it("go when the deployment has given up", async () => {
    const simulation = await simulated(cpus(1));
    simulation.engine.behaviour.set("a/D", { startError: "Error: no" });
    await simulation.put([app("a", { num_replicas: 2 })]);
    await simulation.clock.advance(10_000);
    expect(simulation.status("a", "D")).toBe("DEPLOY_FAILED/REPLICA_STARTUP_FAILED");
    expect(simulation.controller.snapshot().replicas).toEqual([]);
  });

  it("wait on over a restart of the controller, whose accounts stay right", async () => {
    const simulation = await simulated(cpus(2));
    await simulation.put([app("a", { num_replicas: 3 })]);
    await simulation.clock.advance(1_000);
    await simulation.restart();
    await simulation.clock.advance(1_000);
    expect(states(simulation)).toEqual(["running", "running", "waiting"]);
    const starts = simulation.engine.commands.filter((command) => command.startsWith("start ")).length;
    expect(starts).toBe(2);
    simulation.engine.die([...simulation.engine.running.keys()][0]!);
    await simulation.clock.advance(5_000);
    expect(states(simulation)).toEqual(["running", "running", "waiting"]);
  });
});

describe("an update on a full node", () => {
  it.each([
    { name: "one replica", replicas: 1, override: {} },
    { name: "several", replicas: 3, override: {} },
    { name: "several with a surge", replicas: 3, override: { max_surge_percent: 100 } },
    {
      name: "several that may not be missing",
      replicas: 3,
      override: { rollout: { max_surge: 1, max_unavailable: 0 } },
    },
    { name: "replicas that take half as much", replicas: 2, override: { ray_actor_options: { num_cpus: 0.5 } } },
  ])("makes room for the new ones itself: $name", async ({ replicas, override }) => {
    const simulation = await simulated(cpus(replicas));
    await simulation.put([app("a", { num_replicas: replicas })]);
    await simulation.clock.advance(1_000);
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h2" });
    await simulation.put([app("a", { num_replicas: replicas, ...override })]);
    for (let i = 0; i < 600; i++) {
      await simulation.clock.advance(50);
      expect(cpusTaken(simulation)).toBeLessThanOrEqual(replicas);
    }
    expect(simulation.status("a", "D")).toBe("HEALTHY/CONFIG_UPDATE_COMPLETED");
    expect(states(simulation)).toEqual(Array(replicas).fill("running"));
  });

  it("keeps its old replicas when even their room would not do", async () => {
    const simulation = await simulated(cpus(3));
    await simulation.put([app("a", { num_replicas: 1 }), app("b", { num_replicas: 2 })]);
    await simulation.clock.advance(1_000);
    await simulation.put([
      app("a", { num_replicas: 1, ray_actor_options: { num_cpus: 2 } }),
      app("b", { num_replicas: 2 }),
    ]);
    await simulation.clock.advance(60_000);
    expect(states(simulation, "a")).toEqual(["running", "waiting"]);
    // One of b leaves: together with a's old replica there is room now.
    await simulation.scale("b", "D", 1);
    await simulation.clock.advance(60_000);
    expect(simulation.status("a", "D")).toBe("HEALTHY/CONFIG_UPDATE_COMPLETED");
  });

  it("touches no old replica where the new ones could not even have the node for themselves", async () => {
    const simulation = await simulated(cpus(4));
    await simulation.put([app("a", { num_replicas: 3 })]);
    await simulation.clock.advance(1_000);
    await simulation.put([app("a", { num_replicas: 3, ray_actor_options: { num_cpus: 5 } })]);
    await simulation.clock.advance(60_000);
    expect(states(simulation, "a").filter((state) => state === "running")).toHaveLength(3);
    expect(simulation.controller.deployment("a", "D")?.message).toContain("CPU");
    // A scale-down still takes them.
    await simulation.scale("a", "D", 1);
    await simulation.clock.advance(60_000);
    expect(states(simulation, "a").filter((state) => state === "running")).toHaveLength(1);
  });

  it("gives the room of its old replica to the new one, not to another that waits longer", async () => {
    const simulation = await simulated(cpus(1));
    await simulation.put([app("a")]);
    await simulation.clock.advance(1_000);
    await simulation.put([app("a"), app("b")]);
    await simulation.clock.advance(1_000);
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h2" });
    await simulation.put([app("a"), app("b")]);
    await simulation.clock.advance(10_000);
    expect([simulation.status("a", "D"), states(simulation, "b")]).toEqual([
      "HEALTHY/CONFIG_UPDATE_COMPLETED",
      ["waiting"],
    ]);
  });
});

describe("docs/resources.md", () => {
  it.each([
    { name: "no room", capacity: cpus(2), override: { num_replicas: 3 } },
    { name: "never any room", capacity: cpus(2), override: { ray_actor_options: { num_cpus: 4 } } },
    { name: "one node", capacity: UNLIMITED, override: { num_replicas: 3, max_replicas_per_node: 2 } },
  ])("has the message of: $name", async ({ capacity, override }) => {
    const simulation = await simulated(capacity);
    await simulation.put([app("a", override)]);
    await simulation.clock.advance(1_000);
    expect(message(simulation)).not.toBe("");
    expect(page).toContain(`\`${message(simulation)}\``);
  });
});

describe("max_replicas_per_node", () => {
  it("keeps the rest waiting, because there is one node", async () => {
    const simulation = await simulated(UNLIMITED);
    await simulation.put([app("a", { num_replicas: 3, max_replicas_per_node: 2 })]);
    await simulation.clock.advance(1_000);
    expect(states(simulation)).toEqual(["running", "running", "waiting"]);
    expect(message(simulation)).toBe(
      "1 of 3 replicas waits for a node: max_replicas_per_node is 2, and there is one node; raise it.",
    );
  });

  it("is kept in an update", async () => {
    const simulation = await simulated(UNLIMITED);
    await simulation.put([app("a", { num_replicas: 2, max_replicas_per_node: 2 })]);
    await simulation.clock.advance(1_000);
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h2" });
    await simulation.put([app("a", { num_replicas: 2, max_replicas_per_node: 2 })]);
    for (let i = 0; i < 400; i++) {
      await simulation.clock.advance(50);
      expect(states(simulation).filter((state) => state !== "waiting").length).toBeLessThanOrEqual(2);
    }
    expect(simulation.status("a", "D")).toBe("HEALTHY/CONFIG_UPDATE_COMPLETED");
  });
});

describe("GPUs", () => {
  const gpu = (num_gpus: number) => ({ ray_actor_options: { num_gpus } });
  const visible = (simulation: SimulatedController): (string | undefined)[] =>
    [...simulation.engine.running.values()].map(({ env }) => env["CUDA_VISIBLE_DEVICES"]);

  it("are handed out one by one, shared by fractions, and taken back", async () => {
    const simulation = await simulated({ ...UNLIMITED, gpus: ["0", "1"] });
    await simulation.put([app("a", gpu(1)), app("b", { num_replicas: 2, ...gpu(0.5) })]);
    await simulation.clock.advance(1_000);
    expect(visible(simulation).sort()).toEqual(["0", "1", "1"]);
    await simulation.put([app("b", { num_replicas: 2, ...gpu(0.5) }), app("c", gpu(1)), app("d")]);
    await simulation.clock.advance(30_000);
    expect(visible(simulation)).toEqual(["1", "1", "0", undefined]);
  });

  it("stay with their replica over a restart of the controller", async () => {
    const simulation = await simulated({ ...UNLIMITED, gpus: ["0", "1"] });
    await simulation.put([app("a", gpu(1))]);
    await simulation.clock.advance(1_000);
    await simulation.restart();
    await simulation.put([app("a", gpu(1)), app("b", gpu(1)), app("c", gpu(1))]);
    await simulation.clock.advance(1_000);
    expect(visible(simulation)).toEqual(["0", "1"]);
    expect(states(simulation, "c")).toEqual(["waiting"]);
  });
});

it("keeps within max_surge, max_unavailable and the node's resources, whatever happens", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seededRandom(seed);
    const pick = <T>(items: readonly T[]): T => items[randomInt(random, items.length)]!;
    const target = 2 + randomInt(random, 4);
    const surge = randomInt(random, 3);
    const unavailable = surge === 0 ? 1 + randomInt(random, 2) : randomInt(random, 3);
    const full = random.next() < 0.5;
    const room = full ? target + randomInt(random, surge + 1) : Infinity;
    const simulation = await simulate({ seed, capacity: full ? cpus(room) : UNLIMITED });
    const rollout = { max_surge: surge, max_unavailable: unavailable };
    let hash = 0;
    const put = async (): Promise<void> => {
      simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: `h${++hash}` });
      await simulation.put([app("a", { num_replicas: target, rollout })]);
    };
    await put();
    await simulation.clock.advance(5_000);
    for (let update = 0; update < 6; update++) {
      simulation.engine.behaviour.set("a/D", { startMs: pick([10, 400, 3_000]), stopMs: pick([5, 500]) });
      await put();
      const stepMs = pick([10, 70]);
      const steps = pick([20, 150]);
      for (let i = 0; i < steps; i++) {
        await simulation.clock.advance(stepMs);
        const { replicas } = simulation.controller.snapshot();
        const live = replicas.filter(({ state }) => state.kind !== "stopping" && state.kind !== "waiting").length;
        const ready = replicas.filter(({ state }) => isRoutable(state)).length;
        const where = `seed ${seed}, update ${update}, step ${i}`;
        expect(live, where).toBeLessThanOrEqual(target + surge);
        // Where the node has no room for a surge, one has to leave first.
        expect(ready, where).toBeGreaterThanOrEqual(target - Math.max(unavailable, full ? 1 : 0));
        expect(cpusTaken(simulation), where).toBeLessThanOrEqual(room);
      }
    }
    await simulation.clock.advance(120_000);
    expect(states(simulation), `seed ${seed}`).toEqual(Array(target).fill("running"));
  }
}, 60_000);
