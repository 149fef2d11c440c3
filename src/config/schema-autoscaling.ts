/** The schema of `autoscaling_config`. */
import { AUTOSCALING_DEFAULTS as D, DEFAULT_POLICY_FUNCTION } from "./defaults.ts";
import { show } from "./describe.ts";
import { OBJECT } from "./schema-common.ts";
import type { Fault, Field, Schema } from "./schema-types.ts";

const factor = (doc: string): Field => ({ type: { kind: "number", above: 0, nullable: true }, default: null, doc });

function policyFunction(value: unknown): Fault | undefined {
  const policy = value as { policy_function?: string };
  const path = policy.policy_function ?? DEFAULT_POLICY_FUNCTION;
  // Only the form is looked at: the module is loaded where policies run, never here.
  if (/^[^:]+:[^:]+$/.test(path) || /^[^:]*[^:.][^:]*\.[^:.]+$/.test(path)) return undefined;
  return { kind: "policy_not_importable", message: `has policy_function ${show(path)}; write MODULE:EXPORT` };
}

function replicaBounds(value: Readonly<Record<string, unknown>>): Fault | undefined {
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
export const POLICY_SCHEMA: Schema = {
  name: "AutoscalingPolicy",
  unknown: "drop",
  fields: {
    policy_function: {
      type: { kind: "string" },
      default: DEFAULT_POLICY_FUNCTION,
      doc: "Module and export of the decision function.",
    },
    policy_kwargs: { type: OBJECT, default: {}, doc: "Passed to the function unchanged." },
  },
};

/** How the replica count of a deployment follows its load. */
export const AUTOSCALING_SCHEMA: Schema = {
  name: "AutoscalingConfig",
  unknown: "drop",
  after: [replicaBounds],
  fields: {
    min_replicas: {
      type: { kind: "integer", min: 0 },
      default: D.min_replicas,
      doc: "The fewest replicas to keep; 0 allows scaling to zero.",
      update: "target",
    },
    initial_replicas: {
      type: { kind: "integer", min: 0, nullable: true },
      default: D.initial_replicas,
      doc: "Replicas on the first deploy and after a changed config, within the bounds; null is min_replicas.",
      update: "target",
    },
    max_replicas: {
      type: { kind: "integer", above: 0 },
      default: D.max_replicas,
      doc: 'The most replicas; 100 with `num_replicas: "auto"`.',
      update: "target",
    },
    target_ongoing_requests: {
      type: { kind: "number", above: 0, nullable: true },
      default: D.target_ongoing_requests,
      doc: "Requests running or queued that one replica should carry.",
      update: "target",
    },
    metrics_interval_s: {
      type: { kind: "number", above: 0 },
      default: D.metrics_interval_s,
      doc: "Seconds between metric reports; deprecated by the reference.",
      update: "reconfigure",
    },
    look_back_period_s: {
      type: { kind: "number", above: 0 },
      default: D.look_back_period_s,
      doc: "Seconds of load that are aggregated into one decision.",
      update: "reconfigure",
    },
    smoothing_factor: {
      type: { kind: "number", above: 0 },
      default: D.smoothing_factor,
      doc: "Factor for both directions; deprecated by the reference.",
      update: "target",
    },
    upscale_smoothing_factor: factor("Deprecated by the reference: use upscaling_factor."),
    downscale_smoothing_factor: factor("Deprecated by the reference: use downscaling_factor."),
    upscaling_factor: factor("Multiplies each step up; null is upscale_smoothing_factor, else smoothing_factor."),
    downscaling_factor: factor("Multiplies each step down; null is downscale_smoothing_factor, else smoothing_factor."),
    downscale_delay_s: {
      type: { kind: "number", min: 0 },
      default: D.downscale_delay_s,
      doc: "Seconds a scale-down must stay wanted before it is applied.",
      update: "target",
    },
    downscale_to_zero_delay_s: {
      type: { kind: "number", min: 0, nullable: true },
      default: D.downscale_to_zero_delay_s,
      doc: "The same for the step from one replica to none; null is downscale_delay_s.",
      update: "target",
    },
    upscale_delay_s: {
      type: { kind: "number", min: 0 },
      default: D.upscale_delay_s,
      doc: "Seconds a scale-up must stay wanted before it is applied.",
      update: "target",
    },
    aggregation_function: {
      type: { kind: "choice", values: ["mean", "max", "min"], fold: true },
      default: D.aggregation_function,
      doc: "Turns the samples of the window into one number; any case.",
      update: "target",
    },
    policy: {
      type: { kind: "schema", schema: POLICY_SCHEMA },
      rule: policyFunction,
      default: D.policy,
      doc: "A decision function of your own.",
      update: "restart",
    },
  },
};
