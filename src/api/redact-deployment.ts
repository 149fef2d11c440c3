/** Hides secrets in the settings of a deployment. Pure. */
import { REDACTED } from "../config/redact.ts";
import type { EffectiveDeploymentConfig } from "../config/types.ts";

/** Replaces the values of `ray_actor_options.runtime_env.env_vars`, unless `revealEnv`. */
export function redactDeployment(config: EffectiveDeploymentConfig, revealEnv: boolean): EffectiveDeploymentConfig {
  const runtimeEnv = config.ray_actor_options.runtime_env;
  if (revealEnv || !isRecord(runtimeEnv) || !isRecord(runtimeEnv.env_vars)) return config;
  const hidden = Object.fromEntries(Object.keys(runtimeEnv.env_vars).map((name) => [name, REDACTED]));
  return {
    ...config,
    ray_actor_options: { ...config.ray_actor_options, runtime_env: { ...runtimeEnv, env_vars: hidden } },
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
