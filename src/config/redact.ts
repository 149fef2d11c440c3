/** What of a config may be shown, and how a shown config is taken back. */
import { withoutSecrets } from "../core/uri.ts";
import { mapQueueUrls } from "./redact-policy.ts";
import { isRecord } from "./schema-types.ts";
import type { ApplicationConfig, DeploymentOverride, HttpOptions } from "./types.ts";

/** Stands for a value that is kept from the reader. */
export const REDACTED = "<redacted>";

/**
 * The config for a reader: values of `env_vars` are {@link REDACTED} unless `revealEnv`, secrets in the URI of a
 * `working_dir` and in those of a message broker always. The input is left alone.
 */
export function redactConfig(app: ApplicationConfig, { revealEnv }: { revealEnv: boolean }): ApplicationConfig {
  return mapPolicies(
    mapEnvs(app, (env) => redactEnv(env, revealEnv)),
    withoutSecrets,
  );
}

/** One runtime env for a reader, as in {@link redactConfig}. */
export function redactEnv(env: Env, revealEnv: boolean): Env {
  return mapWorkingDir(revealEnv ? env : mapVars(env, () => REDACTED), withoutSecrets);
}

/** HTTP options for a reader: `ssl_keyfile_password` is null, whatever it was. */
export function redactHttpOptions<T extends HttpOptions>(http: T): T {
  return Object.hasOwn(http, "ssl_keyfile_password") ? { ...http, ssl_keyfile_password: null } : http;
}

/**
 * The config as it was meant: each {@link REDACTED} in `next`, and each URI as it is shown, is what `old` holds at the
 * same place (same deployment name, same variable). Where `old` has nothing, the text stays as it is.
 */
export function restoreRedacted(next: ApplicationConfig, old: ApplicationConfig | undefined): ApplicationConfig {
  if (!old) return next;
  const meant = mapPolicies(next, (shown, deployment, path) => {
    const entries = (old.deployments ?? []).filter(({ name }) => name === deployment);
    const before = entries.map((entry) => valueAt(entry, path)).findLast((value) => value !== undefined);
    return typeof before === "string" && shown === withoutSecrets(before) ? before : shown;
  });
  return mapEnvs(meant, (env, deployment) => {
    const before = deployment === undefined ? old.runtime_env : deploymentEnv(old, deployment);
    const { env_vars: vars, working_dir: uri } = before ?? {};
    const restored = mapVars(env, (value, variable) =>
      value === REDACTED && isRecord(vars) && Object.hasOwn(vars, variable) ? vars[variable] : value,
    );
    return mapWorkingDir(restored, (shown) => (typeof uri === "string" && shown === withoutSecrets(uri) ? uri : shown));
  });
}

function deploymentEnv(app: ApplicationConfig, name: string): Record<string, unknown> | undefined {
  // Later entries of the same name win, as they do when the config is applied.
  const entry = (app.deployments ?? []).findLast((item) => item.name === name && item.ray_actor_options !== undefined);
  const env = entry?.ray_actor_options?.runtime_env;
  return isRecord(env) ? env : undefined;
}

type Env = Record<string, unknown>;

function mapVars(env: Env, map: (value: unknown, variable: string) => unknown): Env {
  const vars = env.env_vars;
  if (!isRecord(vars)) return env;
  const mapped = Object.entries(vars).map(([name, value]) => [name, map(value, name)]);
  return { ...env, env_vars: Object.fromEntries(mapped) };
}

function mapWorkingDir(env: Env, map: (uri: string) => string): Env {
  const uri = env.working_dir;
  return typeof uri === "string" ? { ...env, working_dir: map(uri) } : env;
}

function mapEnvs(app: ApplicationConfig, map: (env: Env, deployment?: string) => Env): ApplicationConfig {
  const inDeployment = (item: DeploymentOverride): DeploymentOverride => {
    const env = item.ray_actor_options?.runtime_env;
    if (!isRecord(env)) return item;
    return { ...item, ray_actor_options: { ...item.ray_actor_options, runtime_env: map(env, item.name) } };
  };
  return {
    ...app,
    ...(app.runtime_env ? { runtime_env: map(app.runtime_env) } : {}),
    ...(app.deployments ? { deployments: app.deployments.map(inDeployment) } : {}),
  };
}

function mapPolicies(
  app: ApplicationConfig,
  map: (url: string, deployment: string, path: readonly string[]) => string,
): ApplicationConfig {
  if (!app.deployments) return app;
  const deployments = app.deployments.map((item) => mapQueueUrls(item, (url, path) => map(url, item.name, path)));
  return { ...app, deployments };
}

function valueAt(from: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, step) => (isRecord(value) ? value[step] : undefined), from);
}
