/** What is simulated: one deployment's settings, taken from a config. */
import { type ScalingRules, scalingRules } from "../autoscaling/rules.ts";
import { register } from "../autoscaling/state.ts";
import { DEFAULT_APPLICATION_NAME, DEFAULT_COLD_START_TIMEOUT_S } from "../config/defaults.ts";
import { effectiveDeployment, initialTarget, overrideOf } from "../config/effective.ts";
import { policyFunctionIn, policyKind } from "../config/policy-kwargs.ts";
import { workingDirIn } from "../config/runtime-env.ts";
import { isRecord } from "../config/schema-types.ts";
import { targetCapacityDirection } from "../config/target-capacity.ts";
import type { ApplicationConfig, AutoscalingConfig, DeployConfig, EffectiveDeploymentConfig } from "../config/types.ts";
import type { Problem } from "../core/errors.ts";

/** One deployment as the simulation runs it. */
export interface Subject {
  readonly application: string;
  readonly deployment: string;
  /** Requests a replica takes at a time. */
  readonly maxOngoingRequests: number;
  /** Requests that may wait; -1: any number. */
  readonly maxQueuedRequests: number;
  /** Seconds after which a request is given up, whether it waits or is worked on; null: never. */
  readonly requestTimeoutS: number | null;
  /** Seconds a request may wait while no replica serves; null: without end. */
  readonly coldStartTimeoutS: number | null;
  /** Seconds a stopping replica has for the requests it works on. */
  readonly gracefulShutdownTimeoutS: number;
  /** Replicas that run when the simulation begins. */
  readonly initialReplicas: number;
  /** null: the number of replicas is fixed. */
  readonly autoscaling: {
    readonly config: AutoscalingConfig;
    readonly rules: ScalingRules;
    /** The policy of the user's that decides for the whole application; absent: the deployment has its own. */
    readonly together?: OwnPolicy;
  } | null;
}

/** A policy of the user's. */
export interface OwnPolicy {
  readonly policy_function: string;
  readonly policy_kwargs: Readonly<Record<string, unknown>>;
}

