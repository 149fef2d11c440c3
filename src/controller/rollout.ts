import { rolloutLimits } from "../config/rollout.ts";
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

/**
 * How many of these, in this order, must leave before the node has room for a waiting replica of the present version;
 * 0 where it has, and where no number would do.
 */
export type LeaversNeeded = (candidates: readonly ReplicaRecord[]) => number;

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
 * Decides starts, stops and reconfigurations (spec/control-plane.md 4.7), from the present replicas alone. A replica
 * that waits for room counts as one that starts.
 *
 * - Scale-down: not yet serving first (of these the waiting ones), then the newest.
 * - Update: never more live replicas than target + surge, never fewer ready ones than target - unavailable; where only
 *   the reference's `max_surge_percent` is given, nobody leaves while not more than the target serve. Draining
 *   replicas are not counted. Which numbers: config/rollout.ts.
 * - The last serving replica never leaves before its successor serves (T14, a fix), so a single replica is updated by
 *   starting the new one first, whatever the limits.
 * - Unless the node has no room for any successor: then as many leave as one takes (`leaversNeeded`). For successors
 *   that would not fit on the empty node (`successorsFit` false) nobody leaves.
 *
 * Example: target 5, unavailable 1, surge 0. Five old run: one may leave → stop one, start one. One new starting, four
 * old: none may leave → wait.
 */
export function planRollout(
  deployment: DeploymentRecord,
  replicas: readonly ReplicaRecord[],
  leaversNeeded: LeaversNeeded = () => 0,
  successorsFit = true,
): RolloutPlan {
  const live = replicas.filter((replica) => replica.state.kind !== "stopping");
  if (deployment.deleting) return stopThese(live);
  const target = deployment.target.replicas;
  if (hasGivenUp(deployment)) {
    const started = live.filter(({ state }) => state.kind !== "waiting");
    const waiting = live.filter(({ state }) => state.kind === "waiting");
    return stopThese([...waiting, ...victims(started, Math.max(0, started.length - target))]);
  }
  const current = live.filter((replica) => replica.version.restart === deployment.version.restart);
  const old = live.filter((replica) => replica.version.restart !== deployment.version.restart);
  if (old.length === 0) {
    const excess = live.length - target;
    if (excess > 0) return stopThese(victims(live, excess));
    return { ...NOTHING, start: target - live.length, reconfigure: toReconfigure(deployment, current) };
  }
  // Old replicas that never served are of no use to anyone, nor are new ones above the target.
  const unready = old.filter((replica) => !isRoutable(replica.state));
  const surplus = victims(current, Math.max(0, current.length - target));
  const kept = current.filter((replica) => !surplus.includes(replica));
  const oldServing = victims(old, old.length).filter((replica) => isRoutable(replica.state));
  const serving = oldServing.length + kept.filter((replica) => isRoutable(replica.state)).length;
  const { minReady, maxLive } = bounds(deployment);

  // Nobody makes way for successors that the node could never hold.
  const least = successorsFit ? minReady : target;
  let stopCount = Math.min(oldServing.length, Math.max(0, serving - least));
  const coming = kept.filter((replica) => !isRoutable(replica.state));
  const stuck = coming.length > 0 && coming.every(({ state }) => state.kind === "waiting");
  if (stopCount === 0 && stuck) stopCount = leaversNeeded(oldServing);
  const liveAfter = kept.length + oldServing.length - stopCount;
  // One of those that cannot be held waits all the same, to say so.
  const most = successorsFit ? maxLive : Math.max(maxLive, target + 1);
  const start = Math.max(0, Math.min(target - kept.length, most - liveAfter));
  const leaving = stopThese([...unready, ...surplus]);
  return {
    ...leaving,
    start,
    stop: [...leaving.stop, ...oldServing.slice(0, stopCount).map((replica) => replica.id)],
  };
}

/** Between how many ready and how many live replicas an update moves. */
function bounds({ config, target: { replicas: target } }: DeploymentRecord): { minReady: number; maxLive: number } {
  const { surge, unavailable } = rolloutLimits(config, target);
  const ours = config.rollout?.max_surge !== undefined || config.rollout?.max_unavailable !== undefined;
  const missing = ours || surge === 0 ? unavailable : 0;
  return {
    minReady: Math.max(target - missing, Math.min(target, 1)),
    maxLive: target + (target === 1 ? Math.max(surge, 1) : surge),
  };
}

/** Running replicas with older settings, as many as may be missing beside those that are not up yet. */
function toReconfigure(deployment: DeploymentRecord, current: readonly ReplicaRecord[]): string[] {
  const { settings } = deployment.version;
  const older = current.filter((replica) => replica.state.kind !== "updating" && replica.version.settings !== settings);
  const done = current.filter((replica) => replica.state.kind === "running" && replica.version.settings === settings);
  const target = deployment.target.replicas;
  const pending = Math.max(0, target - done.length - older.length);
  const atOnce = Math.max(1, rolloutLimits(deployment.config, target).unavailable);
  return older
    .filter((replica) => replica.state.kind === "running")
    .slice(0, Math.max(0, atOnce - pending))
    .map((replica) => replica.id);
}

/** Who leaves first: those that wait, then those that do not serve yet, then the newest. */
export function victims(candidates: readonly ReplicaRecord[], count: number): ReplicaRecord[] {
  const rank = ({ state }: ReplicaRecord): number => (state.kind === "waiting" ? 0 : isRoutable(state) ? 2 : 1);
  return [...candidates]
    .sort((a, b) => rank(a) - rank(b) || b.startedAt - a.startedAt || (a.id < b.id ? 1 : -1))
    .slice(0, count);
}

function stopThese(replicas: readonly ReplicaRecord[]): RolloutPlan {
  return {
    ...NOTHING,
    stop: replicas.filter((replica) => isRoutable(replica.state)).map((replica) => replica.id),
    kill: replicas.filter((replica) => !isRoutable(replica.state)).map((replica) => replica.id),
  };
}
