import type { EffectiveDeploymentConfig } from "../config/types.ts";
import type { Random } from "../core/random.ts";
import { randomId } from "../core/random.ts";
import { planCanary, sameVersion } from "./canary-rollout.ts";
import type { DeploymentStatusInfo, InternalTrigger } from "./deployment-status.ts";
import { transitionDeployment } from "./deployment-status.ts";
import { deadlineWake, freezeOverdue, noteProgress } from "./progress-state.ts";
import type { DeploymentRecord, DeploymentVersion, ReplicaRecord, ReplicaStateName } from "./records.ts";
import { replicaStateName } from "./records.ts";
import type { ReplicaAction, ReplicaFact } from "./replica-state.ts";
import { replicaDeadline, stepReplica } from "./replica-state.ts";
import { isLimited, needsOf } from "./resources.ts";
import { failureThreshold, hasGivenUp, planRollout } from "./rollout.ts";
import { couldFit, ENDLESS, leaversFor, type NodeView, remarkWaiting, roomFor } from "./waiting.ts";

/** What the reconciler is to do for a deployment. */
export type DeploymentAction =
  | ReplicaAction
  | { readonly kind: "start"; readonly replica: ReplicaRecord }
  | { readonly kind: "reconfigure"; readonly replica: ReplicaRecord };

export interface DeploymentStep {
  /** null: deleted, nothing of it is left. */
  readonly deployment: DeploymentRecord | null;
  /** The replicas after the step; those that are gone are absent. */
  readonly replicas: readonly ReplicaRecord[];
  readonly actions: readonly DeploymentAction[];
  /** When to step again if nothing happens; epoch ms, Infinity for never. */
  readonly wakeAt: number;
}

/** Chooses the sockets of a new replica. */
export type SocketPaths = (replicaId: string) => { dataSocket: string; controlSocket: string };

/** A start that takes longer is remarked on; the reference's SLOW_STARTUP_WARNING_S. */
export const SLOW_START_MS = 30_000;

/** The reference's RETAINED_DEAD_REPLICAS. */
const RECENT_DEAD_LIMIT = 10;

/** Brings the replicas of a deployment one step nearer to what is desired, and its status up to date. */
export function stepDeployment(input: {
  readonly deployment: DeploymentRecord;
  readonly replicas: readonly ReplicaRecord[];
  readonly now: number;
  readonly random: Random;
  readonly sockets: SocketPaths;
  /** Absent: nothing limits. */
  readonly node?: NodeView;
  /** While a canary is tried (`deployment.stable`): how many replicas run it. Default: 0. */
  readonly canaries?: number;
}): DeploymentStep {
  const { now, node = ENDLESS } = input;
  let deployment = input.deployment;
  const actions: DeploymentAction[] = [];
  const replicas = new Map<string, ReplicaRecord>();
  for (const replica of input.replicas) {
    const step = stepReplica(replica, { kind: "tick" }, now);
    actions.push(...step.actions);
    if (step.replica) replicas.set(replica.id, step.replica);
    if (step.fact) deployment = applyFact(deployment, replica, step.fact, [...replicas.values()], now);
  }

  const present = [...replicas.values()];
  const { stable } = deployment;
  const canary =
    stable === undefined || deployment.deleting
      ? undefined
      : planCanary({ ...deployment, stable }, present, input.canaries ?? 0);
  const plan =
    canary === undefined
      ? planRollout(deployment, present, leaversFor(deployment, present, node), couldFit(deployment, node))
      : { ...canary, start: canary.startCanary, reconfigure: [] };
  const stop = (id: string, timeoutMs: number): void => {
    const step = stepReplica(replicas.get(id)!, { kind: "stop", timeoutMs }, now);
    actions.push(...step.actions);
    if (step.replica) replicas.set(id, step.replica);
    else replicas.delete(id);
  };
  for (const id of plan.kill) stop(id, 0);
  for (const id of plan.stop) stop(id, deployment.config.graceful_shutdown_timeout_s * 1000);
  for (const id of plan.reconfigure) {
    const replica = replicas.get(id)!;
    const updating: ReplicaRecord = {
      ...replica,
      state: { kind: "updating", since: now, to: deployment.version },
      updatedAt: now,
    };
    replicas.set(id, updating);
    actions.push({ kind: "reconfigure", replica: updating });
  }
  // A start from here on is decided on the node as it is after the stops: what stops is there until it is gone.
  const room = roomFor(deployment, [...replicas.values()], node, now);
  const startIfRoom = (replica: ReplicaRecord): void => {
    const mayTake = node.mayTake || !isHeldBack(deployment, replica, node);
    const started = mayTake ? room.begin(replica) : undefined;
    replicas.set(replica.id, started ?? replica);
    if (started) actions.push({ kind: "start", replica: started });
  };
  for (const replica of replicas.values()) {
    if (replica.state.kind === "waiting") startIfRoom(withPresentSettings(replica, deployment));
  }
  for (let i = 0; i < (canary?.startStable ?? 0); i++) {
    startIfRoom(newReplica(deployment, stable!.version, input));
  }
  for (let i = 0; i < plan.start; i++) {
    startIfRoom(newReplica(deployment, deployment.version, input));
  }

  const remaining = [...replicas.values()];
  if (deployment.deleting && remaining.length === 0) {
    return { deployment: null, replicas: [], actions, wakeAt: Infinity };
  }
  if (isSettled(deployment, remaining)) {
    // Scaled to zero, one that never came up has not been mended; the next scale-up tries afresh.
    const { status, target, everRan } = deployment;
    const provesNothing = status === "DEPLOY_FAILED" && target.replicas === 0 && !everRan;
    if (!provesNothing) deployment = moved(deployment, { kind: "HEALTHY" }, now);
    if (deployment.failures !== 0 || deployment.rollout === "active") {
      deployment = { ...deployment, failures: 0, rollout: "none", lastError: "" };
    }
    // An update that was taken back may find its replicas running.
    if (!deployment.everRan && remaining.length > 0) deployment = { ...deployment, everRan: true };
  }
  // That some wait is said when the turn has handed out all room.
  if (!remaining.some(({ state }) => state.kind === "waiting")) {
    deployment = remarkWaiting(deployment, remaining, node, now);
  }
  deployment = freezeOverdue(remarkSlowStart(deployment, remaining, now), now);
  deployment = { ...deployment, observedGeneration: deployment.generation, replicaCounts: countStates(remaining) };
  const wakeAt = Math.min(nextWake(remaining, now), deadlineWake(deployment, now));
  return { deployment, replicas: remaining, actions, wakeAt };
}

