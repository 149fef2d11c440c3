/** `windlass apply --watch`: keeps applications what files say, until stopped. */
import { type Application, Application_State } from "../../../gen/windlass/v1/application_pb.ts";
import type { WatchInstanceResponse } from "../../../gen/windlass/v1/instance_service_pb.ts";
import { parseName } from "../../core/names.ts";
import type { Target } from "../address.ts";
import { withApi } from "../api.ts";
import type { CliContext } from "../context.ts";
import { CliError, EXIT } from "../exit.ts";
import { follow } from "../feed.ts";
import type { OutputFormat } from "../output.ts";
import { nothingSeen, see } from "../rollout.ts";
import { sourceFolders } from "../run-session.ts";
import { followFiles } from "./changes.ts";
import { changedNames, drifted, type Left, type Touched } from "./decide.ts";
import type { DesiredApplication } from "./desired.ts";
import { inspectDrift } from "./drift.ts";
import { eventPrinter, outcomeEvents, standing } from "./events.ts";
import { type FileChoice, rootsOf } from "./files.ts";
import { makeBell, makeQuarrels, makeRetry } from "./pace.ts";
import type { Outcome } from "./report.ts";
import { type RunResult, runOnce } from "./run.ts";

/** What {@link applyWatching} does. */
export interface WatchOptions {
  readonly choice: FileChoice;
  /** Reads the files again; throws a CliError. */
  load(): Promise<{ applications: readonly DesiredApplication[]; warnings: readonly string[] }>;
  readonly set: string;
  readonly prune: boolean;
  readonly takeOver: boolean;
  /** Write over what others change. */
  readonly repair: boolean;
  /** Without it, lines for a person. */
  readonly output: OutputFormat | undefined;
}

/** While nobody answers, and while a write is refused that may be taken later. */
const RETRY_AWAY_MOST_MS = 5_000;
const RETRY_FAILED_MOST_MS = 300_000;

