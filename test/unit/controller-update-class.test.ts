import { describe, expect, it } from "vitest";
import { AUTOSCALING_SCHEMA } from "../../src/config/schema-autoscaling.ts";
import { ACTOR_OPTIONS_SCHEMA, DEPLOYMENT_SCHEMA } from "../../src/config/schema-deployment.ts";
import { fieldInfo, shapeOf } from "../../src/config/schema-info.ts";
import { ROLLOUT_SCHEMA } from "../../src/config/schema-rollout.ts";
import type { UpdateClass as Documented } from "../../src/config/schema-types.ts";
import { type ApplicationConfig, COMMAND_IMPORT_PATH, type DeploymentOverride } from "../../src/config/types.ts";
import { type UpdateClass, updateClass } from "../../src/controller/update-class.ts";
import { application, simulate } from "../support/simulated-controller.ts";

type Override = Partial<DeploymentOverride>;
/** What a deployment says before and after the change, where the field is not simply added. */
type Change = readonly [before: Override, after: Override];

/** What really happens to two running replicas when a config is put over another; and what is predicted. */
async function update(before: ApplicationConfig, after: ApplicationConfig) {
  const simulation = await simulate();
  const { engine, controller, clock } = simulation;
  engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
  await simulation.put([before]);
  await clock.advance(5_000);
  expect(simulation.status("a", "D")).toBe("HEALTHY/CONFIG_UPDATE_COMPLETED");
  const stored = controller.deployment("a", "D")!;
  const running = [...engine.running.keys()];
  const from = engine.commands.length;
  await simulation.put([after]);
  await clock.advance(10_000);
  if (controller.application("a")!.build.kind === "failed") return { happened: "refused", predicted: "none" as const };
  expect(simulation.status("a", "D")).toMatch(/^HEALTHY/);
  const predicted = updateClass(stored, controller.deployment("a", "D")!);
  const kept = running.filter((id) => engine.running.has(id));
  const told = engine.commands.slice(from).filter((command) => command.startsWith("reconfigure "));
  const happened = kept.length < 2 ? "restart" : told.length > 0 ? "reconfigure" : "nothing";
  return { predicted, happened };
}

const code = (override: Override): ApplicationConfig =>
  application({ num_replicas: 2, ...override }, { external_scaler_enabled: false });
const auto = (override: Record<string, unknown>): Override => ({
  autoscaling_config: { min_replicas: 2, max_replicas: 4, ...override },
});
const scaled = (override: Record<string, unknown>): ApplicationConfig =>
  application(auto(override), { external_scaler_enabled: false });
const program = (override: Override): ApplicationConfig =>
  application(
    { num_replicas: 2, command: ["serve"], ...override },
    {
      import_path: COMMAND_IMPORT_PATH,
      // Another one is there to be the ingress.
      deployments: [
        { name: "D", num_replicas: 2, command: ["serve"], ...override },
        { name: "E", command: ["serve"], ingress: override.ingress !== true },
      ],
    },
  );

/** What `update:` of the schema comes to. */
function expected(documented: Documented | undefined): { happened: string; predicted: UpdateClass[] } {
  if (documented === "restart") return { happened: "restart", predicted: ["restart"] };
  if (documented === "reconfigure") return { happened: "reconfigure", predicted: ["reconfigure"] };
  if (documented === "target") return { happened: "nothing", predicted: ["scale", "settings"] };
  if (documented === "controller") return { happened: "nothing", predicted: ["settings"] };
  throw new Error(`the schema says ${String(documented)}, which is no class of a deployment's field`);
}

const BUNDLES = [{ CPU: 1 }];

