import { targetCapacityDirection } from "../config/target-capacity.ts";
import { type ApplicationConfig, COMMAND_IMPORT_PATH, type GrpcOptions, type HttpOptions } from "../config/types.ts";
import { inputsHash } from "../config/versions.ts";
import { WindlassError } from "../core/errors.ts";
import type { BuildRequest, BuildResult } from "../engine/engine.ts";
import type { NewId } from "./application-state.ts";
import {
  applyDesired,
  deleteDeployment,
  desiredDeployments,
  putApplication,
  routePrefixOf,
} from "./application-state.ts";
import type {
  ApplyConfigRequest,
  DeleteApplicationRequest,
  PutOneApplicationRequest,
  ScaleRequest,
} from "./controller.ts";
import { etagOf } from "./controller.ts";
import type { ApplicationRecord, BuiltApplication, DeploymentRecord, InstanceRecord } from "./records.ts";
import type { Draft } from "./world.ts";

/** What every command may look at besides the draft. */
export interface CommandContext {
  readonly now: number;
  readonly newId: NewId;
  /** What `windlass start` binds; beats `http_options`. */
  readonly bind: { readonly host: string; readonly httpPort: number; readonly grpcPort: number };
}

/** What a command asks of the engine. */
export type CommandAction =
  | { readonly kind: "build"; readonly request: BuildRequest }
  | { readonly kind: "cancel-build"; readonly buildId: string };

/** Makes the instance record of a new instance. */
export function newInstance(
  config: Pick<ApplyConfigRequest["config"], "http_options" | "grpc_options" | "proxy_location">,
  context: CommandContext,
): InstanceRecord {
  const { bind, now } = context;
  return {
    uid: context.newId(12),
    state: "running",
    httpOptions: { ...config.http_options, host: bind.host, port: bind.httpPort },
    grpcOptions: { ...config.grpc_options, port: bind.grpcPort },
    proxyLocation: config.proxy_location ?? "EveryNode",
    httpAddress: config.proxy_location === "Disabled" ? "" : `http://${bracketed(bind.host)}:${bind.httpPort}`,
    targetCapacity: null,
    targetCapacityDirection: null,
    createdAt: now,
    updatedAt: now,
  };
}

/** `PUT /api/serve/applications/`. */
export function applyConfig(
  draft: Draft,
  request: ApplyConfigRequest,
  context: CommandContext,
): { warnings: string[]; actions: CommandAction[] } {
  const { config } = request;
  const { now } = context;
  refuseUnlessWritable(draft.instance, { absentIsFine: true });
  const names = new Set(config.applications.map(({ name }) => name ?? "default"));
  const kept = draft.applications().filter(({ source, name }) => source !== "declarative" && !names.has(name));
  for (const [index, wanted] of config.applications.entries()) {
    refuseTakenRoute(wanted, kept, `applications[${index}].route_prefix`);
  }
  const warnings: string[] = [];
  if (draft.instance.state === "absent") {
    draft.instance = newInstance(config, context);
    draft.journal({ at: now, actor: request.actor, kind: "instance", state: "running" });
  } else {
    const { httpOptions, grpcOptions } = draft.instance;
    warnings.push(...differingOptions("http_options", httpOptions, config.http_options));
    warnings.push(...differingOptions("grpc_options", grpcOptions, config.grpc_options));
  }
  const capacityChanged = setTargetCapacity(draft, request, now);
  const actions: CommandAction[] = [];
  const listed = new Set<string>();
  for (const wanted of config.applications) {
    const name = wanted.name ?? "default";
    listed.add(name);
    const withLogging =
      wanted.logging_config == null && config.logging_config
        ? { ...wanted, logging_config: config.logging_config }
        : wanted;
    const { baseDir } = request;
    actions.push(...putInDraft(draft, { name, config: withLogging, baseDir }, { ...context, capacityChanged }));
  }
  const deleted: string[] = [];
  for (const application of draft.applications()) {
    if (application.source !== "declarative" || listed.has(application.name) || application.deleting) continue;
    actions.push(...markApplicationDeleted(draft, application, now));
    deleted.push(application.name);
  }
  draft.journal({ at: now, actor: request.actor, kind: "config-applied", applications: [...listed], deleted });
  return { warnings, actions };
}

