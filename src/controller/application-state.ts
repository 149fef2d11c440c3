import { effectiveDeployment, firstBundleProblem, initialTarget, overrideOf } from "../config/effective.ts";
import { withApplicationLogging } from "../config/logging.ts";
import { routerModuleIn } from "../config/request-router.ts";
import { canaryProblem } from "../config/rollout.ts";
import { withApplicationEnv, workingDirOf } from "../config/runtime-env.ts";
import { otherFolder, runtimeEnvFindings } from "../config/runtime-env-rules.ts";
import { withoutShadow } from "../config/scaling.ts";
import { externalScalerConflict } from "../config/schema-deploy.ts";
import { isRecord } from "../config/schema-types.ts";
import {
  type ApplicationConfig,
  COMMAND_IMPORT_PATH,
  type EffectiveDeploymentConfig,
  type RolloutConfig,
} from "../config/types.ts";
import { inputsHash, restartHash, settingsHash } from "../config/versions.ts";
import { nameProblem } from "../core/names.ts";
import { deriveApplicationStatus } from "./application-status.ts";
import { canaryLine } from "./canary-state.ts";
import { moved } from "./deployment-state.ts";
import { INITIAL_DEPLOYMENT_STATUS } from "./deployment-status.ts";
import { leaseOf } from "./lease-state.ts";
import type {
  ApplicationRecord,
  BuiltApplication,
  DeploymentRecord,
  DeploymentVersion,
  InstanceRecord,
} from "./records.ts";
import { routerLine } from "./router-failure-state.ts";

/** Makes ids that no two records share. */
export type NewId = (length: number) => string;

/**
 * An application as a config document wants it. Every put is followed by a build: a `check` build behind an unchanged
 * config notices edited sources; deployments stay as they are until it ends.
 */
export function putApplication(
  current: ApplicationRecord | undefined,
  put: {
    readonly name: string;
    readonly config: ApplicationConfig;
    readonly baseDir: string;
    readonly source: "declarative" | "imperative";
    readonly requestId?: string;
    /** Who asks. */
    readonly actor?: string;
    /** The set that it belongs to from now on; absent: to none. */
    readonly managedBy?: string;
    readonly now: number;
    readonly newId: NewId;
  },
): ApplicationRecord {
  const { config, now } = put;
  const buildId = put.newId(12);
  const byRequest = put.requestId ? { requestId: put.requestId } : {};
  const managed = put.managedBy ? { managedBy: put.managedBy } : {};
  const by = put.actor ? { actor: put.actor } : {};
  if (!current) {
    return {
      name: put.name,
      uid: put.newId(12),
      source: put.source,
      config,
      baseDir: put.baseDir,
      generation: 1,
      observedGeneration: 0,
      build: { kind: "building", buildId, check: false, since: now, ...by },
      built: null,
      deleting: false,
      status: "DEPLOYING",
      message: "",
      routePrefix: null,
      lastDeployedAt: now,
      ...byRequest,
      ...managed,
      tokenRotation: 0,
      createdAt: now,
      updatedAt: now,
    };
  }
  const sameInputs =
    current.built !== null &&
    !current.deleting &&
    current.build.kind !== "failed" &&
    current.built.inputsHash === inputsHash(config) &&
    current.baseDir === put.baseDir;
  // A build that was already replacing the inputs goes on hiding the deployments.
  const check = sameInputs && !(current.build.kind === "building" && !current.build.check);
  const { requestId: _earlier, managedBy: _before, ...rest } = current;
  return {
    ...rest,
    ...byRequest,
    ...managed,
    source: put.source,
    config,
    baseDir: put.baseDir,
    generation: current.generation + 1,
    build: { kind: "building", buildId, check, since: now, ...by },
    deleting: false,
    status: check ? current.status : "DEPLOYING",
    message: check ? current.message : "",
    lastDeployedAt: now,
    updatedAt: now,
  };
}

/** What an application's deployments should be, or why they cannot. */
export type DesiredDeployments =
  | { readonly ok: true; readonly deployments: readonly DesiredDeployment[] }
  | { readonly ok: false; readonly message: string };

