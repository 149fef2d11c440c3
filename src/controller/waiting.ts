/** Replicas that wait for room on the node, as the step of their deployment sees them. Pure. */
import type { DeploymentRecord, ReplicaRecord } from "./records.ts";
import {
  headroomOf,
  isWaitingMessage,
  leaversNeeded,
  type NodeCapacity,
  needsOf,
  place,
  taken,
  UNLIMITED,
  type Usage,
  waitingMessage,
  withTaken,
} from "./resources.ts";
import type { LeaversNeeded } from "./rollout.ts";

/** The node as one deployment's step sees it. */
export interface NodeView {
  readonly capacity: NodeCapacity;
  readonly usage: Usage;
  /**
   * Whether the deployment's own replicas may start at once: it gave the room back itself in this turn. Else they wait
   * for the end of the turn, when those that wait longest come first.
   */
  readonly mayTake: boolean;
}

/** A node on which nothing limits. */
export const ENDLESS: NodeView = { capacity: UNLIMITED, usage: new Map(), mayTake: true };

/** Hands out the room of the node to the replicas of one deployment. */
export interface Room {
  /** The replica as it starts, or undefined where the node has no room for it. */
  begin(replica: ReplicaRecord): ReplicaRecord | undefined;
}

/** The room that is left for a deployment of which these are the replicas. */
export function roomFor(
  deployment: DeploymentRecord,
  replicas: readonly ReplicaRecord[],
  node: Pick<NodeView, "capacity" | "usage">,
  now: number,
): Room {
  let { usage } = node;
  let headroom = headroomOf(deployment.config, replicas);
  return {
    begin(replica) {
      const grant = headroom < 1 ? undefined : place(replica.resources ?? {}, usage, node.capacity);
      if (!grant) return undefined;
      const { gpus } = grant;
      const started: ReplicaRecord = {
        ...replica,
        state: { kind: "starting", since: now },
        ...(gpus.length > 0 ? { gpus } : {}),
        updatedAt: now,
      };
      usage = withTaken(usage, taken(started));
      headroom -= 1;
      return started;
    },
  };
}

/** How many replicas of an update must leave so that its next one fits; see {@link LeaversNeeded}. */
export function leaversFor(
  deployment: DeploymentRecord,
  replicas: readonly ReplicaRecord[],
  { usage, capacity }: Pick<NodeView, "capacity" | "usage">,
): LeaversNeeded {
  return (candidates) =>
    leaversNeeded({
      needs: needsOf(deployment.config),
      usage,
      capacity,
      leaving: replicas.filter(({ state }) => state.kind === "stopping"),
      candidates,
      headroom: headroomOf(deployment.config, replicas),
    });
}

/** Whether the node would have room for a replica of the present version if nothing else ran there. */
export function couldFit({ config }: DeploymentRecord, { capacity }: Pick<NodeView, "capacity">): boolean {
  return place(needsOf(config), new Map(), capacity) !== undefined;
}

/** Says on a deployment that replicas of it wait, and why; takes that back when none does. */
export function remarkWaiting(
  deployment: DeploymentRecord,
  replicas: readonly ReplicaRecord[],
  { usage, capacity }: Pick<NodeView, "capacity" | "usage">,
  now: number,
): DeploymentRecord {
  if (deployment.status === "UNHEALTHY" || deployment.status === "DEPLOY_FAILED" || deployment.deleting) {
    return deployment;
  }
  const waiting = replicas.filter(({ state }) => state.kind === "waiting");
  const none = isWaitingMessage(deployment.message) ? "" : deployment.message;
  const message =
    waiting.length === 0
      ? none
      : waitingMessage({
          waiting: waiting.length,
          target: deployment.target.replicas,
          needs: waiting[0]!.resources ?? {},
          usage,
          capacity,
          maxPerNode: deployment.config.max_replicas_per_node,
          headroom: headroomOf(deployment.config, replicas),
        });
  return message === deployment.message ? deployment : { ...deployment, message, updatedAt: now };
}
