import { describe, expect, it } from "vitest";
import type { PolicyInput } from "../../src/autoscaling/policy.ts";
import type { ApplicationConfig, AutoscalingConfig } from "../../src/config/types.ts";
import { autoscaled, deployAutoscaled, targetOf } from "../support/autoscaled.ts";
import { ScriptedPolicies } from "../support/scripted-policies.ts";
import { simulate } from "../support/simulated-controller.ts";
import { SimulatedRouter } from "../support/simulated-router.ts";

const OWN = { policy: { policy_function: "./policy.ts:decide", policy_kwargs: { a: 1 } } };

async function withPolicies(config: Partial<AutoscalingConfig> = {}, more: Partial<ApplicationConfig> = {}) {
  const policies = new ScriptedPolicies();
  const simulation = await simulate({ policies });
  policies.clock = simulation.clock;
  simulation.engine.applications.set("app", {
    deployments: [{ name: "D" }, { name: "E" }],
    ingress: "D",
    hash: "1",
  });
  const deploy = async (put: Partial<AutoscalingConfig>): Promise<void> => {
    const application = autoscaled({ upscale_delay_s: 0, downscale_delay_s: 0, ...put }, more);
    const others = more.autoscaling_policy
      ? [{ ...application.deployments![0]!, name: "E" }]
      : [{ name: "E", num_replicas: 1 }];
    await simulation.put([{ ...application, deployments: [...application.deployments!, ...others] }]);
  };
  await deploy(config);
  return { simulation, policies, deploy, router: new SimulatedRouter(simulation) };
}

