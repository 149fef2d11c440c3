/** The settings of a deployment in force: what the code says, what the config overrides, and the defaults. */
import type { Problem } from "../core/errors.ts";
import {
  AUTO_REPLICAS_BASE,
  BACKPRESSURE_DEFAULTS,
  DEFAULT_NUM_REPLICAS,
  DEPLOYMENT_DEFAULTS,
  GANG_DEFAULTS,
  REQUEST_ROUTER_DEFAULTS,
} from "./defaults.ts";
import { formatPath } from "./describe.ts";
import { parseAutoscalingConfig, toProblem } from "./parse.ts";
import { policyFindings } from "./policy-rules.ts";
import { readBy } from "./read.ts";
import { routerFindings } from "./request-router.ts";
import { fillRollout, noRoomProblem } from "./rollout.ts";
import { CODE_OPTIONS_SCHEMA } from "./schema-deployment.ts";
import { REQUEST_ROUTER_SCHEMA } from "./schema-gang.ts";
import { isRecord } from "./schema-types.ts";
import { applyTargetCapacity, type CapacityDirection } from "./target-capacity.ts";
import type { ApplicationConfig, AutoscalingConfig, DeploymentOverride, EffectiveDeploymentConfig } from "./types.ts";
import { unsupportedProblems } from "./unsupported.ts";

/** A merged deployment, or what is wrong with the code's options or the override. */
export type EffectiveResult =
  | {
      readonly ok: true;
      readonly config: EffectiveDeploymentConfig;
      readonly userConfigured: string[];
      readonly warnings: string[];
    }
  | { readonly ok: false; readonly problems: Problem[] };

type Options = Partial<Omit<DeploymentOverride, "name">> & { max_constructor_retry_count?: number };

/**
 * Merges one deployment. `codeOptions` are the options set in code by the reference's field names, only those
 * supplied; they are checked here. `override` has passed parse. An explicit null overrides, but `num_replicas: null`
 * counts as unset, and a fixed `num_replicas` does not switch autoscaling set in code off.
 * `userConfigured` names the options that either of them set, sorted; `warnings` says when a fixed count is ignored.
 */
export function effectiveDeployment(
  codeOptions: Record<string, unknown>,
  override: DeploymentOverride | undefined,
  name: string,
): EffectiveResult {
  const parsed = readBy(CODE_OPTIONS_SCHEMA, codeOptions);
  if (!parsed.ok) return { ok: false, problems: parsed.issues.map((issue) => inDeployment(name, toProblem(issue))) };
  const code = withoutNullCount(parsed.value);
  const { name: _, ...config } = override ?? { name };
  const over = withoutNullCount(config);
  const scaling = mergeScaling(code, over);
  if (!scaling.ok) return { ok: false, problems: scaling.problems.map((problem) => inDeployment(name, problem)) };
  const both: Options = { ...code, ...over };
  const shadow = readAutoscaling("autoscaling_shadow", both.autoscaling_shadow ?? {});
  if (!shadow.ok) return { ok: false, problems: shadow.problems.map((problem) => inDeployment(name, problem)) };
  const router = readBy(REQUEST_ROUTER_SCHEMA, both.request_router_config ?? {}, {
    path: ["request_router_config"],
  });
  if (!router.ok) return { ok: false, problems: router.issues.map((issue) => inDeployment(name, toProblem(issue))) };
  const misrouted = routerFindings(both.request_router_config).map(({ path, message }) =>
    inDeployment(name, { path: formatPath(["request_router_config", ...path]), message }),
  );
  if (misrouted.length > 0) return { ok: false, problems: misrouted };
  const unsupported = unsupportedProblems(both);
  if (unsupported.length > 0) return { ok: false, problems: unsupported.map((each) => inDeployment(name, each)) };
  const noRoom = noRoomProblem(both.rollout, both.max_surge_percent);
  if (noRoom) return { ok: false, problems: [inDeployment(name, noRoom)] };
  return {
    ok: true,
    config: {
      ...fill(name, both, scaling.value, router.value),
      ...(both.autoscaling_shadow ? { autoscaling_shadow: shadow.config } : {}),
    },
    userConfigured: [...new Set([...Object.keys(code), ...Object.keys(over)])].sort(),
    warnings: "autoscaling_config" in scaling.value ? ignoredCount(name, over) : [],
  };
}

