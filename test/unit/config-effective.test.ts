import { describe, expect, it } from "vitest";
import { effectiveDeployment, initialTarget, overrideOf, requiredResources } from "../../src/config/effective.ts";
import { parseAutoscalingConfig } from "../../src/config/parse.ts";
import { mergeRuntimeEnv, replicaEnv } from "../../src/config/runtime-env.ts";
import type { AutoscalingConfig, DeploymentOverride, EffectiveDeploymentConfig } from "../../src/config/types.ts";
import { inputsHash, restartHash, settingsHash } from "../../src/config/versions.ts";

type Override = Partial<Omit<DeploymentOverride, "name">>;

function merged(code: Record<string, unknown>, override?: Override) {
  const result = effectiveDeployment(code, override && { name: "D", ...override }, "D");
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result;
}

function autoscaling(given: object): AutoscalingConfig {
  const parsed = parseAutoscalingConfig(given);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

/** What decides the count: the fixed number, or min, max and target of autoscaling. */
function scaling({ config }: { config: EffectiveDeploymentConfig }) {
  const auto = config.autoscaling_config;
  return auto ? [auto.min_replicas, auto.max_replicas, auto.target_ongoing_requests] : config.num_replicas;
}

describe("the count of a deployment", () => {
  it.each([
    { name: "is 1 when nobody says", code: {}, over: undefined, expected: 1 },
    { name: "is the code's", code: { num_replicas: 2 }, over: {}, expected: 2 },
    { name: "is the config's over the code's", code: { num_replicas: 2 }, over: { num_replicas: 3 }, expected: 3 },
    {
      name: "is the code's when the config says null",
      code: { num_replicas: 2 },
      over: { num_replicas: null },
      expected: 2,
    },
    { name: "is auto's base", code: {}, over: { num_replicas: "auto" as const }, expected: [1, 100, 2] },
    {
      name: "is auto's base under the given keys",
      code: {},
      over: { num_replicas: "auto" as const, autoscaling_config: { min_replicas: 4 } },
      expected: [4, 100, 2],
    },
    {
      name: "is the code's autoscaling over auto's base",
      code: { autoscaling_config: { target_ongoing_requests: 9 } },
      over: { num_replicas: "auto" as const },
      expected: [1, 1, 9],
    },
    {
      name: "is auto in code under the code's keys",
      code: { num_replicas: "auto", autoscaling_config: { min_replicas: 3 } },
      over: undefined,
      expected: [3, 100, 2],
    },
    {
      name: "is the config's autoscaling alone, with plain defaults",
      code: { autoscaling_config: { min_replicas: 3, max_replicas: 5 } },
      over: { autoscaling_config: { target_ongoing_requests: 7 } },
      expected: [1, 1, 7],
    },
    {
      name: "stays the code's autoscaling under a fixed count",
      code: { autoscaling_config: { max_replicas: 5 } },
      over: { num_replicas: 3 },
      expected: [1, 5, 2],
    },
    {
      name: "is fixed when the config switches autoscaling off",
      code: { autoscaling_config: { max_replicas: 5 } },
      over: { num_replicas: 3, autoscaling_config: null },
      expected: 3,
    },
    {
      name: "is 1 when the config switches auto in code off without a count",
      code: { num_replicas: "auto" },
      over: { autoscaling_config: null },
      expected: 1,
    },
  ])("$name", ({ code, over, expected }) => {
    expect(scaling(merged(code, over))).toEqual(expected);
  });

  it("warns when a fixed count is ignored, naming what to add", () => {
    expect(merged({ autoscaling_config: {} }, { num_replicas: 3 }).warnings).toEqual([
      'deployments["D"].num_replicas: 3 is ignored because the code sets autoscaling; add autoscaling_config: null to make the count fixed',
    ]);
    expect(merged({}, { num_replicas: 3 }).warnings).toEqual([]);
  });
});

describe("effectiveDeployment", () => {
  it("fills in every default", () => {
    expect(merged({}).config).toEqual({
      name: "D",
      num_replicas: 1,
      max_ongoing_requests: 5,
      max_queued_requests: -1,
      backpressure_config: { status_code: 503, retry_after_s: null },
      user_config: null,
      graceful_shutdown_wait_loop_s: 2,
      graceful_shutdown_timeout_s: 20,
      health_check_period_s: 10,
      health_check_timeout_s: 30,
      ray_actor_options: { num_cpus: 1 },
      request_router_config: {
        request_router_class: "ray.serve._private.request_router:PowerOfTwoChoicesRequestRouter",
        request_router_kwargs: {},
        request_routing_stats_period_s: 10,
        request_routing_stats_timeout_s: 30,
        initial_backoff_s: 0.025,
        backoff_multiplier: 2,
        max_backoff_s: 0.5,
      },
      rolling_update_percentage: 0.2,
      max_surge_percent: 0,
      max_constructor_retry_count: 20,
    });
  });

  it("lets null clear the code's user_config and keeps any JSON value of the code", () => {
    expect(merged({ user_config: [1, "x"] }).config.user_config).toEqual([1, "x"]);
    expect(merged({ user_config: { a: 1 } }, { user_config: null }).config.user_config).toBeNull();
  });

  it("replaces ray_actor_options as a whole", () => {
    const result = merged({ ray_actor_options: { num_gpus: 1 } }, { ray_actor_options: { num_cpus: 0.5 } });
    expect(result.config.ray_actor_options).toEqual({ num_cpus: 0.5 });
  });

  it("names the options that code or config set, null counts aside", () => {
    const result = merged({ max_ongoing_requests: 3 }, { num_replicas: null, user_config: null });
    expect(result.userConfigured).toEqual(["max_ongoing_requests", "user_config"]);
  });

  it("refuses wrong options of the code with the deployment's name", () => {
    expect(effectiveDeployment({ max_ongoing_requests: 0 }, undefined, "D")).toEqual({
      ok: false,
      problems: [{ path: 'deployments["D"].max_ongoing_requests', message: "must be a whole number > 0, got 0" }],
    });
    expect(effectiveDeployment({ autoscaling_config: { min_replicas: 4 } }, undefined, "D")).toMatchObject({
      ok: false,
      problems: [{ path: 'deployments["D"].autoscaling_config' }],
    });
  });

  it("applies overrides of one name in order", () => {
    const deployments = [
      { name: "D", num_replicas: 2, max_surge_percent: 5 },
      { name: "E" },
      { name: "D", num_replicas: 3 },
    ];
    expect(overrideOf({ deployments }, "D")).toEqual({ name: "D", num_replicas: 3, max_surge_percent: 5 });
    expect(overrideOf({ deployments }, "F")).toBeUndefined();
  });
});

describe("initialTarget", () => {
  it.each([
    { name: "is the fixed count at the capacity", config: { num_replicas: 3 }, capacity: 50, expected: 2 },
    {
      name: "is the minimum on a first deploy",
      config: { min_replicas: 2, max_replicas: 5 },
      capacity: null,
      expected: 2,
    },
    {
      name: "is initial_replicas on a first deploy",
      config: { initial_replicas: 4, max_replicas: 5 },
      capacity: null,
      expected: 4,
    },
    {
      name: "is the present target when nothing changed",
      config: { initial_replicas: 4, max_replicas: 5 },
      capacity: null,
      current: { target: 3, changed: false },
      expected: 3,
    },
    {
      name: "is within the new bounds",
      config: { max_replicas: 5 },
      capacity: null,
      current: { target: 9, changed: true },
      expected: 5,
    },
  ])("$name", ({ config, capacity, current, expected }) => {
    const given = "num_replicas" in config ? config : { autoscaling_config: autoscaling(config) };
    expect(initialTarget(given, capacity, null, current)).toBe(expected);
  });
});

it("names a replica's resources as the reference does", () => {
  expect(requiredResources({ ray_actor_options: { num_cpus: 0.5 } })).toEqual({ CPU: 0.5 });
  const all = { num_cpus: null, num_gpus: 1, memory: 100, resources: { tpu: 2 } };
  expect(requiredResources({ ray_actor_options: all })).toEqual({ CPU: 1, GPU: 1, memory: 100, tpu: 2 });
});

it("merges runtime environments key by key, variables one level deeper", () => {
  const app = { env_vars: { A: "1", B: "1" }, working_dir: "s3://a/x.zip" };
  const own = { env_vars: { B: 2 }, pip: ["x"] };
  expect(mergeRuntimeEnv(app, own)).toEqual({ env_vars: { A: "1", B: 2 }, working_dir: "s3://a/x.zip", pip: ["x"] });
  expect(replicaEnv({ runtime_env: mergeRuntimeEnv(app, own) })).toEqual({ A: "1", B: "2" });
  expect(mergeRuntimeEnv(undefined, undefined)).toEqual({});
});

describe("versions", () => {
  const app = { import_path: "./a.ts:app" };
  const listed = (item: object) => ({ ...app, deployments: [{ name: "D", ...item }] });

  it.each([
    { name: "args", changed: { ...app, args: { a: 1 } } },
    { name: "runtime_env", changed: { ...app, runtime_env: { env_vars: { A: "1" } } } },
    { name: "an application policy", changed: { ...app, autoscaling_policy: {} } },
    { name: "a deployment's policy", changed: listed({ autoscaling_config: { policy: { policy_function: "m:f" } } }) },
    { name: "a router", changed: listed({ request_router_config: {} }) },
  ])("$name changes the inputs", ({ changed }) => {
    expect(inputsHash(changed)).not.toBe(inputsHash(app));
  });

  it.each([
    { name: "adding an autoscaling_config", changed: listed({ autoscaling_config: { max_replicas: 3 } }) },
    { name: "num_replicas and user_config", changed: listed({ num_replicas: 3, user_config: {} }) },
    { name: "route and external scaler", changed: { ...app, route_prefix: "/x", external_scaler_enabled: true } },
  ])("$name leaves the inputs alone", ({ changed }) => {
    expect(inputsHash(changed)).toBe(inputsHash(app));
  });

  const hashes = (over: Override, route: string | null = "/") => {
    const { config } = merged({}, over);
    return { restart: restartHash(config, "b", "i"), settings: settingsHash(config, route) };
  };
  const base = hashes({});

  it.each([
    { name: "num_replicas", over: { num_replicas: 4 }, restart: false, settings: false },
    { name: "max_queued_requests", over: { max_queued_requests: 4 }, restart: false, settings: false },
    { name: "health_check_period_s", over: { health_check_period_s: 4 }, restart: false, settings: false },
    { name: "user_config", over: { user_config: { a: 1 } }, restart: false, settings: true },
    { name: "max_ongoing_requests", over: { max_ongoing_requests: 9 }, restart: false, settings: true },
    { name: "ray_actor_options", over: { ray_actor_options: { num_cpus: 2 } }, restart: true, settings: false },
    { name: "max_replicas_per_node", over: { max_replicas_per_node: 2 }, restart: true, settings: false },
  ])("$name: restart $restart, reconfigure $settings", ({ over, restart, settings }) => {
    const changed = hashes(over);
    expect(changed.restart !== base.restart).toBe(restart);
    expect(changed.settings !== base.settings).toBe(settings);
  });

  it("the bundle restarts, the route prefix reconfigures", () => {
    const { config } = merged({});
    expect(restartHash(config, "c", "i")).not.toBe(base.restart);
    expect(hashes({}, null).settings).not.toBe(base.settings);
  });
});
