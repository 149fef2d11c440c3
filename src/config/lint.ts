/** Warns of settings that are allowed, but known to work badly together. Pure; defaults alone never warn. */
import { effectiveDeployment, effectiveFactors, overrideOf } from "./effective.ts";
import { lintRollout } from "./lint-rollout.ts";
import { webhookOpen } from "./scaling.ts";
import type { ApplicationConfig, AutoscalingConfig, DeployConfig, EffectiveDeploymentConfig } from "./types.ts";

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

/** The settings of one deployment, and which of them code or config set. */
export interface LintedDeployment {
  readonly config: EffectiveDeploymentConfig;
  readonly userConfigured: readonly string[];
}

/** A deployment that code declares, with the options it sets by the config's names. */
export interface LintedCode {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** What the code of an application declares, by the application's name; undefined where that is not known. */
export type CodeOf = (application: string) => readonly LintedCode[] | undefined;

/**
 * What a document does badly and known code does not make good; unknown code is taken to set nothing. Parse must have
 * accepted the document.
 */
export function lint(config: DeployConfig, codeOf: CodeOf = () => undefined): LintFinding[] {
  const capacity: LintFinding[] =
    config.target_capacity === 0
      ? [
          {
            path: "target_capacity",
            message: "is 0: no deployment has a replica; null is full size",
            rule: "no-capacity",
          },
        ]
      : [];
  return [
    ...capacity,
    ...config.applications.flatMap((app, index) =>
      lintApplication(app, `applications[${index}]`, codeOf(app.name ?? "default")),
    ),
  ];
}

/** The same for one application; `path` is put before the paths. */
export function lintApplication(app: ApplicationConfig, path = "", code: readonly LintedCode[] = []): LintFinding[] {
  const deployments = (app.deployments ?? []).flatMap(({ name }, index) => {
    // Entries of one name are one deployment; what it says is shown at the last of them.
    if (app.deployments!.findLastIndex((other) => other.name === name) !== index) return [];
    const at = join(path, `deployments[${index}]`);
    const alone = lintMerged({}, app, name, at);
    const known = code.find((each) => each.name === name);
    if (known === undefined || alone.length === 0) return alone;
    return lintMerged(known.options, app, name, at).filter((finding) => alone.some(sameAs(finding)));
  });
  return [...lintScaling(app, path), ...deployments];
}

/** What code and config together do badly and the config alone does not; paths begin like `deployments["D"].`. */
export function lintCode(app: Pick<ApplicationConfig, "deployments">, code: readonly LintedCode[]): LintFinding[] {
  return code.flatMap(({ name, options }) => {
    const at = `deployments[${JSON.stringify(name)}]`;
    const alone = lintMerged({}, app, name, at);
    return lintMerged(options, app, name, at).filter((finding) => !alone.some(sameAs(finding)));
  });
}

/** A finding as one line. */
export function lintText({ path, message }: Pick<LintFinding, "path" | "message">): string {
  return `${path}: ${message}`;
}

/** Empty for what cannot be merged: the build tells why. */
function lintMerged(
  options: LintedCode["options"],
  app: Pick<ApplicationConfig, "deployments">,
  name: string,
  path: string,
): LintFinding[] {
  const merged = effectiveDeployment(options, overrideOf(app, name), name);
  return merged.ok ? lintDeployment(merged, path) : [];
}

function sameAs({ rule, path }: LintFinding): (other: LintFinding) => boolean {
  return (other) => other.rule === rule && other.path === path;
}

/** One deployment with everything that code and config set. */
export function lintDeployment({ config, userConfigured }: LintedDeployment, path: string): LintFinding[] {
  const found = [...lintAutoscaling(config), ...lintShadow(config), ...lintLife(config), ...lintRollout(config)];
  return found
    .filter(({ set }) => set.some((field) => userConfigured.includes(field)))
    .map(({ field, rule, message }) => ({ path: join(path, field), message, rule }));
}

function join(path: string, field: string): string {
  return path === "" ? field : `${path}.${field}`;
}

function lintScaling(app: ApplicationConfig, path: string): LintFinding[] {
  const found: LintFinding[] = [];
  if (app.scaling?.lease_fallback !== undefined && !webhookOpen(app)) {
    const message = 'has no effect while nobody scales from outside; set scaling.owner to "external" or remove it';
    found.push({ path: join(path, "scaling.lease_fallback"), message, rule: "unused-lease-fallback" });
  }
  if (app.scaling?.owner !== "manual") return found;
  for (const [index, { autoscaling_config: autoscaling, num_replicas: count }] of (app.deployments ?? []).entries()) {
    if (!autoscaling && count !== "auto") continue;
    const at = join(path, `deployments[${index}].${autoscaling ? "autoscaling_config" : "num_replicas"}`);
    const message = 'is not followed while scaling.owner is "manual"; remove it or change the owner';
    found.push({ path: at, message, rule: "owner-without-autoscaler" });
  }
  return found;
}

function lintAutoscaling(config: EffectiveDeploymentConfig): DeploymentFinding[] {
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

function lintShadow({
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

/** Health checks and the end of replicas. */
function lintLife(config: EffectiveDeploymentConfig): DeploymentFinding[] {
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
