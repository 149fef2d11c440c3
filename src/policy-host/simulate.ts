/** Simulates deployments that a policy of the user's scales: `policy-host simulate <request file>`. */
import { readFileSync, writeFileSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import type { PolicyInput } from "../autoscaling/policy.ts";
import { readApplicationOutput, readPolicyOutput } from "../autoscaling/policy-output.ts";
import type { Clock } from "../core/clock.ts";
import { userErrorLine } from "../sdk/user-error.ts";
import { type CourseAnswer, commonCourse } from "../simulate/course.ts";
import { courseOf, type HostedRequest, type HostedResult, subjectIn } from "../simulate/hosted.ts";
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
  { works, policy, baseDir, bundlesDir }: HostedRequest,
  context: { readonly clock: Clock; readonly sdkUrl: string },
): Promise<HostedResult> {
  const place = { baseDir, bundlesDir, workingDir: null, socketPath: "", place: "" };
  const host = new PolicyHost({ ...context, place, env: process.env });
  const { policy_function: policyFunction, policy_kwargs: kwargs } = policy;
  const [loaded] = await said(host, { kind: "load", policy: { key: KEY, policyFunction, kwargs, built: null } });
  if (loaded?.kind === "load-failed") return { ok: false, error: `${policyFunction}: ${loaded.error}` };
  const together = works.some((work) => subjectIn(work).autoscaling?.together !== undefined);
  const courses = new Map(works.map((work) => [subjectIn(work).deployment, courseOf(work)]));
  const course = commonCourse(courses);
  // Answers take no time.
  let next = course.next();
  while (!next.done) next = course.next(await (together ? askedTogether(host, next.value) : asked(host, next.value)));
  return { ok: true, outcomes: next.value };
}

type Inputs = Readonly<Record<string, PolicyInput>>;

/** Asks the policy of the one deployment there is. */
async function asked(host: PolicyHost, inputs: Inputs): Promise<CourseAnswer> {
  const answer = await answerTo(host, ownObjects(Object.values(inputs)[0]!));
  return answer.kind === "failed" ? answer : readPolicyOutput(answer.value);
}

/** Asks the policy of an application. */
async function askedTogether(host: PolicyHost, inputs: Inputs): Promise<CourseAnswer> {
  const named = Object.entries(inputs).map(([name, input]) => [name, ownObjects(input)]);
  const answer = await answerTo(host, Object.fromEntries(named));
  const read = answer.kind === "failed" ? answer : readApplicationOutput(answer.value, Object.keys(inputs));
  return { kind: "together", answer: read };
}

/** Each call gets an object of its own, as over a socket. */
function ownObjects(input: PolicyInput): PolicyInput {
  return { ...input, config: structuredClone(input.config) };
}

type Answered =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "failed"; readonly reason: string };

async function answerTo(host: PolicyHost, input: PolicyInput | Inputs): Promise<Answered> {
  const answer = (await said(host, { kind: "ask", id: 1, key: KEY, input })).at(-1);
  if (answer?.kind === "returned") return { kind: "value", value: JSON.parse(JSON.stringify(answer.value)) };
  return { kind: "failed", reason: answer?.kind === "failed" ? answer.error : "gave no answer" };
}

async function said(host: PolicyHost, message: Parameters<PolicyHost["handle"]>[0]): Promise<FromHost[]> {
  const answers: FromHost[] = [];
  await host.handle(message, (answer) => void answers.push(answer));
  return answers;
}
