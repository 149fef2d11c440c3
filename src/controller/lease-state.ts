/** The lease on a deployment's target: who may write, and what follows its end. Pure; docs/webhook-states.md tells it. */
import { initialTarget, replicaBounds } from "../config/effective.ts";
import { WindlassError } from "../core/errors.ts";
import type { ScaleRequest } from "./controller.ts";
import type { DeploymentRecord, DeploymentTarget, InstanceRecord, JournalRecord, LeaseRecord } from "./records.ts";

/** The lease that is in force at `now`; one whose end has come is none, whether or not that was noted yet. */
export function leaseAt(target: DeploymentTarget, now: number): LeaseRecord | undefined {
  const { lease } = target;
  return lease !== undefined && (lease.expiresAt === null || lease.expiresAt > now) ? lease : undefined;
}

/** When a deployment's lease ends, epoch ms; Infinity without an end, without a lease, and for one that is deleted. */
export function leaseEndsAt({ deleting, target }: DeploymentRecord): number {
  return deleting ? Infinity : (target.lease?.expiresAt ?? Infinity);
}

/** What outlives a target that the config sets anew: its lease and its fence. */
export function leaseOf(target: DeploymentTarget): Pick<DeploymentTarget, "lease" | "fence"> {
  return {
    ...(target.lease === undefined ? {} : { lease: target.lease }),
    ...(target.fence === undefined ? {} : { fence: target.fence }),
  };
}

/** A deployment whose lease has ended, with its fallback applied and the journal's entry; undefined where none ends. */
export function endLease(
  deployment: DeploymentRecord,
  instance: Pick<InstanceRecord, "targetCapacity" | "targetCapacityDirection">,
  now: number,
): { readonly deployment: DeploymentRecord; readonly entry: JournalRecord } | undefined {
  const { target } = deployment;
  if (leaseEndsAt(deployment) > now || target.lease === undefined) return undefined;
  const { lease, ...unleased } = target;
  const replicas = fallbackTarget(deployment, lease.fallback, instance);
  const decided = lease.fallback === "policy" || replicas !== target.replicas;
  const owner = deployment.config.autoscaling_config ? "autoscaler" : "config";
  const reason = `the lease of ${JSON.stringify(lease.owner)} ended, lease_fallback is ${lease.fallback}`;
  return {
    deployment: {
      ...deployment,
      generation: deployment.generation + (decided ? 1 : 0),
      target: decided ? { ...unleased, replicas, owner, reason, since: now } : unleased,
      updatedAt: now,
    },
    entry: {
      at: now,
      actor: "controller",
      kind: "lease-ended",
      application: deployment.application,
      deployment: deployment.name,
      owner: lease.owner,
      from: target.replicas,
      to: replicas,
    },
  };
}

function fallbackTarget(
  { config, target }: DeploymentRecord,
  fallback: LeaseRecord["fallback"],
  { targetCapacity, targetCapacityDirection }: Pick<InstanceRecord, "targetCapacity" | "targetCapacityDirection">,
): number {
  if (fallback === "hold") return target.replicas;
  if (fallback === "policy") {
    return initialTarget(config, targetCapacity, targetCapacityDirection, { target: target.replicas, changed: false });
  }
  const floor = config.autoscaling_config
    ? replicaBounds(config.autoscaling_config, targetCapacity, targetCapacityDirection).lower
    : initialTarget(config, targetCapacity, targetCapacityDirection);
  return Math.max(floor, target.replicas);
}

/**
 * Refuses a write with a fence below the highest accepted one, whoever sends it, and one over somebody else's lease:
 * that takes `force`, or an owner with a fence above every earlier one.
 */
export function refuseUnlessHolder(deployment: DeploymentRecord, request: ScaleRequest, now: number): void {
  const { target } = deployment;
  const lease = leaseAt(target, now);
  const { fence, owner = "", force = false } = request;
  const what = `deployment ${JSON.stringify(deployment.name)} of application ${JSON.stringify(deployment.application)}`;
  if (fence !== undefined && target.fence !== undefined && fence < target.fence) {
    const holder = lease === undefined ? "nobody holds a lease" : `${JSON.stringify(lease.owner)} holds the lease`;
    const message = `fence ${fence} must be >= ${target.fence}, the highest accepted for ${what}; ${holder}: get a newer fence, or stop scaling`;
    throw new WindlassError("STALE_FENCE", message, { metadata: holderOf(target, lease) });
  }
  if (lease === undefined || lease.owner === owner || force) return;
  if (owner !== "" && fence !== undefined && target.fence !== undefined && fence > target.fence) return;
  const end = lease.expiresAt === null ? "has no end" : `ends at ${new Date(lease.expiresAt).toISOString()}`;
  const message = `the target of ${what} is held by ${JSON.stringify(lease.owner)}, whose lease ${end}: leave the scaling to it, or take it over by a higher fence or by force`;
  throw new WindlassError("LEASE_HELD", message, { metadata: holderOf(target, lease) });
}

function holderOf(target: DeploymentTarget, lease: LeaseRecord | undefined): Record<string, string> {
  return {
    ...(lease === undefined ? {} : { owner: lease.owner }),
    ...(lease == null || lease.expiresAt === null ? {} : { lease_expires_at: new Date(lease.expiresAt).toISOString() }),
    ...(target.fence === undefined ? {} : { fence: String(target.fence) }),
  };
}
