/** Hides secrets in the settings of a deployment. Pure. */
import { redactEnv } from "../config/redact.ts";
import { mapQueueUrls } from "../config/redact-policy.ts";
import type { EffectiveDeploymentConfig } from "../config/types.ts";
import { withoutSecrets } from "../core/uri.ts";

/**
 * Hides the values of `ray_actor_options.runtime_env.env_vars`, unless `revealEnv`, and what is secret in the URI of
 * its `working_dir` and in those of message brokers.
 */
export function redactDeployment(given: EffectiveDeploymentConfig, revealEnv: boolean): EffectiveDeploymentConfig {
  const config = mapQueueUrls(given, withoutSecrets);
  const runtimeEnv = config.ray_actor_options.runtime_env;
  if (!isRecord(runtimeEnv)) return config;
  return {
    ...config,
    ray_actor_options: { ...config.ray_actor_options, runtime_env: redactEnv(runtimeEnv, revealEnv) },
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
