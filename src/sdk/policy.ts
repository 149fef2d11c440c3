import type { ApplicationPolicyOutput, PolicyInput, PolicyOutput } from "../autoscaling/policy.ts";

export type { ApplicationPolicyOutput, PolicyInput, PolicyOutput };

/** A function that `autoscaling_config.policy` names; `kwargs` are its `policy_kwargs`. */
export type AutoscalingPolicy<Kwargs = Record<string, unknown>> = (
  input: PolicyInput,
  kwargs: Kwargs,
) => PolicyOutput | Promise<PolicyOutput>;

/** A class that it may name instead: made once for each deploy with `policy_kwargs`, then asked. */
export type AutoscalingPolicyClass<Kwargs = Record<string, unknown>> = new (
  kwargs: Kwargs,
) => { decide(input: PolicyInput): PolicyOutput | Promise<PolicyOutput> };

/** A function that an application's `autoscaling_policy` names; `inputs` are its autoscaled deployments by name. */
export type ApplicationAutoscalingPolicy<Kwargs = Record<string, unknown>> = (
  inputs: Readonly<Record<string, PolicyInput>>,
  kwargs: Kwargs,
) => ApplicationPolicyOutput | Promise<ApplicationPolicyOutput>;
