/** One run of `windlass apply`: plans each application, writes what differs, deletes what is desired no more. */
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import type { Application } from "../../../gen/windlass/v1/application_pb.ts";
import { isConnectionFailure } from "../../client/errors.ts";
import { errorText } from "../../core/errors.ts";
import { applicationName } from "../../core/names.ts";
import type { Api } from "../api.ts";
import { callError } from "../call-errors.ts";
import type { CliContext } from "../context.ts";
import { CliError, EXIT, oneLine } from "../exit.ts";
import { type PlanDocument, planDocument } from "../plan-document.ts";
import { inTheWay, type Left, type Present, presentOf, prunable, refusal } from "./decide.ts";
import type { DesiredApplication } from "./desired.ts";
import type { Action, Outcome, Report } from "./report.ts";

/** What {@link runOnce} does. */
export interface RunRequest {
  /** What is written, in this order. */
  readonly applications: readonly DesiredApplication[];
  /** The names of all that is desired, for pruning; undefined prunes nothing. */
  readonly pruneBut: ReadonlySet<string> | undefined;
  readonly set: string;
  readonly takeOver: boolean;
  /** Plans and writes nothing. */
  readonly dryRun: boolean;
  /** Told one line that was not printed before. */
  warn(line: string): void;
  /** Told each outcome as soon as it is known. */
  done(outcome: Outcome): void;
}

/** What {@link runOnce} came to. */
export interface RunResult extends Report {
  /** How each application was left that did not fail. */
  readonly left: ReadonlyMap<string, Left>;
  /** The revisions in force before the run, 0 for what was not there. */
  readonly before: ReadonlyMap<string, bigint>;
  /** The store's revision that holds all of it. */
  readonly revision: bigint;
}

/** Builds run beside each other on the server; more of them only wait there. */
const AT_ONCE = 4;

/** A write that others overtake is decided anew this often. */
const MOST_ATTEMPTS = 5;

/**
 * Does one run. What fails for one application is its outcome and stops no other; throws where nothing can be done for
 * any: no connection, no permission, an instance that ends.
 */
export async function runOnce(api: Api, ctx: CliContext, request: RunRequest): Promise<RunResult> {
  const { set, dryRun, pruneBut } = request;
  const signal = ctx.stopped();
  const now = await api.instance.getInstance({}, { signal });
  const present = presentOf(now.applications);
  const leaving = pruneBut === undefined ? [] : prunable(present, pruneBut, set);
  const run: Run = { api, request, signal, present, left: new Map(), revision: now.revision };
  const outcomes = new Map<string, Outcome>();
  const note = (outcome: Outcome): void => {
    outcomes.set(outcome.application, outcome);
    request.done(outcome);
  };

  // A renamed application wants the route prefix of the one that leaves, which goes once the new one is known to build.
  const blocked = request.applications.filter((each) => inTheWay(each, present, leaving).length > 0);
  const free = request.applications.filter((each) => !blocked.includes(each));
  const tried = await eachOf(free, (application) => writeOne(run, application, "as-desired"));
  // One that takes the prefix that another of them gives up may have come too early.
  for (const outcome of tried) if (outcome.action !== "failed") note(outcome);
  const again = free.filter((_, index) => tried[index]!.action === "failed");
  const moved = tried.some(({ action }) => action === "update");
  if (moved && !dryRun) for (const application of again) note(await writeOne(run, application, "as-desired"));
  else for (const outcome of tried) if (outcome.action === "failed") note(outcome);

  const stay = new Set<string>();
  for (const application of blocked) {
    const trial = await writeOne(run, application, "trial");
    if (dryRun || trial.action === "failed") note(trial);
    if (trial.action === "failed") for (const name of inTheWay(application, present, leaving)) stay.add(name);
  }
  for (const name of leaving.filter((each) => !stay.has(each))) note(await deleteOne(run, name, now.deployments));
  if (!dryRun) {
    for (const application of blocked.filter(({ name }) => !outcomes.has(name))) {
      note(await writeOne(run, application, "as-desired"));
    }
  }
  const before = new Map(request.applications.map(({ name }) => [name, present.get(name)?.revision ?? 0n] as const));
  return { set, dryRun, outcomes: [...outcomes.values()], left: run.left, before, revision: run.revision };
}

interface Run {
  readonly api: Api;
  readonly request: RunRequest;
  readonly signal: AbortSignal;
  readonly present: Present;
  readonly left: Map<string, Left>;
  revision: bigint;
}

/** Plans and writes one application; a trial, or in a dry run, only plans. A trial is not in anybody's way. */
async function writeOne(run: Run, desired: DesiredApplication, how: "as-desired" | "trial"): Promise<Outcome> {
  const { name, file } = desired;
  const { api, request, signal } = run;
  const outcome = (action: Action, more: Partial<Outcome> = {}): Outcome => {
    return { application: name, action, file, errors: [], ...more };
  };
  const failed = (...errors: string[]): Outcome => outcome("failed", { errors });
  try {
    let current = run.present.get(name);
    for (let attempt = 1; ; attempt++) {
      const refused = refusal(current, request.set, request.takeOver);
      if (refused !== undefined) return failed(desired.describe({ path: "name", message: `${name} ${refused}` }));
      const document = await plan(run, desired, how);
      const [planned] = document.applications;
      if (planned === undefined) return failed(`${name}: the server planned nothing; it may be of another version`);
      if (planned.error !== "") return failed(`${desired.placeOf("name")}: ${cannotBeDeployed(name, planned.error)}`);
      const action = actionOf(planned.action, current, request.set);
      if (action === "unchanged") noteLeft(run, name, current, run.revision);
      if (action === "unchanged" || request.dryRun || how === "trial") return outcome(action, { plan: planned });
      try {
        const answer = await api.applications.updateApplication(
          {
            name: applicationName(name),
            config: await messageOf(desired),
            baseDir: desired.baseDir,
            allowMissing: true,
            etag: current?.etag ?? "",
            managedBy: request.set,
          },
          { signal },
        );
        for (const warning of answer.warnings) request.warn(`${file}: ${name}: ${oneLine(warning)}`);
        noteLeft(run, name, answer.application, answer.revision);
        return outcome(action, { plan: planned });
      } catch (error) {
        const overtaken = error instanceof ConnectError && error.code === Code.Aborted;
        if (!overtaken || attempt === MOST_ATTEMPTS) throw error;
        const again = await api.instance.getInstance({}, { signal });
        current = presentOf(again.applications).get(name);
      }
    }
  } catch (error) {
    return failed(...linesOf(error, api, desired));
  }
}

