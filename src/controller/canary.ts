/** A canary of an application: looked after each turn, and what people may do to it. On a draft. */
import { WindlassError } from "../core/errors.ts";
import { deleteDeployment } from "./application-state.ts";
import { analyseCanary, type CanaryVerdict, type RevisionSample } from "./canary-analysis.ts";
import { sameVersion } from "./canary-rollout.ts";
import type { CanaryRoutes } from "./canary-routes.ts";
import { type CanaryStep, canaryWeight, pauseCanary, promoteCanary, resumeCanary, stepCanary } from "./canary-state.ts";
import type { CommandAction, CommandContext } from "./command-context.ts";
import type { CanaryRequest } from "./controller.ts";
import { moved } from "./deployment-state.ts";
import { progressDeadline } from "./progress-state.ts";
import type { ApplicationRecord, CanaryRecord, DeploymentRecord } from "./records.ts";
import { notFound, refuseUnlessWritable } from "./refusals.ts";
import { goBack } from "./rollback.ts";
import { hasGivenUp } from "./rollout.ts";
import type { TrafficSums } from "./traffic.ts";
import type { Draft } from "./world.ts";

type WithCanary = ApplicationRecord & { readonly canary: CanaryRecord };

/** What a canary's view is made of: where it stands, and how both revisions' requests ended in the present step. */
export interface CanaryStanding {
  readonly canary: CanaryRecord;
  /** Percent of the requests that go to it. */
  readonly weight: number;
  /** What it waits for, one line. */
  readonly message: string;
  readonly sample: RevisionSample;
  readonly stableSample: RevisionSample;
}

const ENOUGH: CanaryVerdict = { kind: "good" };

/** Where a canary stands; undefined without one. */
export function canaryStanding(
  draft: Draft,
  application: ApplicationRecord,
  traffic: TrafficSums,
  now: number,
): CanaryStanding | undefined {
  if (!hasCanary(application)) return undefined;
  const { canary } = application;
  const step = judge(draft, application, traffic, now, application.canary.phase.kind !== "starting");
  const message = step.kind === "stay" ? step.message : step.kind === "abort" ? step.reason : "is promoted";
  return { canary, weight: canaryWeight(canary), message, ...samples(application, traffic) };
}

/**
 * Moves a canary on. `again`: its deployments are to be stepped once more. `wakeAt`: when to look again, epoch ms.
 * While a newer revision is built nothing is decided: its build's end will.
 */
export function lookAfterCanary(
  draft: Draft,
  application: ApplicationRecord,
  { traffic, canaryRoutes }: { readonly traffic: TrafficSums; readonly canaryRoutes: CanaryRoutes },
  context: CommandContext,
): { readonly actions: readonly CommandAction[]; readonly again: boolean; readonly wakeAt: number } {
  const { name, deleting, build } = application;
  if (!hasCanary(application) || deleting) {
    traffic.unfollow(name);
    canaryRoutes.forget(name);
    return { actions: [], again: false, wakeAt: Infinity };
  }
  if (!traffic.follows(name)) traffic.follow(name);
  if (build.kind === "building") return { actions: [], again: false, wakeAt: Infinity };
  const { known, lookAt } = routed(draft, application, canaryRoutes, context.now);
  const step = judge(draft, application, traffic, context.now, known);
  if (step.kind === "stay") {
    const { canary } = step;
    if (canary !== application.canary) take(draft, application, step, "controller", traffic, context.now);
    const wakeAt = Math.min(
      step.wakeAt,
      lookAt,
      canary.phase.kind === "starting" ? startDeadline(draft, application) : Infinity,
    );
    return { actions: [], again: step.newStep, wakeAt };
  }
  const actions =
    step.kind === "promote"
      ? promote(draft, application, "controller", context.now)
      : abort(draft, application, { actor: "controller", reason: step.reason, automatic: true }, context);
  return { actions, again: true, wakeAt: Infinity };
}

