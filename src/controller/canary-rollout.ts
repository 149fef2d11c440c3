import type { DeploymentRecord, DeploymentVersion, ReplicaRecord } from "./records.ts";
import { isRoutable } from "./replica-state.ts";
import { hasGivenUp, victims } from "./rollout.ts";

/** What a deployment of which two revisions run does next to its replicas. */
export interface CanaryPlan {
  /** How many replicas of the stable version to start. */
  readonly startStable: number;
  /** How many of the present version, the canary's. */
  readonly startCanary: number;
  /** Ids to stop with grace. */
  readonly stop: readonly string[];
  /** Ids to stop at once: they never served. */
  readonly kill: readonly string[];
}

/**
 * Keeps `target` replicas of the stable version and `canaries` of the present one beside them, so that going back needs
 * no start. What is of neither version leaves as the stable ones come. No canary is started once its starts were given up.
 */
export function planCanary(
  deployment: DeploymentRecord & { readonly stable: NonNullable<DeploymentRecord["stable"]> },
  replicas: readonly ReplicaRecord[],
  canaries: number,
): CanaryPlan {
  const live = replicas.filter(({ state }) => state.kind !== "stopping");
  const stable = live.filter(({ version }) => sameVersion(version, deployment.stable.version));
  const canary = live.filter(({ version }) => sameVersion(version, deployment.version));
  const others = live.filter((replica) => !stable.includes(replica) && !canary.includes(replica));
  const target = deployment.target.replicas;
  // What is of neither version may serve until the stable ones are up.
  const stableServing = stable.filter(({ state }) => isRoutable(state)).length;
  const dispensable = victims(others, Math.max(0, others.length + stableServing - target));
  const leaving = [
    ...victims(stable, Math.max(0, stable.length - target)),
    ...victims(canary, Math.max(0, canary.length - canaries)),
    ...dispensable,
  ];
  return {
    startStable: Math.max(0, target - stable.length),
    startCanary: !hasGivenUp(deployment) ? Math.max(0, canaries - canary.length) : 0,
    stop: leaving.filter(({ state }) => isRoutable(state)).map(({ id }) => id),
    kill: leaving.filter(({ state }) => !isRoutable(state)).map(({ id }) => id),
  };
}

/** Whether two versions are the same code with the same settings. */
export function sameVersion(a: DeploymentVersion, b: DeploymentVersion): boolean {
  return a.restart === b.restart && a.settings === b.settings;
}
