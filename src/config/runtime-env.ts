/** The environment of an application's processes, merged from application and deployment. */
import { isRecord } from "./schema-types.ts";

type Env = Readonly<Record<string, unknown>>;

/** The deployment's runtime env over the application's, key by key; `env_vars` are merged one level deeper. */
export function mergeRuntimeEnv(application: Env | undefined, deployment: Env | undefined): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...application, ...deployment };
  const vars = { ...envVars(application), ...envVars(deployment) };
  return Object.keys(vars).length === 0 ? merged : { ...merged, env_vars: vars };
}

/** Environment variables of a replica: the application's `env_vars` and, over them, its `ray_actor_options`' ones. */
export function replicaEnv(application: Env | undefined, rayActorOptions: Env): Record<string, string> {
  const own = rayActorOptions.runtime_env;
  const vars = envVars(mergeRuntimeEnv(application, isRecord(own) ? own : undefined));
  return Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, String(value)]));
}

function envVars(env: Env | undefined): Record<string, unknown> {
  const vars = env?.env_vars;
  return isRecord(vars) ? vars : {};
}