/**
 * Fixed counts of an application's config that are ignored because the code sets autoscaling (T3), one line each.
 * `code`: the deployments and their options as the code has them.
 */
export function ignoredCounts(
  app: Pick<ApplicationConfig, "deployments">,
  code: readonly { readonly name: string; readonly options: Readonly<Record<string, unknown>> }[],
): string[] {
  return code.flatMap(({ name, options }) => {
    const over = overrideOf(app, name);
    const scales = options.num_replicas === "auto" || (options.autoscaling_config ?? null) !== null;
    return over && scales && over.autoscaling_config === undefined ? ignoredCount(name, over) : [];
  });
}

function ignoredCount(name: string, over: Options): string[] {
  if (typeof over.num_replicas !== "number") return [];
  return [
    `deployments[${JSON.stringify(name)}].num_replicas: ${over.num_replicas} is ignored because the code sets autoscaling; add autoscaling_config: null to make the count fixed`,
  ];
}

function fill(
  name: string,
  both: Options,
  scaling: { num_replicas: number } | { autoscaling_config: AutoscalingConfig },
  router: Record<string, unknown>,
): EffectiveDeploymentConfig {
  const {
    num_replicas: _replicas,
    autoscaling_config: _autoscaling,
    autoscaling_shadow: _shadow,
    gang_scheduling_config: gang,
    deployment_actors: actors,
    rollout,
    ...rest
  } = both;
  return {
    ...DEPLOYMENT_DEFAULTS,
    ...rest,
    name,
    ...scaling,
    backpressure_config: { ...BACKPRESSURE_DEFAULTS, ...both.backpressure_config },
    ray_actor_options: withCpus(both.ray_actor_options ?? {}),
    request_router_config: { ...REQUEST_ROUTER_DEFAULTS, ...router },
    ...(gang ? { gang_scheduling_config: { ...GANG_DEFAULTS, ...gang } } : {}),
    ...(actors ? { deployment_actors: actors } : {}),
    ...(rollout ? { rollout: fillRollout(rollout) } : {}),
  };
}

function withCpus(options: Record<string, unknown>): Record<string, unknown> {
  const cpus = options.num_cpus ?? null;
  return cpus === null ? { ...options, ...DEPLOYMENT_DEFAULTS.ray_actor_options } : options;
}

function withoutNullCount(options: Options): Options {
  const { num_replicas: count, ...rest } = options;
  return count === null || count === undefined ? rest : { num_replicas: count, ...rest };
}

type Scaling =
  | { readonly ok: true; readonly value: { num_replicas: number } | { autoscaling_config: AutoscalingConfig } }
  | { readonly ok: false; readonly problems: Problem[] };

function mergeScaling(code: Options, over: Options): Scaling {
  const fixed = (count: Options["num_replicas"]): Scaling => ({
    ok: true,
    value: { num_replicas: typeof count === "number" ? count : DEFAULT_NUM_REPLICAS },
  });
  const codeGiven =
    code.num_replicas === "auto" ? { ...AUTO_REPLICAS_BASE, ...code.autoscaling_config } : code.autoscaling_config;
  const given = over.autoscaling_config;
  if (over.num_replicas === "auto") {
    if (given && Object.keys(given).length > 0) return autoscaled({ ...AUTO_REPLICAS_BASE, ...given });
    return autoscaled(codeGiven ?? AUTO_REPLICAS_BASE);
  }
  if (given) return autoscaled(given);
  if (given === null) return fixed(over.num_replicas ?? code.num_replicas);
  // A fixed count in the config leaves the code's autoscaling on; the check layer warns.
  if (codeGiven) return autoscaled(codeGiven);
  return fixed(over.num_replicas ?? code.num_replicas);
}

function autoscaled(given: Record<string, unknown>): Scaling {
  const read = readAutoscaling("autoscaling_config", given);
  return read.ok ? { ok: true, value: { autoscaling_config: read.config } } : read;
}

