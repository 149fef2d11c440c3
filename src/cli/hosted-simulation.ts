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
import { courseOf, type HostedRequest, type HostedResult, type HostedWork, subjectIn } from "../simulate/hosted.ts";
import { ownPolicyOf, type Subject } from "../simulate/subject.ts";
import { programPath } from "../supervisor/programs.ts";
import type { CliContext } from "./context.ts";
import { CliError, EXIT } from "./exit.ts";

/** A config whose deployments are simulated, and the absolute folder that paths of its policies start from. */
export interface Home {
  readonly config: DeployConfig;
  readonly baseDir: string;
}

/**
 * Simulates deployments: each by itself, or those together for which the policy of their application decides; where a policy
 * is the user's, in a process that runs such. `idle` are told to such a policy beside them. Throws a CliError with one line.
 */
export async function simulateWorks(
  ctx: CliContext,
  home: Home,
  works: readonly HostedWork[],
  idle: readonly HostedWork[],
): Promise<Outcome[]> {
  const outcomes = new Map<string, Outcome>();
  for (const work of works) {
    const subject = subjectIn(work);
    if (outcomes.has(nameOf(subject))) continue;
    const together = subject.autoscaling?.together !== undefined;
    const group = together ? [...works, ...idle].filter((other) => decidedWith(subject, subjectIn(other))) : [work];
    for (const outcome of await simulateGroup(ctx, home, group)) outcomes.set(nameOf(outcome), outcome);
  }
  return works.map((work) => outcomes.get(nameOf(subjectIn(work)))!);
}

/** Whether the policy of one application decides for both. */
function decidedWith(one: Subject, other: Subject): boolean {
  return one.application === other.application && other.autoscaling?.together !== undefined;
}

/** Simulates one deployment, or those that one policy decides for. */
async function simulateGroup(
  ctx: CliContext,
  { config, baseDir }: Home,
  works: readonly HostedWork[],
): Promise<Outcome[]> {
  const subject = subjectIn(works[0]!);
  const policy = ownPolicyOf(subject);
  if (policy === undefined) return works.map((work) => run(courseOf(work)));
  const { application } = subject;
  const app = config.applications.find(({ name = DEFAULT_APPLICATION_NAME }) => name === application);
  const name = subject.autoscaling?.together === undefined ? nameOf(subject) : application;
  const home = { baseDir, env: replicaEnv({ runtime_env: app?.runtime_env }) };
  return [...(await hosted(ctx, name, { works, policy }, home)).values()];
}

/** Where a policy's code lies, and the environment of its application. */
interface PolicyHome {
  readonly baseDir: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What the policy prints goes to stderr. `name` is what an error calls the deployment, or the application. */
async function hosted(
  ctx: CliContext,
  name: string,
  what: Pick<HostedRequest, "works" | "policy">,
  { baseDir, env }: PolicyHome,
): Promise<ReadonlyMap<string, Outcome>> {
  const folder = mkdtempSync(join(tmpdir(), "windlass-simulate-"));
  try {
    const resultPath = join(folder, "result");
    const request: HostedRequest = { ...what, baseDir, bundlesDir: join(folder, "bundles"), resultPath };
    const requestPath = join(folder, "request");
    writeFileSync(requestPath, serialize(request));
    const ending = await runHost(ctx, requestPath, { baseDir, env });
    const result = readResult(resultPath) ?? { ok: false, error: ending };
    if (result.ok) return result.outcomes;
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