export interface DesiredDeployment {
  readonly name: string;
  readonly config: EffectiveDeploymentConfig;
  readonly userConfigured: readonly string[];
  readonly version: DeploymentVersion;
  readonly ingress: boolean;
  readonly outbound: readonly string[];
}

/** Merges what the code says with what the config overrides. */
export function desiredDeployments(application: ApplicationRecord, built: BuiltApplication): DesiredDeployments {
  const overrides = application.config.deployments ?? [];
  const known = new Set(built.deployments.map((deployment) => deployment.name));
  const unknown = overrides.find((override) => !known.has(override.name));
  if (unknown) {
    const names = [...known].map((name) => `"${name}"`).join(", ");
    return { ok: false, message: `The config names deployment "${unknown.name}", but the application has ${names}.` };
  }
  const deployments: DesiredDeployment[] = [];
  for (const { name, options, outbound } of built.deployments) {
    const misnamed = nameProblem(name);
    if (misnamed)
      return { ok: false, message: `The name of deployment ${JSON.stringify(name)} ${misnamed}; rename it.` };
    const merged = effectiveDeployment({ ...options }, overrideOf(application.config, name), name);
    if (!merged.ok) {
      const [problem] = merged.problems;
      return { ok: false, message: `Deployment "${name}": ${problem!.path}: ${problem!.message}` };
    }
    if (application.config.external_scaler_enabled && merged.config.autoscaling_config) {
      return { ok: false, message: externalScalerConflict(name) };
    }
    const wrongEnv = envProblem(merged.config, application.config);
    if (wrongEnv) return { ok: false, message: `Deployment "${name}": ${wrongEnv}` };
    const config = withApplicationLogging(
      withApplicationEnv(merged.config, application.config.runtime_env),
      application.config.logging_config,
    );
    const uri = workingDirOf(config.ray_actor_options);
    const folder = uri === undefined ? undefined : built.workingDirs?.[uri];
    const tooSmall = firstBundleProblem(config);
    if (tooSmall) return { ok: false, message: `Deployment "${name}": ${tooSmall.path}: ${tooSmall.message}` };
    const ingress = name === built.ingress;
    const router = built.routers?.[routerModuleIn(config.request_router_config) ?? ""];
    deployments.push({
      name,
      config,
      userConfigured: merged.userConfigured,
      version: {
        restart: restartHash(
          config,
          built.bundleHash + (folder ? `+${folder.hash}` : ""),
          inputsHash(application.config),
        ),
        settings: settingsHash(config, ingress ? routePrefixOf(application.config) : null),
        bundlePath: built.bundlePath,
        exportName: built.exportName,
        ...(folder ? { workingDir: folder.path } : {}),
        ...(router ? { requestRouter: { bundlePath: router.bundlePath, exportName: router.exportName } } : {}),
      },
      ingress,
      outbound,
    });
  }
  const canaries = canaryProblem(rolloutsOf(application.config, built));
  return canaries === undefined
    ? { ok: true, deployments }
    : { ok: false, message: `In code and config, ${canaries}.` };
}

/** What the config, or else the code, says of each deployment's updates. */
function rolloutsOf(config: ApplicationConfig, built: BuiltApplication) {
  return built.deployments.map(({ name, options }) => {
    const over = overrideOf(config, name)?.rollout;
    return { name, rollout: over === undefined ? (options.rollout as RolloutConfig | undefined) : over };
  });
}

/** What code asks of its runtime env that it cannot have; the config's part was checked when it was taken. */
function envProblem(config: EffectiveDeploymentConfig, application: ApplicationConfig): string | undefined {
  const env = config.ray_actor_options.runtime_env;
  if (!isRecord(env)) return undefined;
  const found = runtimeEnvFindings(env).find(({ refused }) => refused);
  if (found) return `ray_actor_options.runtime_env.${found.steps.join(".")} ${found.message}`;
  const other = application.import_path === COMMAND_IMPORT_PATH ? undefined : otherFolder(env, application.runtime_env);
  return other === undefined ? undefined : `ray_actor_options.runtime_env.working_dir ${other}`;
}

