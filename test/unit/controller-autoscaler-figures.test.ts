import { describe, expect, it } from "vitest";
import { QUICK } from "../support/autoscaled.ts";
import { ScriptedPolicies } from "../support/scripted-policies.ts";
import { simulate } from "../support/simulated-controller.ts";
import { SimulatedRouter } from "../support/simulated-router.ts";

const OWN = { policy: { policy_function: "./policy.ts:decide", policy_kwargs: {} } };

async function deploy(settings: object, more: object = {}) {
  const policies = new ScriptedPolicies();
  const simulation = await simulate({ policies });
  policies.clock = simulation.clock;
  simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "1" });
  const put = (deployment: object): Promise<unknown> =>
    simulation.put([{ name: "a", import_path: "app", ...more, deployments: [{ name: "D", ...deployment }] }]);
  await put(settings);
  await simulation.clock.advance(500);
  return { simulation, policies, put, router: new SimulatedRouter(simulation) };
}

describe("the autoscaler's figures", () => {
  it("are those of the newest decision, and of the report it was made on", async () => {
    const autoscaling_config = { ...QUICK, max_replicas: 3, upscale_delay_s: 0 };
    const { simulation, router, put } = await deploy({ autoscaling_config, autoscaling_shadow: QUICK });
    router.concurrent = 8;
    await router.run(5);
    const { controller } = simulation;
    const { routes, clock } = simulation;
    const timestampS = clock.now() / 1_000 + 0.01;
    await clock.advance(50);
    routes.reportLoad({
      routerId: "proxy/0",
      timestampS,
      deployments: [
        { application: "a", deployment: "D", series: new Map([["", { timesS: [timestampS], values: [8] }]]) },
      ],
    });
    await clock.advance(200);
    expect(controller.scalingFigures()).toEqual([
      {
        application: "a",
        deployment: "D",
        followed: {
          desired: 4,
          target: 3,
          totalRequests: 8,
          targetOngoingRequests: 2,
          policy: { scope: "deployment", tookMs: 0 },
          handleDelayMs: expect.closeTo(40, 3),
          replicaDelayMs: null,
        },
        shadowReplicas: 4,
      },
    ]);
    await put({ num_replicas: 1 });
    await router.run(0.5);
    expect(controller.scalingFigures()).toEqual([]);
    await controller.close();
  });

  it("tell how long the built-in policy took, by the clock beside each decision", async () => {
    const { simulation, router } = await deploy({ autoscaling_config: QUICK });
    const { clock, controller } = simulation;
    const monotonic = clock.monotonic.bind(clock);
    let readings = 0;
    clock.monotonic = () => monotonic() + readings++ * 0.25;
    router.concurrent = 8;
    await router.run(2);
    expect(controller.scalingFigures()).toMatchObject([
      { followed: { policy: { scope: "deployment", tookMs: 0.25 } } },
    ]);
    clock.monotonic = monotonic;
    await controller.close();
  });

  it.each([
    { scope: "deployment", config: { ...QUICK, ...OWN }, more: {}, answer: { desired: 2 } },
    { scope: "application", config: QUICK, more: { autoscaling_policy: OWN.policy }, answer: { desired: { D: 2 } } },
  ])("tell how long the policy of the $scope took, and the built-in one once it is gone", async (given) => {
    const { scope, config: autoscaling_config, more, answer } = given;
    const { simulation, policies } = await deploy({ autoscaling_config }, more);
    policies.answer = () => answer;
    policies.delayMs = 30;
    await simulation.clock.advance(1_000);
    const policy = () => simulation.controller.scalingFigures()[0]?.followed?.policy;
    expect(policy()).toEqual({ scope, tookMs: 30 });
    await simulation.put([
      {
        name: "a",
        import_path: "app",
        deployments: [{ name: "D", autoscaling_config: { ...QUICK, max_replicas: 4 } }],
      },
    ]);
    await simulation.clock.advance(1_000);
    expect(simulation.controller.scalingFigures()).toMatchObject([{ followed: { target: expect.any(Number) } }]);
    expect(policy()).toEqual({ scope: "deployment", tookMs: 0 });
    await simulation.controller.close();
  });
});