/**
 * Makes or replaces one declarative application and leaves the others alone, and the target capacity too. With
 * `validateOnly` it is only checked.
 */
export function putOneApplication(
  draft: Draft,
  request: PutOneApplicationRequest,
  context: CommandContext,
): { application: ApplicationRecord | undefined; actions: CommandAction[] } {
  const { name, config, baseDir, requestId } = request;
  const { now } = context;
  refuseUnlessWritable(draft.instance, { absentIsFine: true });
  const current = draft.application(name);
  if ((current === undefined || current.deleting) && !request.allowMissing) throw notFound({ application: name });
  // A retry of what was done already, whose etag is stale by its own doing.
  if (requestId !== "" && current?.requestId === requestId && !current.deleting) {
    return { application: current, actions: [] };
  }
  if (request.onlyNew && current !== undefined && !current.deleting) {
    throw new WindlassError("STALE_ETAG", `application "${name}" is there already; read it and retry`);
  }
  const present = current === undefined ? "" : etagOf(current);
  if (request.etag !== "" && request.etag !== present) throw staleEtag(request.etag, present);
  refuseTakenRoute(
    config,
    draft.applications().filter((other) => other.name !== name),
    "route_prefix",
  );
  if (request.validateOnly) return { application: current, actions: [] };
  if (draft.instance.state === "absent") {
    draft.instance = newInstance({}, context);
    draft.journal({ at: now, actor: request.actor, kind: "instance", state: "running" });
  }
  const actions = putInDraft(draft, { name, config, baseDir, requestId }, { ...context, capacityChanged: false });
  draft.journal({ at: now, actor: request.actor, kind: "config-applied", applications: [name], deleted: [] });
  return { application: draft.application(name), actions };
}

/** Writes one declarative application and begins its build. */
function putInDraft(
  draft: Draft,
  wanted: Pick<ApplicationRecord, "name" | "config" | "baseDir" | "requestId">,
  context: CommandContext & { readonly capacityChanged: boolean },
): CommandAction[] {
  const current = draft.application(wanted.name);
  const next = putApplication(current, {
    ...wanted,
    source: "declarative",
    now: context.now,
    newId: context.newId,
  });
  draft.setApplication(next);
  const actions: CommandAction[] = [];
  if (current?.build.kind === "building") actions.push({ kind: "cancel-build", buildId: current.build.buildId });
  if (isCommands(next)) {
    finishBuild(draft, next, commandsAsBuild(next.config), context);
    return actions;
  }
  actions.push(buildAction(next));
  if (next.build.kind === "building" && next.build.check && next.built) applyBuild(draft, next, next.built, context);
  return actions;
}

/** The webhook and ScaleDeployment; the order of the checks is the reference's. */
export function scale(
  draft: Draft,
  request: ScaleRequest,
  now: number,
): { previous: number; deployment: DeploymentRecord } {
  const where = { application: request.application, deployment: request.deployment };
  refuseUnlessWritable(draft.instance, { absentIsFine: false });
  const application = draft.application(request.application);
  if (!application) throw notFound(where);
  if (!application.config.external_scaler_enabled) {
    throw new WindlassError(
      "EXTERNAL_SCALER_DISABLED",
      `Deployment "${request.deployment}" of application "${request.application}" cannot be scaled from outside: external_scaler_enabled is false; set it to true in the application's config and deploy it again.`,
      { metadata: where },
    );
  }
  const deployment = draft.deployment(request.application, request.deployment);
  // One that has gone already, while its application is still going, was known once.
  const gone = application.deleting && application.built?.deployments.some(({ name }) => name === request.deployment);
  if (!deployment && !gone) throw notFound(where);
  if (!deployment || application.deleting || deployment.deleting) {
    throw new WindlassError("DEPLOYMENT_DELETED", "Deployment is deleted", { metadata: where });
  }
  if (request.etag !== "" && request.etag !== etagOf(deployment)) throw staleEtag(request.etag, etagOf(deployment));
  const { target } = deployment;
  if (request.requestId !== "" && request.requestId === target.requestId) {
    return { previous: target.replicas, deployment };
  }
  const next: DeploymentRecord = {
    ...deployment,
    generation: deployment.generation + 1,
    target: {
      replicas: request.target,
      owner: "external",
      reason: request.reason,
      since: now,
      requestId: request.requestId,
    },
    updatedAt: now,
  };
  draft.setDeployment(next);
  draft.journal({
    at: now,
    actor: request.actor,
    kind: "scale",
    ...where,
    from: target.replicas,
    to: request.target,
    reason: request.reason,
    requestId: request.requestId,
  });
  return { previous: target.replicas, deployment: next };
}

