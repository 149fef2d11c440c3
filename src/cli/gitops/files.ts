/** Finds and reads the files of `windlass apply`. */
import { lstatSync, readdirSync, readFileSync, realpathSync, type Stats, statSync } from "node:fs";
import { basename, dirname, extname, join, matchesGlob, relative, resolve } from "node:path";
import { errorText } from "../../core/errors.ts";
import type { CliContext } from "../context.ts";
import { CliError, EXIT } from "../exit.ts";

/** What `-f` says for standard input. */
export const STDIN = "-";

/** A file's text. */
export interface SourceFile {
  /** As messages name it. */
  readonly shown: string;
  readonly text: string;
  /** Absolute folder that relative import paths start from: the file's, as it was named. */
  readonly baseDir: string;
}

/** Where to look. */
export interface FileChoice {
  /** Files, folders and {@link STDIN}, as they were given. */
  readonly from: readonly string[];
  /** Globs of what to leave out below folders, matched against the path below them and the name alone. */
  readonly exclude: readonly string[];
}

/** Files of a folder that are of tools which keep their settings beside sources. */
const OF_TOOLS =
  /^(package|package-lock|npm-shrinkwrap|[jt]sconfig.*|biome|deno|turbo|nx|renovate|pnpm-lock|pnpm-workspace|yarn\.lock|buf(\.\w+)*|(docker-)?compose.*|kustomization|Chart|mkdocs|.*\.schema)\.(json|ya?ml)$/;

/** Reads every file; `known` is what stdin said. Throws a CliError with a line for each that cannot be read. */
export async function readFiles(ctx: CliContext, choice: FileChoice): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  const problems: string[] = [];
  for (const path of listFiles(ctx, choice, problems)) {
    if (path === STDIN) files.push({ shown: "standard input", text: await ctx.readInput(), baseDir: ctx.cwd });
    else {
      try {
        files.push({ shown: shownPath(ctx, path), text: readFileSync(path, "utf8"), baseDir: dirname(path) });
      } catch (error) {
        problems.push(`${shownPath(ctx, path)}: cannot be read: ${errorText(error)}`);
      }
    }
  }
  if (problems.length > 0) throw new CliError(EXIT.failed, problems);
  return files;
}

/** The folders of what `-f` names: itself, or the one that the file is in. */
export function rootsOf(ctx: CliContext, from: readonly string[]): string[] {
  return from.map((given) => {
    const path = resolve(ctx.cwd, given);
    const found = at(path);
    return !(found instanceof Error) && found?.isFile() ? dirname(path) : path;
  });
}

/** A file or folder at one moment: where links lead, and what tells contents apart; both "" where there is none. */
export interface Look {
  readonly real: string;
  readonly state: string;
}

/** What `-f` names and each config below it, by absolute path, links not followed. */
export function lookAt(ctx: CliContext, choice: FileChoice): ReadonlyMap<string, Look> {
  const paths = [...choice.from.map((each) => resolve(ctx.cwd, each)), ...listFiles(ctx, choice, [])];
  return new Map(paths.map((path) => [path, look(path)] as const));
}

function look(path: string): Look {
  try {
    const stat = statSync(path);
    const state = stat.isDirectory() ? "folder" : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
    return { real: realpathSync(path), state };
  } catch {
    return { real: "", state: "" };
  }
}

/** What is other than it was: `same` where nothing is, `moved` where a link leads elsewhere. */
export function compareLooks(
  before: ReadonlyMap<string, Look>,
  after: ReadonlyMap<string, Look>,
): "same" | "changed" | "moved" {
  let found: "same" | "changed" = before.size === after.size ? "same" : "changed";
  for (const [path, now] of after) {
    const earlier = before.get(path);
    if (earlier !== undefined && earlier.real !== now.real) return "moved";
    if (earlier?.state !== now.state) found = "changed";
  }
  return found;
}

/** Absolute paths in a stable order, each once; what is not there becomes a problem. */
function listFiles(ctx: CliContext, { from, exclude }: FileChoice, problems: string[]): string[] {
  const found = new Set<string>();
  for (const given of from) {
    if (given === STDIN) {
      found.add(STDIN);
      continue;
    }
    const path = resolve(ctx.cwd, given);
    const stat = at(path);
    if (stat === undefined) problems.push(`${given}: no such file or folder; give another with -f`);
    else if (stat instanceof Error) problems.push(`${given}: cannot be read: ${errorText(stat)}`);
    else if (stat.isDirectory()) {
      const leftOut = (file: string): boolean =>
        exclude.some((glob) => matchesGlob(relative(path, file), glob) || matchesGlob(basename(file), glob));
      const problem = (where: string, why: string): void => void problems.push(`${shownPath(ctx, where)}: ${why}`);
      for (const file of filesBelow(path, leftOut, new Set(), problem)) found.add(file);
    } else found.add(path);
  }
  return [...found];
}

/**
 * Configs below a folder, by name; links are followed, but not round in circles. What is there and cannot be read is a
 * problem: with `--prune`, it would else read as a file that names no application any more.
 */
function filesBelow(
  folder: string,
  leftOut: (path: string) => boolean,
  entered: Set<string>,
  problem: (path: string, why: string) => void,
): string[] {
  let names: string[];
  try {
    const real = realpathSync(folder);
    if (entered.has(real)) return [];
    entered.add(real);
    names = readdirSync(folder).sort();
  } catch (error) {
    // Gone since it was listed: the folder above is looked at again.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ENOTDIR") problem(folder, `cannot be read: ${errorText(error)}`);
    return [];
  }
  return names.flatMap((name) => {
    const path = join(folder, name);
    if (name.startsWith(".") || name === "node_modules" || name === "__pycache__" || leftOut(path)) return [];
    const found = at(path);
    if (found instanceof Error || found === undefined) {
      const why = found === undefined ? "is a link that leads nowhere" : `cannot be read: ${errorText(found)}`;
      if (mayHoldConfigs(name) && (found !== undefined || isLink(path))) {
        problem(path, `${why}; mend it, or leave it out with --exclude`);
      }
      return [];
    }
    if (found.isDirectory()) return filesBelow(path, leftOut, entered, problem);
    return found.isFile() && isConfig(name) ? [path] : [];
  });
}

const isConfig = (name: string): boolean => /\.(ya?ml|json)$/.test(name) && !OF_TOOLS.test(name);

/** Whether something of this name, of which nothing else is known, may be a config or a folder. */
const mayHoldConfigs = (name: string): boolean => isConfig(name) || extname(name) === "";

/** What is at a path, links followed; undefined where nothing is, an error where that cannot be told. */
function at(path: string): Stats | Error | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    return error as Error;
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

/** Relative to where the command runs, unless that is longer. */
function shownPath(ctx: CliContext, path: string): string {
  const short = relative(ctx.cwd, path);
  return short.startsWith("..") ? path : short;
}