/** Each field of a deployment, changed alone. */
const DEPLOYMENT_FIELDS: Record<string, Change> = {
  num_replicas: [{ num_replicas: 2 }, { num_replicas: 3 }],
  max_ongoing_requests: [{}, { max_ongoing_requests: 7 }],
  max_queued_requests: [{}, { max_queued_requests: 7 }],
  backpressure_config: [{}, { backpressure_config: { status_code: 429 } }],
  user_config: [{}, { user_config: { v: 2 } }],
  autoscaling_config: [{}, { num_replicas: null, ...auto({}) }],
  graceful_shutdown_wait_loop_s: [{}, { graceful_shutdown_wait_loop_s: 1 }],
  graceful_shutdown_timeout_s: [{}, { graceful_shutdown_timeout_s: 7 }],
  health_check_period_s: [{}, { health_check_period_s: 7 }],
  health_check_timeout_s: [{}, { health_check_timeout_s: 7 }],
  ray_actor_options: [{}, { ray_actor_options: { num_cpus: 0.5 } }],
  placement_group_bundles: [{}, { placement_group_bundles: BUNDLES }],
  placement_group_strategy: [
    { placement_group_bundles: BUNDLES },
    { placement_group_bundles: BUNDLES, placement_group_strategy: "SPREAD" },
  ],
  placement_group_bundle_label_selector: [
    { placement_group_bundles: BUNDLES },
    { placement_group_bundles: BUNDLES, placement_group_bundle_label_selector: [{ a: "b" }] },
  ],
  max_replicas_per_node: [{ max_replicas_per_node: 4 }, { max_replicas_per_node: 5 }],
  logging_config: [{}, { logging_config: { log_level: "DEBUG" } }],
  request_router_config: [{}, { request_router_config: { initial_backoff_s: 1 } }],
  gang_scheduling_config: [{}, { gang_scheduling_config: { gang_size: 2 } }],
  deployment_actors: [{}, { deployment_actors: [{ name: "x", actor_class: "m:X" }] }],
  rolling_update_percentage: [{}, { rolling_update_percentage: 0.5 }],
  max_surge_percent: [{}, { max_surge_percent: 50 }],
  rollout: [{}, { rollout: { max_surge: 1 } }],
  request_timeout_s: [{}, { request_timeout_s: 7 }],
  cold_start_timeout_s: [{}, { cold_start_timeout_s: 7 }],
  client_priorities: [{}, { client_priorities: true }],
  autoscaling_shadow: [
    {},
    { autoscaling_shadow: { max_replicas: 4, metrics_interval_s: 1, policy: { policy_function: "m:f" } } },
  ],
};

const COMMAND_FIELDS: Record<string, Change> = {
  command: [{}, { command: ["serve", "--more"] }],
  readiness_path: [{}, { readiness_path: "/ready" }],
  readiness_timeout_s: [{}, { readiness_timeout_s: 7 }],
  env: [{}, { env: { A: "1" } }],
  working_dir: [{}, { working_dir: "sub" }],
  ingress: [{}, { ingress: true }],
};

const ACTOR_OPTIONS: Record<string, unknown> = {
  runtime_env: { env_vars: { A: "1" } },
  num_cpus: 0.5,
  num_gpus: 1,
  memory: 1024,
  resources: { accel: 1 },
  accelerator_type: "A100",
  label_selector: { a: "b" },
  fallback_strategy: [{ label_selector: { a: "b" } }],
};

const AUTOSCALING: Record<string, unknown> = {
  min_replicas: 1,
  initial_replicas: 2,
  max_replicas: 5,
  target_ongoing_requests: 3,
  metrics_interval_s: 3,
  look_back_period_s: 3,
  smoothing_factor: 0.5,
  upscale_smoothing_factor: 0.5,
  downscale_smoothing_factor: 0.5,
  upscaling_factor: 0.5,
  downscaling_factor: 0.5,
  upscale_delay_s: 3,
  downscale_delay_s: 3,
  downscale_to_zero_delay_s: 3,
  aggregation_function: "max",
  policy: { policy_function: "m:f" },
};

const ROLLOUT: Record<string, unknown> = {
  max_surge: 1,
  max_unavailable: 2,
  auto_rollback: true,
  progress_deadline_s: 60,
  canary: [{ weight: 10 }],
  canary_analysis: null,
  canary_sticky: { header: "x-user" },
};