/** Unset means "/", null means not exposed. */
export function routePrefixOf(config: ApplicationConfig): string | null {
  return config.route_prefix === undefined ? "/" : config.route_prefix;
}

/**
 * A deployment record as desired: untouched when nothing differs (so a target set from outside survives), else a new
 * generation with the target computed anew (spec/control-plane.md 4.5).
 */
export function applyDesired(
  current: DeploymentRecord | undefined,
  desired: DesiredDeployment,
  context: {
    readonly application: string;
    readonly instance: InstanceRecord;
    readonly capacityChanged: boolean;
    /** Its replicas run in another folder from now on. */
    readonly folderMoved?: boolean;
    readonly hasReplicas: boolean;
    readonly now: number;
    readonly newId: NewId;
  },
): DeploymentRecord {
  const { instance, now } = context;
  const target = (present?: { readonly target: number; readonly changed: boolean }): number =>
    initialTarget(desired.config, instance.targetCapacity, instance.targetCapacityDirection, present);
  // Who scales goes on scaling: only a deployment that begins anew has neither lease nor fence.
  const kept = current === undefined || current.deleting ? {} : leaseOf(current.target);
  const byConfig = (replicas: number): DeploymentRecord["target"] => ({
    replicas,
    owner: "config",
    reason: "",
    since: now,
    requestId: "",
    ...kept,
  });
  if (!current) {
    return {
      application: context.application,
      name: desired.name,
      uid: context.newId(12),
      generation: 1,
      observedGeneration: 0,
      config: desired.config,
      userConfigured: desired.userConfigured,
      version: desired.version,
      target: byConfig(target()),
      ingress: desired.ingress,
      outbound: desired.outbound,
      ...INITIAL_DEPLOYMENT_STATUS,
      failures: 0,
      everRan: false,
      rollout: "none",
      progressAt: now,
      lastError: "",
      deleting: false,
      replicaCounts: {},
      recentDead: [],
      createdAt: now,
      updatedAt: now,
    };
  }
  const configSame = same(withoutShadow(current), withoutShadow(desired));
  const versionSame = same(current.version, desired.version);
  // What failed may have failed for its folder.
  const retried = context.folderMoved === true && current.status === "DEPLOY_FAILED";
  const asked = context.capacityChanged || retried;
  const unchanged = configSame && versionSame && current.ingress === desired.ingress && !asked && !current.deleting;
  if (unchanged) {
    const { config, userConfigured, outbound } = desired;
    // A shadow is no reason to touch anything else, the target least of all.
    if (!same(current.config, config) || !same(current.userConfigured, userConfigured)) {
      return { ...current, generation: current.generation + 1, config, userConfigured, outbound, updatedAt: now };
    }
    return same(current.outbound, outbound) ? current : { ...current, outbound };
  }

  const restarts = current.version.restart !== desired.version.restart || current.deleting;
  const rolls = restarts || current.version.settings !== desired.version.settings;
  const frozen = current.rollout === "failed" && !rolls && !retried;
  // A change of the capacity alone is no reason to begin with initial_replicas again.
  const changed = !configSame || restarts;
  const replicas = target(current.deleting ? undefined : { target: current.target.replicas, changed });
  const autoscaling = desired.config.autoscaling_config;
  // Within its bounds the count stays as it is, so whoever has set it goes on being who has.
  const leftAlone = autoscaling && !current.deleting && !(changed && (autoscaling.initial_replicas ?? null) !== null);
  const setBefore = leftAlone || current.target.owner === "config";
  // A policy that failed is tried afresh.
  const { policyFailure: _earlier, ...before } = current;
  const next: DeploymentRecord = {
    ...before,
    generation: current.generation + 1,
    config: desired.config,
    userConfigured: desired.userConfigured,
    version: desired.version,
    target: replicas === current.target.replicas && setBefore ? current.target : byConfig(replicas),
    ingress: desired.ingress,
    outbound: desired.outbound,
    failures: frozen ? current.failures : 0,
    everRan: restarts ? false : current.everRan,
    rollout: rolls || retried ? (context.hasReplicas ? "active" : "none") : current.rollout,
    ...(rolls || retried ? { progressAt: now } : {}),
    lastError: frozen ? current.lastError : "",
    deleting: false,
    // One that was being deleted begins anew.
    recentDead: current.deleting ? [] : current.recentDead,
    createdAt: current.deleting ? now : current.createdAt,
    updatedAt: now,
  };
  if (frozen) return next;
  const { num_replicas: countBefore, ...restBefore } = current.config;
  const { num_replicas: after, ...restAfter } = desired.config;
  const onlyCount =
    versionSame &&
    !retried &&
    !current.deleting &&
    countBefore !== undefined &&
    after !== undefined &&
    same(restBefore, restAfter) &&
    same(current.userConfigured, desired.userConfigured);
  if (!onlyCount) return moved(next, { kind: "CONFIG_UPDATE" }, now);
  if (replicas === current.target.replicas) return next;
  const up = replicas > current.target.replicas;
  return moved(
    next,
    {
      kind: up ? "MANUALLY_INCREASE_NUM_REPLICAS" : "MANUALLY_DECREASE_NUM_REPLICAS",
      message: `${up ? "Upscaling" : "Downscaling"} from ${current.target.replicas} to ${replicas} replicas.`,
    },
    now,
  );
}

