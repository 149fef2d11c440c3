/** Making plans and applying them: what is between the pure parts and the engine. */
import { ignoredCounts } from "../config/effective.ts";
import { lint } from "../config/lint.ts";
import { lintLines } from "../config/lint-lines.ts";
import { WindlassError } from "../core/errors.ts";
import { canaryReplicas } from "./canary-state.ts";
import type { CommandAction, CommandContext } from "./command-context.ts";
import { type Course, type Moment, type Plan, planApplication } from "./plan.ts";
import { type Basis, basisOf, changesSince } from "./plan-basis.ts";
import type { Origin } from "./plan-changes.ts";
import type { KeptPlan, PlanStore } from "./plan-store.ts";
import { builtPaths } from "./records.ts";
import { coursesOf, rehearse } from "./rehearsal.ts";
import type { TrialBuilds } from "./trial-builds.ts";
import type { TurnContext } from "./turn.ts";
import { Draft, type World } from "./world.ts";
import { copyWorld } from "./world-copy.ts";
import { type BuildOutcome, type BuiltCode, listedNames, neededBuilds, type Writes, writeBuilt } from "./writes.ts";

/** What planning takes of the controller. */
export interface Planning {
  readonly plans: PlanStore;
  readonly builds: TrialBuilds;
  /** The store revision that the world is at. */
  revision(): number;
  context(): CommandContext;
  /** What a turn on another world looks at, at one moment. */
  turn(world: World, context: CommandContext): TurnContext;
}

/**
 * Says what the writes would do. Builds first, so that edited sources count, then compares at one moment. Throws what
 * the writes would be refused for; an application that cannot be built is told in the plan.
 */
export async function makePlan(
  world: World,
  planning: Planning,
  writes: Writes,
  { keep, signal }: { readonly keep: boolean; readonly signal: AbortSignal },
): Promise<Plan> {
  const requests = neededBuilds(new Draft(world), writes, planning.context());
  const outcomes = await planning.builds.run(requests, signal);

  const context = planning.context();
  const draft = new Draft(world);
  const names = concerned(draft, writes);
  const revision = planning.revision();
  const basis = basisOf(draft, { names: listedNames(writes), onlyListed: writes.onlyListed });
  const before = new Map([...names].map((name) => [name, momentBefore(draft, name)] as const));
  const copy = copyWorld(world);
  const warnings: string[] = [];
  const after = await rehearse(
    names,
    planning.turn(copy, context),
    (trial) => warnings.push(...writeBuilt(trial, writes, outcomes, context).warnings),
    () => pause(signal),
  );
  const applications = [...names].sort().map((name) => {
    const application = after.applications.get(name);
    const origin = application && { application, builtFrom: application.config };
    const moment = { origin, deployments: after.deployments.get(name) ?? [], instance: after.instance };
    return planApplication(name, before.get(name)!, moment, withCanary(moment, coursesOf(after.courses, name)));
  });
  for (const { name } of applications.filter(({ error }) => error === "")) {
    const application = after.applications.get(name);
    if (!application?.deleting && application?.built) {
      warnings.push(...ignoredCounts(application.config, application.built.deployments));
    }
  }
  const notes = applications.flatMap(({ deployments }) => deployments.flatMap((deployment) => deployment.notes));
  const found = lint(writes.config, (name) => after.applications.get(name)?.built?.deployments);
  // What a deployment's notes say is not said twice.
  warnings.push(...lintLines(found.filter(({ message }) => !notes.some((note) => note.endsWith(`: ${message}`)))));
  const failed = applications.some(({ error }) => error !== "");
  const kept =
    failed || !keep
      ? { token: "", expiresAt: 0 }
      : planning.plans.keep({ writes, code: codeIn(outcomes), basis }, context.now);
  return { ...kept, applications, warnings, revision };
}

/** An apply of a plan. */
export interface PlanApply {
  readonly token: string;
  readonly actor: string;
  /** Checks everything and changes nothing. */
  readonly validateOnly: boolean;
}

