/** Hashes that tell whether a change needs a build, a restart of replicas, or only their reconfiguration. */
import { createHash } from "node:crypto";
import { policyCode } from "./policy-kwargs.ts";
import type { ApplicationConfig, EffectiveDeploymentConfig } from "./types.ts";

/** JSON with sorted keys, so that equal documents have equal text. */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => {
    // JSON has no such numbers; unmarked they would all read null.
    if (typeof item === "number" && !Number.isFinite(item)) return `number ${item}`;
    if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function hash(value: unknown): string {
  return createHash("sha256").update(stableJson(value)).digest("hex");
}

/** Stands for a text that may be long, where it is only compared: 16 hex digits. */
export function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/**
 * Hash of what an application is built from: import path, runtime env, args, scaling policies, routers, actors.
 * A change means a new build and new replicas. Adding or removing an `autoscaling_config` without a `policy`, or
 * changing its numbers, is no such change, nor is a policy that is built in.
 */
export function inputsHash(app: ApplicationConfig): string {
  const deployments = (app.deployments ?? []).map((deployment) => ({
    name: deployment.name,
    policy: policyCode(deployment.autoscaling_config?.policy),
    router: deployment.request_router_config ?? null,
    actors: deployment.deployment_actors ?? null,
  }));
  return hash({
    import_path: app.import_path,
    runtime_env: app.runtime_env ?? {},
    args: app.args ?? {},
    autoscaling_policy: app.autoscaling_policy ?? null,
    deployments: deployments
      .filter(({ policy, router, actors }) => policy !== null || router !== null || actors !== null)
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)),
  });
}

/**
 * Hash of what a running replica cannot change: its code (`bundleHash`, `inputsHash`), resources, placement, gang.
 * A replica whose hash differs is replaced.
 */
export function restartHash(config: EffectiveDeploymentConfig, bundleHash: string, inputs: string): string {
  return hash({
    bundleHash,
    inputs,
    ray_actor_options: config.ray_actor_options,
    placement_group_bundles: config.placement_group_bundles ?? null,
    placement_group_strategy: config.placement_group_strategy ?? null,
    placement_group_bundle_label_selector: config.placement_group_bundle_label_selector ?? null,
    max_replicas_per_node: config.max_replicas_per_node ?? null,
    gang_scheduling_config: config.gang_scheduling_config ?? null,
    command: config.command
      ? [config.command, config.env ?? {}, config.working_dir ?? "", config.readiness_path, config.readiness_timeout_s]
      : null,
  });
}

/**
 * Hash of what a running replica is told anew without a restart: user_config, limits, logging, how load is sampled,
 * and the application's route prefix (null: not on HTTP). A replica whose hash differs is reconfigured.
 */
export function settingsHash(config: EffectiveDeploymentConfig, routePrefix: string | null): string {
  const autoscaling = config.autoscaling_config;
  return hash({
    user_config: config.user_config,
    max_ongoing_requests: config.max_ongoing_requests,
    backpressure_config: config.backpressure_config,
    graceful_shutdown_wait_loop_s: config.graceful_shutdown_wait_loop_s,
    logging_config: config.logging_config ?? null,
    sampling: autoscaling ? [autoscaling.metrics_interval_s, autoscaling.look_back_period_s] : null,
    route_prefix: routePrefix,
  });
}
