import { describe, expect, it } from "vitest";
import type { PolicyInput } from "../../src/autoscaling/policy.ts";
import { replay } from "../../src/autoscaling/replay.ts";
import type { ApplicationConfig, DeploymentOverride } from "../../src/config/types.ts";
import { recordedEntries } from "../../src/controller/autoscale-decisions.ts";
import type { PolicyQuestion } from "../../src/controller/policy-runner.ts";
import { keys } from "../../src/controller/records.ts";
import { QUICK } from "../support/autoscaled.ts";
import { ScriptedPolicies } from "../support/scripted-policies.ts";
import { type SimulatedController, simulate } from "../support/simulated-controller.ts";
import { SimulatedRouter } from "../support/simulated-router.ts";

const EAGER = { ...QUICK, upscale_delay_s: 0, downscale_delay_s: 1, target_ongoing_requests: 1 };
const ALL = { policy_function: "./policy.ts:all", policy_kwargs: {} };
const SHADOW = { autoscaling_shadow: ALL };
/** One that is autoscaled, one of a fixed size with a shadow of its own, and one with neither. */
const THREE: readonly DeploymentOverride[] = [
  { name: "D", autoscaling_config: { ...EAGER, max_replicas: 3 } },
  { name: "E", num_replicas: 2, autoscaling_shadow: { ...EAGER, max_replicas: 4, downscale_delay_s: 3 } },
  { name: "F", num_replicas: 1 },
];

async function put(
  simulation: SimulatedController,
  more: Partial<ApplicationConfig>,
  deployments: readonly DeploymentOverride[] = THREE,
): Promise<void> {
  const application = { name: "a", route_prefix: "/a", import_path: "app", deployments: [...deployments] };
  await simulation.put([{ ...application, ...more }]);
}

async function deploy(more: Partial<ApplicationConfig> = {}, deployments?: readonly DeploymentOverride[]) {
  const policies = new ScriptedPolicies();
  const simulation = await simulate({ policies });
  policies.clock = simulation.clock;
  const named = ["D", "E", "F"].map((name) => ({ name }));
  simulation.engine.applications.set("app", { deployments: named, ingress: "D", hash: "1" });
  await put(simulation, more, deployments);
  await simulation.clock.advance(500);
  return { simulation, policies, router: new SimulatedRouter(simulation) };
}

const newest = async ({ controller }: SimulatedController, name: string) =>
  (await controller.decisions("a", name, true))[0];
const targets = ({ controller }: SimulatedController): number[] =>
  ["D", "E", "F"].map((name) => controller.deployment("a", name)!.target.replicas);
const inputsOf = ({ input }: PolicyQuestion) => input as Readonly<Record<string, PolicyInput>>;

