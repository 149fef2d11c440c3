import { describe, expect, it } from "vitest";
import type { PolicyInput } from "../../src/autoscaling/policy.ts";
import { replay } from "../../src/autoscaling/replay.ts";
import type { ApplicationConfig, DeploymentOverride } from "../../src/config/types.ts";
import { recordedEntries } from "../../src/controller/autoscale-decisions.ts";
import { keys } from "../../src/controller/records.ts";
import { QUICK, targetOf } from "../support/autoscaled.ts";
import { ScriptedPolicies } from "../support/scripted-policies.ts";
import { type SimulatedController, simulate } from "../support/simulated-controller.ts";
import { SimulatedRouter } from "../support/simulated-router.ts";

const EAGER = { ...QUICK, upscale_delay_s: 0, downscale_delay_s: 1, target_ongoing_requests: 1 };
const OWN = { policy: { policy_function: "./policy.ts:decide", policy_kwargs: {} } };

type Overrides = Partial<DeploymentOverride>;

async function put(
  simulation: SimulatedController,
  settings: Overrides,
  more: Partial<ApplicationConfig> = {},
): Promise<void> {
  const deployments = [{ name: "D", ...settings }];
  await simulation.put([{ name: "a", route_prefix: "/a", import_path: "app", ...more, deployments }]);
}

async function deploy(settings: Overrides, more: Partial<ApplicationConfig> = {}) {
  const policies = new ScriptedPolicies();
  const simulation = await simulate({ policies });
  policies.clock = simulation.clock;
  simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "1" });
  await put(simulation, settings, more);
  await simulation.clock.advance(500);
  return { simulation, policies, router: new SimulatedRouter(simulation) };
}

const newest = async ({ controller }: SimulatedController) => (await controller.decisions("a", "D", true))[0];
const replicasOf = ({ controller }: SimulatedController): string[] =>
  controller.snapshot().replicas.map(({ id }) => id);

describe("a shadow", () => {
  it("of a fixed count records what it would have decided, up and down, and leaves the target alone", async () => {
    const { simulation, router } = await deploy({ num_replicas: 2, autoscaling_shadow: EAGER });
    const before = simulation.controller.deployment("a", "D")!;
    const replicas = replicasOf(simulation);
    expect(await newest(simulation)).toMatchObject({ shadow: true, target: 2 });
    router.concurrent = 7;
    await router.run(4);
    expect(await newest(simulation)).toMatchObject({
      shadow: true,
      running: 2,
      target: 7,
      result: 7,
      totalRequests: 7,
    });
    router.concurrent = 0;
    await router.run(6);
    expect(await newest(simulation)).toMatchObject({ running: 2, target: 1, result: 1 });
    expect(simulation.controller.deployment("a", "D")).toEqual(before);
    expect(replicasOf(simulation)).toEqual(replicas);
    expect(await simulation.controller.decisions("a", "D")).toEqual([]);
    await simulation.controller.close();
  });

  it("with the config that is followed decides the same at the same moments", async () => {
    const { simulation, router } = await deploy({ autoscaling_config: EAGER, autoscaling_shadow: EAGER });
    for (const concurrent of [5, 9, 2, 0]) {
      router.concurrent = concurrent;
      await router.run(3.3);
    }
    const { controller } = simulation;
    const followed = await controller.decisions("a", "D");
    expect(followed.length).toBeGreaterThan(5);
    expect(await controller.decisions("a", "D", true)).toEqual(followed.map((each) => ({ ...each, shadow: true })));
    await controller.close();
  });

  it("goes on after a crash with its target, its wait and its window", async () => {
    const { simulation, router } = await deploy({
      num_replicas: 2,
      autoscaling_shadow: { ...EAGER, downscale_delay_s: 6 },
    });
    router.concurrent = 6;
    await router.run(4);
    router.concurrent = 0;
    await router.run(4);
    const before = (await newest(simulation))!;
    expect(before).toMatchObject({ target: 6, result: 6 });
    await simulation.crash();
    router.reconnected();
    await router.run(1);
    expect(await newest(simulation)).toMatchObject({ target: 6, result: 6, shadow: true });
    const left = (decision: typeof before): number =>
      decision.adjustments.map((each) => (each.kind === "delay" ? each.leftS : 0)).reduce((a, b) => a + b, 0);
    expect(left((await newest(simulation))!)).toBeLessThan(left(before));
    await router.run(4);
    expect(await newest(simulation)).toMatchObject({ result: 1 });
    const { differences, decisions } = replay(recordedEntries(simulation.store, "a", "D", true));
    expect(differences).toEqual([]);
    expect(decisions.map(({ result }) => result)).toEqual(expect.arrayContaining([2, 6, 1]));
    expect(targetOf(simulation)).toBe(2);
    await simulation.controller.close();
  });

  it("by a policy of one's own is asked as one, followed nowhere, and fails without a word on the application", async () => {
    const { simulation, policies, router } = await deploy({
      num_replicas: 2,
      autoscaling_shadow: { ...EAGER, ...OWN },
    });
    policies.answer = () => ({ desired: 5, state: { seen: 1 } });
    await router.run(1);
    expect(await newest(simulation)).toMatchObject({ policy: "user", desired: 5, result: 5, target: 5 });
    const { shadow, deployment, input } = policies.asked.at(-1)!;
    expect({ shadow, deployment }).toEqual({ shadow: true, deployment: "D" });
    expect(input).toMatchObject({ currentNumReplicas: 2, targetNumReplicas: 5 } satisfies Partial<PolicyInput>);
    policies.answer = () => {
      throw new Error("./policy.ts:decide: Error: no such thing");
    };
    await router.run(1);
    expect(await newest(simulation)).toMatchObject({
      keptBecause: "./policy.ts:decide: Error: no such thing",
      result: 5,
    });
    expect(targetOf(simulation)).toBe(2);
    expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING", message: "" });
    expect(simulation.controller.deployment("a", "D")).toMatchObject({ message: "", status: "HEALTHY" });
    await simulation.controller.close();
  });

  it("is asked beside the policy that is followed, and their answers are told apart", async () => {
    const config = { ...EAGER, ...OWN };
    const { simulation, policies, router } = await deploy({ autoscaling_config: config, autoscaling_shadow: config });
    policies.answer = ({ shadow }) => ({ desired: shadow ? 6 : 3, state: { shadow: shadow === true } });
    await router.run(2);
    expect(targetOf(simulation)).toBe(3);
    expect(await newest(simulation)).toMatchObject({ result: 6 });
    const told = policies.asked
      .slice(-6)
      .map(({ shadow, input }) => [shadow, (input as PolicyInput).policyState.shadow]);
    expect(told).toEqual(told.map(([shadow]) => [shadow, shadow === true]));
    expect(new Set(told.map(([shadow]) => shadow))).toEqual(new Set([true, undefined]));
    await simulation.controller.close();
  });

  it("decides by itself where a policy of the application or somebody outside decides in earnest", async () => {
    const autoscaling_policy = { policy_function: "./policy.ts:all", policy_kwargs: {} };
    const { simulation, policies, router } = await deploy(
      { autoscaling_config: EAGER, autoscaling_shadow: EAGER },
      { autoscaling_policy },
    );
    policies.answer = () => ({ desired: { D: 2 } });
    router.concurrent = 4;
    await router.run(4);
    expect(targetOf(simulation)).toBe(2);
    expect(await newest(simulation)).toMatchObject({ policy: "built-in", result: 4 });
    expect(policies.asked.filter(({ shadow }) => shadow)).toEqual([]);
    await simulation.controller.close();

    const outside = await deploy({ num_replicas: 3, autoscaling_shadow: EAGER }, { external_scaler_enabled: true });
    outside.router.concurrent = 5;
    await outside.router.run(3);
    expect(await newest(outside.simulation)).toMatchObject({ result: 5 });
    expect(targetOf(outside.simulation)).toBe(3);
    await outside.simulation.controller.close();
  });
});

