import type { DeploymentRecord, ReplicaRecord } from "./records.ts";
import { isRoutable } from "./replica-state.ts";

/** What a deployment does next to its replicas. */
export interface RolloutPlan {
  /** How many replicas of the present version to start. */
  readonly start: number;
  /** Ids to stop with grace. */
  readonly stop: readonly string[];
  /** Ids to stop at once: they never served. */
  readonly kill: readonly string[];
  /** Ids to reconfigure in place. */
  readonly reconfigure: readonly string[];
}

const NOTHING: RolloutPlan = { start: 0, stop: [], kill: [], reconfigure: [] };

/** Start attempts a deployment gets in a row; the reference's 3 a replica, capped by the code's own limit. */
export function failureThreshold(deployment: DeploymentRecord): number {
  return Math.min(deployment.config.max_constructor_retry_count, deployment.target.replicas * 3);
}

/** Whether the controller has stopped trying: nothing more is started until the deployment changes. */
export function hasGivenUp(deployment: DeploymentRecord): boolean {
  if (deployment.rollout === "failed") return true;
  if (deployment.target.replicas === 0 || deployment.failures < failureThreshold(deployment)) return false;
  return !deployment.everRan;
}

/**
 * Decides starts, stops and reconfigurations (spec/control-plane.md 4.7), from the present replicas alone.
 *
 * - Scale-down: not yet serving first, then the newest.
 * - Rolling update without surge: up to `rollout = max(floor(rolling_update_percentage × target), 1)` replicas may be
 *   missing at a time; the last serving replica never leaves before its successor serves (T14, a fix), so one
 *   replica is updated by starting the new one first.
 * - With `max_surge_percent`: new ones first, up to target + surge; old ones leave while more than target serve.
 *
 * Example: target 5, 20 % → rollout 1. Five old run: pending 0, budget 1 → stop one, start one. One new starting, four
 * old: pending = 5 - 0 - 4 = 1, budget 0 → wait.
 */
export function planRollout(deployment: DeploymentRecord, replicas: readonly ReplicaRecord[]): RolloutPlan {
  const live = replicas.filter((replica) => replica.state.kind !== "stopping");
  if (deployment.deleting) return stopThese(live);
  const target = deployment.target.replicas;
  const current = live.filter((replica) => replica.version.restart === deployment.version.restart);
  const old = live.filter((replica) => replica.version.restart !== deployment.version.restart);
  const mayStart = !hasGivenUp(deployment);

  if (old.length === 0 || !mayStart) {
    const excess = live.length - target;
    if (excess > 0) return stopThese(victims(live, excess));
    return {
      ...NOTHING,
      start: mayStart ? target - live.length : 0,
      reconfigure: mayStart ? toReconfigure(deployment, current) : [],
    };
  }
  // Old replicas that never served are of no use to anyone.
  const unready = old.filter((replica) => !isRoutable(replica.state));
  const oldServing = old.filter((replica) => isRoutable(replica.state));
  const servingCount = oldServing.length + current.filter((replica) => isRoutable(replica.state)).length;
  const liveAfter = live.length - unready.length;
  const surge = surgeCount(deployment);
  const rollout = rolloutStep(deployment);

  let stopCount: number;
  let start: number;
  if (surge > 0) {
    start = Math.max(0, Math.min(target - current.length, target + surge - liveAfter));
    stopCount = Math.min(rollout, Math.max(0, servingCount - target));
  } else {
    const running = servingCount - oldServing.length;
    const pending = target - running - oldServing.length;
    const budget = Math.max(rollout - Math.max(pending, 0), 0);
    // More serve than wanted: a scale-down goes on beside the update.
    const excess = Math.max(0, liveAfter - target);
    stopCount = Math.min(Math.max(budget, excess), target > 0 ? servingCount - 1 : servingCount);
    start = Math.max(0, target - (liveAfter - Math.max(0, Math.min(stopCount, oldServing.length))));
  }
  const stops = victims(oldServing, Math.max(0, stopCount)).map((replica) => replica.id);
  return { start, stop: stops, kill: unready.map((replica) => replica.id), reconfigure: [] };
}

/** Replicas that may be missing at a time during an update. */
function rolloutStep(deployment: DeploymentRecord): number {
  return Math.max(Math.floor(deployment.config.rolling_update_percentage * deployment.target.replicas), 1);
}

/** Replicas above the target while updating. One replica always surges, or nobody would serve meanwhile. */
function surgeCount(deployment: DeploymentRecord): number {
  const target = deployment.target.replicas;
  const configured = Math.ceil((target * deployment.config.max_surge_percent) / 100);
  return configured === 0 && target === 1 ? 1 : configured;
}

/** Running replicas with older settings, as many as may be missing beside those that are not up yet. */
function toReconfigure(deployment: DeploymentRecord, current: readonly ReplicaRecord[]): string[] {
  const { settings } = deployment.version;
  const older = current.filter((replica) => replica.state.kind !== "updating" && replica.version.settings !== settings);
  const done = current.filter((replica) => replica.state.kind === "running" && replica.version.settings === settings);
  const pending = Math.max(0, deployment.target.replicas - done.length - older.length);
  return older
    .filter((replica) => replica.state.kind === "running")
    .slice(0, Math.max(0, rolloutStep(deployment) - pending))
    .map((replica) => replica.id);
}

/** Who leaves first: those that do not serve yet, then the newest. */
function victims(candidates: readonly ReplicaRecord[], count: number): ReplicaRecord[] {
  return [...candidates]
    .sort(
      (a, b) =>
        Number(isRoutable(a.state)) - Number(isRoutable(b.state)) ||
        b.startedAt - a.startedAt ||
        (a.id < b.id ? 1 : -1),
    )
    .slice(0, count);
}

function stopThese(replicas: readonly ReplicaRecord[]): RolloutPlan {
  return {
    ...NOTHING,
    stop: replicas.filter((replica) => isRoutable(replica.state)).map((replica) => replica.id),
    kill: replicas.filter((replica) => !isRoutable(replica.state)).map((replica) => replica.id),
  };
}
