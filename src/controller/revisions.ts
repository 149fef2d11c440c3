/** The history of an application: what makes a revision, how it fares, which are kept. Pure, on a draft. */
import { stableJson } from "../config/versions.ts";
import type {
  ApplicationRecord,
  BuiltApplication,
  DeploymentRecord,
  RevisionCause,
  RevisionRecord,
} from "./records.ts";
import type { Draft } from "./world.ts";

/** Revisions kept of an application, the present one and the one to go back to always among them. */
export const REVISION_HISTORY_LIMIT = 10;

/** What a new revision is made of besides its application's config. */
export interface NewRevision {
  readonly cause: RevisionCause;
  readonly actor: string;
  readonly reason: string;
  /** null: it is to be built. */
  readonly built: BuiltApplication | null;
  /** Default: pending. */
  readonly outcome?: RevisionRecord["outcome"];
  /** Why it failed. Default: "". */
  readonly message?: string;
  readonly now: number;
}

/** The revision in force; undefined before the first. */
export function presentRevision(
  draft: Draft,
  application: Pick<ApplicationRecord, "name" | "revision">,
): RevisionRecord | undefined {
  if (application.revision === undefined) return undefined;
  return draft.revisionsOf(application.name).find(({ number }) => number === application.revision);
}

/**
 * Writes a revision of what the application's record says now and puts it in force; the oldest that nobody needs go.
 * Returns the application, which the caller has to write.
 */
export function makeRevision(draft: Draft, application: ApplicationRecord, made: NewRevision): ApplicationRecord {
  const last = draft.revisionsOf(application.name).at(-1);
  const number = (last?.number ?? 0) + 1;
  if (last?.outcome === "running") draft.setRevision({ ...last, outcome: "superseded" });
  if (last?.outcome === "pending") {
    const message = `Revision ${number} took its place before it was up.`;
    draft.setRevision({ ...last, outcome: "failed", message });
  }
  draft.setRevision({
    application: application.name,
    applicationUid: application.uid,
    number,
    config: application.config,
    baseDir: application.baseDir,
    built: made.built,
    cause: made.cause,
    actor: made.actor,
    reason: made.reason,
    outcome: made.outcome ?? "pending",
    message: made.message ?? "",
    createdAt: made.now,
  });
  const next = { ...application, revision: number };
  prune(draft, next);
  return next;
}

/** Notes a write: another config or base folder is another revision. Returns the application, to be written. */
export function noteWrite(
  draft: Draft,
  before: ApplicationRecord | undefined,
  next: ApplicationRecord,
  by: { readonly actor: string; readonly now: number },
): ApplicationRecord {
  const present = before && presentRevision(draft, before);
  if (present && sameSource(present, next)) return next;
  return makeRevision(draft, next, { cause: { kind: "config" }, reason: "", built: null, ...by });
}

/** Notes what a build brought: the code of the revision in force, or under an unchanged config a new revision's. */
export function noteBuilt(
  draft: Draft,
  application: ApplicationRecord,
  built: BuiltApplication,
  by: { readonly actor: string; readonly now: number },
): ApplicationRecord {
  const present = presentRevision(draft, application);
  if (present?.built && sameCode(present.built, built)) return application;
  if (present && present.built === null) {
    draft.setRevision({ ...present, built, outcome: "pending", message: "" });
    return application;
  }
  return makeRevision(draft, application, { cause: { kind: "sources" }, reason: "", built, ...by });
}

/** Notes that a build failed: the revision in force did, or where that has its code, one of the edited sources. */
export function noteBuildFailed(
  draft: Draft,
  application: ApplicationRecord,
  message: string,
  by: { readonly actor: string; readonly now: number },
): ApplicationRecord {
  const present = presentRevision(draft, application);
  if (present && (present.built === null || present.outcome === "failed")) {
    draft.setRevision({ ...present, outcome: "failed", message });
    return application;
  }
  const cause = { kind: "sources" } as const;
  return makeRevision(draft, application, { cause, reason: "", built: null, outcome: "failed", message, ...by });
}

/** Notes that the revision in force cannot be: its config and its code do not go together. */
export function failRevision(draft: Draft, application: ApplicationRecord, message: string): void {
  const present = presentRevision(draft, application);
  if (present?.outcome === "pending") draft.setRevision({ ...present, outcome: "failed", message });
}