/** PromoteCanary, AbortCanary, PauseCanary, ResumeCanary. Fails with NOT_FOUND, and NOT_POSSIBLE_NOW without a canary. */
export function changeCanary(
  draft: Draft,
  request: CanaryRequest,
  traffic: TrafficSums,
  context: CommandContext,
): { readonly application: ApplicationRecord; readonly actions: readonly CommandAction[] } {
  refuseUnlessWritable(draft.instance, { absentIsFine: false });
  const application = draft.application(request.application);
  if (!application || application.deleting) throw notFound({ application: request.application });
  if (!hasCanary(application)) {
    throw new WindlassError(
      "NOT_POSSIBLE_NOW",
      `application "${application.name}" has no canary now; see \`windlass history ${application.name}\``,
      { metadata: { application: application.name } },
    );
  }
  const { actor, verb } = request;
  const { now } = context;
  let actions: readonly CommandAction[] = [];
  if (verb === "abort") {
    actions = abort(draft, application, { actor, reason: request.reason, automatic: false }, context);
  } else if (verb === "promote") {
    const step = promoteCanary(application.canary, { full: request.full, overtaken: isOvertaken(application) }, now);
    if (step.kind === "stay") take(draft, application, step, actor, traffic, now);
    else actions = promote(draft, application, actor, now);
  } else {
    const { canary } = application;
    const next = verb === "pause" ? pauseCanary(canary, actor, now) : resumeCanary(canary, now);
    const step = {
      canary: next,
      newStep: verb === "resume" && next !== canary,
      message: verb === "pause" ? "paused" : "resumed",
    };
    if (next !== canary) take(draft, application, step, actor, traffic, now);
  }
  return { application: draft.application(application.name)!, actions };
}

/** Whether routers know the replicas of a canary that is to begin, once there are; and when to look again. */
function routed(draft: Draft, { name, canary }: WithCanary, routes: CanaryRoutes, now: number) {
  if (canary.phase.kind === "starting" && wanted(draft, name).every((each) => hasCanaries(draft, each))) {
    return routes.known(name, now);
  }
  routes.forget(name);
  return { known: true, lookAt: Infinity };
}

function wanted(draft: Draft, application: string): DeploymentRecord[] {
  return draft.deploymentsOf(application).filter(({ deleting }) => !deleting);
}

/** What the present step comes to. `known`: whether routers know the replicas. */
function judge(draft: Draft, application: WithCanary, traffic: TrafficSums, now: number, known: boolean): CanaryStep {
  const { canary } = application;
  const { sample, stableSample } = samples(application, traffic);
  const deployments = wanted(draft, application.name);
  const late = canary.phase.kind === "starting" && now >= startDeadline(draft, application);
  return stepCanary(canary, {
    now,
    ready: known && deployments.every((deployment) => hasCanaries(draft, deployment)),
    failure: failureOf(deployments) ?? (late ? "its replicas were not ready by the progress deadline" : ""),
    verdict: canary.analysis === null ? ENOUGH : analyseCanary(sample, stableSample, canary.analysis),
    overtaken: isOvertaken(application),
  });
}

function samples({ name, canary }: WithCanary, traffic: TrafficSums) {
  const quantile = canary.analysis?.latencyQuantile ?? 0.95;
  return {
    sample: traffic.sample(name, canary.revision, quantile),
    stableSample: traffic.sample(name, canary.stable, quantile),
  };
}

/** Whether a deployment has a replica that serves the canary's requests. */
function hasCanaries(draft: Draft, deployment: DeploymentRecord): boolean {
  const { application, name, target, version } = deployment;
  if (target.replicas === 0) return true;
  return draft
    .replicasOf(application, name)
    .some((replica) => replica.state.kind === "running" && sameVersion(replica.version, version));
}