/** Marks a deployment for deletion; its replicas drain. */
export function deleteDeployment(deployment: DeploymentRecord, now: number): DeploymentRecord {
  if (deployment.deleting) return deployment;
  const next: DeploymentRecord = {
    ...deployment,
    deleting: true,
    generation: deployment.generation + 1,
    target: { ...deployment.target, replicas: 0, since: now },
  };
  return moved(next, { kind: "DELETE" }, now);
}

/** Derives an application's status from its build and its deployments; null when it is deleted and nothing is left. */
export function stepApplication(
  application: ApplicationRecord,
  deployments: readonly DeploymentRecord[],
  now: number,
): ApplicationRecord | null {
  if (application.deleting && deployments.length === 0) return null;
  const derived = standing(application, deployments);
  const observedGeneration =
    application.build.kind === "building" ? application.observedGeneration : application.generation;
  const { status, message } = derived;
  if (
    application.status === status &&
    application.message === message &&
    application.observedGeneration === observedGeneration
  ) {
    return application;
  }
  return { ...application, status, message, observedGeneration, updatedAt: now };
}

function standing(
  application: ApplicationRecord,
  deployments: readonly DeploymentRecord[],
): Pick<ApplicationRecord, "status" | "message"> {
  if (application.deleting) return { status: "DELETING", message: "" };
  const { build } = application;
  if (build.kind === "failed") return { status: "DEPLOY_FAILED", message: build.message };
  if (build.kind === "building" && !build.check) return { status: "DEPLOYING", message: "" };
  const wanted = deployments.filter((deployment) => !deployment.deleting);
  const derived = deriveApplicationStatus({ deleting: false, deployments: wanted });
  if (!application.canary || (derived.status !== "DEPLOYING" && derived.status !== "RUNNING")) {
    return derived.message === "" ? { ...derived, message: complaint(wanted) } : derived;
  }
  return { status: "DEPLOYING", message: canaryLine(application.canary) };
}

/** How a scaling policy of a deployment fails, else a request router, the first of them; "" where none does. */
function complaint(deployments: readonly DeploymentRecord[]): string {
  const of = ({ name }: DeploymentRecord, line: string): string => `deployment ${JSON.stringify(name)}: ${line}`;
  const policy = deployments.find(({ policyFailure }) => policyFailure !== undefined);
  if (policy?.policyFailure !== undefined) return of(policy, policy.policyFailure);
  const router = deployments.find(({ routerFailure }) => routerFailure !== undefined);
  return router ? of(router, routerLine(router)) : "";
}

/** Whether the deployments of an application are known and shown (T12). */
export function deploymentsKnown(application: ApplicationRecord): boolean {
  if (application.deleting) return false;
  return application.build.kind === "done" || (application.build.kind === "building" && application.build.check);
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
