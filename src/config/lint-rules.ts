/** What the lint may find: its rules, and the form of a finding. */

/** Ids of the lint's rules with what each warns of. */
export const LINT_RULES = {
  "delay-below-window": "A scaling delay below look_back_period_s, which makes the count swing.",
  "window-below-interval": "look_back_period_s not above metrics_interval_s: decisions rest on one sample.",
  "small-target-large-factor": "A target below 1 with a factor above 1, which overshoots.",
  "target-above-limit": "target_ongoing_requests above max_ongoing_requests, so that requests wait before a scale-up.",
  "fixed-bounds": "min_replicas equal to max_replicas: nothing can scale.",
  "shadow-measured-otherwise":
    "autoscaling_shadow with other intervals than autoscaling_config, by which load is measured.",
  "drain-too-short": "Replicas killed before the requests they work on may end.",
  "slow-health-check": "A health check that may take longer than three periods.",
  "hasty-health-check": "A health check that must answer within less than a second.",
  "no-capacity": "target_capacity 0: no replica runs.",
  "owner-without-autoscaler": "autoscaling_config under owner manual, which nothing follows.",
  "unused-lease-fallback": "lease_fallback where no lease can be taken.",
  "capacity-drop": "An update that may take all replicas but one at once.",
  "canary-no-pause": "A canary step that ends at once.",
  "canary-unwatched": "A canary that goes on by itself while nothing is compared.",
  "canary-small-sample": "A sample so small that one failed request aborts the canary.",
  "canary-small-quantile": "A sample too small for the quantile of latency.",
  "canary-settings-unused": "canary_analysis or canary_sticky without steps.",
  "rollback-without-deadline": "auto_rollback without progress_deadline_s: an update that hangs is not rolled back.",
  "deadline-below-start": "A progress deadline below the time that a command may take to become ready.",
} as const;

/** A key of {@link LINT_RULES}. */
export type LintRule = keyof typeof LINT_RULES;

/** One warning; `path` as in problems: `applications[0].deployments[1].rollout`. */
export interface LintFinding {
  readonly path: string;
  /** Path of the deployment that it is in; absent: in none. */
  readonly deployment?: string;
  readonly message: string;
  readonly rule: LintRule;
}

/** A finding inside one deployment: the field it is about, and those that must have been set for it to matter. */
export interface DeploymentFinding {
  readonly field: string;
  readonly set: readonly string[];
  readonly rule: LintRule;
  readonly message: string;
}
