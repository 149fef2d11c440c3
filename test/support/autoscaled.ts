import type { ApplicationConfig, AutoscalingConfig } from "../../src/config/types.ts";
import type { DecisionNews, ScalingDecision } from "../../src/controller/controller.ts";
import { keys } from "../../src/controller/records.ts";
import type { Store } from "../../src/store/store.ts";
import { type SimulatedController, simulate } from "./simulated-controller.ts";
import { SimulatedRouter } from "./simulated-router.ts";
import { historyOf } from "./store-drivers.ts";

/** Short intervals, so that little virtual time shows everything. */
export const QUICK = {
  min_replicas: 1,
  max_replicas: 10,
  target_ongoing_requests: 2,
  metrics_interval_s: 1,
  look_back_period_s: 2,
  upscale_delay_s: 1,
  downscale_delay_s: 2,
} satisfies Partial<AutoscalingConfig>;

/** An application `a` whose deployment `D` is autoscaled with {@link QUICK} and what is given. */
export function autoscaled(
  config: Partial<AutoscalingConfig> = {},
  more: Partial<ApplicationConfig> = {},
): ApplicationConfig {
  const autoscaling_config = { ...QUICK, ...config };
  return {
    name: "a",
    route_prefix: "/a",
    import_path: "app",
    deployments: [{ name: "D", autoscaling_config }],
    ...more,
  };
}

/** A simulated controller with {@link autoscaled} deployed, and a router before it. */
export async function deployAutoscaled(
  config: Partial<AutoscalingConfig> = {},
  more: Partial<ApplicationConfig> = {},
  options: Parameters<typeof simulate>[0] = {},
): Promise<{ simulation: SimulatedController; router: SimulatedRouter }> {
  const simulation = await simulate(options);
  const application = autoscaled(config, more);
  const deployments = application.deployments!.map(({ name }) => ({ name }));
  simulation.engine.applications.set("app", { deployments, ingress: "D", hash: "1" });
  await simulation.put([application]);
  await simulation.clock.advance(500);
  return { simulation, router: new SimulatedRouter(simulation) };
}

/** Replicas that `a/D` is to have. */
export function targetOf({ controller }: SimulatedController): number {
  return controller.deployment("a", "D")!.target.replicas;
}

/** All decisions on `a/D` that watches were told, in order. */
export async function toldOf(store: Store): Promise<ScalingDecision[]> {
  const batches = await historyOf(store, keys.decision("a", "D"), 0);
  return batches.flatMap(({ changes }) =>
    changes.flatMap(({ value }) => (value === undefined ? [] : (JSON.parse(value) as DecisionNews).decisions)),
  );
}