/** Makes the first revision of an application that an earlier version of Windlass stored. */
export function adoptUnrevised(draft: Draft, application: ApplicationRecord, now: number): ApplicationRecord {
  if (application.deleting || presentRevision(draft, application)) return application;
  const { build } = application;
  // While other inputs are built, what is there is the code of the config before.
  const built = build.kind === "done" || (build.kind === "building" && build.check) ? application.built : null;
  const message = build.kind === "failed" ? build.message : "";
  const next = makeRevision(draft, application, {
    cause: { kind: "config" },
    actor: "controller",
    reason: "",
    built,
    outcome: message === "" ? "pending" : "failed",
    message,
    now,
  });
  draft.setApplication(next);
  return next;
}

/** Forgets everything, with the application. */
export function deleteRevisions(draft: Draft, application: string): void {
  for (const revision of draft.revisionsOf(application)) draft.deleteRevision(revision);
}

/** The newest revision before the present one that was up whole and is another one; what `rollback` goes back to. */
export function lastGoodRevision(draft: Draft, application: ApplicationRecord): RevisionRecord | undefined {
  const present = presentRevision(draft, application);
  return draft
    .revisionsOf(application.name)
    .filter(({ number }) => number < (present?.number ?? Infinity))
    .findLast((revision) => wasGood(revision) && !(present && sameRevision(revision, present)));
}

/** Whether two revisions are the same config with the same code. */
export function sameRevision(a: RevisionRecord, b: RevisionRecord): boolean {
  return sameSource(a, b) && a.built !== null && b.built !== null && sameCode(a.built, b.built);
}

/** What became of the revision in force, seen from its deployments; null: nothing new. */
export type Verdict =
  | { readonly kind: "running" }
  | { readonly kind: "failed"; readonly message: string; readonly failed: readonly DeploymentRecord[] };

/** Judges a revision by the deployments of its application. Those that are being deleted do not count. */
export function judgeRevision(revision: RevisionRecord, deployments: readonly DeploymentRecord[]): Verdict | null {
  const wanted = deployments.filter(({ deleting }) => !deleting);
  if (revision.built === null || wanted.length === 0) return null;
  if (wanted.every(isUp)) return revision.outcome === "running" ? null : { kind: "running" };
  const failed = wanted.filter(({ status, rollout }) => status === "DEPLOY_FAILED" || rollout === "failed");
  if (revision.outcome !== "pending" || failed.length === 0) return null;
  const [first] = failed;
  const others = failed.length === 1 ? "" : ` (and ${failed.length - 1} more)`;
  return { kind: "failed", failed, message: `Deployment "${first!.name}"${others}: ${first!.message}` };
}

/** Has all its replicas, or has had them and is being scaled. */
export function isUp({ status, trigger, rollout, everRan }: DeploymentRecord): boolean {
  if (rollout !== "none") return false;
  return status === "HEALTHY" || (everRan && trigger === "AUTOSCALING");
}

function wasGood({ outcome, built }: RevisionRecord): boolean {
  return built !== null && (outcome === "running" || outcome === "superseded");
}

type Source = Pick<ApplicationRecord, "config" | "baseDir">;

function sameSource(a: Source, b: Source): boolean {
  return a.baseDir === b.baseDir && stableJson(a.config) === stableJson(b.config);
}

/** Whether two builds are the same code, wherever they lie. */
function sameCode(a: BuiltApplication, b: BuiltApplication): boolean {
  return stableJson(codeOf(a)) === stableJson(codeOf(b));
}

function codeOf(built: BuiltApplication) {
  const { bundleHash, exportName, ingress, deployments, workingDirs, policies = {}, routers } = built;
  const folders = Object.fromEntries(Object.entries(workingDirs ?? {}).map(([uri, { hash }]) => [uri, hash]));
  const policyHashes = Object.fromEntries(Object.entries(policies).map(([name, built]) => [name, built.bundleHash]));
  const routerHashes = Object.entries(routers ?? {}).map(([name, router]) => [name, router.bundleHash]);
  return { bundleHash, exportName, ingress, deployments, folders, policyHashes, routerHashes };
}

function prune(draft: Draft, application: ApplicationRecord): void {
  const kept = draft.revisionsOf(application.name);
  const { canary } = application;
  const needed = new Set([
    application.revision,
    lastGoodRevision(draft, application)?.number,
    ...(canary ? [canary.stable, canary.revision] : []),
  ]);
  const excess = kept.length - REVISION_HISTORY_LIMIT;
  if (excess <= 0) return;
  for (const revision of kept.filter(({ number }) => !needed.has(number)).slice(0, excess)) {
    draft.deleteRevision(revision);
  }
}