describe("the shadow of an application", () => {
  it("decides in one answer for what is autoscaled and what has a shadow, by the bounds and delays of each, and nothing follows", async () => {
    const { simulation, policies, router } = await deploy(SHADOW);
    const { controller } = simulation;
    policies.answer = () => ({ desired: { D: 9, E: 9 }, states: { E: { mine: 1 } } });
    await router.run(1);
    expect(await newest(simulation, "D")).toMatchObject({ policy: "user", shadow: true, desired: 9, result: 3 });
    expect(await newest(simulation, "E")).toMatchObject({ policy: "user", shadow: true, running: 2, result: 4 });
    expect(await controller.decisions("a", "F", true)).toEqual([]);
    const asked = policies.asked.at(-1)!;
    expect(asked).toMatchObject({ deployment: null, shadow: true, policy: ALL });
    expect(Object.keys(inputsOf(asked))).toEqual(["D", "E"]);
    expect(inputsOf(asked).D).toMatchObject({ currentNumReplicas: 1, targetNumReplicas: 3 });
    expect(inputsOf(asked).E).toMatchObject({ currentNumReplicas: 2, targetNumReplicas: 4, policyState: { mine: 1 } });
    expect(policies.asked.filter(({ shadow }) => shadow !== true)).toEqual([]);
    // Down after the delay of each.
    policies.answer = () => ({ desired: { D: 1, E: 1 } });
    await router.run(2);
    expect([(await newest(simulation, "D"))!.result, (await newest(simulation, "E"))!.result]).toEqual([1, 4]);
    await router.run(2);
    expect((await newest(simulation, "E"))!.result).toBe(1);
    expect((await controller.decisions("a", "D"))[0]).toMatchObject({ policy: "built-in", result: 1 });
    expect(targets(simulation)).toEqual([1, 2, 1]);
    for (const name of ["D", "E"]) {
      expect(replay(recordedEntries(simulation.store, "a", name, true)).differences).toEqual([]);
    }
    await controller.close();
  });

  it("that fails, or leaves one out, keeps their targets and says why there alone", async () => {
    const { simulation, policies, router } = await deploy(SHADOW);
    policies.answer = () => ({ desired: { D: 2, E: 3 } });
    await router.run(1);
    policies.answer = () => {
      throw new Error("./policy.ts:all: Error: no such thing");
    };
    await router.run(1);
    const keptBecause = "./policy.ts:all: Error: no such thing";
    expect(await newest(simulation, "D")).toMatchObject({ keptBecause, result: 2 });
    expect(await newest(simulation, "E")).toMatchObject({ keptBecause, result: 3 });
    policies.answer = () => ({ desired: { E: 4 } });
    await router.run(1);
    expect(await newest(simulation, "D")).toMatchObject({
      keptBecause: expect.stringContaining("left this"),
      result: 2,
    });
    expect(await newest(simulation, "E")).toMatchObject({ result: 4 });
    expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING", message: "" });
    expect(targets(simulation)).toEqual([1, 2, 1]);
    await simulation.controller.close();
  });

  it("with the policy that is followed decides the same at the same moments, and their answers are told apart", async () => {
    const deployments = [{ name: "D", autoscaling_config: EAGER }];
    const { simulation, policies, router } = await deploy({ autoscaling_policy: ALL, ...SHADOW }, deployments);
    const seen: [boolean, unknown][] = [];
    policies.answer = ({ input, shadow = false }) => {
      const { totalNumRequests, policyState } = (input as Record<string, PolicyInput>).D!;
      seen.push([shadow, policyState.shadow]);
      return { desired: { D: totalNumRequests }, states: { D: { shadow } } };
    };
    for (const concurrent of [5, 9, 2]) {
      router.concurrent = concurrent;
      await router.run(3.3);
    }
    const { controller } = simulation;
    // What runs may have gone meanwhile: the answers of one moment are taken one after the other.
    const changes = async (shadow: boolean) =>
      (await controller.decisions("a", "D", shadow))
        .filter(({ target, result }) => target !== result)
        .map(({ sinceS, policy, target, desired, result }) => ({ sinceS, policy, target, desired, result }));
    const followed = await changes(false);
    expect(followed.map(({ result }) => result)).toEqual(expect.arrayContaining([5, 9, 2]));
    expect(await changes(true)).toEqual(followed);
    const late = seen.slice(-6);
    expect(late).toEqual(late.map(([shadow]) => [shadow, shadow]));
    expect(new Set(late.map(([shadow]) => shadow))).toEqual(new Set([true, false]));
    await controller.close();
  });

  it("goes on after a crash with its targets and what the policy returned", async () => {
    const { simulation, policies, router } = await deploy(SHADOW);
    policies.answer = () => ({ desired: { D: 3, E: 4 }, states: { D: { at: 7 } } });
    await router.run(3);
    const before = policies.asked.length;
    await simulation.crash();
    router.reconnected();
    await router.run(1);
    const first = inputsOf(policies.asked.slice(before).find(({ deployment }) => deployment === null)!);
    expect(first.D).toMatchObject({ targetNumReplicas: 3, policyState: { at: 7 } });
    expect(first.E).toMatchObject({ targetNumReplicas: 4, policyState: {} });
    expect(targets(simulation)).toEqual([1, 2, 1]);
    await simulation.controller.close();
  });
});

