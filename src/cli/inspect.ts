import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BuilderOutcome, BuilderRequest } from "../builder/protocol.ts";
import { errorText } from "../core/errors.ts";
import { programPath } from "../supervisor/programs.ts";
import type { CliContext } from "./context.ts";
import { CliError, EXIT } from "./exit.ts";

/** As long as the server waits for a builder. */
const BUILD_TIMEOUT_MS = 120_000;

/** What the builder finds at an import path. */
export type Inspected = Extract<BuilderOutcome, { ok: true }>["result"];

/**
 * Loads the application at an import path in a builder process, as the server would, and tells what it consists of.
 * What the module prints goes to stderr. Throws a CliError with the builder's one line.
 */
export async function inspect(ctx: CliContext, importPath: string, baseDir: string): Promise<Inspected> {
  const folder = mkdtempSync(join(tmpdir(), "windlass-build-"));
  try {
    const resultPath = join(folder, "result.json");
    const request: BuilderRequest = { importPath, baseDir, args: {}, bundlesDir: join(folder, "bundles"), resultPath };
    const requestPath = join(folder, "request.json");
    writeFileSync(requestPath, JSON.stringify(request));
    const ending = await runBuilder(ctx, requestPath);
    const outcome = readOutcome(resultPath) ?? { ok: false, error: `import_path "${importPath}": ${ending}` };
    if (!outcome.ok) throw new CliError(EXIT.failed, outcome.error);
    return outcome.result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resolves when the builder has ended, with how. */
function runBuilder(ctx: CliContext, requestPath: string): Promise<string> {
  const signal = ctx.stopped();
  return new Promise((resolve) => {
    let late = false;
    const child: ChildProcess = spawn(process.execPath, [programPath("builder"), requestPath], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8");
      stream?.on("data", (text: string) => ctx.err(text));
    }
    const kill = (): void => void child.kill("SIGKILL");
    const timer = ctx.clock.timer(BUILD_TIMEOUT_MS, () => {
      late = true;
      kill();
    });
    if (signal.aborted) kill();
    signal.addEventListener("abort", kill, { once: true });
    const end = (how: string): void => {
      timer.cancel();
      signal.removeEventListener("abort", kill);
      resolve(how);
    };
    child.once("error", (error) => end(`the builder could not be started: ${errorText(error)}`));
    child.once("close", (code, by) => {
      if (signal.aborted) end("stopped before it was loaded");
      else if (late) end(`loading it took longer than ${BUILD_TIMEOUT_MS / 1000} s; does its module wait for ever?`);
      else end(`the builder ended without a result (${by ?? `exit code ${code}`})`);
    });
  });
}

function readOutcome(path: string): BuilderOutcome | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as BuilderOutcome;
  } catch {
    return undefined;
  }
}
