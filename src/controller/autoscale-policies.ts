/** Whose policies decide, as far as records tell it. Pure. */
import { DEFAULT_POLICY_FUNCTION } from "../config/defaults.ts";
import { policyKind } from "../config/policy-kwargs.ts";
import type { Autoscaled } from "./autoscale-inputs.ts";
import type { HostedPolicy } from "./policy-runner.ts";
import type { ApplicationRecord } from "./records.ts";

/** The policy of the whole application, with `shadow` that of its shadow; undefined: each deployment has its own. */
export function applicationPolicy(
  { config }: Pick<ApplicationRecord, "config">,
  shadow: boolean,
): HostedPolicy | undefined {
  const policy = shadow ? config.autoscaling_shadow : config.autoscaling_policy;
  return policy ? hosted(policy) : undefined;
}

/** The policy that is asked outside of the controller; undefined: the built-in one. */
export function deploymentPolicy({ config }: Autoscaled): HostedPolicy | undefined {
  return hosted(config.autoscaling_config.policy);
}

function hosted({ policy_function = DEFAULT_POLICY_FUNCTION, policy_kwargs = {} }: Partial<HostedPolicy>) {
  return policyKind(policy_function) === "requests" ? undefined : { policy_function, policy_kwargs };
}