describe("a deploy of a shadow", () => {
  it("touches neither target, replicas, status nor the wait of what is followed", async () => {
    const config = { ...EAGER, initial_replicas: 5, downscale_delay_s: 4 };
    const { simulation, router } = await deploy({ autoscaling_config: config });
    await router.run(2);
    const { controller } = simulation;
    const replicas = replicasOf(simulation);
    const before = controller.deployment("a", "D")!;
    const waits = (await controller.decisions("a", "D"))[0]!;
    expect(waits).toMatchObject({ target: 5, result: 5, withoutDelays: 1 });
    await put(simulation, {
      autoscaling_config: config,
      autoscaling_shadow: { ...config, max_replicas: 3, initial_replicas: 3 },
    });
    await router.run(1);
    const after = controller.deployment("a", "D")!;
    expect(after).toMatchObject({
      target: before.target,
      version: before.version,
      status: before.status,
      trigger: before.trigger,
    });
    expect(after.generation).toBe(before.generation + 1);
    expect(after.observedGeneration).toBe(after.generation);
    expect(replicasOf(simulation)).toEqual(replicas);
    expect((await controller.decisions("a", "D"))[0]!.sinceS).toBe(waits.sinceS);
    expect(await newest(simulation)).toMatchObject({ target: 3, result: 3 });
    await controller.close();
  });

  it("with edited code loads its policy anew, and what is followed waits on", async () => {
    const config = { ...EAGER, initial_replicas: 5, downscale_delay_s: 4 };
    const { simulation, policies, router } = await deploy({ autoscaling_config: config });
    policies.answer = () => ({ desired: 4 });
    const { controller, engine } = simulation;
    const edit = async (text: string): Promise<void> => {
      const built = { bundlePath: `/bundles/${text}`, bundleHash: text.repeat(16), exportName: "decide" };
      engine.applications.get("app")!.policies = { "./policy.ts:decide": { ...built, shadow: true } };
      await put(simulation, { autoscaling_config: config, autoscaling_shadow: { ...EAGER, ...OWN } });
      await router.run(1);
    };
    await edit("a");
    const waits = (await controller.decisions("a", "D"))[0]!;
    const before = policies.asked.at(-1)!.code;
    expect([before.built?.bundlePath, waits.withoutDelays, waits.result]).toEqual(["/bundles/a", 1, 5]);
    await edit("b");
    const after = policies.asked.at(-1)!.code;
    expect(after.built?.bundlePath).toBe("/bundles/b");
    expect(after.generation).not.toBe(before.generation);
    expect((await controller.decisions("a", "D"))[0]!.sinceS).toBe(waits.sinceS);
    await controller.close();
  });

  it("without it forgets what it decided, and load is measured no more", async () => {
    const { simulation, router } = await deploy({ num_replicas: 2, autoscaling_shadow: EAGER });
    router.concurrent = 3;
    await router.run(2);
    const { controller, store, routes } = simulation;
    const measured = (): boolean => routes.latest.table.deployments[0]!.loadSampling !== undefined;
    expect(measured()).toBe(true);
    expect(recordedEntries(store, "a", "D", true)).not.toEqual([]);
    await put(simulation, { num_replicas: 2 });
    await router.run(1);
    expect(measured()).toBe(false);
    expect(await controller.decisions("a", "D", true)).toEqual([]);
    expect(recordedEntries(store, "a", "D", true)).toEqual([]);
    expect(store.range(keys.scaling("a", "D", true))).toEqual([]);
    await controller.close();
  });
});