describe("a deploy of an application's shadow", () => {
  it("touches neither targets, replicas, versions nor waits, and begins within the bounds of each", async () => {
    const config = { ...EAGER, initial_replicas: 5, downscale_delay_s: 4 };
    const deployments = [{ name: "D", autoscaling_config: config }, THREE[1]!];
    const { simulation, policies, router } = await deploy({}, deployments);
    await router.run(2);
    const { controller, engine } = simulation;
    const before = ["D", "E"].map((name) => controller.deployment("a", name)!);
    const replicas = controller.snapshot().replicas.map(({ id }) => id);
    const waits = (await controller.decisions("a", "D"))[0]!;
    expect(waits).toMatchObject({ target: 5, result: 5, withoutDelays: 1 });
    const built = { bundlePath: "/bundles/a", bundleHash: "a".repeat(64), exportName: "all", shadow: true } as const;
    engine.applications.get("app")!.policies = { "./policy.ts:all": built };
    policies.answer = () => ({ desired: { D: 6, E: 3 } });
    await put(simulation, SHADOW, deployments);
    await router.run(1);
    expect(["D", "E"].map((name) => controller.deployment("a", name))).toEqual(before);
    expect(controller.snapshot().replicas.map(({ id }) => id)).toEqual(replicas);
    expect((await controller.decisions("a", "D"))[0]!.sinceS).toBe(waits.sinceS);
    expect(policies.asked.at(-1)!.code.built?.bundlePath).toBe("/bundles/a");
    const [last] = (await controller.decisions("a", "D", true)).slice(-1);
    expect(last).toMatchObject({ target: 5 });
    expect(await newest(simulation, "D")).toMatchObject({ result: 6 });
    await controller.close();
  });

  it("with other arguments or code begins anew", async () => {
    const { simulation, policies, router } = await deploy(SHADOW);
    policies.answer = () => ({ desired: { D: 2 }, states: { D: { at: 7 } } });
    await router.run(1);
    const generations = new Set([policies.asked.at(-1)!.code.generation]);
    const again = async (kwargs: object, text: string): Promise<void> => {
      const built = { bundlePath: `/bundles/${text}`, bundleHash: text.repeat(16), exportName: "all" };
      simulation.engine.applications.get("app")!.policies = { "./policy.ts:all": { ...built, shadow: true } };
      const before = policies.asked.length;
      await put(simulation, { autoscaling_shadow: { ...ALL, policy_kwargs: kwargs } });
      await router.run(1);
      // What was being asked is answered first, and means nothing any more.
      const { input, code } = policies.asked.slice(before).find((each) => !generations.has(each.code.generation))!;
      expect((input as Record<string, PolicyInput>).D!.policyState).toEqual({});
      for (const each of policies.asked) generations.add(each.code.generation);
      expect(code.generation).not.toBe("");
    };
    await again({ share: 2 }, "a");
    await again({ share: 2 }, "b");
    await again({ share: 3 }, "b");
    await simulation.controller.close();
  });

  it("without it forgets what it decided, and a deployment with a shadow of its own goes on by that", async () => {
    const { simulation, policies, router } = await deploy(SHADOW);
    policies.answer = () => ({ desired: { D: 3, E: 4 } });
    policies.delayMs = 300;
    await router.run(2);
    const { controller, store } = simulation;
    expect(recordedEntries(store, "a", "D", true)).not.toEqual([]);
    await put(simulation, {});
    const asked = policies.asked.length;
    await router.run(6);
    expect(await controller.decisions("a", "D", true)).toEqual([]);
    expect(recordedEntries(store, "a", "D", true)).toEqual([]);
    expect(store.range(keys.scaling("a", "D", true))).toEqual([]);
    expect(await newest(simulation, "E")).toMatchObject({ policy: "built-in", result: 1 });
    expect(policies.asked).toHaveLength(asked);
    await controller.close();
  });
});