/** Deletes one application, whoever wrote it. */
export function deleteApplication(draft: Draft, request: DeleteApplicationRequest, now: number): CommandAction[] {
  refuseUnlessWritable(draft.instance, { absentIsFine: request.allowMissing });
  const application = draft.application(request.application);
  if (!application || application.deleting) {
    if (request.allowMissing || application) return [];
    throw notFound({ application: request.application });
  }
  if (request.etag !== "" && request.etag !== etagOf(application)) throw staleEtag(request.etag, etagOf(application));
  draft.journal({ at: now, actor: request.actor, kind: "application-deleted", application: application.name });
  return markApplicationDeleted(draft, application, now);
}

/** Begins the end of the instance; without one it has no effect. */
export function endInstance(draft: Draft, actor: string, now: number): CommandAction[] {
  if (draft.instance.state !== "running") return [];
  draft.instance = { ...draft.instance, state: "ending", updatedAt: now };
  draft.journal({ at: now, actor, kind: "instance", state: "ending" });
  return draft.applications().flatMap((application) => markApplicationDeleted(draft, application, now));
}

/** Raises the rotation of an application's scaler token: the old token ends. */
export function rotateToken(draft: Draft, name: string, actor: string, now: number): ApplicationRecord {
  const application = draft.application(name);
  if (!application) throw notFound({ application: name });
  const next = { ...application, tokenRotation: application.tokenRotation + 1, updatedAt: now };
  draft.setApplication(next);
  draft.journal({ at: now, actor, kind: "token-rotated", application: name });
  return next;
}

/** Takes a build's result in: the deployments become what it and the config say. */
export function finishBuild(
  draft: Draft,
  application: ApplicationRecord,
  result: BuildResult,
  context: Pick<CommandContext, "now" | "newId"> & { readonly capacityChanged?: boolean },
): void {
  const built: BuiltApplication = { ...result, inputsHash: inputsHash(application.config) };
  applyBuild(draft, { ...application, build: { kind: "done" } }, built, { capacityChanged: false, ...context });
}

/** Whether an application consists of programs: there is nothing to build. */
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
  draft.setApplication({ ...application, build: { kind: "failed", message }, updatedAt: now });
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
    },
  };
}

function applyBuild(
  draft: Draft,
  application: ApplicationRecord,
  built: BuiltApplication,
  context: Pick<CommandContext, "now" | "newId"> & { capacityChanged: boolean },
): void {
  const { now } = context;
  const desired = desiredDeployments(application, built);
  if (!desired.ok) {
    draft.setApplication({ ...application, build: { kind: "failed", message: desired.message }, updatedAt: now });
    return;
  }
  const routePrefix = routePrefixOf(application.config);
  draft.setApplication({ ...application, built, routePrefix, updatedAt: now });
  const wanted = new Set<string>();
  for (const deployment of desired.deployments) {
    wanted.add(deployment.name);
    const current = draft.deployment(application.name, deployment.name);
    const hasReplicas = draft
      .replicasOf(application.name, deployment.name)
      .some((replica) => replica.state.kind !== "stopping");
    draft.setDeployment(
      applyDesired(current, deployment, {
        application: application.name,
        instance: draft.instance,
        capacityChanged: context.capacityChanged,
        hasReplicas,
        now,
        newId: context.newId,
      }),
    );
  }
  for (const deployment of draft.deploymentsOf(application.name)) {
    if (!wanted.has(deployment.name)) draft.setDeployment(deleteDeployment(deployment, now));
  }
}

