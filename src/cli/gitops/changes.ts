/** Notices that the files of `windlass apply --watch`, or the sources that they name, have changed. */
import { resolve } from "node:path";
import { stateDir } from "../../client/state-dir.ts";
import { errorText } from "../../core/errors.ts";
import type { CliContext } from "../context.ts";
import { watchFiles } from "../watch-files.ts";
import type { Touched } from "./decide.ts";
import { compareLooks, type FileChoice, lookAt } from "./files.ts";

/**
 * Configs are looked at this often. Links that lead elsewhere, as after a checkout of git-sync or in a mounted ConfigMap,
 * and folders of a network are told by nothing else.
 */
const LOOK_MS = 1_000;

/** Configs are read once they have been the same for this long: a checkout writes files one by one. */
const STILL_MS = 400;

/** They are read after so many looks although they go on changing. */
const MOST_LOOKS = 25;

/** See {@link followFiles}. */
export interface FileFollower {
  /** Resolves once the configs stay the same, with what was touched since it was asked last. */
  settled(): Promise<Touched>;
  /** Watches these folders too: those of sources. */
  watch(folders: readonly string[]): void;
}

/** Follows files until `signal` aborts; `changed` is told of each change, `warn` what cannot be watched. */
export function followFiles(
  ctx: CliContext,
  choice: FileChoice,
  on: { changed(): void; warn(line: string): void; readonly signal: AbortSignal },
): FileFollower {
  const { signal } = on;
  let looks = lookAt(ctx, choice);
  let touched = { sources: new Set<string>(), all: true };
  let watched = "";
  let watchers = new AbortController();

  const look = (): boolean => {
    const before = looks;
    looks = lookAt(ctx, choice);
    const found = compareLooks(before, looks);
    if (found === "moved") touched.all = true;
    return found !== "same";
  };

  const poll = async (): Promise<void> => {
    for (;;) {
      await ctx.clock.sleep(LOOK_MS, signal);
      if (signal.aborted) return;
      if (look()) on.changed();
    }
  };
  poll().catch((error: unknown) => on.warn(`cannot look at the files any more: ${errorText(error)}`));

  return {
    async settled() {
      look();
      for (let left = MOST_LOOKS; left > 0 && !signal.aborted; left--) {
        await ctx.clock.sleep(STILL_MS, signal);
        if (!look()) break;
      }
      const found: Touched = touched;
      touched = { sources: new Set(), all: false };
      return found;
    },
    watch(folders) {
      // A folder behind a link that leads elsewhere now is another folder.
      const roots = [...new Set(folders)].sort();
      const real = choice.from.map((given) => looks.get(resolve(ctx.cwd, given))?.real);
      const key = JSON.stringify([roots, real]);
      if (key === watched) return;
      watched = key;
      watchers.abort();
      watchers = new AbortController();
      watchFiles({
        roots,
        except: [stateDir(ctx.env, ctx.cwd)],
        clock: ctx.clock,
        signal: AbortSignal.any([signal, watchers.signal]),
        changed(paths) {
          const configs = new Set([...looks.keys(), ...lookAt(ctx, choice).keys()]);
          for (const path of paths) if (!configs.has(resolve(path))) touched.sources.add(path);
          on.changed();
        },
        warn: on.warn,
      });
    },
  };
}
