/** What the routing table says of deployments without a replica that serves. */
import { describe, expect, it } from "vitest";
import { UNLIMITED } from "../../src/controller/resources.ts";
import { deployAutoscaled } from "../support/autoscaled.ts";
import { application, type SimulatedController, simulate } from "../support/simulated-controller.ts";

type Override = Parameters<typeof application>[0];

async function deploy(
  override: Override = {},
  more: Parameters<typeof application>[1] = {},
  options: Parameters<typeof simulate>[0] = {},
  startError: string | null = null,
): Promise<SimulatedController> {
  const simulation = await simulate(options);
  simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "1" });
  simulation.engine.behaviour.set("a/D", { startMs: startError === null ? 6_200 : 20, startError });
  await simulation.put([application(override, more)]);
  await simulation.clock.advance(100);
  return simulation;
}

const told = ({ routes }: SimulatedController) => routes.latest.table.deployments[0]?.coldStart;

describe("a deployment of which no replica serves", () => {
  it.each<{
    name: string;
    reason: string;
    make: () => Promise<SimulatedController>;
  }>([
    { name: "is starting", reason: "its replicas are starting", make: () => deploy() },
    {
      name: "waits for room",
      reason: "its replicas wait for room on the node",
      make: () => deploy({ ray_actor_options: { num_cpus: 2 } }, {}, { capacity: { ...UNLIMITED, cpus: 1 } }),
    },
    {
      name: "fails to start",
      reason: "its replicas fail to start and are tried again",
      make: () => deploy({}, {}, {}, "secret"),
    },
    {
      name: "is scaled to zero from outside",
      reason: "its target is 0, set by an external scaler",
      async make() {
        const simulation = await deploy();
        await simulation.scale("a", "D", 0);
        await simulation.clock.advance(10_000);
        return simulation;
      },
    },
    {
      name: "is scaled to zero by a scaler with a name",
      reason: 'its target is 0, set by the external scaler "night\\nshift"',
      async make() {
        const simulation = await deploy();
        await simulation.scale("a", "D", 0, { owner: "night\nshift" });
        return simulation;
      },
    },
    {
      name: "is scaled to zero by hand",
      reason: "its target is 0, set by hand",
      async make() {
        const simulation = await deploy({}, { external_scaler_enabled: false });
        await simulation.scale("a", "D", 0, { manual: true });
        return simulation;
      },
    },
    {
      name: "has no share of the target capacity",
      reason: "its target is 0, set by its config",
      async make() {
        const simulation = await deploy();
        await simulation.put([application()], { target_capacity: 0 });
        return simulation;
      },
    },
    {
      name: "is at zero by its autoscaler",
      reason: "its autoscaler has it at zero and started none",
      make: async () => (await deployAutoscaled({ min_replicas: 0, initial_replicas: 0 })).simulation,
    },
  ])("says why where it $name", async ({ reason, make }) => {
    const simulation = await make();
    expect(simulation.routes.latest.table.deployments[0]?.replicas).toEqual([]);
    expect(told(simulation)).toMatchObject({ reason });
  });

  it("is worth asking again after as long as the last start took, also after a restart of the controller", async () => {
    const simulation = await deploy();
    expect(told(simulation)).toEqual({ timeoutS: 300, reason: "its replicas are starting", retryAfterS: 5 });
    await simulation.clock.advance(8_000);
    expect(told(simulation)).toEqual({ timeoutS: 300, reason: "", retryAfterS: 7 });
    await simulation.restart();
    await simulation.scale("a", "D", 0);
    await simulation.clock.advance(8_000);
    expect(told(simulation)).toMatchObject({ retryAfterS: 7 });
    simulation.engine.behaviour.set("a/D", { startMs: 40 });
    await simulation.scale("a", "D", 1);
    await simulation.clock.advance(1_000);
    expect(told(simulation)).toMatchObject({ reason: "", retryAfterS: 1 });
  });
});

it.each([
  { given: undefined, timeoutS: 300 },
  { given: null, timeoutS: null },
  { given: 0.5, timeoutS: 0.5 },
])("cold_start_timeout_s: $given is a limit of $timeoutS", async ({ given, timeoutS }) => {
  const simulation = await deploy(given === undefined ? {} : { cold_start_timeout_s: given });
  expect(told(simulation)).toMatchObject({ timeoutS });
});
