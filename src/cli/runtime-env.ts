import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse } from "yaml";
import { errorText } from "../core/errors.ts";
import type { CliContext } from "./context.ts";
import { CliError, EXIT, oneLine } from "./exit.ts";

/** The flags that say in which environment the application at an import path runs; the reference's names. */
export interface RuntimeEnvFlags {
  /** YAML or JSON file with a `runtime_env`. */
  readonly runtimeEnv?: string;
  /** A `runtime_env` as JSON. */
  readonly runtimeEnvJson?: string;
  /** Beats the `working_dir` of the others. */
  readonly workingDir?: string;
}

/** The `runtime_env` that the flags make together; its keys are checked with the config. Default: {}. */
export function runtimeEnvOf(ctx: CliContext, flags: RuntimeEnvFlags): Record<string, unknown> {
  const { runtimeEnv, runtimeEnvJson, workingDir } = flags;
  if (runtimeEnv !== undefined && runtimeEnvJson !== undefined) {
    throw new CliError(EXIT.failed, "--runtime-env and --runtime-env-json say the same thing; give one of them");
  }
  const env =
    runtimeEnv !== undefined
      ? parsed(readText(ctx, runtimeEnv), runtimeEnv)
      : runtimeEnvJson !== undefined
        ? parsed(runtimeEnvJson, "--runtime-env-json")
        : {};
  if (workingDir === undefined) return env;
  if (Object.hasOwn(env, "working_dir"))
    ctx.err("warning: --working-dir replaces the working_dir of the runtime_env\n");
  return { ...env, working_dir: workingDir };
}

function parsed(text: string, source: string): Record<string, unknown> {
  let data: unknown;
  try {
    data = parse(text, { prettyErrors: false });
  } catch (error) {
    throw new CliError(EXIT.failed, `${source} is neither YAML nor JSON: ${oneLine(errorText(error))}`, error);
  }
  if (typeof data === "object" && data !== null && !Array.isArray(data)) return data as Record<string, unknown>;
  throw new CliError(EXIT.failed, `${source}: a runtime_env is an object; give one like {"env_vars": {"A": "1"}}`);
}

function readText(ctx: CliContext, file: string): string {
  try {
    return readFileSync(resolve(ctx.cwd, file), "utf8");
  } catch (error) {
    throw new CliError(EXIT.failed, `--runtime-env ${file}: ${errorText(error)}; give a YAML or JSON file`, error);
  }
}
