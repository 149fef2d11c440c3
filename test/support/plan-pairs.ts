/** Random configs that differ from each other by all that a plan tells apart. */
import type { ApplicationConfig, DeploymentOverride, ReplicaAmount } from "../../src/config/types.ts";
import type { Random } from "../../src/core/random.ts";
import { randomInt } from "../../src/core/random.ts";
import type { SimulatedApplication } from "./simulated-engine.ts";

/** A whole desired state, and the sources it is built from. */
export interface GeneratedState {
  readonly applications: ApplicationConfig[];
  readonly target_capacity: number | null;
  /** By import path. */
  readonly sources: ReadonlyMap<string, SimulatedApplication>;
}

type Pick = <T>(...values: readonly T[]) => T;

/** The first state, or one that differs from `before` in a few things. */
export function generateState(random: Random, before?: GeneratedState): GeneratedState {
  const pick: Pick = (...values) => values[randomInt(random, values.length)]!;
  const names = before === undefined ? ["a", "b"] : before.applications.map(({ name }) => name!);
  const kept = pick(true, true, true, true, false) ? names : names.filter(() => pick(true, true, false));
  const added = ["a", "b", "c"].filter((name) => !kept.includes(name) && pick(true, false, false, false));
  const applications: ApplicationConfig[] = [];
  const sources = new Map<string, SimulatedApplication>();
  for (const name of [...kept, ...added]) {
    const earlier = before?.applications.find((each) => each.name === name);
    const code = before?.sources.get(`${name}:app`);
    const source = code && pick(true, true, true, false) ? code : newSource(pick);
    const application = earlier ? changed(earlier, pick) : newApplication(name, pick);
    const known = new Set(source.deployments.map((deployment) => deployment.name));
    applications.push({ ...application, deployments: application.deployments!.filter((each) => known.has(each.name)) });
    sources.set(`${name}:app`, source);
  }
  const capacity = before?.target_capacity ?? null;
  return {
    applications,
    target_capacity: pick(true, false, false, false, false, false) ? pick(null, 50, 100) : capacity,
    sources,
  };
}

function newSource(pick: Pick): SimulatedApplication {
  const others = pick([], ["E"], ["E"], ["E", "F"]);
  const deployments = [
    { name: "D", outbound: [...others] },
    ...others.map((name) => ({ name, ...(pick(true, false) ? { options: { num_replicas: pick(1, 2, 3) } } : {}) })),
  ];
  return { deployments, ingress: "D", hash: `${pick("h1", "h2")} of ${JSON.stringify(deployments)}` };
}

function newApplication(name: string, pick: Pick): ApplicationConfig {
  return {
    name,
    route_prefix: `/${name}`,
    import_path: `${name}:app`,
    external_scaler_enabled: true,
    deployments: [newDeployment("D", pick), newDeployment("E", pick)],
  };
}

function newDeployment(name: string, pick: Pick): DeploymentOverride {
  return { name, num_replicas: pick(0, 1, 2, 3, 4, 6), rolling_update_percentage: pick(0.2, 0.34, 0.5, 1) };
}

function changed(application: ApplicationConfig, pick: Pick): ApplicationConfig {
  const deployments = application.deployments!.map((each) =>
    pick(true, false) ? changedDeployment(each, pick) : each,
  );
  const names = new Set(deployments.map(({ name }) => name));
  for (const name of ["D", "E", "F"]) {
    if (!names.has(name) && pick(true, false, false)) deployments.push(newDeployment(name, pick));
  }
  const next: ApplicationConfig = { ...application, deployments };
  const change = pick("nothing", "nothing", "nothing", "prefix", "args", "env", "scaler");
  if (change === "prefix") next.route_prefix = `/${application.name}${pick("", "x", "y")}`;
  if (change === "args") next.args = { n: pick(1, 2) };
  if (change === "env") next.runtime_env = { env_vars: { A: pick("1", "2") } };
  if (change === "scaler") next.external_scaler_enabled = pick(true, false);
  return next;
}

function changedDeployment(before: DeploymentOverride, pick: Pick): DeploymentOverride {
  const { rollout: _rollout, max_surge_percent: _surge, rolling_update_percentage: _percentage, ...rest } = before;
  const parts: DeploymentOverride[] = [
    { ...before, num_replicas: pick(0, 1, 2, 3, 4, 5, 6) },
    { ...before, num_replicas: pick(1, 2, 5) },
    { ...before, user_config: { threshold: pick(1, 2, 3) } },
    { ...before, max_ongoing_requests: pick(5, 10, 20) },
    { ...before, max_queued_requests: pick(-1, 10) },
    { ...before, graceful_shutdown_timeout_s: pick(5, 20) },
    { ...before, health_check_period_s: pick(10, 20) },
    { ...before, ray_actor_options: { num_cpus: pick(0.5, 1) } },
    { ...before, ray_actor_options: { runtime_env: { env_vars: { B: pick("1", "2") } } } },
    {
      ...rest,
      rollout: {
        max_surge: pick<number | string>(0, 1, "50%") as ReplicaAmount,
        max_unavailable: pick<number | string>(1, 2, "50%") as ReplicaAmount,
      },
    },
    { ...rest, max_surge_percent: pick(0, 25, 100), rolling_update_percentage: pick(0.2, 0.5, 1) },
  ];
  const once = parts[pick(...parts.keys())]!;
  // Two at a time as well: a count beside settings, settings beside code.
  return pick(true, false, false) ? changedDeployment(once, pick) : once;
}
