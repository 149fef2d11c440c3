import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { DeployConfig } from "../config/types.ts";
import { errorText } from "../core/errors.ts";
import type { CliContext } from "./context.ts";
import { CliError, EXIT, oneLine } from "./exit.ts";
import { type RuntimeEnvFlags, runtimeEnvOf } from "./runtime-env.ts";
import { writtenTries } from "./try-lines.ts";

/** A config that passed every check that needs no server. */
export interface LoadedConfig {
  readonly config: DeployConfig;
  /** Absolute folder that relative import paths start from. */
  readonly baseDir: string;
  /** The document's `start:` section. */
  readonly start: Readonly<Record<string, unknown>>;
  /** Warnings that were printed. */
  readonly warnings: readonly string[];
  /** `curl` lines from comments `# try: curl …`. */
  readonly tries: readonly string[];
}

/** Whether an argument names an existing file. */
export function isFile(ctx: CliContext, path: string): boolean {
  return statSync(resolve(ctx.cwd, path), { throwIfNoEntry: false })?.isFile() ?? false;
}

/** Reads and checks a config file. Problems are thrown, one line each with file, line and column; warnings printed. */
export async function loadConfig(ctx: CliContext, file: string): Promise<LoadedConfig> {
  const path = resolve(ctx.cwd, file);
  const text = readText(path, file);
  const [{ readConfigDocument }, { validateDeployConfig }] = await Promise.all([
    import("../config/document.ts"),
    import("../config/check.ts"),
  ]);
  const document = readConfigDocument(text, file);
  if (!document.ok) throw new CliError(EXIT.failed, document.problems);
  const result = validateDeployConfig(document.data, { floats: document.floats });
  if (!result.ok) throw new CliError(EXIT.failed, result.problems.map(document.describe));
  printWarnings(ctx, result.warnings);
  return {
    config: result.config,
    baseDir: dirname(path),
    start: document.start,
    warnings: result.warnings,
    tries: writtenTries(text),
  };
}

/** How an application at an import path is to be called, reached and run; the config's defaults where left out. */
export interface ImportPathOptions extends RuntimeEnvFlags {
  readonly name?: string;
  readonly routePrefix?: string;
}

/** The config in a file, or the one that an import path stands for. */
export async function loadTarget(
  ctx: CliContext,
  what: string,
  args: readonly string[],
  options: ImportPathOptions,
): Promise<LoadedConfig> {
  if (!isFile(ctx, what)) return configOfImportPath(ctx, what, args, options);
  if (args.length > 0) {
    throw new CliError(EXIT.failed, `arguments are for import paths; write them below args: in ${what} instead`);
  }
  if (options.name !== undefined) ctx.err(`warning: --name is for import paths; ${what} says its names itself\n`);
  if (options.routePrefix !== undefined) {
    ctx.err(`warning: --route-prefix is for import paths; ${what} says its prefixes itself\n`);
  }
  if (options.runtimeEnv !== undefined || options.runtimeEnvJson !== undefined || options.workingDir !== undefined) {
    ctx.err(`warning: the flags of a runtime_env are for import paths; ${what} says it itself\n`);
  }
  return loadConfig(ctx, what);
}

/** The config that deploys one application by import path from the present folder. */
async function configOfImportPath(
  ctx: CliContext,
  importPath: string,
  args: readonly string[],
  options: ImportPathOptions,
): Promise<LoadedConfig> {
  if (!importPath.includes(":")) {
    throw new CliError(EXIT.failed, `${importPath} is no file and no import path; give a config file, or ./app.ts:app`);
  }
  const { name, routePrefix } = options;
  // Both are written even when they are empty, as the reference's command does: `config` shows the same document.
  const input = {
    applications: [
      {
        ...(name === undefined ? {} : { name }),
        ...(routePrefix === undefined ? {} : { route_prefix: routePrefix }),
        import_path: importPath,
        runtime_env: runtimeEnvOf(ctx, options),
        args: Object.fromEntries(args.map(parseArg)),
      },
    ],
  };
  const { validateDeployConfig } = await import("../config/check.ts");
  const result = validateDeployConfig(input);
  if (!result.ok) {
    const lines = result.problems.map(({ path, message }) => `${path.replace(/^applications\[0\]\./, "")}: ${message}`);
    throw new CliError(EXIT.failed, lines);
  }
  printWarnings(ctx, result.warnings);
  return { config: result.config, baseDir: ctx.cwd, start: {}, warnings: result.warnings, tries: [] };
}

/** key=value, split at the first "="; the value stays text. */
function parseArg(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at > 0 && at < text.length - 1) return [text.slice(0, at), text.slice(at + 1)];
  throw new CliError(EXIT.failed, `argument "${text}" must have the form key=value`);
}

function printWarnings(ctx: CliContext, warnings: readonly string[]): void {
  for (const warning of warnings) ctx.err(`warning: ${oneLine(warning)}\n`);
}

function readText(path: string, shown: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "no such file" : code === "EISDIR" ? "is a folder" : errorText(error);
    throw new CliError(EXIT.failed, `${shown}: ${why}; give a config file`, error);
  }
}