/** Known to the reference, but a config that has one is refused. */
const REFUSED = new Set([
  "placement_group_bundle_label_selector",
  "gang_scheduling_config",
  "deployment_actors",
  "accelerator_type",
  "label_selector",
  "fallback_strategy",
]);

const info = (schema: Parameters<typeof shapeOf>[0], field: string) => fieldInfo(shapeOf(schema)![field]!)?.update;

interface Case {
  readonly field: string;
  readonly documented: Documented | undefined;
  readonly before: ApplicationConfig;
  readonly after: ApplicationConfig;
}

function cases(
  schema: Parameters<typeof shapeOf>[0],
  changes: Readonly<Record<string, Change>>,
  config: (override: Override) => ApplicationConfig,
): Case[] {
  return Object.entries(changes).map(([field, [before, after]]) => ({
    field,
    documented: info(schema, field),
    before: config(before),
    after: config(after),
  }));
}

function nested(values: Readonly<Record<string, unknown>>, key: string): Record<string, Change> {
  return Object.fromEntries(
    Object.entries(values).map(([field, value]) => [field, [{}, { [key]: { [field]: value } }] as Change]),
  );
}

describe("what a change of one field does is what docs/config.md says, and what is predicted", () => {
  it.each([
    ...cases(DEPLOYMENT_SCHEMA, DEPLOYMENT_FIELDS, code),
    ...cases(DEPLOYMENT_SCHEMA, COMMAND_FIELDS, program),
    ...cases(ACTOR_OPTIONS_SCHEMA, nested(ACTOR_OPTIONS, "ray_actor_options"), code),
    ...cases(ROLLOUT_SCHEMA, nested(ROLLOUT, "rollout"), code),
    ...Object.entries(AUTOSCALING).map(([field, value]) => ({
      field: `autoscaling_config.${field}`,
      documented: info(AUTOSCALING_SCHEMA, field),
      before: scaled({}),
      after: scaled({ [field]: value }),
    })),
  ])("$field: $documented", async ({ field, documented, before, after }) => {
    const { happened, predicted } = await update(before, after);
    if (REFUSED.has(field)) {
      expect(happened).toBe("refused");
      return;
    }
    const want = expected(documented);
    expect(happened).toBe(want.happened);
    expect(want.predicted).toContain(predicted);
  });

  it.each([
    { name: "deployments[]", schema: DEPLOYMENT_SCHEMA, listed: { ...DEPLOYMENT_FIELDS, ...COMMAND_FIELDS, name: [] } },
    { name: "ray_actor_options", schema: ACTOR_OPTIONS_SCHEMA, listed: ACTOR_OPTIONS },
    { name: "rollout", schema: ROLLOUT_SCHEMA, listed: ROLLOUT },
    { name: "autoscaling_config", schema: AUTOSCALING_SCHEMA, listed: AUTOSCALING },
  ])("the tables above have every field of $name", ({ schema, listed }) => {
    const shape = Object.entries(shapeOf(schema)!).filter(([, field]) => !fieldInfo(field)?.hidden);
    expect(Object.keys(listed).sort()).toEqual(shape.map(([name]) => name).sort());
  });

  it("nothing is done by a config that says the same", async () => {
    expect(await update(code({}), code({}))).toEqual({ happened: "nothing", predicted: "none" });
  });

  it("a changed route prefix is told to the ingress", async () => {
    const moved = { ...code({}), route_prefix: "/b" };
    expect(await update(code({}), moved)).toEqual({ happened: "reconfigure", predicted: "reconfigure" });
  });

  it.each([
    { name: "args", change: { args: { a: 1 } } },
    { name: "runtime_env", change: { runtime_env: { env_vars: { A: "1" } } } },
  ])("a change of the application's $name restarts", async ({ change }) => {
    expect(await update(code({}), { ...code({}), ...change })).toEqual({ happened: "restart", predicted: "restart" });
  });
});
