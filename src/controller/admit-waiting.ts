/** Who is started when the node has room, of all that wait. */
import { type DeploymentRecord, keys, type ReplicaRecord } from "./records.ts";
import { isRoutable } from "./replica-state.ts";
import { type Amounts, type NodeCapacity, place } from "./resources.ts";
import { hasGivenUp, victims } from "./rollout.ts";
import { leaversFor, roomFor } from "./waiting.ts";
import type { Draft } from "./world.ts";

/**
 * Starts the replicas that wait and fit, those that wait longest first; one that does not fit keeps no other from
 * starting. Returns them, and the deployments of which an update can only go on when it makes room itself.
 */
export function admitWaiting(
  draft: Draft,
  capacity: NodeCapacity,
  now: number,
): { readonly started: readonly ReplicaRecord[]; readonly stuck: ReadonlySet<DeploymentRecord> } {
  const started: ReplicaRecord[] = [];
  const stuck = new Set<DeploymentRecord>();
  /** What did not fit does not fit a second time in this pass, as room only shrinks. */
  const refused = new Map<string, Amounts>();
  for (const replica of draft.waiting()) {
    const { application, deployment: name } = replica;
    const key = keys.deployment(application, name);
    const needs = replica.resources ?? {};
    if (refused.has(key) && JSON.stringify(refused.get(key)) === JSON.stringify(needs)) continue;
    const deployment = draft.deployment(application, name);
    if (!deployment || deployment.deleting || hasGivenUp(deployment)) continue;
    // Looked at first, because it costs nothing however many replicas the deployment has.
    const fits = place(needs, draft.usage, capacity) !== undefined;
    const replicas = fits || deployment.rollout === "active" ? draft.replicasOf(application, name) : [];
    const next = fits ? roomFor(deployment, replicas, { capacity, usage: draft.usage }, now).begin(replica) : undefined;
    if (next) {
      draft.setReplica(next);
      started.push(next);
      continue;
    }
    refused.set(key, needs);
    if (deployment.rollout !== "active") continue;
    const old = replicas.filter(
      ({ version, state }) => version.restart !== deployment.version.restart && isRoutable(state),
    );
    const needed = leaversFor(deployment, replicas, { capacity, usage: draft.usage });
    if (needed(victims(old, old.length)) > 0) stuck.add(deployment);
  }
  return { started, stuck };
}
