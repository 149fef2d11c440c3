/** Which fields differ between two configs, by path. Values are never shown: they may be secrets. */

import { formatPath } from "../config/describe.ts";
import { policyCode } from "../config/policy-kwargs.ts";
import { isRecord } from "../config/schema-types.ts";
import type { ApplicationConfig } from "../config/types.ts";
import { stableJson } from "../config/versions.ts";
import type { ApplicationRecord, BuiltApplication, DeploymentRecord } from "./records.ts";

/** What an application's deployments are made of, before or after a write. */
export interface Origin {
  readonly application: ApplicationRecord;
  /** The config that `application.built` was built with; undefined where nobody knows it any more. */
  readonly builtFrom: ApplicationConfig | undefined;
}

/** Paths of what differs between two states of a deployment, sorted, `code` first. */
export function deploymentChanges(
  before: DeploymentRecord,
  after: DeploymentRecord,
  from: Origin,
  to: Origin,
  capacityChanged: boolean,
): string[] {
  const found = new Set(differingPaths(before.config, after.config));
  if (before.version.restart !== after.version.restart) {
    for (const path of inputChanges(from, to, after.name)) {
      found.add(path);
      // The same variables, as the deployment has them.
      found.delete(`ray_actor_options.${path}`);
    }
    if (codeOf(from.application.built) !== codeOf(to.application.built)) found.add("code");
  }
  if (after.ingress && from.application.routePrefix !== to.application.routePrefix) found.add("route_prefix");
  if (before.ingress !== after.ingress) found.add("ingress");
  if (capacityChanged && before.target.replicas !== after.target.replicas) found.add("target_capacity");
  // Said outright what was the default before, or the reverse: it makes a new generation.
  for (const name of onlyInOne(before.userConfigured, after.userConfigured)) {
    if (![...found].some((path) => path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}[`))) {
      found.add(name);
    }
  }
  return [...found].sort((a, b) => Number(b === "code") - Number(a === "code") || (a < b ? -1 : 1));
}

/** Tells the sources of two builds apart: bundle and zips; "" where nothing is built. */
export function codeOf(built: BuiltApplication | null): string {
  if (built === null) return "";
  const folders = Object.entries(built.workingDirs ?? {}).map(([uri, { hash }]) => [uri, hash]);
  return stableJson([built.bundleHash, folders.sort()]);
}

/** Paths of what differs between two values, objects looked into, lists compared whole. */
export function differingPaths(before: unknown, after: unknown, steps: readonly string[] = []): string[] {
  if (before === after) return [];
  const [left, right] = [orNothing(before, after), orNothing(after, before)];
  if (isRecord(left) && isRecord(right)) {
    const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])].sort();
    const paths = keys.flatMap((key) => differingPaths(left[key], right[key], [...steps, key]));
    if (paths.length > 0 || (before !== undefined && after !== undefined)) return paths;
  }
  return stableJson(before ?? null) === stableJson(after ?? null) ? [] : [formatPath([...steps])];
}

/** What is absent beside an object is an empty one. */
function orNothing(value: unknown, other: unknown): unknown {
  return value === undefined && isRecord(other) ? {} : value;
}

/** What of an application's config goes into its build, and so makes all its replicas anew. */
function inputChanges(from: Origin, to: Origin, deployment: string): string[] {
  const [before, after] = [from.application.built, to.application.built];
  if (before === null || after === null || before.inputsHash === after.inputsHash) return [];
  if (from.builtFrom === undefined) return ["config"];
  return differingPaths(inputsOf(from.builtFrom, deployment), inputsOf(to.application.config, deployment));
}

function inputsOf(config: ApplicationConfig, deployment: string): Record<string, unknown> {
  const { import_path, args = {}, runtime_env = {}, autoscaling_policy = null } = config;
  const others = (config.deployments ?? [])
    .filter(({ name }) => name !== deployment)
    .map(({ name, autoscaling_config, request_router_config = null, deployment_actors = null }) => {
      const policy = policyCode(autoscaling_config?.policy);
      return [name, { autoscaling_config: { policy }, request_router_config, deployment_actors }] as const;
    })
    .filter(([, { autoscaling_config, request_router_config, deployment_actors }]) =>
      [autoscaling_config.policy, request_router_config, deployment_actors].some((value) => value !== null),
    );
  return { import_path, args, runtime_env, autoscaling_policy, deployments: Object.fromEntries(others) };
}

function onlyInOne(a: readonly string[], b: readonly string[]): string[] {
  return [...a.filter((each) => !b.includes(each)), ...b.filter((each) => !a.includes(each))];
}
