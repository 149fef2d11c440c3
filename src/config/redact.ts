/** What of a config may be shown, and how a shown config is taken back. */
import { isRecord } from "./schema-types.ts";
import type { ApplicationConfig, DeploymentOverride, HttpOptions } from "./types.ts";

/** Stands for a value that is kept from the reader. */
export const REDACTED = "<redacted>";

/** The config for a reader: values of `env_vars` are {@link REDACTED} unless `revealEnv`. The input is left alone. */
export function redactConfig(app: ApplicationConfig, options: { revealEnv: boolean }): ApplicationConfig {
  return options.revealEnv ? app : mapEnvVars(app, () => REDACTED);
}

/** HTTP options for a reader: `ssl_keyfile_password` is null, whatever it was. */
export function redactHttpOptions<T extends HttpOptions>(http: T): T {
  return Object.hasOwn(http, "ssl_keyfile_password") ? { ...http, ssl_keyfile_password: null } : http;
}

/**
 * The config as it was meant: each {@link REDACTED} in `next` is what `old` holds at the same place (same deployment
 * name, same variable). Where `old` has nothing, the text stays as it is.
 */
export function restoreRedacted(next: ApplicationConfig, old: ApplicationConfig | undefined): ApplicationConfig {
  if (!old) return next;
  return mapEnvVars(next, (value, variable, deployment) => {
    if (value !== REDACTED) return value;
    const env = deployment === undefined ? old.runtime_env : deploymentEnv(old, deployment);
    const vars = env?.env_vars;
    return isRecord(vars) && Object.hasOwn(vars, variable) ? vars[variable] : value;
  });
}

function deploymentEnv(app: ApplicationConfig, name: string): Record<string, unknown> | undefined {
  // Later entries of the same name win, as they do when the config is applied.
  const entry = (app.deployments ?? []).findLast((item) => item.name === name && item.ray_actor_options !== undefined);
  const env = entry?.ray_actor_options?.runtime_env;
  return isRecord(env) ? env : undefined;
}

type EnvMap = (value: unknown, variable: string, deployment: string | undefined) => unknown;

function mapEnvVars(app: ApplicationConfig, map: EnvMap): ApplicationConfig {
  const inEnv = (env: Record<string, unknown>, deployment?: string): Record<string, unknown> => {
    const vars = env.env_vars;
    if (!isRecord(vars)) return env;
    const mapped = Object.entries(vars).map(([name, value]) => [name, map(value, name, deployment)]);
    return { ...env, env_vars: Object.fromEntries(mapped) };
  };
  const inDeployment = (item: DeploymentOverride): DeploymentOverride => {
    const env = item.ray_actor_options?.runtime_env;
    if (!isRecord(env)) return item;
    return { ...item, ray_actor_options: { ...item.ray_actor_options, runtime_env: inEnv(env, item.name) } };
  };
  return {
    ...app,
    ...(app.runtime_env ? { runtime_env: inEnv(app.runtime_env) } : {}),
    ...(app.deployments ? { deployments: app.deployments.map(inDeployment) } : {}),
  };
}