/** Why a deployment cannot have the canary; undefined where it can. */
function failureOf(deployments: readonly DeploymentRecord[]): string | undefined {
  const failed = deployments.find(hasGivenUp);
  return failed && `deployment "${failed.name}": ${failed.message}`;
}

/** When a canary that has not begun has failed; epoch ms. */
function startDeadline(draft: Draft, { name }: ApplicationRecord): number {
  const deadlines = draft
    .deploymentsOf(name)
    .map((deployment) => (deployment.stable ? progressDeadline(deployment) : Infinity));
  return Math.min(Infinity, ...deadlines);
}

/** Writes a canary's next state. */
function take(
  draft: Draft,
  application: WithCanary,
  step: { readonly canary: CanaryRecord; readonly newStep: boolean; readonly message: string },
  actor: string,
  traffic: TrafficSums,
  now: number,
): void {
  draft.setApplication({ ...application, canary: step.canary, generation: application.generation, updatedAt: now });
  if (step.newStep) traffic.follow(application.name);
  note(draft, application, actor, step.message, "", now);
}

/** All requests go to the canary's revision, as its replicas take the places of the others. */
function promote(draft: Draft, application: WithCanary, actor: string, now: number): CommandAction[] {
  const { canary: _ended, ...rest } = application;
  draft.setApplication({ ...rest, updatedAt: now });
  const kept = new Set(application.built?.deployments.map(({ name }) => name));
  for (const deployment of draft.deploymentsOf(application.name)) {
    if (!kept.has(deployment.name)) draft.setDeployment(deleteDeployment(deployment, now));
    else if (deployment.stable) {
      const { stable: _gone, ...next } = deployment;
      draft.setDeployment(moved({ ...next, rollout: "active", progressAt: now }, { kind: "CONFIG_UPDATE" }, now));
    }
  }
  note(draft, application, actor, "promoted", "", now);
  return [];
}

/** Goes back to the stable revision, whose replicas were never touched. */
function abort(
  draft: Draft,
  application: WithCanary,
  why: { readonly actor: string; readonly reason: string; readonly automatic: boolean },
  context: CommandContext,
): CommandAction[] {
  const { canary } = application;
  const revisions = draft.revisionsOf(application.name);
  const tried = revisions.find(({ number }) => number === canary.revision);
  const stable = revisions.find(({ number }) => number === canary.stable);
  if (!stable?.built) throw new Error(`revision ${canary.stable} of "${application.name}" is not kept`);
  const because = why.reason === "" ? "" : `: ${why.reason}`;
  const message = `Its canary was aborted${why.automatic ? "" : ` by ${why.actor}`}${because}`;
  if (tried) draft.setRevision({ ...tried, outcome: "failed", message });
  note(draft, application, why.actor, "aborted", why.reason, context.now);
  const kind = why.automatic ? "auto-rollback" : "rollback";
  const reason = `canary of revision ${canary.revision} aborted${because}`;
  const before = draft.deploymentsOf(application.name);
  const actions = goBack(draft, application, stable, { kind, actor: why.actor, reason, requestId: "" }, context);
  for (const { name, target } of before) {
    const deployment = draft.deployment(application.name, name);
    const setByHand = target.owner === "external" || target.owner === "manual";
    // The stable replicas take all requests again: they stay as many as somebody has asked for meanwhile.
    if (setByHand && deployment && !deployment.deleting) draft.setDeployment({ ...deployment, target });
  }
  return actions;
}

function note(
  draft: Draft,
  { name, canary }: WithCanary,
  actor: string,
  event: string,
  reason: string,
  now: number,
): void {
  draft.journal({ at: now, actor, kind: "canary", application: name, revision: canary.revision, event, reason });
}

/** Whether the config has moved on to a revision that cannot be built. */
function isOvertaken({ build }: ApplicationRecord): boolean {
  return build.kind === "failed";
}

function hasCanary(application: ApplicationRecord): application is WithCanary {
  return application.canary !== undefined;
}