/** What the command of an apply came to. */
export interface PlanApplied {
  readonly warnings: readonly string[];
  /** What is there now; undefined where nothing was done. */
  readonly basis: Basis | undefined;
  /** The revision of an earlier apply of the same plan, which nothing was changed after. */
  readonly earlier: number | undefined;
}

/** Applies a plan with the code it was made with. Throws STALE_PLAN where what it was made on has changed. */
export function applyPlan(
  draft: Draft,
  plans: PlanStore,
  request: PlanApply,
  context: CommandContext,
): { result: PlanApplied; actions: CommandAction[] } {
  const plan = plans.find(request.token, context.now);
  if (!plan) {
    const shown = JSON.stringify(request.token.slice(0, 60));
    throw stale(`plan ${shown} is unknown: plans hold for an hour and end with the controller; plan again`);
  }
  const wanted = { names: listedNames(plan.writes), onlyListed: plan.writes.onlyListed };
  const now = basisOf(draft, wanted);
  if (plan.applied && changesSince(plan.applied.basis, now).length === 0) {
    const { revision, warnings } = plan.applied;
    return { result: { warnings, basis: undefined, earlier: revision }, actions: [] };
  }
  refuseStale(plan, now);
  if (!pathsOf(plan.code).every(context.hasBundle)) throw stale("the code of the plan is gone; plan again");
  if (request.validateOnly) {
    return { result: { warnings: [], basis: undefined, earlier: undefined }, actions: [] };
  }
  const outcomes = new Map([...plan.code].map(([name, result]) => [name, { ok: true, result } as const] as const));
  const { warnings, actions } = writeBuilt(draft, { ...plan.writes, actor: request.actor }, outcomes, context);
  return { result: { warnings, basis: basisOf(draft, wanted), earlier: undefined }, actions };
}

function refuseStale({ basis }: KeptPlan, now: Basis): void {
  const changes = changesSince(basis, now);
  if (changes.length === 0) return;
  const more = changes.length > 3 ? [`${changes.length - 3} more`] : [];
  throw stale(`the plan is out of date: ${[...changes.slice(0, 3), ...more].join(", ")}; plan again`);
}

function stale(message: string): WindlassError {
  return new WindlassError("STALE_PLAN", message);
}

function codeIn(outcomes: ReadonlyMap<string, BuildOutcome>): BuiltCode {
  return new Map([...outcomes].flatMap(([name, outcome]) => (outcome.ok ? [[name, outcome.result] as const] : [])));
}

function pathsOf(code: BuiltCode): string[] {
  return [...code.values()].flatMap((result) => builtPaths({ ...result, inputsHash: "" }));
}

/** Those that are written, and those that would be deleted. */
function concerned(draft: Draft, writes: Writes): Set<string> {
  const names = new Set(listedNames(writes));
  if (writes.onlyListed) return names;
  for (const { name, source, deleting } of draft.applications()) {
    if (source === "declarative" && !deleting) names.add(name);
  }
  return names;
}

/** A canary has the most replicas at its last step, which a rehearsal without requests does not come to. */
function withCanary({ origin, deployments }: Moment, courses: Map<string, Course>): Map<string, Course> {
  const canary = origin?.application.canary;
  if (!canary) return courses;
  const last = { ...canary, step: canary.steps.length - 1 };
  for (const { name, stable, target } of deployments) {
    const course = courses.get(name);
    if (!stable || !course) continue;
    const most = target.replicas + canaryReplicas(last, target.replicas);
    courses.set(name, { ...course, mostLive: Math.max(course.mostLive, most) });
  }
  return courses;
}

function momentBefore(draft: Draft, name: string): Moment {
  const application = draft.application(name);
  const builtFrom = draft
    .revisionsOf(name)
    .findLast(({ built }) => built !== null && built.inputsHash === application?.built?.inputsHash)?.config;
  const origin: Origin | undefined = application && { application, builtFrom };
  return { origin, deployments: draft.deploymentsOf(name), instance: draft.instance };
}

/** Lets the controller do its own work in between. */
async function pause(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  if (signal.aborted) throw new WindlassError("INSTANCE_UNAVAILABLE", "the plan was given up: its caller left");
}
