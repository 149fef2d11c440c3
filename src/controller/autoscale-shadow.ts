/**
 * Shadows (`autoscaling_shadow`): autoscaling configs of deployments and policies of applications that are decided by and
 * recorded, and never followed. Pure.
 */
import type { Decision } from "../autoscaling/decide.ts";
import { applyResult, type ScalingState } from "../autoscaling/state.ts";
import { initialTarget } from "../config/effective.ts";
import type { EffectiveDeploymentConfig } from "../config/types.ts";
import type { Autoscaled } from "./autoscale-inputs.ts";
import { applicationPolicy } from "./autoscale-policies.ts";
import type { ApplicationRecord, DeploymentRecord, InstanceRecord } from "./records.ts";

/**
 * The deployment as if its shadow were what scales it, whoever does; undefined: it has none. A shadow of the application
 * decides for deployments without one of their own, too, by the bounds and delays that they are scaled with.
 */
export function shadowOf(
  application: ApplicationRecord | undefined,
  deployment: DeploymentRecord,
): Autoscaled | undefined {
  if (!application || application.deleting || deployment.deleting) return undefined;
  const { autoscaling_shadow, autoscaling_config } = deployment.config;
  if (autoscaling_shadow) return { ...deployment, config: configView(deployment.config, autoscaling_shadow) };
  if (!autoscaling_config || applicationPolicy(application, true) === undefined) return undefined;
  return { ...deployment, config: configView(deployment.config, autoscaling_config) };
}

/** The same, having set this target. */
export function withTarget(shadow: Autoscaled, replicas: number): Autoscaled {
  return { ...shadow, target: { ...shadow.target, replicas } };
}

/** Views of configs, so that the same config gives the same view: what did not change is told by the object. */
const views = new WeakMap<object, Autoscaled["config"]>();

function configView(
  config: EffectiveDeploymentConfig,
  autoscaling_config: Autoscaled["config"]["autoscaling_config"],
): Autoscaled["config"] {
  const known = views.get(config);
  if (known !== undefined) return known;
  const { autoscaling_shadow: _shadow, num_replicas: _count, ...rest } = config;
  const view = { ...rest, autoscaling_config };
  views.set(config, view);
  return view;
}

/** The target that a shadow begins with: the one it would have been given, had it been deployed in earnest. */
export function firstShadowTarget(
  { config, target }: Autoscaled,
  { targetCapacity, targetCapacityDirection }: Pick<InstanceRecord, "targetCapacity" | "targetCapacityDirection">,
): number {
  const { autoscaling_config } = config;
  const current = { target: target.replicas, changed: true };
  return initialTarget({ autoscaling_config }, targetCapacity, targetCapacityDirection, current);
}

/** What a shadow remembers after a decision. Its replicas count as running at once: nobody starts them. */
export function rememberedByShadow({ result, target, rules, atS }: Decision, state: ScalingState): ScalingState {
  return applyResult({ result, target, runningAtVersion: target, rules }, state, atS).state;
}
