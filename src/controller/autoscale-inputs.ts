/** What decisions about a deployment are made on, as far as records tell it. Pure. */
import { createHash } from "node:crypto";
import { type ScalingRules, scalingRules } from "../autoscaling/rules.ts";
import { DEFAULT_POLICY_FUNCTION } from "../config/defaults.ts";
import { policyKind } from "../config/policy-kwargs.ts";
import { scalingOwner, withoutShadow } from "../config/scaling.ts";
import type { AutoscalingConfig } from "../config/types.ts";
import { stableJson } from "../config/versions.ts";
import { isShadowed, shadowView } from "./autoscale-shadow.ts";
import { sameVersion } from "./canary-rollout.ts";
import type { HostedPolicy } from "./policy-runner.ts";
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
  return isShadowed(application, deployment) ? shadowView(deployment, shadowTarget) : undefined;
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
  return createHash("sha256").update(stableJson(all)).digest("base64url").slice(0, 16);
}

/**
 * Changes whenever the application's code was built anew, from other sources or with other settings. Policies that only
 * shadows have count where it is asked `forShadow`.
 */
export function buildOf({ built }: ApplicationRecord, forShadow = false): string {
  if (built === null) return "";
  const counted = Object.values(built.policies ?? {}).filter(({ shadow = false }) => forShadow || !shadow);
  const policies = counted.map(({ bundleHash }) => bundleHash.slice(0, 16));
  return [built.bundleHash.slice(0, 16), built.inputsHash.slice(0, 16), ...policies.sort()].join("/");
}

/** The policy of the whole application; undefined: each deployment has its own. */
export function applicationPolicy({ config }: ApplicationRecord): HostedPolicy | undefined {
  const policy = config.autoscaling_policy;
  return policy ? hosted(policy) : undefined;
}

/** The policy that is asked outside of the controller; undefined: the built-in one. */
export function deploymentPolicy({ config }: Autoscaled): HostedPolicy | undefined {
  return hosted(config.autoscaling_config.policy);
}

function hosted({ policy_function = DEFAULT_POLICY_FUNCTION, policy_kwargs = {} }: Partial<HostedPolicy>) {
  return policyKind(policy_function) === "requests" ? undefined : { policy_function, policy_kwargs };
}