function markApplicationDeleted(draft: Draft, application: ApplicationRecord, now: number): CommandAction[] {
  if (application.deleting) return [];
  draft.setApplication({
    ...application,
    deleting: true,
    generation: application.generation + 1,
    build: application.build.kind === "building" ? { kind: "done" } : application.build,
    updatedAt: now,
  });
  for (const deployment of draft.deploymentsOf(application.name)) {
    draft.setDeployment(deleteDeployment(deployment, now));
  }
  return application.build.kind === "building" ? [{ kind: "cancel-build", buildId: application.build.buildId }] : [];
}

function setTargetCapacity(draft: Draft, request: ApplyConfigRequest, now: number): boolean {
  const { instance } = draft;
  const declarative = draft.applications().filter(({ source, deleting }) => source === "declarative" && !deleting);
  const next = request.config.target_capacity ?? null;
  const direction = targetCapacityDirection(
    declarative.length === 0 && instance.targetCapacity === null
      ? null
      : { applications: declarative.map(({ name }) => name), targetCapacity: instance.targetCapacity },
    { applications: request.config.applications.map(({ name }) => name ?? "default"), targetCapacity: next },
    instance.targetCapacityDirection,
  );
  const changed = next !== instance.targetCapacity || direction !== instance.targetCapacityDirection;
  if (changed) {
    draft.instance = { ...instance, targetCapacity: next, targetCapacityDirection: direction, updatedAt: now };
  }
  return changed;
}

/** Refuses a prefix that one of the others serves, or will once it is built. */
function refuseTakenRoute(wanted: ApplicationConfig, others: readonly ApplicationRecord[], path: string): void {
  const prefix = routePrefixOf(wanted);
  if (prefix === null) return;
  const holder = others.find(
    (other) => !other.deleting && (other.routePrefix === prefix || routePrefixOf(other.config) === prefix),
  );
  if (holder === undefined) return;
  const message = `"${prefix}" is taken by application "${holder.name}"; choose another prefix`;
  throw new WindlassError("INVALID_CONFIG", `${path}: ${message}`, { problems: [{ path, message }] });
}

function differingOptions<T extends HttpOptions | GrpcOptions>(name: string, running: T, wanted?: T): string[] {
  const present: Record<string, unknown> = { ...running };
  return Object.entries(wanted ?? {})
    .filter(([key, value]) => present[key] !== undefined && JSON.stringify(present[key]) !== JSON.stringify(value))
    .map(
      ([key, value]) =>
        `${name}.${key} ${JSON.stringify(value)} was not applied: the running instance has ${JSON.stringify(present[key])}; restart it to change this.`,
    );
}

function refuseUnlessWritable(instance: InstanceRecord, options: { absentIsFine: boolean }): void {
  if (instance.state === "ending" || (instance.state === "absent" && !options.absentIsFine)) {
    throw new WindlassError("INSTANCE_UNAVAILABLE", "Serve controller is not available");
  }
}

function notFound(metadata: Record<string, string>): WindlassError {
  const message = metadata["deployment"]
    ? "Application or Deployment not found"
    : `Application "${metadata["application"]}" not found`;
  return new WindlassError("NOT_FOUND", message, { metadata });
}

/** `present` is "" where there is nothing any more. */
function staleEtag(sent: string, present: string): WindlassError {
  const now = present === "" ? "what it was read from is gone" : `it is now "${present}"`;
  return new WindlassError("STALE_ETAG", `etag "${sent}" is stale: ${now}; read it again and retry`);
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