function readAutoscaling(
  field: string,
  given: Record<string, unknown>,
): { readonly ok: true; readonly config: AutoscalingConfig } | { readonly ok: false; readonly problems: Problem[] } {
  const parsed = parseAutoscalingConfig(given, { path: [field] });
  if (!parsed.ok) return { ok: false, problems: parsed.problems };
  const { policy, max_replicas: max } = parsed.config;
  const findings = policyFindings(policy, max);
  if (findings.length === 0) return { ok: true, config: parsed.config };
  return {
    ok: false,
    problems: findings.map(({ path, message }) => ({
      path: formatPath([field, "policy", ...path]),
      message,
    })),
  };
}

function inDeployment(name: string, problem: Problem): Problem {
  const place = `deployments[${JSON.stringify(name)}]`;
  return { path: problem.path === "" ? place : `${place}.${problem.path}`, message: problem.message };
}

/** What an application's config says about one deployment; entries of the same name apply in order. */
export function overrideOf(app: Pick<ApplicationConfig, "deployments">, name: string): DeploymentOverride | undefined {
  const entries = (app.deployments ?? []).filter((deployment) => deployment.name === name);
  return entries.length === 0 ? undefined : Object.assign({}, ...entries);
}

/** The gains of an autoscaling config with the deprecated fields resolved. */
export function effectiveFactors(config: AutoscalingConfig): { up: number; down: number } {
  return {
    up: config.upscaling_factor ?? config.upscale_smoothing_factor ?? config.smoothing_factor,
    down: config.downscaling_factor ?? config.downscale_smoothing_factor ?? config.smoothing_factor,
  };
}

/** The bounds in force at a capacity (percent, null is 100): while it rises, initial_replicas is the floor. */
export function replicaBounds(
  config: AutoscalingConfig,
  capacity: number | null,
  direction: CapacityDirection,
): { lower: number; upper: number } {
  const floor = direction === "UP" ? (config.initial_replicas ?? config.min_replicas) : config.min_replicas;
  return { lower: applyTargetCapacity(floor, capacity), upper: applyTargetCapacity(config.max_replicas, capacity) };
}

/**
 * The replica target when a deployment is deployed. Fixed: `num_replicas` at the capacity. Autoscaled:
 * `initial_replicas` if set and the deployment is new or its config changed, else the present target, both within
 * bounds. `current` is the target before the deploy and whether the config or version changed; absent when new.
 */
export function initialTarget(
  config: Pick<EffectiveDeploymentConfig, "num_replicas" | "autoscaling_config">,
  capacity: number | null,
  direction: CapacityDirection,
  current?: { readonly target: number; readonly changed: boolean },
): number {
  const autoscaling = config.autoscaling_config;
  if (!autoscaling) return applyTargetCapacity(config.num_replicas ?? DEFAULT_NUM_REPLICAS, capacity);
  const { lower, upper } = replicaBounds(autoscaling, capacity, direction);
  const fresh = current?.changed ?? true;
  const start = (fresh ? autoscaling.initial_replicas : null) ?? current?.target ?? lower;
  return Math.max(lower, Math.min(upper, start));
}

/** Resources one replica takes, by the reference's names: CPU (1 unless given), GPU, memory, custom ones. */
export function requiredResources(
  config: Pick<EffectiveDeploymentConfig, "ray_actor_options">,
): Record<string, number> {
  const { num_cpus, num_gpus, memory, resources } = config.ray_actor_options;
  const custom = isRecord(resources) ? resources : {};
  const amounts = Object.entries({ CPU: num_cpus ?? 1, GPU: num_gpus, memory, ...custom });
  const given = amounts.filter(([, amount]) => amount !== undefined && amount !== null);
  return Object.fromEntries(given.map(([name, amount]) => [name, Number(amount)]));
}

/** What is wrong when a replica's resources do not fit into its first placement group bundle; else undefined. */
export function firstBundleProblem(
  config: Pick<EffectiveDeploymentConfig, "ray_actor_options" | "placement_group_bundles">,
): Problem | undefined {
  const [bundle] = config.placement_group_bundles ?? [];
  if (bundle === undefined) return undefined;
  for (const [resource, amount] of Object.entries(requiredResources(config))) {
    const room = bundle[resource] ?? 0;
    if (resource === "memory" || amount <= room) continue;
    const message = `the first bundle has ${resource} ${room}, but a replica takes ${amount}; raise it to at least ${amount}`;
    return { path: "placement_group_bundles[0]", message };
  }
  return undefined;
}