/** The deployments of a config, or why they cannot be simulated. */
export type SubjectsResult =
  | { readonly ok: true; readonly subjects: readonly Subject[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * The deployments that a checked config names. What only the code sets is taken for the default, since no code is run;
 * so deployments that the config does not name are not there. `wanted`, `APP/DEPLOYMENT` or `DEPLOYMENT`: the only one
 * that is to be simulated, so that policies of others may be of any kind.
 */
export function subjectsOf(config: DeployConfig, wanted?: string): SubjectsResult {
  const problems: Problem[] = [];
  const subjects: Subject[] = [];
  config.applications.forEach((app, index) => {
    for (const name of new Set((app.deployments ?? []).map((deployment) => deployment.name))) {
      const merged = effectiveDeployment({}, overrideOf(app, name), name);
      const path = `applications[${index}]`;
      if (!merged.ok) {
        problems.push(...merged.problems.map((problem) => ({ ...problem, path: `${path}.${problem.path}` })));
        continue;
      }
      const names = [name, `${app.name ?? DEFAULT_APPLICATION_NAME}/${name}`];
      const asked = wanted === undefined || names.includes(wanted);
      const foreign = asked ? foreignPolicy(app, merged.config, wanted) : undefined;
      const at = (app.deployments ?? []).findLastIndex((each) => each.name === name);
      if (foreign !== undefined)
        problems.push({ ...foreign, path: `${path}.${foreign.path.replace("[]", `[${at}]`)}` });
      else subjects.push(subjectOf(config, app, merged.config));
    }
  });
  // The policy of an application is the same problem for each of its deployments.
  const once = problems.filter(({ path, message }, i) => {
    return problems.findIndex((other) => other.path === path && other.message === message) === i;
  });
  return once.length > 0 ? { ok: false, problems: once } : { ok: true, subjects };
}

function subjectOf(config: DeployConfig, app: ApplicationConfig, settings: EffectiveDeploymentConfig): Subject {
  const capacity = config.target_capacity ?? null;
  const names = config.applications.map(({ name }) => name ?? DEFAULT_APPLICATION_NAME);
  const direction = targetCapacityDirection(null, { applications: names, targetCapacity: capacity }, null);
  const { autoscaling_config: autoscaling, gang_scheduling_config: gang } = settings;
  const gangSize = isRecord(gang) && typeof gang["gang_size"] === "number" ? gang["gang_size"] : 1;
  return {
    application: app.name ?? DEFAULT_APPLICATION_NAME,
    deployment: settings.name,
    maxOngoingRequests: settings.max_ongoing_requests,
    maxQueuedRequests: settings.max_queued_requests,
    requestTimeoutS: positive(settings.request_timeout_s) ?? positive(config.http_options?.request_timeout_s) ?? null,
    coldStartTimeoutS:
      settings.cold_start_timeout_s === undefined ? DEFAULT_COLD_START_TIMEOUT_S : settings.cold_start_timeout_s,
    gracefulShutdownTimeoutS: settings.graceful_shutdown_timeout_s,
    initialReplicas: autoscaling
      ? register({ config: autoscaling, capacity, direction }).target
      : initialTarget(settings, capacity, direction),
    autoscaling: autoscaling
      ? { config: autoscaling, rules: scalingRules(autoscaling, capacity, direction, gangSize), ...togetherIn(app) }
      : null,
  };
}

/** The policy that decides for all deployments of an application that are autoscaled. */
function togetherIn({ autoscaling_policy: policy }: ApplicationConfig): { readonly together?: OwnPolicy } {
  const policy_function = policyFunctionIn(policy);
  if (policy_function === undefined) return {};
  const kwargs = policy?.["policy_kwargs"];
  return { together: { policy_function, policy_kwargs: isRecord(kwargs) ? kwargs : {} } };
}

/** The policy of the user's that scales it, whose code has to be run; undefined: none does. */
export function ownPolicyOf({ autoscaling }: Pick<Subject, "autoscaling">): OwnPolicy | undefined {
  if (autoscaling === null) return undefined;
  const { config, together } = autoscaling;
  return together ?? (policyFunctionIn(config.policy) === undefined ? undefined : config.policy);
}

/** A policy that cannot be asked here: of a server that knows nothing of virtual time, of a zip, for one of several. */
function foreignPolicy(
  app: ApplicationConfig,
  { autoscaling_config: scaling }: EffectiveDeploymentConfig,
  wanted: string | undefined,
): Problem | undefined {
  if (!scaling) return undefined;
  const only = "leave it out to see what requests alone would do";
  const zipped = workingDirIn(app.runtime_env) !== undefined;
  const inZip = `is not simulated: its code lies in the zip of runtime_env.working_dir; ${only}`;
  const { together } = togetherIn(app);
  if (together !== undefined) {
    const { policy_function: ofApp } = together;
    const at = (message: string): Problem => ({ path: "autoscaling_policy", message: `${ofApp} ${message}` });
    if (zipped) return at(inZip);
    const names = new Set((app.deployments ?? []).map(({ name }) => name));
    const scaled = [...names].filter((name) => isScaled(app, name));
    if (wanted === undefined || scaled.length === 1) return undefined;
    return at(`decides for ${scaled.join(", ")} together, and --deployment names one of them; leave that out`);
  }
  const { policy_function: own } = scaling.policy;
  const path = "deployments[].autoscaling_config.policy.policy_function";
  if (policyFunctionIn(scaling.policy) === undefined) {
    if (policyKind(own) !== "hosted") return undefined;
    return { path, message: `${own} is not simulated: what it asks knows nothing of virtual time; ${only}` };
  }
  return zipped ? { path, message: `${own} ${inZip}` } : undefined;
}

function isScaled(app: ApplicationConfig, name: string): boolean {
  const merged = effectiveDeployment({}, overrideOf(app, name), name);
  return merged.ok && merged.config.autoscaling_config !== undefined;
}

/** No timeout is written as null, and as 0. */
function positive(seconds: number | null | undefined): number | undefined {
  return seconds !== null && seconds !== undefined && seconds > 0 ? seconds : undefined;
}
