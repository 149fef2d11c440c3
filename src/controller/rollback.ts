/** Going back to an earlier revision: asked for, or by itself where a rollout failed. Pure, on a draft. */
import { errorText, WindlassError } from "../core/errors.ts";
import { deploymentsKnown, desiredDeployments } from "./application-state.ts";
import { applyBuild } from "./builds.ts";
import type { CommandAction, CommandContext } from "./command-context.ts";
import { etagOf, type RollbackRequest } from "./controller.ts";
import type { ApplicationRecord, BuiltApplication, RevisionCause, RevisionRecord } from "./records.ts";
import { builtPaths } from "./records.ts";
import { notFound, refuseTakenRoute, refuseUnlessWritable, staleEtag } from "./refusals.ts";
import { judgeRevision, lastGoodRevision, makeRevision, presentRevision, sameRevision } from "./revisions.ts";
import type { Draft } from "./world.ts";

/** Makes a new revision that equals an earlier one, its code included. */
export function rollbackApplication(
  draft: Draft,
  request: RollbackRequest,
  context: CommandContext,
): { application: ApplicationRecord; rolledBackTo: number; actions: CommandAction[] } {
  refuseUnlessWritable(draft.instance, { absentIsFine: false });
  const application = draft.application(request.application);
  if (!application || application.deleting) throw notFound({ application: request.application });
  const present = presentRevision(draft, application);
  // A retry of what was done already, whose etag is stale by its own doing.
  if (request.requestId !== "" && application.requestId === request.requestId && present) {
    const rolledBackTo = "of" in present.cause ? present.cause.of : present.number;
    return { application, rolledBackTo, actions: [] };
  }
  const etag = etagOf(application);
  if (request.etag !== "" && request.etag !== etag) throw staleEtag(request.etag, etag);
  const to = targetOf(draft, application, present, request.toRevision);
  const obstacle = obstacleTo(draft, application, to, context);
  if (obstacle !== undefined) {
    throw notPossible(application, `revision ${to.number} of application "${application.name}" ${obstacle}`);
  }
  if (request.validateOnly) return { application, rolledBackTo: to.number, actions: [] };
  const { actor, reason, requestId } = request;
  const actions = goBack(draft, application, to, { kind: "rollback", actor, reason, requestId }, context);
  return { application: draft.application(application.name)!, rolledBackTo: to.number, actions };
}

/** Which revision is meant; 0 is the last good one. */
function targetOf(
  draft: Draft,
  application: ApplicationRecord,
  present: RevisionRecord | undefined,
  number: number,
): RevisionRecord {
  const { name } = application;
  if (number === 0) {
    const last = lastGoodRevision(draft, application);
    if (last) return last;
    throw notPossible(
      application,
      `application "${name}" has no other revision before the present one that was up; see \`windlass history ${name}\``,
    );
  }
  const known = draft.revisionsOf(name);
  const to = known.find((revision) => revision.number === number);
  if (!to) {
    const kept = known.map((revision) => revision.number).join(", ");
    throw new WindlassError(
      "NOT_FOUND",
      `Revision ${number} of application "${name}" not found: ${kept === "" ? "none is kept" : `kept are ${kept}`}`,
      { metadata: { application: name, revision: String(number) } },
    );
  }
  if (present && (to.number === present.number || sameRevision(to, present))) {
    const same = to.number === present.number ? "is in force" : `is in force already, as revision ${present.number}`;
    throw notPossible(
      application,
      `revision ${number} of application "${name}" ${same}; choose another of \`windlass history ${name}\``,
    );
  }
  return to;
}

/** Why a revision cannot be gone back to; the end of a sentence about it. */
function obstacleTo(
  draft: Draft,
  application: ApplicationRecord,
  to: RevisionRecord,
  { hasBundle }: CommandContext,
): string | undefined {
  if (to.built === null) return "has no code: its build failed or never ended; put its config again";
  if (!builtPaths(to.built).every(hasBundle)) return "has lost its code: the bundle is gone; put its config again";
  const desired = desiredDeployments({ ...application, config: to.config }, to.built);
  if (!desired.ok) return `cannot run any more: ${desired.message}`;
  const others = draft.applications().filter(({ name }) => name !== application.name);
  try {
    refuseTakenRoute(to.config, others, "route_prefix");
  } catch (error) {
    return `cannot come back: ${errorText(error)}`;
  }
  return undefined;
}

/**
 * Puts a copy of an earlier revision in force, with the bundle it was built to; a build under way is given up. A canary
 * ends with it.
 */
export function goBack(
  draft: Draft,
  application: ApplicationRecord,
  to: RevisionRecord,
  how: {
    readonly kind: Extract<RevisionCause, { of: number }>["kind"];
    readonly actor: string;
    readonly reason: string;
    readonly requestId: string;
  },
  context: CommandContext,
): CommandAction[] {
  const { now } = context;
  const { requestId: _earlier, canary: _ended, ...rest } = application;
  const built: BuiltApplication = to.built!;
  const next: ApplicationRecord = {
    ...rest,
    ...(how.requestId === "" ? {} : { requestId: how.requestId }),
    config: to.config,
    baseDir: to.baseDir,
    generation: application.generation + 1,
    build: { kind: "done" },
    status: "DEPLOYING",
    message: "",
    lastDeployedAt: now,
    updatedAt: now,
  };
  const { actor, reason } = how;
  const made = makeRevision(draft, next, { cause: { kind: how.kind, of: to.number }, actor, reason, built, now });
  draft.journal({
    at: now,
    actor,
    kind: "rollback",
    application: application.name,
    from: application.revision ?? 0,
    to: to.number,
    reason,
  });
  applyBuild(draft, made, built, { ...context, capacityChanged: false });
  return application.build.kind === "building" ? [{ kind: "cancel-build", buildId: application.build.buildId }] : [];
}

/**
 * Notes how the revision in force fares. One that fails is taken back where a failed deployment asks for it, to the
 * last good revision; never one that was itself made so, and not during a canary, which is judged elsewhere.
 */
export function stepRevision(
  draft: Draft,
  application: ApplicationRecord,
  context: CommandContext,
): { actions: CommandAction[]; rolledBack: boolean } {
  const nothing = { actions: [], rolledBack: false };
  const present = presentRevision(draft, application);
  if (!present || application.canary || !deploymentsKnown(application)) return nothing;
  const verdict = judgeRevision(present, draft.tellingOf(application.name));
  if (verdict === null) return nothing;
  if (verdict.kind === "running") {
    draft.setRevision({ ...present, outcome: "running", message: "" });
    return nothing;
  }
  const fail = (message: string): void => draft.setRevision({ ...present, outcome: "failed", message });
  fail(verdict.message);
  const wanted = verdict.failed.some(({ config }) => config.rollout?.auto_rollback);
  const to = wanted && present.cause.kind !== "auto-rollback" ? lastGoodRevision(draft, application) : undefined;
  if (!to) return nothing;
  const obstacle = obstacleTo(draft, application, to, context);
  if (obstacle !== undefined) {
    fail(`${verdict.message} It was not taken back: revision ${to.number} ${obstacle}.`);
    return nothing;
  }
  const how = { kind: "auto-rollback", actor: "controller", reason: verdict.message, requestId: "" } as const;
  return { actions: goBack(draft, application, to, how, context), rolledBack: true };
}

function notPossible({ name }: ApplicationRecord, message: string): WindlassError {
  return new WindlassError("NOT_POSSIBLE_NOW", message, { metadata: { application: name } });
}