/** Runs until stopped, whatever fails; throws only where trying again cannot help: without permission. */
export async function applyWatching(ctx: CliContext, target: Target, options: WatchOptions): Promise<void> {
  const signal = ctx.stopped();
  const bell = makeBell(signal);
  const print = eventPrinter(ctx, options.output);
  const problem = (message: string): void => print({ event: "problem", application: "", file: "", message });

  let applications: readonly DesiredApplication[] = [];
  let filesChanged = true;
  let unread: Touched = { sources: new Set(), all: true };
  /** To be planned, and written where they differ. */
  const todo = new Set<string>();
  let pruneDue = false;
  /** As we left them. */
  const left = new Map<string, Left>();
  /** Left as others made them, until the files ask for something else. */
  const held = new Set<string>();
  let seen = nothingSeen();
  let lookAnew = false;
  /** What the feed told while it was looked anew, for the answer may be older. */
  let meanwhile: WatchInstanceResponse[] = [];
  let fatal: unknown;
  const retry = makeRetry(ctx, bell.ring);
  const told = new Map<string, string>();

  /** Prints what was not the last thing said under the key. */
  const once = (key: string, text: string, say: () => void): void => {
    if (told.get(key) !== text) say();
    told.set(key, text);
  };

  const files = followFiles(ctx, options.choice, {
    signal,
    changed() {
      filesChanged = true;
      bell.ring();
    },
    warn: problem,
  });

  const reread = async (): Promise<void> => {
    filesChanged = false;
    const touched = both(unread, await files.settled());
    unread = touched;
    if (signal.aborted) return;
    let next: Awaited<ReturnType<WatchOptions["load"]>>;
    try {
      next = await options.load();
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      once("files", error.lines.join("\n"), () => error.lines.forEach(problem));
      files.watch(foldersOf(ctx, options.choice, applications));
      return;
    }
    told.delete("files");
    unread = { sources: new Set(), all: false };
    for (const message of next.warnings) {
      once(`warning ${message}`, "", () => print({ event: "warning", application: "", file: "", message }));
    }
    const first = left.size === 0 && applications.length === 0;
    const names = new Set(next.applications.map(({ name }) => name));
    for (const { name } of applications) {
      if (names.has(name)) continue;
      pruneDue ||= options.prune;
      for (const known of [left, held, todo, told]) known.delete(name);
    }
    pruneDue ||= options.prune && first;
    for (const name of changedNames(applications, next.applications, touched, folders)) {
      todo.add(name);
      held.delete(name);
      retry.now();
    }
    if (pruneDue) retry.now();
    applications = next.applications;
    files.watch(foldersOf(ctx, options.choice, applications));
  };

  const quarrels = makeQuarrels(ctx, bell.ring);
  /** Why applications are repaired; told with what comes of it. */
  const reasons = new Map<string, string>();

  /** Whether others change an application so often that its repair is put off. */
  const quarrelsAbout = (name: string): boolean => {
    const waitMs = quarrels.waitMs(name);
    const message = `${name}: others change it again and again; it is looked at again in ${Math.ceil(waitMs / 1000)} s`;
    if (waitMs === 0) told.delete(`quarrel ${name}`);
    else once(`quarrel ${name}`, "", () => print({ event: "drift", application: name, file: fileOf(name), message }));
    return waitMs > 0;
  };

  /** Looks what became of those that others wrote. */
  const lookForDrift = async (): Promise<void> => {
    if (lookAnew) {
      meanwhile = [];
      const now = await withApi(target, (api) => api.instance.getInstance({}, { signal }));
      seen = { ...nothingSeen(), synced: true, revision: now.revision };
      for (const application of now.applications) seen.applications.set(application.name, application);
      for (const message of meanwhile) if (message.revision > now.revision) see(seen, message);
      // Of another store, revisions cannot be compared with those of before.
      for (const [name, own] of left) left.set(name, { ...own, revision: 0n });
      // What was deleted before a beginning that came since is in neither of them.
      lookAnew = meanwhile.some(({ event }) => event.case === "synced");
    }
    const names = drifted(left, seen).filter((name) => !held.has(name) && !todo.has(name));
    for (const name of names) {
      if (options.repair && quarrelsAbout(name)) continue;
      const canary = canaries.get(name) === left.get(name)?.generation;
      const drift = await withApi(target, (api) => inspectDrift(api, name, canary));
      const kept = drift.kind === "taken-back" || !options.repair;
      if (!kept) {
        reasons.set(name, `${name}: ${drift.happened}; applied again`);
        todo.add(name);
        retry.now();
        continue;
      }
      const message = `${name}: ${drift.happened}; left so until its files change`;
      print({ event: "drift", application: name, file: fileOf(name), message });
      held.add(name);
    }
  };

  const applyNow = async (): Promise<void> => {
    const wanted = applications.filter(({ name }) => todo.has(name));
    const failed = new Map<string, string>();
    const run = await withApi(target, (api) =>
      runOnce(api, ctx, {
        applications: wanted,
        pruneBut: pruneDue ? new Set(applications.map(({ name }) => name)) : undefined,
        set: options.set,
        takeOver: options.takeOver,
        dryRun: false,
        warn(message) {
          once(`warning ${message}`, "", () => print({ event: "warning", application: "", file: "", message }));
        },
        done(outcome) {
          tellDrift(outcome);
          const text = outcome.errors.join("\n");
          if (outcome.action === "failed") failed.set(outcome.application, text);
          once(`failed ${outcome.application}`, text, () => outcomeEvents(outcome).forEach(print));
          if (outcome.action !== "failed") told.delete(`failed ${outcome.application}`);
        },
      }),
    );
    takeIn(run);
    told.delete("away");
    if (failed.size > 0) retry.later(RETRY_FAILED_MOST_MS);
    else retry.done();
  };

  /** Nothing is said where what others wrote is what the file says. */
  const tellDrift = ({ application, action, file }: Outcome): void => {
    const message = reasons.get(application);
    reasons.delete(application);
    if (message === undefined || action === "unchanged") return;
    quarrels.repaired(application);
    print({ event: "drift", application, file, message });
  };

  const takeIn = (run: RunResult): void => {
    for (const [name, own] of run.left) left.set(name, own);
    for (const { application, action } of run.outcomes) {
      if (action !== "failed") todo.delete(application);
      if (action === "delete") left.delete(application);
    }
    pruneDue &&= run.outcomes.some(({ application, action }) => action === "failed" && !isListed(application));
  };

  const isListed = (name: string): boolean => applications.some((each) => each.name === name);
  const fileOf = (name: string): string => applications.find((each) => each.name === name)?.file ?? "";

  /** Generations at which a canary ran. */
  const canaries = new Map<string, bigint>();
  const noteState = (application: Application): void => {
    const name = parseName(application.name)?.application ?? application.name;
    if (application.canary !== undefined) canaries.set(name, application.generation);
    if (!isListed(name)) return;
    const event = standing(application, name, fileOf(name));
    if (event !== undefined) once(name, event.message, () => print(event));
    else if (application.state === Application_State.DEPLOYING) told.delete(name);
  };

  const followFeed = (): Promise<void> =>
    withApi(target, async (api) => {
      const patient = { patienceMs: Number.POSITIVE_INFINITY, endless: true, signal };
      for await (const message of follow(api, ctx, { name: "", since: 0n, notice: problem, ...patient })) {
        // A second beginning: what was deleted in between is told by nothing.
        if (message.event.case === "synced" && seen.synced) lookAnew = true;
        see(seen, message);
        if (lookAnew) meanwhile.push(message);
        if (message.event.case === "application") noteState(message.event.value);
        bell.ring();
      }
    });

  await reread();
  if (signal.aborted) return;
  const feed = followFeed().catch((error: unknown) => {
    fatal = error;
    bell.ring();
  });
  print({ event: "watching", application: "", file: "", message: watchingText(applications, options) });
  while (!signal.aborted) {
    if (fatal !== undefined) throw fatal;
    try {
      if (filesChanged) await reread();
      await lookForDrift();
      if ((todo.size > 0 || pruneDue) && retry.due()) await applyNow();
    } catch (error) {
      if (signal.aborted) break;
      if (!(error instanceof CliError) || error.exitCode === EXIT.unauthorised) throw error;
      once("away", error.message, () => problem(`${error.message}; trying again`));
      retry.later(RETRY_AWAY_MOST_MS);
    }
    await bell.rung();
  }
  await feed;
}

function watchingText(applications: readonly DesiredApplication[], { set, choice, prune }: WatchOptions): string {
  const count = applications.length === 1 ? "1 application" : `${applications.length} applications`;
  return `watching ${choice.from.join(", ")}: ${count}, set ${set}${prune ? ", pruned" : ""}`;
}

/** The folders of an application's sources. */
function folders({ config, baseDir }: DesiredApplication): string[] {
  return sourceFolders({ baseDir, config: { applications: [config] } });
}

/** The folders to watch. */
function foldersOf(ctx: CliContext, { from }: FileChoice, applications: readonly DesiredApplication[]): string[] {
  return [...rootsOf(ctx, from), ...applications.flatMap(folders)];
}

function both(a: Touched, b: Touched): Touched {
  return { sources: new Set([...a.sources, ...b.sources]), all: a.all || b.all };
}
