import { dirname, isAbsolute, relative, resolve } from "node:path";
import { errorText } from "../core/errors.ts";
import type { ReadyInfo, StartOptions } from "../supervisor/options.ts";
import type { Target } from "./address.ts";
import { withApi } from "./api.ts";
import { applicationNames, belongsTo } from "./apply.ts";
import type { CliContext } from "./context.ts";
import { CliError, oneLine } from "./exit.ts";
import { applyPatiently, type Outcome, outcomeOf, ownTarget, printTries } from "./first-deploy.ts";
import { followLogs } from "./follow-logs.ts";
import type { LoadedConfig } from "./load-config.ts";
import { followChanges } from "./progress.ts";
import { commandFolders, commandRestarts } from "./restart-commands.ts";
import type { Seen } from "./rollout.ts";
import { watchFiles } from "./watch-files.ts";

/** What {@link runSession} does. */
export interface SessionOptions {
  readonly loaded: LoadedConfig;
  /** Reads config or import path again; throws a CliError. */
  load(): Promise<LoadedConfig>;
  readonly reload: boolean;
  /** Absolute path of the config, if there is one: no program has to start again when it changes. */
  readonly file: string | undefined;
  readonly ready: ReadyInfo;
  readonly start: Pick<StartOptions, "auth" | "webhookOnProxy" | "tls" | "instance">;
  /** Aborts when the server has ended. */
  readonly over: AbortSignal;
}

/** A deploy that has been accepted and whose outcome is not known yet. */
interface Pending {
  readonly revision: bigint;
  readonly names: readonly string[];
  settled(outcome: Outcome): void;
}

/** Of each replica that writes before it is followed. */
const FIRST_LINES = 1_000;

/**
 * What `windlass run` does beside the server: deploys, shows status on stderr and logs on stdout, and deploys again
 * when files change. Resolves with false as soon as the first deploy has failed, else with true when the server ends.
 */
export async function runSession(ctx: CliContext, options: SessionOptions): Promise<boolean> {
  const { ready, over, start } = options;
  const target = ownTarget(ready, start);
  const stopping = AbortSignal.any([over, ctx.stopped()]);
  let loaded = options.loaded;
  let pending: Pending | undefined;
  let latest: Seen | undefined;

  const tell = (lines: readonly string[]): void => {
    for (const line of lines) if (!stopping.aborted) ctx.err(`windlass: ${oneLine(line)}\n`);
  };
  const logs = logFollowers(ctx, target, over, stopping);

  const settle = (): void => {
    if (pending === undefined || latest === undefined) return;
    const outcome = outcomeOf(latest, pending.names, pending.revision);
    if (outcome.missing.length > 0) return;
    pending.settled(outcome);
    pending = undefined;
  };

  const generations = (): string =>
    [...(latest?.deployments.values() ?? [])].map(({ uid, generation }) => `${uid} ${generation}`).join();

  /** Resolves once the deploy is accepted, with what it comes to. */
  const deploy = async (): Promise<{ outcome: Promise<Outcome> }> => {
    const revision = await applyPatiently(ctx, target, loaded, over);
    const names = applicationNames(loaded.config);
    logs.follow(names);
    const { promise, resolve: settled } = Promise.withResolvers<Outcome>();
    pending = { revision, names, settled };
    settle();
    return { outcome: promise };
  };

  const showStatus = (): Promise<void> =>
    withApi(target, async (api) => {
      const concerns = (name: string): boolean => belongsTo(name, applicationNames(loaded.config));
      for await (const seen of followChanges(api, ctx, { name: "", concerns, signal: stopping, endless: true })) {
        latest = seen;
        settle();
      }
    });

  /** Changes that come before `ready` are acted on then. */
  const reloadOnChange = (ready: Promise<unknown>): void => {
    let last = ready;
    const restarted = commandRestarts();
    const touched = new Set<string>();
    const again = async (): Promise<void> => {
      try {
        const next = await options.load();
        if (JSON.stringify(next.start) !== JSON.stringify(loaded.start)) {
          tell(["start: has changed; run again to use it"]);
        }
        loaded = { ...next, config: restarted(next.config, next.baseDir, touched) };
        touched.clear();
        const before = generations();
        const { outcome } = await deploy();
        void outcome.then(({ running, failures }) => {
          // A file that is no part of the application changes nothing, and is not worth a word.
          if (running.length > 0 && generations() !== before) ctx.err(`deployed again: ${running.join(", ")}\n`);
          tell(failures);
        });
      } catch (error) {
        tell(linesOf(error));
      }
    };
    watchFiles({
      roots: sourceFolders(loaded),
      except: [options.ready.stateDir],
      clock: ctx.clock,
      signal: over,
      changed(paths) {
        last = last.then(() => {
          for (const path of paths) if (path !== options.file) touched.add(path);
          return again();
        });
      },
      warn: (text) => tell([text]),
    });
  };

  try {
    const { outcome } = await deploy();
    if (options.reload) reloadOnChange(outcome);
    const status = showStatus().catch((error: unknown) => tell(linesOf(error)));
    const ended = status.then(() => undefined);
    const first = await Promise.race([outcome, ended]);
    if (first === undefined) return over.aborted || stopping.aborted;
    tell(first.failures);
    if (first.failures.length > 0) return false;
    await withApi(target, (api) =>
      printTries(ctx, api, { running: first.running, tries: loaded.tries, ready, ...start }),
    ).catch((error: unknown) => tell(linesOf(error)));
    if (!over.aborted) await new Promise((end) => over.addEventListener("abort", end, { once: true }));
    await logs.ended();
    return true;
  } catch (error) {
    tell(linesOf(error).map((line) => `deploy failed: ${line}`));
    return stopping.aborted;
  }
}

/** Follows the logs of each application once; with several, lines say which it is. */
function logFollowers(ctx: CliContext, target: Target, over: AbortSignal, stopping: AbortSignal) {
  const following = new Map<string, Promise<void>>();
  let many = false;
  const notice = (text: string): void => {
    if (!stopping.aborted) ctx.err(`windlass: ${text}\n`);
  };
  const start = async (application: string): Promise<void> => {
    const end = await followLogs(ctx, target, { application, lines: FIRST_LINES }, over, {
      line: (text) => ctx.out(many ? `${application}/${text}` : text),
      notice,
    });
    if (end.kind === "refused" && !stopping.aborted) notice(`no logs of ${application}: ${end.error.message}`);
    following.delete(application);
  };
  return {
    follow(names: readonly string[]): void {
      many ||= names.length > 1;
      for (const name of names) if (!following.has(name)) following.set(name, start(name));
    },
    async ended(): Promise<void> {
      await Promise.all(following.values());
    },
  };
}

/** The folder that import paths start from, and those of modules and programs that lie elsewhere. */
export function sourceFolders({ baseDir, config }: Pick<LoadedConfig, "baseDir" | "config">): string[] {
  const modules = config.applications.flatMap(({ import_path: path }) => {
    const module = path === undefined ? "" : path.slice(0, path.lastIndexOf(":"));
    return module === "" ? [] : [dirname(resolve(baseDir, module))];
  });
  const outside = [...modules, ...commandFolders(config, baseDir)].filter((folder) => {
    const path = relative(baseDir, folder);
    return path.startsWith("..") || isAbsolute(path);
  });
  return [...new Set([baseDir, ...outside])];
}

function linesOf(error: unknown): readonly string[] {
  return error instanceof CliError ? error.lines : [errorText(error)];
}
