/** The lint of `autoscaling_config` and `autoscaling_shadow`. */
import { effectiveFactors } from "./effective.ts";
import type { DeploymentFinding, LintRule } from "./lint-rules.ts";
import type { AutoscalingConfig, EffectiveDeploymentConfig } from "./types.ts";

/** What works badly about how a deployment is scaled. */
export function lintAutoscaling(config: EffectiveDeploymentConfig): DeploymentFinding[] {
  const autoscaling = config.autoscaling_config;
  if (!autoscaling) return [];
  const { min_replicas: min, max_replicas: max, target_ongoing_requests: target } = autoscaling;
  const found: DeploymentFinding[] = [...lintWindow(autoscaling)];
  const add = (rule: LintRule, key: string, message: string, ...others: string[]): void => {
    found.push({ field: `autoscaling_config.${key}`, set: ["autoscaling_config", ...others], rule, message });
  };
  const { up, down } = effectiveFactors(autoscaling);
  const factor = Math.max(up, down);
  if (target !== null && target < 1 && factor > 1) {
    const message = `${target} together with a factor of ${factor} overshoots; set a target of at least 1 or a factor of at most 1`;
    add("small-target-large-factor", "target_ongoing_requests", message);
  }
  if (target !== null && target > config.max_ongoing_requests) {
    const message = `${target} is above max_ongoing_requests ${config.max_ongoing_requests}: requests wait before a replica is added; lower it`;
    add("target-above-limit", "target_ongoing_requests", message, "max_ongoing_requests");
  }
  if (min === max && max > 1) {
    add(
      "fixed-bounds",
      "max_replicas",
      `${max} equals min_replicas: nothing can scale; use num_replicas ${max} instead`,
    );
  }
  return found;
}

/** What works badly about what is observed beside it. */
export function lintShadow({
  autoscaling_config: followed,
  autoscaling_shadow: shadow,
}: EffectiveDeploymentConfig): DeploymentFinding[] {
  if (!followed || !shadow) return [];
  const differing = (["metrics_interval_s", "look_back_period_s"] as const).filter(
    (key) => shadow[key] !== followed[key],
  );
  return differing.map((key) => ({
    field: `autoscaling_shadow.${key}`,
    set: ["autoscaling_shadow"],
    rule: "shadow-measured-otherwise",
    message: `${shadow[key]} has no effect: load is measured by autoscaling_config, which has ${followed[key]}; set the same in both`,
  }));
}

function lintWindow(autoscaling: AutoscalingConfig): DeploymentFinding[] {
  const { look_back_period_s: window, metrics_interval_s: interval } = autoscaling;
  const at = (key: string, rule: LintRule, message: string): DeploymentFinding => ({
    field: `autoscaling_config.${key}`,
    set: ["autoscaling_config"],
    rule,
    message,
  });
  const delays = (["upscale_delay_s", "downscale_delay_s"] as const).filter((key) => autoscaling[key] < window);
  return [
    ...delays.map((key) =>
      at(
        key,
        "delay-below-window",
        `${autoscaling[key]} is below look_back_period_s ${window}: the load from before the last step still counts; raise it or lower look_back_period_s`,
      ),
    ),
    ...(window <= interval
      ? [
          at(
            "look_back_period_s",
            "window-below-interval",
            `${window} is not above metrics_interval_s ${interval}; raise it to several times that`,
          ),
        ]
      : []),
  ];
}