describe("a deployment's own policy", () => {
  it("is asked at each tick once the last answer is there, and followed", async () => {
    const { simulation, policies, router } = await withPolicies(OWN);
    let wish = 3.2;
    policies.answer = () => ({ desired: wish });
    await simulation.clock.advance(500);
    expect(targetOf(simulation)).toBe(4);
    const before = policies.asked.length;
    await simulation.clock.advance(1_000);
    expect(policies.asked.length - before).toBe(10);
    wish = 2;
    await simulation.clock.advance(200);
    expect(targetOf(simulation)).toBe(2);
    policies.delayMs = 730;
    const slow = policies.asked.length;
    await simulation.clock.advance(3_200);
    expect(policies.asked.length - slow).toBeLessThanOrEqual(5);
    expect(router.queued).toBe(0);
    await simulation.controller.close();
  });

  it("is told what runs, what is wished, and what it returned last", async () => {
    const { simulation, policies, router } = await withPolicies({ ...OWN, min_replicas: 1 });
    policies.answer = ({ input }) => {
      const { policyState } = input as PolicyInput;
      return { desired: 2, state: { calls: Number(policyState.calls ?? 0) + 1 } };
    };
    router.concurrent = 6;
    await router.run(3);
    const { input, policy, code } = policies.asked.at(-1)!;
    expect(policy).toEqual(OWN.policy);
    expect(code.baseDir).toBe("/apps");
    expect(input).toMatchObject({
      application: "a",
      deployment: "D",
      currentNumReplicas: 2,
      targetNumReplicas: 2,
      totalNumRequests: 6,
      totalRunningRequests: 6,
      capacityAdjustedMinReplicas: 1,
      capacityAdjustedMaxReplicas: 10,
      policyState: { calls: policies.asked.length - 1 },
    });
    await simulation.controller.close();
  });

  it("that fails keeps the target, even while bounds change, and is told of on its application", async () => {
    const { simulation, policies, deploy } = await withPolicies(OWN);
    policies.answer = () => ({ desired: 5 });
    await simulation.clock.advance(1_000);
    expect(targetOf(simulation)).toBe(5);
    policies.answer = () => {
      throw new Error("policy.ts:3: no such metric");
    };
    await simulation.clock.advance(1_000);
    expect(targetOf(simulation)).toBe(5);
    expect(simulation.controller.application("a")).toMatchObject({
      status: "RUNNING",
      message: 'deployment "D": policy.ts:3: no such metric',
    });
    const { revision } = simulation.store;
    await simulation.clock.advance(1_000);
    expect(simulation.store.revision).toBe(revision);
    policies.answer = () => ({ desired: "many" });
    await simulation.clock.advance(300);
    expect(simulation.controller.application("a")!.message).toContain('the policy returned "many" replicas');
    policies.answer = () => ({ desired: 1 });
    await simulation.clock.advance(300);
    expect(simulation.controller.application("a")!.message).toBe("");
    const { generation } = policies.asked.at(-1)!.code;
    await deploy({ ...OWN, max_replicas: 3 });
    await simulation.clock.advance(300);
    expect(policies.asked.at(-1)!.code.generation).not.toBe(generation);
    await simulation.controller.close();
  });

  it("that was deployed anew neither follows nor is told what the one before it answers late", async () => {
    const { simulation, policies, deploy } = await withPolicies(OWN);
    policies.delayMs = 900;
    policies.answer = () => ({ desired: 2, state: { of: "old" } });
    await simulation.clock.advance(2_000);
    expect(targetOf(simulation)).toBe(2);
    policies.answer = () => ({ desired: 7, state: { of: "old" } });
    const before = policies.asked.length;
    for (let i = 0; i < 20 && policies.asked.length === before; i++) await simulation.clock.advance(100);
    expect(policies.asked.length).toBe(before + 1);
    const late = policies.asked.length;
    policies.answer = () => ({ desired: 3, state: { of: "new" } });
    await deploy({ policy: { policy_function: "./policy.ts:decide", policy_kwargs: { a: 2 } } });
    const targets = new Set<number>();
    for (let i = 0; i < 30; i++) {
      await simulation.clock.advance(100);
      targets.add(targetOf(simulation));
    }
    expect([...targets]).toEqual([2, 3]);
    const states = policies.asked.slice(late).map(({ input }) => (input as PolicyInput).policyState);
    expect(states[0]).toEqual({});
    expect(states.at(-1)).toEqual({ of: "new" });
    await simulation.controller.close();
  });

  it("is not asked while requests wait and nothing runs: they are served at once", async () => {
    const { simulation, policies, router } = await withPolicies({ ...OWN, min_replicas: 0 });
    policies.answer = () => ({ desired: 0, state: { kept: true } });
    await simulation.clock.advance(1_000);
    expect(targetOf(simulation)).toBe(0);
    policies.delayMs = 5_000;
    await simulation.clock.advance(210);
    router.concurrent = 1;
    await simulation.clock.advance(0);
    expect(targetOf(simulation)).toBe(1);
    await simulation.controller.close();
  });

  it("goes on with its state in the next controller", async () => {
    const { simulation, policies } = await withPolicies(OWN);
    policies.answer = () => ({ desired: 2, state: { seen: "before" } });
    await simulation.clock.advance(2_500);
    await simulation.restart();
    const before = policies.asked.length;
    await simulation.clock.advance(500);
    expect((policies.asked[before]!.input as PolicyInput).policyState).toEqual({ seen: "before" });
    await simulation.controller.close();
  });

  it("keeps the target where no policies are run, without a turn", async () => {
    const { simulation } = await deployAutoscaled({ ...OWN, initial_replicas: 2 });
    expect(targetOf(simulation)).toBe(2);
    expect(simulation.controller.application("a")!.message).toContain("the target stays");
    await simulation.clock.advance(30_000);
    const { revision } = simulation.store;
    await simulation.clock.advance(60_000);
    expect(simulation.store.revision).toBe(revision);
    await simulation.controller.close();
  });
});

describe("an application's policy", () => {
  const policy = { autoscaling_policy: { policy_function: "./policy.ts:all" } };

  it("decides on all autoscaled deployments in one answer, and leaves alone what it leaves out", async () => {
    const { simulation, policies } = await withPolicies({ max_replicas: 4 }, policy);
    policies.answer = () => ({ desired: { D: 3, E: 9 }, states: { D: { mine: 1 } } });
    await simulation.clock.advance(1_000);
    const targets = () => ["D", "E"].map((name) => simulation.controller.deployment("a", name)!.target.replicas);
    expect(targets()).toEqual([3, 4]);
    const { deployment, input } = policies.asked.at(-1)!;
    expect(deployment).toBe(null);
    expect(Object.keys(input)).toEqual(["D", "E"]);
    expect((input as Record<string, PolicyInput>).D!.policyState).toEqual({ mine: 1 });
    policies.answer = () => ({ desired: { E: 1 } });
    await simulation.clock.advance(1_000);
    expect(targets()).toEqual([3, 1]);
    policies.answer = () => ({ desired: { X: 1 } });
    await simulation.clock.advance(1_000);
    expect(targets()).toEqual([3, 1]);
    expect(simulation.controller.application("a")!.message).toContain('names "X"');
    await simulation.controller.close();
  });
});
