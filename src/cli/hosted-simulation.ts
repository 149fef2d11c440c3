import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { DEFAULT_APPLICATION_NAME } from "../config/defaults.ts";
import { replicaEnv } from "../config/runtime-env.ts";
import type { DeployConfig } from "../config/types.ts";
import { nameOf } from "../simulate/assign.ts";
import { run } from "../simulate/course.ts";
import type { Outcome } from "../simulate/deployment.ts";
import { courseOf, type HostedRequest, type HostedResult, type HostedWork } from "../simulate/hosted.ts";
import { asksOwnPolicy } from "../simulate/subject.ts";
import { programPath } from "../supervisor/programs.ts";
import type { CliContext } from "./context.ts";
import { CliError, EXIT } from "./exit.ts";

/** A config whose deployments are simulated, and the absolute folder that paths of its policies start from. */
export interface Home {
  readonly config: DeployConfig;
  readonly baseDir: string;
}

/** Simulates a deployment: where its policy is the user's, in a process that runs such. Throws a CliError with one line. */
export async function simulateWork(ctx: CliContext, { config, baseDir }: Home, work: HostedWork): Promise<Outcome> {
  const subject = work.kind === "trace" ? work.load.subject : work.subject;
  if (!asksOwnPolicy(subject)) return run(courseOf(work));
  const { application } = subject;
  const app = config.applications.find(({ name = DEFAULT_APPLICATION_NAME }) => name === application);
  return hosted(ctx, nameOf(subject), work, { baseDir, env: replicaEnv({ runtime_env: app?.runtime_env }) });
}

/** Where a policy's code lies, and the environment of its application. */
interface PolicyHome {
  readonly baseDir: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What the policy prints goes to stderr. `name` is what an error calls the deployment. */
async function hosted(ctx: CliContext, name: string, work: HostedWork, { baseDir, env }: PolicyHome): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "windlass-simulate-"));
  try {
    const resultPath = join(folder, "result");
    const request: HostedRequest = { work, baseDir, bundlesDir: join(folder, "bundles"), resultPath };
    const requestPath = join(folder, "request");
    writeFileSync(requestPath, serialize(request));
    const ending = await runHost(ctx, requestPath, { baseDir, env });
    const result = readResult(resultPath) ?? { ok: false, error: ending };
    if (result.ok) return result.outcome;
    throw new CliError(EXIT.failed, `${name}: ${result.error}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resolves when the process has ended, with how. */
function runHost(ctx: CliContext, requestPath: string, { baseDir, env }: PolicyHome): Promise<string> {
  const signal = ctx.stopped();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [programPath("policy-host"), "simulate", requestPath], {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: baseDir,
      env: { ...ctx.env, ...env },
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => ctx.err(text));
    }
    const kill = (): void => void child.kill("SIGKILL");
    if (signal.aborted) kill();
    signal.addEventListener("abort", kill, { once: true });
    const end = (how: string): void => {
      signal.removeEventListener("abort", kill);
      resolve(how);
    };
    child.once("error", (error) => end(`its policy's process could not be started: ${error.message}`));
    child.once("close", (code, by) => {
      if (signal.aborted) end("stopped before the end");
      else end(`its policy ended the process (${by ?? `exit code ${code}`})`);
    });
  });
}

function readResult(path: string): HostedResult | undefined {
  try {
    return deserialize(readFileSync(path)) as HostedResult;
  } catch {
    return undefined;
  }
}