async function deleteOne(
  run: Run,
  name: string,
  deployments: readonly { readonly name: string; readonly targetNumReplicas: number }[],
): Promise<Outcome> {
  const { api, request, signal, present } = run;
  const resource = applicationName(name);
  const prefix = `${resource}/deployments/`;
  const gone = deployments
    .filter((each) => each.name.startsWith(prefix))
    .map((each) => ({
      name: decodeURIComponent(each.name.slice(prefix.length)),
      action: "DELETE",
      changes: [],
      target_num_replicas: each.targetNumReplicas,
      planned_target_num_replicas: 0,
      peak_extra_replicas: 0,
      peak_missing_replicas: 0,
      notes: [],
    }));
  const plan = { name, action: "DELETE", error: "", code_changed: false, canary: false, deployments: gone };
  const outcome = { application: name, file: "", errors: [], plan };
  if (request.dryRun) return { ...outcome, action: "delete" };
  try {
    // What somebody else wrote meanwhile is theirs.
    const etag = present.get(name)?.etag ?? "";
    const { revision } = await api.applications.deleteApplication(
      { name: resource, allowMissing: true, etag },
      { signal },
    );
    if (revision > run.revision) run.revision = revision;
    return { ...outcome, action: "delete" };
  } catch (error) {
    const stale = error instanceof ConnectError && error.code === Code.Aborted;
    const errors = stale
      ? [`${name}: not deleted, because somebody wrote it just now; apply again`]
      : linesOf(error, api);
    return { ...outcome, action: "failed", errors };
  }
}

async function plan(run: Run, desired: DesiredApplication, how: "as-desired" | "trial"): Promise<PlanDocument> {
  const config = how === "trial" ? { ...desired.config, route_prefix: null } : desired.config;
  const { deployConfigToMessage } = await import("../../config/message.ts");
  const { plan: made } = await run.api.instance.planConfig(
    {
      config: deployConfigToMessage({ applications: [{ ...config, name: desired.name }] }),
      baseDir: desired.baseDir,
      onlyListed: true,
      withoutToken: true,
    },
    { signal: run.signal },
  );
  if (made === undefined) throw new CliError(EXIT.failed, "the server answered no plan; it may be of another version");
  const document = planDocument(made);
  for (const warning of document.warnings) {
    run.request.warn(`${desired.file}: ${desired.name}: ${oneLine(warning.replace(/^applications\[0\]\.?/, ""))}`);
  }
  return document;
}

async function messageOf(desired: DesiredApplication) {
  const { applicationConfigToMessage } = await import("../../config/message.ts");
  return applicationConfigToMessage({ ...desired.config, name: desired.name });
}

function actionOf(planned: string, current: Application | undefined, set: string): Action {
  if (current === undefined) return "create";
  if (planned !== "NONE") return "update";
  return current.managedBy === set ? "unchanged" : "adopt";
}

function cannotBeDeployed(name: string, error: string): string {
  return error.startsWith("Deploying application ") ? error : `application ${name} cannot be deployed: ${error}`;
}

function noteLeft(run: Run, name: string, application: Application | undefined, revision: bigint): void {
  if (revision > run.revision) run.revision = revision;
  if (application !== undefined) {
    run.left.set(name, { uid: application.uid, generation: application.generation, revision });
  }
}

/** Why one application failed. Throws what would fail for all of them. */
function linesOf(error: unknown, { target }: Api, desired?: DesiredApplication): string[] {
  const ofAll = [Code.Unauthenticated, Code.PermissionDenied, Code.Canceled, Code.Unimplemented, Code.Unavailable];
  if (error instanceof ConnectError && (ofAll.includes(error.code) || isConnectionFailure(error))) throw error;
  if (error instanceof ConnectError && error.code === Code.InvalidArgument && desired !== undefined) {
    const violations = error.findDetails(BadRequestSchema).flatMap(({ fieldViolations }) => fieldViolations);
    const placed = violations.map(({ field, description }) => {
      return desired.describe({ path: field.replace(/^(applications\[0\]|config)\.?/, ""), message: description });
    });
    if (placed.length > 0) return placed.map(oneLine);
  }
  const told = error instanceof ConnectError ? callError(error, target, "windlass status") : error;
  const lines = told instanceof CliError ? told.lines : [errorText(told)];
  return lines.map((line) => (desired === undefined ? line : `${desired.file}: ${desired.name}: ${line}`));
}

/** Runs `use` on each, a few at once; the results in the order of the items. */
async function eachOf<T, R>(items: readonly T[], use: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) results[at] = await use(items[at]!);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  return results;
}
