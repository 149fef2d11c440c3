/** Simulates a deployment whose policy is the user's: `policy-host simulate <request file>`. */
import { readFileSync, writeFileSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import type { PolicyAnswer } from "../autoscaling/decide.ts";
import type { PolicyInput } from "../autoscaling/policy.ts";
import { readPolicyOutput } from "../autoscaling/policy-output.ts";
import type { Clock } from "../core/clock.ts";
import { userErrorLine } from "../sdk/user-error.ts";
import { courseOf, type HostedRequest, type HostedResult, type HostedWork } from "../simulate/hosted.ts";
import { PolicyHost } from "./host.ts";
import type { FromHost } from "./protocol.ts";

const KEY = "simulated";

/** Reads the request, simulates, writes the result and exits. */
export async function simulateInHost(
  path: string,
  context: { readonly clock: Clock; readonly sdkUrl: string },
): Promise<void> {
  process.setSourceMapsEnabled(true);
  const request = deserialize(readFileSync(path)) as HostedRequest;
  const finish = (result: HostedResult): never => {
    writeFileSync(request.resultPath, serialize(result));
    process.exit(0);
  };
  const failed = (error: unknown): never => finish({ ok: false, error: userErrorLine(error, request.baseDir) });
  process.on("uncaughtException", failed);
  process.on("unhandledRejection", failed);
  try {
    finish(await simulated(request, context));
  } catch (error) {
    failed(error);
  }
}

/** Loads the policy and simulates. */
async function simulated(
  { work, baseDir, bundlesDir }: HostedRequest,
  context: { readonly clock: Clock; readonly sdkUrl: string },
): Promise<HostedResult> {
  const place = { baseDir, bundlesDir, workingDir: null, socketPath: "", place: "" };
  const host = new PolicyHost({ ...context, place, env: process.env });
  const { policy_function: policyFunction, policy_kwargs: kwargs } = policyOf(work);
  const [loaded] = await said(host, { kind: "load", policy: { key: KEY, policyFunction, kwargs, built: null } });
  if (loaded?.kind === "load-failed") return { ok: false, error: `${policyFunction}: ${loaded.error}` };
  const ask = async (input: PolicyInput): Promise<PolicyAnswer> => {
    // Each call gets an object of its own, as over a socket.
    const config = structuredClone(input.config);
    const answer = (await said(host, { kind: "ask", id: 1, key: KEY, input: { ...input, config } })).at(-1);
    if (answer?.kind === "returned") return readPolicyOutput(JSON.parse(JSON.stringify(answer.value)));
    return { kind: "failed", reason: answer?.kind === "failed" ? answer.error : "gave no answer" };
  };
  const course = courseOf(work);
  // Answers take no time.
  let next = course.next();
  while (!next.done) next = course.next(await ask(next.value));
  return { ok: true, outcome: next.value };
}

function policyOf(work: HostedWork) {
  const { autoscaling } = work.kind === "trace" ? work.load.subject : work.subject;
  if (autoscaling === null) throw new Error("nothing decides on a deployment of a fixed size");
  return autoscaling.config.policy;
}

async function said(host: PolicyHost, message: Parameters<PolicyHost["handle"]>[0]): Promise<FromHost[]> {
  const answers: FromHost[] = [];
  await host.handle(message, (answer) => void answers.push(answer));
  return answers;
}
