/** The environment of an application's processes, merged from application and deployment. */
import { isRecord } from "./schema-types.ts";
import type { ApplicationConfig, EffectiveDeploymentConfig } from "./types.ts";

type Env = Readonly<Record<string, unknown>>;

/** The deployment's runtime env over the application's, key by key; `env_vars` are merged one level deeper. */
export function mergeRuntimeEnv(application: Env | undefined, deployment: Env | undefined): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...application, ...deployment };
  const vars = { ...envVars(application), ...envVars(deployment) };
  return Object.keys(vars).length === 0 ? merged : { ...merged, env_vars: vars };
}

/** A deployment's settings with the application's runtime env beneath its own; no key appears where neither is set. */
export function withApplicationEnv(
  config: EffectiveDeploymentConfig,
  application: Env | undefined,
): EffectiveDeploymentConfig {
  const own = config.ray_actor_options.runtime_env;
  const merged = mergeRuntimeEnv(application, isRecord(own) ? own : undefined);
  if (Object.keys(merged).length === 0) return config;
  return { ...config, ray_actor_options: { ...config.ray_actor_options, runtime_env: merged } };
}

/** Environment variables of a replica, from its deployment's merged `ray_actor_options`. */
export function replicaEnv(rayActorOptions: Env): Record<string, string> {
  const own = rayActorOptions.runtime_env;
  const vars = envVars(isRecord(own) ? own : undefined);
  return Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, String(value)]));
}

/** URI of the zip that holds what a deployment runs, from its merged `ray_actor_options`; undefined: the base dir. */
export function workingDirOf(rayActorOptions: Env): string | undefined {
  return workingDirIn(rayActorOptions.runtime_env);
}

/** URIs of every zip that an application and its deployments name in the config, each once. */
export function workingDirsOf(app: ApplicationConfig): string[] {
  const envs = [app.runtime_env, ...(app.deployments ?? []).map((item) => item.ray_actor_options?.runtime_env)];
  return [...new Set(envs.flatMap((env) => workingDirIn(env) ?? []))];
}

/** The `working_dir` of a runtime env. */
export function workingDirIn(env: unknown): string | undefined {
  const uri = isRecord(env) ? env.working_dir : undefined;
  return typeof uri === "string" ? uri : undefined;
}

function envVars(env: Env | undefined): Record<string, unknown> {
  const vars = env?.env_vars;
  return isRecord(vars) ? vars : {};
}
