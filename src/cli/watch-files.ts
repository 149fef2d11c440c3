import { type FSWatcher, fstatSync, readdirSync, type Stats, statSync, watch } from "node:fs";
import { join, resolve, sep } from "node:path";
import type { Clock, Timer } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";

/** Editors write a file in several steps: a change is told when nothing more has happened for this long. */
const QUIET_MS = 200;
/** A change is told after this long although files go on changing. */
const LONGEST_QUIET_MS = 2_000;
/** More folders than this are no application's sources. */
const MOST_FOLDERS = 2_000;

/** What {@link watchFiles} watches. */
export interface WatchFilesOptions {
  /** Absolute folders; those below them are watched too. */
  readonly roots: readonly string[];
  /** Absolute paths that, with all below them, are left out. */
  readonly except: readonly string[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told after changes, once for all that came close together, with the absolute paths of what changed. */
  changed(paths: ReadonlySet<string>): void;
  /** Told one line when something cannot be watched. */
  warn(text: string): void;
}

/**
 * Watches files until `signal` aborts. `node_modules`, names that begin with a dot, and what programs write beside
 * sources (logs, databases, bytecode, backups of editors, what this process itself prints to) do not count.
 */
export function watchFiles(options: WatchFilesOptions): void {
  const { clock, signal } = options;
  const watchers = new Map<string, FSWatcher>();
  const except = options.except.map((path) => resolve(path));
  let timer: Timer | undefined;
  let since: number | undefined;
  let touched = new Set<string>();
  let warned = false;
  const warn = (text: string): void => {
    if (!warned) options.warn(text);
    warned = true;
  };

  const touch = (path: string): void => {
    touched.add(path);
    const now = clock.monotonic();
    since ??= now;
    timer?.cancel();
    timer = clock.timer(Math.max(0, Math.min(QUIET_MS, since + LONGEST_QUIET_MS - now)), () => {
      since = undefined;
      const paths = touched;
      touched = new Set();
      if (!signal.aborted) options.changed(paths);
    });
  };

  const printed = [1, 2].map(openFile);

  const leftOut = (path: string): boolean => except.some((each) => path === each || path.startsWith(each + sep));

  /** Also what is below it: a folder that was replaced by another has watchers that see nothing any more. */
  const forget = (folder: string): void => {
    for (const [path, watcher] of watchers) {
      if (path !== folder && !path.startsWith(folder + sep)) continue;
      watcher.close();
      watchers.delete(path);
    }
  };

  const add = (folder: string): void => {
    if (watchers.has(folder) || leftOut(folder)) return;
    if (watchers.size >= MOST_FOLDERS) {
      warn(`only ${MOST_FOLDERS} folders are watched for changes`);
      return;
    }
    try {
      const watcher = watch(folder, (event, name) => onEvent(folder, event, name));
      watcher.on("error", () => forget(folder));
      watchers.set(folder, watcher);
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (entry.isDirectory() && counts(entry.name)) add(join(folder, entry.name));
      }
    } catch (error) {
      // A folder may be gone as soon as it was seen.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") warn(`cannot watch ${folder}: ${errorText(error)}`);
    }
  };

  const onEvent = (folder: string, event: string, name: string | null): void => {
    if (signal.aborted || (name !== null && (!counts(name) || leftOut(join(folder, name))))) return;
    const path = join(folder, name ?? "");
    const stat = statSync(path, { throwIfNoEntry: false });
    // `windlass run app.ts:app > out.txt` would otherwise go round in circles.
    if (stat !== undefined && printed.some((each) => each?.ino === stat.ino && each.dev === stat.dev)) return;
    if (event === "rename" && name !== null) {
      forget(path);
      if (stat?.isDirectory()) add(path);
    }
    touch(path);
  };

  for (const root of options.roots) add(resolve(root));
  const end = (): void => {
    timer?.cancel();
    for (const watcher of watchers.values()) watcher.close();
    watchers.clear();
  };
  if (signal.aborted) end();
  else signal.addEventListener("abort", end, { once: true });
}

function openFile(descriptor: number): Stats | undefined {
  try {
    return fstatSync(descriptor);
  } catch {
    return undefined; // closed
  }
}

/** Whether a file or folder of this name can be a source. */
function counts(name: string): boolean {
  if (name === "node_modules" || name === "__pycache__" || name.startsWith(".")) return false;
  return !/(~|\.(log|tmp|bak|pyc|db|sqlite3?)(-\w+)?)$/.test(name);
}
