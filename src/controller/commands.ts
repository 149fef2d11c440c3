/** Commands on desired state; each changes a draft and names what the engine is to do. */
import { stableJson } from "../config/versions.ts";
import { WindlassError } from "../core/errors.ts";
import { deleteDeployment } from "./application-state.ts";
import { putInDraft } from "./builds.ts";
import type { CommandAction, CommandContext } from "./command-context.ts";
import type { ApplyConfigRequest, DeleteApplicationRequest, PutOneApplicationRequest } from "./controller.ts";
import { etagOf } from "./controller.ts";
import {
  differingOptions,
  httpTls,
  newInstance,
  refuseWithoutTls,
  runningHttpOptions,
  setTargetCapacity,
} from "./instance-commands.ts";
import type { ApplicationRecord } from "./records.ts";
import { notFound, refuseTakenRoute, refuseUnlessWritable, staleEtag } from "./refusals.ts";
import type { Draft } from "./world.ts";

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
    refuseWithoutTls(httpTls(context.bind, httpOptions), config.http_options);
    const running = runningHttpOptions(context.bind, httpOptions);
    warnings.push(...differingOptions("http_options", running, config.http_options));
    warnings.push(...differingOptions("grpc_options", grpcOptions, config.grpc_options));
  }
  if (config.logging_config && stableJson(config.logging_config) !== stableJson(draft.instance.logging ?? null)) {
    draft.instance = { ...draft.instance, logging: config.logging_config, updatedAt: now };
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
    const { baseDir, actor } = request;
    const put = { name, config: withLogging, baseDir, actor, source: "declarative" } as const;
    actions.push(...putInDraft(draft, put, { ...context, capacityChanged }));
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
 * Makes or replaces one application and leaves the others alone, and the target capacity too. With
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
  const { managedBy, source = "declarative" } = request;
  const set = managedBy ? { managedBy } : {};
  const wanted = { name, config, baseDir, requestId, actor: request.actor, source, ...set };
  const actions = putInDraft(draft, wanted, { ...context, capacityChanged: false });
  draft.journal({ at: now, actor: request.actor, kind: "config-applied", applications: [name], deleted: [] });
  return { application: draft.application(name), actions };
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
