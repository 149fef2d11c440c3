/** The lint of `autoscaling_config` and `autoscaling_shadow`. */
import { effectiveFactors } from "./effective.ts";
import type { DeploymentFinding, LintRule } from "./lint-rules.ts";
import type { AutoscalingConfig, EffectiveDeploymentConfig } from "./types.ts";

/** Which of the two settings is looked at. */
type Key = "autoscaling_config" | "autoscaling_shadow";

/** What works badly about how a deployment is scaled. */
export function lintAutoscaling(config: EffectiveDeploymentConfig): DeploymentFinding[] {
  const autoscaling = config.autoscaling_config;
  if (!autoscaling) return [];
  const { min_replicas: min, max_replicas: max } = autoscaling;
  const found = [
    ...lintWindow("autoscaling_config", autoscaling),
    ...lintTarget("autoscaling_config", autoscaling, config),
  ];
  if (min === max && max > 1) {
    found.push({
      field: "autoscaling_config.max_replicas",
      set: ["autoscaling_config"],
      rule: "fixed-bounds",
      message: `${max} equals min_replicas: nothing can scale; use num_replicas ${max} instead`,
    });
  }
  return found;
}

function lintTarget(
  key: Key,
  autoscaling: AutoscalingConfig,
  { max_ongoing_requests: limit }: EffectiveDeploymentConfig,
): DeploymentFinding[] {
  const { target_ongoing_requests: target } = autoscaling;
  const { up, down } = effectiveFactors(autoscaling);
  const factor = Math.max(up, down);
  const field = `${key}.target_ongoing_requests`;
  const found: DeploymentFinding[] = [];
  if (target !== null && target < 1 && factor > 1) {
    const message = `${target} together with a factor of ${factor} overshoots; set a target of at least 1 or a factor of at most 1`;
    found.push({ field, set: [key], rule: "small-target-large-factor", message });
  }
  if (target !== null && target > limit) {
    const message = `${target} is above max_ongoing_requests ${limit}: requests wait before a replica is added; lower it`;
    found.push({ field, set: [key, "max_ongoing_requests"], rule: "target-above-limit", message });
  }
  return found;
}

/** What works badly about what is observed beside it: what would if it were followed, and what has no effect. */
export function lintShadow(config: EffectiveDeploymentConfig): DeploymentFinding[] {
  const { autoscaling_config: followed, autoscaling_shadow: shadow } = config;
  if (!shadow) return [];
  const { metrics_interval_s, look_back_period_s } = followed ?? shadow;
  const measured = { ...shadow, metrics_interval_s, look_back_period_s };
  const own = lintTarget("autoscaling_shadow", shadow, config);
  const window = lintWindow("autoscaling_shadow", measured);
  // Of how load is measured, autoscaling_config is told.
  if (!followed) return [...window, ...own];
  const delays = window.filter(({ rule }) => rule === "delay-below-window");
  const differing = (["metrics_interval_s", "look_back_period_s"] as const).filter(
    (key) => shadow[key] !== followed[key],
  );
  const unused = differing.map(
    (key): DeploymentFinding => ({
      field: `autoscaling_shadow.${key}`,
      set: ["autoscaling_shadow"],
      rule: "shadow-measured-otherwise",
      message: `${shadow[key]} has no effect: load is measured by autoscaling_config, which has ${followed[key]}; set the same in both`,
    }),
  );
  return [...delays, ...own, ...unused];
}

function lintWindow(which: Key, autoscaling: AutoscalingConfig): DeploymentFinding[] {
  const { look_back_period_s: window, metrics_interval_s: interval } = autoscaling;
  const at = (key: string, rule: LintRule, message: string): DeploymentFinding => ({
    field: `${which}.${key}`,
    set: [which],
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
