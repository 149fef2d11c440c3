/** The lint of what watches and ends replicas. */
import type { DeploymentFinding } from "./lint-rules.ts";
import type { EffectiveDeploymentConfig } from "./types.ts";

/** What works badly about health checks and the end of replicas. */
export function lintLife(config: EffectiveDeploymentConfig): DeploymentFinding[] {
  const {
    graceful_shutdown_timeout_s: drain,
    health_check_timeout_s: timeout,
    health_check_period_s: period,
    request_timeout_s: request = null,
  } = config;
  const found: DeploymentFinding[] = [];
  if (drain === 0) {
    const message = "0 kills replicas with the requests they work on; allow at least as long as a request takes";
    found.push({
      field: "graceful_shutdown_timeout_s",
      set: ["graceful_shutdown_timeout_s"],
      rule: "drain-too-short",
      message,
    });
  } else if (request !== null && request > drain) {
    const message = `${drain} is below request_timeout_s ${request}: an update may cut requests off; raise it to ${request}`;
    const set = ["graceful_shutdown_timeout_s", "request_timeout_s"];
    found.push({ field: "graceful_shutdown_timeout_s", set, rule: "drain-too-short", message });
  }
  // A shorter period beside the default timeout makes nothing worse.
  const set = ["health_check_timeout_s"];
  if (timeout > period * 3) {
    const message = `${timeout} is more than three times health_check_period_s ${period}: a hung replica is noticed late; lower it`;
    found.push({ field: "health_check_timeout_s", set, rule: "slow-health-check", message });
  } else if (timeout < 1) {
    const message = `${timeout} leaves a busy replica no time to answer, and it is replaced; allow at least 1`;
    found.push({ field: "health_check_timeout_s", set, rule: "hasty-health-check", message });
  }
  return found;
}