/** A replica of a version of the deployment, its own or its stable one; it waits until it is given room. */
export function newReplica(
  deployment: DeploymentRecord,
  version: DeploymentVersion,
  context: { readonly now: number; readonly random: Random; readonly sockets: SocketPaths },
): ReplicaRecord {
  const id = randomId(context.random, 8);
  const config = configOf(deployment, version);
  return {
    id,
    application: deployment.application,
    deployment: deployment.name,
    deploymentUid: deployment.uid,
    version,
    state: { kind: "waiting", since: context.now },
    process: null,
    ...context.sockets(id),
    address: "",
    resources: needsOf(config),
    startedAt: context.now,
    updatedAt: context.now,
  };
}

/** The settings of one of the versions that a deployment runs. */
export function configOf({ stable, config }: DeploymentRecord, version: DeploymentVersion): EffectiveDeploymentConfig {
  return stable && sameVersion(version, stable.version) ? stable.config : config;
}

/** Whether a replica may find no room: then those that wait longest come first. */
function isHeldBack(deployment: DeploymentRecord, replica: ReplicaRecord, { capacity }: NodeView): boolean {
  return deployment.config.max_replicas_per_node !== undefined || isLimited(replica.resources ?? {}, capacity);
}

/** One that waits was told nothing yet, so it takes new settings without ado. */
function withPresentSettings(replica: ReplicaRecord, { version, stable }: DeploymentRecord): ReplicaRecord {
  const older =
    stable === undefined &&
    replica.version.restart === version.restart &&
    replica.version.settings !== version.settings;
  return older ? { ...replica, version } : replica;
}

/** Takes in what happened to a replica. `replicas` are those that are left. */
export function applyFact(
  deployment: DeploymentRecord,
  replica: ReplicaRecord,
  fact: ReplicaFact,
  replicas: readonly ReplicaRecord[],
  now: number,
): DeploymentRecord {
  // A replica of an older version, or of an earlier deployment of this name, says nothing about the present one.
  if (replica.deploymentUid !== deployment.uid || replica.version.restart !== deployment.version.restart) {
    return deployment;
  }
  if (deployment.deleting) return deployment;
  // While a canary is tried, it alone is told about; the stable replicas are replaced without further ado.
  if (deployment.stable && sameVersion(replica.version, deployment.stable.version)) return deployment;
  switch (fact.kind) {
    case "started": {
      const { state } = replica;
      // After a restart of the controller it is not known since when it starts.
      const took = state.kind === "starting" ? { lastStartMs: now - state.since } : {};
      return noteProgress({ ...deployment, ...took, everRan: true }, now);
    }
    case "reconfigured":
      return noteProgress(deployment, now);
    case "start-failed": {
      const failed = { ...deployment, failures: deployment.failures + 1, lastError: fact.error };
      return afterFailure(failed, replicas, now);
    }
    case "died": {
      // Until it has the settings of an update, a replica says nothing about it.
      if (deployment.rollout === "active" && settingsOf(replica) !== deployment.version.settings) return deployment;
      const message = `Replica ${replica.id} failed: ${fact.error}. It is being replaced.`;
      if (deployment.stable) {
        const failed = { ...deployment, failures: deployment.failures + 1, lastError: fact.error };
        const counted = afterFailure(failed, replicas, now);
        return counted.rollout === "failed" ? counted : { ...counted, message };
      }
      const unhealthy = moved(deployment, { kind: "HEALTH_CHECK_FAILED", message }, now);
      if (unhealthy.rollout !== "active") return unhealthy;
      return afterFailure({ ...unhealthy, failures: unhealthy.failures + 1, lastError: fact.error }, replicas, now);
    }
  }
}

