import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DEFAULT_ADDRESS } from "../address.ts";
import type { CliContext } from "../context.ts";
import { EXIT } from "../exit.ts";
import { isFile, type LoadedConfig, loadTarget } from "../load-config.ts";
import { isGiven, resolveStartOptions, type StartSources } from "../start-options.ts";
import { serve, startSources } from "../starting.ts";
import { reachable } from "../try-lines.ts";

/** Options of `windlass run`, besides those of `windlass start`. */
export interface RunOptions {
  /** Deploy again when files change. */
  readonly reload?: boolean;
  /** Name of the application at an import path. */
  readonly name?: string;
  /** Route prefix of the application at an import path. */
  readonly routePrefix?: string;
}

/** `windlass run`: start, deploy and follow, until stopped. Resolves with the exit code: 1 when the first deploy failed. */
export async function run(
  ctx: CliContext,
  what: string,
  args: readonly string[],
  flags: StartSources["flags"],
  options: RunOptions,
): Promise<number> {
  const file = isFile(ctx, what) ? what : undefined;
  const first = await loadTarget(ctx, what, args, options);
  const sources = startSources(ctx, file, first, flags);
  const resolved = resolveStartOptions(sources);
  // An import path starts from --app-dir, a config's import paths from the config.
  const based = (loaded: LoadedConfig): LoadedConfig =>
    file === undefined ? { ...loaded, baseDir: resolved.appDir } : loaded;
  const kept = isGiven(sources, "state-dir");
  const stateDir = kept ? resolved.stateDir : mkdtempSync(join(tmpdir(), "windlass-run-"));
  const start = { ...resolved, stateDir };
  const over = new AbortController();
  let session: Promise<boolean> | undefined;
  try {
    const code = await serve(ctx, start, (ready) => {
      const address =
        reachable(ready.control) === DEFAULT_ADDRESS ? "" : ` WINDLASS_ADDRESS=${reachable(ready.control)}`;
      if (!kept) ctx.err(`for commands in other terminals: export WINDLASS_STATE_DIR=${stateDir}${address}\n`);
      session = import("../run-session.ts").then(async ({ runSession }) => {
        const reload = options.reload ?? false;
        const load = async () => based(await loadTarget(ctx, what, args, options));
        const path = file === undefined ? undefined : resolve(ctx.cwd, file);
        const session = { loaded: based(first), load, reload, file: path, ready, start, over: over.signal };
        const good = await runSession(ctx, session);
        // As Ctrl-C would: the server listens for it.
        if (!good) process.kill(ready.pids.supervisor, "SIGTERM");
        return good;
      });
      // It is looked at when the server has ended.
      session.catch(() => undefined);
    });
    over.abort();
    return (await session) === false ? EXIT.failed : code;
  } finally {
    over.abort();
    await session?.catch(() => undefined);
    if (!kept) await removeTraces(stateDir);
  }
}

/** The state dir that was made for this run, and the folder for sockets that goes with it. */
async function removeTraces(stateDir: string): Promise<void> {
  rmSync(stateDir, { recursive: true, force: true });
  const { prepareRunDir } = await import("../../supervisor/run-dir.ts");
  try {
    rmSync(prepareRunDir(stateDir, process.env), { recursive: true, force: true });
  } catch {
    // There was none: the server did not get that far.
  }
}
