/** The lint of `rollout`. */
import type { DeploymentFinding, LintRule } from "./lint-rules.ts";
import { rolloutLimits } from "./rollout.ts";
import type { EffectiveDeploymentConfig, EffectiveRollout } from "./types.ts";

const SET = ["rollout"];

/** What works badly about how a deployment is updated. */
export function lintRollout(config: EffectiveDeploymentConfig): DeploymentFinding[] {
  const { rollout } = config;
  return [...lintLimits(config), ...(rollout ? [...lintDeadline(config, rollout), ...lintCanary(rollout)] : [])];
}

function lintLimits(config: EffectiveDeploymentConfig): DeploymentFinding[] {
  const replicas = config.num_replicas ?? config.autoscaling_config?.max_replicas ?? 1;
  const { surge, unavailable } = rolloutLimits(config, replicas);
  if (replicas < 3 || surge > 0 || unavailable < replicas) return [];
  const field = config.rollout?.max_unavailable === undefined ? "rolling_update_percentage" : "rollout.max_unavailable";
  const message = `lets an update take all ${replicas} replicas but one at once; lower it or allow a surge`;
  return [{ field, set: ["rollout", "rolling_update_percentage"], rule: "capacity-drop", message }];
}

function lintDeadline(config: EffectiveDeploymentConfig, rollout: EffectiveRollout): DeploymentFinding[] {
  const { progress_deadline_s: deadline } = rollout;
  if (deadline === null) {
    if (!rollout.auto_rollback) return [];
    const message = "rolls back only what fails; set progress_deadline_s as well for updates that hang";
    return [{ field: "rollout.auto_rollback", set: SET, rule: "rollback-without-deadline", message }];
  }
  const { command, readiness_timeout_s: ready = 60 } = config;
  if (command === undefined || deadline >= ready) return [];
  const message = `${deadline} is below readiness_timeout_s ${ready}: a slow start counts as failed; raise it to at least ${ready}`;
  const set = ["rollout", "readiness_timeout_s"];
  return [{ field: "rollout.progress_deadline_s", set, rule: "deadline-below-start", message }];
}

function lintCanary({
  canary,
  canary_analysis: analysis,
  canary_sticky: sticky,
}: EffectiveRollout): DeploymentFinding[] {
  const at = (field: string, rule: LintRule, message: string): DeploymentFinding => ({
    field: `rollout.${field}`,
    set: SET,
    rule,
    message,
  });
  if (canary.length === 0) {
    if (sticky === null) return [];
    return [at("canary_sticky", "canary-settings-unused", "has no effect without canary; give it steps")];
  }
  const found: DeploymentFinding[] = canary.flatMap(({ pause_s: pause }, index) =>
    pause === 0
      ? [at(`canary[${index}].pause_s`, "canary-no-pause", "0 ends the step before a request is judged; give it time")]
      : [],
  );
  if (analysis === null) {
    if (canary.every(({ pause_s: pause }) => pause === null)) return found;
    const message = "null compares nothing, and steps go on by themselves; leave it out, or let each pause_s be null";
    return [...found, at("canary_analysis", "canary-unwatched", message)];
  }
  const { min_requests: sample, max_error_rate_increase: increase, latency_quantile: quantile } = analysis;
  // Written as products, which are exact for the usual values, unlike quotients.
  if (sample * increase < 1) {
    const needed = increase > 0 ? `raise it to at least ${Math.ceil(1 / increase)}` : "allow an increase above 0";
    const message = `${sample} with max_error_rate_increase ${increase} lets one failed request abort the canary; ${needed}`;
    found.push(at("canary_analysis.min_requests", "canary-small-sample", message));
  }
  if (analysis.max_latency_ratio !== null && sample * (1 - quantile) < 1 - 1e-9) {
    const message = `${sample} is too small for the ${quantile} quantile, which is then the slowest request; raise it to at least ${Math.ceil(1 / (1 - quantile) - 1e-9)}`;
    found.push(at("canary_analysis.min_requests", "canary-small-quantile", message));
  }
  return found;
}