/** The settings a replica has or is being given. */
function settingsOf({ state, version }: ReplicaRecord): string {
  return state.kind === "updating" ? state.to.settings : version.settings;
}

/** Notes a replica that is gone, for `recent_dead_replicas`. */
export function rememberDead(deployment: DeploymentRecord, replica: ReplicaRecord): DeploymentRecord {
  // Stopped with the deployment that had this name before.
  if (replica.state.kind === "stopping" && replica.state.since < deployment.createdAt) return deployment;
  const dead = { id: replica.id, pid: replica.process?.pid ?? null, startedAt: replica.startedAt };
  return { ...deployment, recentDead: [dead, ...deployment.recentDead].slice(0, RECENT_DEAD_LIMIT) };
}

/** Moves the status; the record stays the same object when the trigger is ignored. */
export function moved(
  deployment: DeploymentRecord,
  event: { readonly kind: InternalTrigger; readonly message?: string },
  now: number,
): DeploymentRecord {
  const from: DeploymentStatusInfo = deployment;
  const to = transitionDeployment(from, event);
  if (to === from) return deployment;
  return { ...deployment, status: to.status, trigger: to.trigger, message: to.message, updatedAt: now };
}

function afterFailure(deployment: DeploymentRecord, replicas: readonly ReplicaRecord[], now: number): DeploymentRecord {
  const threshold = failureThreshold(deployment);
  const { failures, lastError } = deployment;
  if (deployment.rollout === "active" && failures >= threshold) {
    const message = `The update failed to start ${failures} times in a row and is frozen; older replicas serve on. ${lastError}`;
    return moved({ ...deployment, rollout: "failed" }, { kind: "ROLLING_UPDATE_FAILED", message }, now);
  }
  const serves = replicas.some(
    (other) => other.version.restart === deployment.version.restart && other.state.kind === "running",
  );
  if (failures >= threshold && !serves) {
    const message = `Failed to start ${failures} times in a row. ${lastError}`;
    return moved(deployment, { kind: "REPLICA_STARTUP_FAILED", message }, now);
  }
  if (deployment.status === "HEALTHY") return deployment;
  const left = threshold - failures;
  const again = deployment.everRan ? "trying again" : `trying ${left} more ${left === 1 ? "time" : "times"}`;
  return { ...deployment, message: `A replica failed to start, ${again}. ${lastError}`, updatedAt: now };
}

/** As many replicas of the present version as wanted, all serving, and nothing else. */
function isSettled(deployment: DeploymentRecord, replicas: readonly ReplicaRecord[]): boolean {
  return (
    !deployment.deleting &&
    deployment.stable === undefined &&
    replicas.length === deployment.target.replicas &&
    !hasGivenUp(deployment) &&
    replicas.every(
      (replica) =>
        replica.state.kind === "running" &&
        replica.version.restart === deployment.version.restart &&
        replica.version.settings === deployment.version.settings,
    )
  );
}

function remarkSlowStart(
  deployment: DeploymentRecord,
  replicas: readonly ReplicaRecord[],
  now: number,
): DeploymentRecord {
  if (deployment.status === "UNHEALTHY" || deployment.status === "DEPLOY_FAILED" || deployment.deleting) {
    return deployment;
  }
  const slow = replicas.filter(({ state }) => state.kind === "starting" && now - state.since >= SLOW_START_MS).length;
  if (slow === 0) return deployment;
  const message = `${slow} of ${deployment.target.replicas} replicas ${slow === 1 ? "has" : "have"} been starting for more than ${SLOW_START_MS / 1000} s; a slow constructor or reconfigure may be the cause.`;
  return deployment.message === message ? deployment : { ...deployment, message, updatedAt: now };
}

function countStates(replicas: readonly ReplicaRecord[]): Partial<Record<ReplicaStateName, number>> {
  const counts: Partial<Record<ReplicaStateName, number>> = {};
  for (const replica of replicas) {
    const name = replicaStateName(replica.state);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

function nextWake(replicas: readonly ReplicaRecord[], now: number): number {
  let wakeAt = Infinity;
  for (const replica of replicas) {
    wakeAt = Math.min(wakeAt, replicaDeadline(replica));
    if (replica.state.kind === "starting") {
      const slowAt = replica.state.since + SLOW_START_MS;
      if (slowAt > now) wakeAt = Math.min(wakeAt, slowAt);
    }
  }
  return wakeAt;
}
