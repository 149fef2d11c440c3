/** Shadows: autoscaling configs (`autoscaling_shadow`) that are decided by and recorded, and never followed. Pure. */
import type { Decision } from "../autoscaling/decide.ts";
import { applyResult, type ScalingState } from "../autoscaling/state.ts";
import { initialTarget } from "../config/effective.ts";
import type { AutoscalingConfig } from "../config/types.ts";
import type { Autoscaled } from "./autoscale-inputs.ts";
import type { ApplicationRecord, DeploymentRecord, InstanceRecord } from "./records.ts";

type Shadowed = DeploymentRecord & { readonly config: { readonly autoscaling_shadow: AutoscalingConfig } };

/** Whether decisions by a shadow are recorded of this deployment, whoever sets its target. */
export function isShadowed(
  application: ApplicationRecord | undefined,
  deployment: DeploymentRecord,
): deployment is Shadowed {
  if (!application || application.deleting || deployment.deleting) return false;
  return deployment.config.autoscaling_shadow !== undefined;
}

/** The deployment as if its shadow were what scales it, and had set this target. */
export function shadowView(deployment: Shadowed, replicas: number): Autoscaled {
  return { ...deployment, config: configView(deployment.config), target: { ...deployment.target, replicas } };
}

/** Views of configs, so that the same config gives the same view: what did not change is told by the object. */
const views = new WeakMap<object, Autoscaled["config"]>();

function configView(config: Shadowed["config"]): Autoscaled["config"] {
  const known = views.get(config);
  if (known !== undefined) return known;
  const { autoscaling_shadow: autoscaling_config, num_replicas: _count, ...rest } = config;
  const view = { ...rest, autoscaling_config };
  views.set(config, view);
  return view;
}

/** The target that a shadow begins with: the one it would have been given, had it been deployed in earnest. */
export function firstShadowTarget(
  { config, target }: Shadowed,
  { targetCapacity, targetCapacityDirection }: Pick<InstanceRecord, "targetCapacity" | "targetCapacityDirection">,
): number {
  const current = { target: target.replicas, changed: true };
  return initialTarget(
    { autoscaling_config: config.autoscaling_shadow },
    targetCapacity,
    targetCapacityDirection,
    current,
  );
}

/** What a shadow remembers after a decision. Its replicas count as running at once: nobody starts them. */
export function rememberedByShadow({ result, target, rules, atS }: Decision, state: ScalingState): ScalingState {
  return applyResult({ result, target, runningAtVersion: target, rules }, state, atS).state;
}
