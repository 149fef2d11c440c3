/** What decisions about a deployment are made on, as far as records tell it. Pure. */
import { createHash } from "node:crypto";
import { type ScalingRules, scalingRules } from "../autoscaling/rules.ts";
import { scalingOwner, withoutShadow } from "../config/scaling.ts";
import type { AutoscalingConfig } from "../config/types.ts";
import { stableJson } from "../config/versions.ts";
import { applicationPolicy } from "./autoscale-policies.ts";
import { shadowOf, withTarget } from "./autoscale-shadow.ts";
import { sameVersion } from "./canary-rollout.ts";
import type { ApplicationRecord, DeploymentRecord, InstanceRecord, ReplicaRecord } from "./records.ts";

/** A deployment that the autoscaler may scale. */
export type Autoscaled = DeploymentRecord & { readonly config: { readonly autoscaling_config: AutoscalingConfig } };

/**
 * Whether the autoscaler sets this target: it owns the application's scaling, or whoever does has left the target to it.
 */
export function isAutoscaled(
  application: ApplicationRecord | undefined,
  deployment: DeploymentRecord,
): deployment is Autoscaled {
  if (!application || application.deleting || deployment.deleting || !deployment.config.autoscaling_config)
    return false;
  const owner = scalingOwner(application.config, deployment.config);
  return owner === "autoscaler" || (owner === "external" && deployment.target.owner === "autoscaler");
}

/**
 * The deployment as its decisions see it; undefined: none are made. `shadowTarget`: the target of its shadow, which is
 * decided on then; null: its own.
 */
export function decidedOn(
  application: ApplicationRecord | undefined,
  deployment: DeploymentRecord,
  shadowTarget: number | null,
): Autoscaled | undefined {
  if (shadowTarget === null) return isAutoscaled(application, deployment) ? deployment : undefined;
  const shadow = shadowOf(application, deployment);
  return shadow && withTarget(shadow, shadowTarget);
}

/** Ids of the replicas that count as running, of any version. One that a restarted controller looks for ran and runs. */
export function runningIds(replicas: readonly ReplicaRecord[]): string[] {
  return replicas.filter(isRunning).map(({ id }) => id);
}

/** How many run what the target is about; while a canary is tried, that is the stable version. */
export function runningAtVersion({ stable, version }: DeploymentRecord, replicas: readonly ReplicaRecord[]): number {
  const wanted = stable?.version ?? version;
  return replicas.filter((replica) => isRunning(replica) && sameVersion(replica.version, wanted)).length;
}

function isRunning({ state }: ReplicaRecord): boolean {
  return state.kind === "running" || (state.kind === "recovering" && state.was === "running");
}

/** The numbers that decisions follow. */
export function rulesOf({ config }: Autoscaled, instance: InstanceRecord): ScalingRules {
  const gangSize = Number(config.gang_scheduling_config?.gang_size ?? 1);
  const { targetCapacity, targetCapacityDirection } = instance;
  return scalingRules(config.autoscaling_config, targetCapacity, targetCapacityDirection, gangSize);
}

/** Changes whenever a deploy changed something about the deployment, the instance's capacity included. */
export function registrationOf(deployment: Autoscaled, instance: InstanceRecord): string {
  const { uid, version, ingress } = deployment;
  const { config, userConfigured } = withoutShadow(deployment);
  const { targetCapacity, targetCapacityDirection } = instance;
  const all = [uid, config, userConfigured, version, ingress, targetCapacity, targetCapacityDirection];
  return digest(all);
}

/**
 * Changes whenever the application's code was built anew, from other sources or with other settings. What only shadows
 * have counts where it is asked `forShadow`: their policies, and the policy that the application's shadow names.
 */
export function buildOf(application: ApplicationRecord, forShadow = false): string {
  const { built } = application;
  if (built === null) return "";
  const counted = Object.values(built.policies ?? {}).filter(({ shadow = false }) => forShadow || !shadow);
  const policies = counted.map(({ bundleHash }) => bundleHash.slice(0, 16));
  const together = forShadow ? applicationPolicy(application, true) : undefined;
  const named = together === undefined ? [] : [digest(together)];
  return [built.bundleHash.slice(0, 16), built.inputsHash.slice(0, 16), ...policies.sort(), ...named].join("/");
}

function digest(value: unknown): string {
  return createHash("sha256").update(stableJson(value)).digest("base64url").slice(0, 16);
}
