/** The schema of `autoscaling_config`. */
import * as z from "zod";
import { AUTOSCALING_DEFAULTS as D, DEFAULT_POLICY_FUNCTION } from "./defaults.ts";
import { show } from "./describe.ts";
import { anyObject, choice, laxFloat, laxInt, object, optional, rules } from "./schema-fields.ts";
import type { Fault } from "./schema-types.ts";
import type { AutoscalingConfig } from "./types.ts";

const factor = (doc: string) => optional(laxFloat({ above: 0 }).nullable(), { doc, default: null, update: "target" });

function policyFunction(policy: { policy_function?: string }): Fault | undefined {
  const path = policy.policy_function ?? DEFAULT_POLICY_FUNCTION;
  // Only the form is looked at: the module is loaded where policies run, never here.
  if (/^[^:]+:[^:]+$/.test(path) || /^[^:]*[^:.][^:]*\.[^:.]+$/.test(path)) return undefined;
  return { kind: "policy_not_importable", message: `has policy_function ${show(path)}; write MODULE:EXPORT` };
}

type Bound = "min_replicas" | "max_replicas" | "initial_replicas";

function replicaBounds(value: Pick<Partial<AutoscalingConfig>, Bound>): Fault | undefined {
  const config = { ...D, ...value };
  const { min_replicas: min, max_replicas: max, initial_replicas: initial } = config;
  if (max < min) {
    const hint = Object.hasOwn(value, "max_replicas") ? "raise max_replicas" : "set max_replicas (1 unless given)";
    return { kind: "max_below_min", message: `has max_replicas ${max} below min_replicas ${min}; ${hint}` };
  }
  if (initial === null) return undefined;
  if (initial < min) {
    return {
      kind: "initial_below_min",
      message: `has initial_replicas ${initial} below min_replicas ${min}; raise it`,
    };
  }
  if (initial > max) {
    return {
      kind: "initial_above_max",
      message: `has initial_replicas ${initial} above max_replicas ${max}; lower it`,
    };
  }
  return undefined;
}

/** Names a user-supplied decision function. */
export const POLICY_SCHEMA = object("AutoscalingPolicy", {
  policy_function: optional(z.string(), {
    doc: "Module and export of the decision function.",
    default: DEFAULT_POLICY_FUNCTION,
  }),
  policy_kwargs: optional(anyObject(), { doc: "Passed to the function unchanged.", default: {} }),
});

/** The fields of an autoscaling config, each right by itself. */
export const AUTOSCALING_FIELDS = object("AutoscalingConfig", {
  min_replicas: optional(laxInt({ min: 0 }), {
    doc: "The fewest replicas to keep; 0 allows scaling to zero.",
    default: D.min_replicas,
    update: "target",
  }),
  initial_replicas: optional(laxInt({ min: 0 }).nullable(), {
    doc: "Replicas on the first deploy and after a changed config, within the bounds; null is min_replicas.",
    default: D.initial_replicas,
    update: "target",
  }),
  max_replicas: optional(laxInt({ above: 0 }), {
    doc: 'The most replicas; 100 with `num_replicas: "auto"`.',
    default: D.max_replicas,
    update: "target",
  }),
  target_ongoing_requests: optional(laxFloat({ above: 0 }).nullable(), {
    doc: "Requests running or queued that one replica should carry.",
    default: D.target_ongoing_requests,
    update: "target",
  }),
  metrics_interval_s: optional(laxFloat({ above: 0 }), {
    doc: "Seconds between metric reports; deprecated by the reference.",
    default: D.metrics_interval_s,
    update: "reconfigure",
  }),
  look_back_period_s: optional(laxFloat({ above: 0 }), {
    doc: "Seconds of load that are aggregated into one decision.",
    default: D.look_back_period_s,
    update: "reconfigure",
  }),
  smoothing_factor: optional(laxFloat({ above: 0 }), {
    doc: "Factor for both directions; deprecated by the reference.",
    default: D.smoothing_factor,
    update: "target",
  }),
  upscale_smoothing_factor: factor("Deprecated by the reference: use upscaling_factor."),
  downscale_smoothing_factor: factor("Deprecated by the reference: use downscaling_factor."),
  upscaling_factor: factor("Multiplies each step up; null is upscale_smoothing_factor, else smoothing_factor."),
  downscaling_factor: factor("Multiplies each step down; null is downscale_smoothing_factor, else smoothing_factor."),
  downscale_delay_s: optional(laxFloat({ min: 0 }), {
    doc: "Seconds a scale-down must stay wanted before it is applied.",
    default: D.downscale_delay_s,
    update: "target",
  }),
  downscale_to_zero_delay_s: optional(laxFloat({ min: 0 }).nullable(), {
    doc: "The same for the step from one replica to none; null is downscale_delay_s.",
    default: D.downscale_to_zero_delay_s,
    update: "target",
  }),
  upscale_delay_s: optional(laxFloat({ min: 0 }), {
    doc: "Seconds a scale-up must stay wanted before it is applied.",
    default: D.upscale_delay_s,
    update: "target",
  }),
  aggregation_function: optional(choice(["mean", "max", "min"], { fold: true }), {
    doc: "Turns the samples of the window into one number; any case.",
    default: D.aggregation_function,
    update: "target",
  }),
  policy: optional(POLICY_SCHEMA.superRefine(rules(policyFunction)), {
    doc: "Who decides: a function of your own, windlass:schedule, windlass:prometheus or windlass:queue (autoscaling-policies.md).",
    default: D.policy,
    update: "restart",
  }),
});

/** How the replica count of a deployment follows its load. */
export const AUTOSCALING_SCHEMA = AUTOSCALING_FIELDS.superRefine(rules(replicaBounds));
