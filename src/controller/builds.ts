/** From an application's config to its deployments: builds that begin and end. */
import { policyFunctions, shadowPolicyFunctions } from "../config/policy-kwargs.ts";
import { routerModules } from "../config/request-router.ts";
import { workingDirIn, workingDirsOf } from "../config/runtime-env.ts";
import { type ApplicationConfig, COMMAND_IMPORT_PATH } from "../config/types.ts";
import { inputsHash } from "../config/versions.ts";
import type { BuildResult } from "../engine/engine.ts";
import {
  applyDesired,
  deleteDeployment,
  desiredDeployments,
  putApplication,
  routePrefixOf,
} from "./application-state.ts";
import { canaryFor, canaryObstacle, withStable } from "./canary-begin.ts";
import type { CommandAction, CommandContext } from "./command-context.ts";
import type { ApplicationRecord, BuiltApplication } from "./records.ts";
import { failRevision, noteBuildFailed, noteBuilt, noteWrite } from "./revisions.ts";
import type { Draft } from "./world.ts";

/** Writes one application and begins its build. */
export function putInDraft(
  draft: Draft,
  wanted: Pick<ApplicationRecord, "name" | "config" | "baseDir" | "requestId" | "managedBy" | "source"> & {
    readonly actor: string;
  },
  context: CommandContext & { readonly capacityChanged: boolean },
): CommandAction[] {
  const { now, newId } = context;
  const current = draft.application(wanted.name);
  const put = putApplication(current, { ...wanted, now, newId });
  const next = noteWrite(draft, current, put, { actor: wanted.actor, now });
  draft.setApplication(next);
  const actions: CommandAction[] = [];
  if (current?.build.kind === "building") actions.push({ kind: "cancel-build", buildId: current.build.buildId });
  if (isCommands(next) && !hasCode(next.config)) {
    finishBuild(draft, next, commandsAsBuild(next.config), context);
    return actions;
  }
  actions.push(buildAction(next));
  if (next.build.kind === "building" && next.build.check && next.built) {
    const built = isCommands(next) ? { ...next.built, ...commandsAsBuild(next.config) } : next.built;
    // What was not fetched yet comes with this build, and so may a deployment that the config names.
    const fetched = workingDirsOf(next.config).every((uri) => built.workingDirs?.[uri]);
    if (fetched && desiredDeployments(next, built).ok) applyBuild(draft, next, built, context);
  }
  return actions;
}

/** Takes a build's result in: the deployments become what it and the config say. */
export function finishBuild(
  draft: Draft,
  application: ApplicationRecord,
  result: BuildResult,
  context: Pick<CommandContext, "now" | "newId"> & { readonly capacityChanged?: boolean },
): void {
  const code = isCommands(application) ? commandsAsBuild(application.config) : {};
  const { config, baseDir } = application;
  const built: BuiltApplication = { ...result, ...code, inputsHash: inputsHash(config), baseDir };
  const noted = noteBuilt(draft, application, built, { actor: askedBy(application), now: context.now });
  applyBuild(draft, { ...noted, build: { kind: "done" } }, built, { capacityChanged: false, ...context });
}

/** Whether an application of programs has anything to fetch or build nevertheless: folders, and code of policies. */
function hasCode(config: ApplicationConfig): boolean {
  return [workingDirsOf, policyFunctions, shadowPolicyFunctions, routerModules].some(
    (listed) => listed(config).length > 0,
  );
}

/** Whether an application consists of programs: there is no code to build. */
function isCommands(application: ApplicationRecord): boolean {
  return application.config.import_path === COMMAND_IMPORT_PATH;
}

/** What a build would report of an application of commands. */
function commandsAsBuild(config: ApplicationConfig): BuildResult {
  const deployments = config.deployments ?? [];
  const ingress = deployments.find((deployment) => deployment.ingress) ?? deployments[0]!;
  return {
    bundlePath: "",
    bundleHash: "",
    exportName: "",
    ingress: ingress.name,
    deployments: deployments.map(({ name }) => ({ name, options: {}, outbound: [] })),
  };
}

/** Notes that a build failed; what served before serves on. */
export function failBuild(draft: Draft, application: ApplicationRecord, error: string, now: number): void {
  const message = `Deploying application "${application.name}" failed: ${error}`;
  const noted = noteBuildFailed(draft, application, message, { actor: askedBy(application), now });
  draft.setApplication({ ...noted, build: { kind: "failed", message }, updatedAt: now });
}

/** Who asked for the build under way. */
function askedBy({ build }: ApplicationRecord): string {
  return (build.kind === "building" ? build.actor : undefined) ?? "controller";
}

/** The command to build an application as its record says. */
export function buildAction(application: ApplicationRecord): CommandAction {
  if (application.build.kind !== "building") throw new Error("no build is wanted");
  return {
    kind: "build",
    request: {
      buildId: application.build.buildId,
      importPath: application.config.import_path,
      baseDir: application.baseDir,
      args: application.config.args ?? {},
      workingDirs: workingDirsOf(application.config),
      codeDir: workingDirIn(application.config.runtime_env) ?? null,
      policies: policyFunctions(application.config),
      shadowPolicies: shadowPolicyFunctions(application.config),
      routers: routerModules(application.config),
    },
  };
}

/** Makes the deployments what the config says of this code. */
export function applyBuild(
  draft: Draft,
  application: ApplicationRecord,
  built: BuiltApplication,
  context: Pick<CommandContext, "now" | "newId"> & { capacityChanged: boolean },
): void {
  const { now } = context;
  const desired = desiredDeployments(application, built);
  if (!desired.ok) {
    refuseBuilt(draft, application, desired.message, now);
    return;
  }
  const routePrefix = routePrefixOf(application.config);
  const canary = canaryFor(draft, application, desired.deployments, now);
  const obstacle = canary && canaryObstacle(draft, application, canary, built.ingress);
  if (obstacle !== undefined) {
    refuseBuilt(draft, application, obstacle, now);
    return;
  }
  const { canary: tried, ...rest } = application;
  const before = application.built?.baseDir;
  const folderMoved = before !== undefined && before !== application.baseDir;
  draft.setApplication({ ...rest, ...(canary ? { canary } : {}), built, routePrefix, updatedAt: now });
  if (canary && canary !== tried) {
    const { name } = application;
    const entry = {
      kind: "canary",
      application: name,
      revision: canary.revision,
      event: "started",
      reason: "",
    } as const;
    draft.journal({ at: now, actor: "controller", ...entry });
  }
  const wanted = new Set<string>();
  for (const deployment of desired.deployments) {
    wanted.add(deployment.name);
    const current = draft.deployment(application.name, deployment.name);
    const hasReplicas = draft
      .replicasOf(application.name, deployment.name)
      .some((replica) => replica.state.kind !== "stopping");
    const next = applyDesired(current, deployment, {
      application: application.name,
      instance: draft.instance,
      capacityChanged: context.capacityChanged,
      folderMoved,
      hasReplicas,
      now,
      newId: context.newId,
    });
    draft.setDeployment(withStable(next, current, canary, now));
  }
  // What only the stable revision has goes when the canary is promoted.
  if (canary) return;
  for (const deployment of draft.deploymentsOf(application.name)) {
    if (!wanted.has(deployment.name)) draft.setDeployment(deleteDeployment(deployment, now));
  }
}

/** Notes that what was built cannot run; what served before serves on. */
function refuseBuilt(draft: Draft, application: ApplicationRecord, message: string, now: number): void {
  failRevision(draft, application, message);
  draft.setApplication({ ...application, build: { kind: "failed", message }, updatedAt: now });
}
