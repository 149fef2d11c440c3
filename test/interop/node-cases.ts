/** The cases for the clients in this process. */
import { create, type DescMessage, type DescMethodServerStreaming, type MessageInitShape } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { ServerReflection, ServerReflectionRequestSchema } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ApplicationService } from "../../gen/windlass/v1/application_service_pb.ts";
import { DeploymentService } from "../../gen/windlass/v1/deployment_service_pb.ts";
import { InstanceService } from "../../gen/windlass/v1/instance_service_pb.ts";
import type { CaseName, Result, Row, Task } from "./cases.ts";
import type { Failure, NodeCaller } from "./node-clients.ts";

/** How long a case may take. */
const LIMIT_MS = 20_000;
const APPLICATION = "applications/interop";
const DEPLOYMENT = `${APPLICATION}/deployments/Echo`;
const { getInstance, applyConfig, watchInstance } = InstanceService.method;

/** Runs a task with callers of one kind. */
export async function runHere(open: (task: Task, row: Row) => NodeCaller, task: Task): Promise<Result[]> {
  const results: Result[] = [];
  for (const [row, how] of task.rows.entries()) {
    const caller = open(task, how);
    for (const name of task.cases) {
      const error = await within(RUN[name as CaseName](caller)).then(
        () => undefined,
        (thrown: unknown) => String(thrown),
      );
      results.push({ row, case: name, ...(error === undefined ? {} : { error }) });
    }
    caller.close();
  }
  return results;
}

function within(run: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not done after ${LIMIT_MS} ms`)), LIMIT_MS);
    run.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}

const RUN: Record<CaseName, (caller: NodeCaller) => Promise<void>> = {
  async unary(caller) {
    const { revision, applications } = await caller.unary(getInstance, {});
    expect(revision).toBeGreaterThan(0n);
    expect(applications[0]?.name).toBe(APPLICATION);
  },
  async "large message"(caller) {
    const args = { text: "windlass ".repeat(32_000) };
    const config = { applications: [{ name: "interop", importPath: "./app.ts:app", args }] };
    await caller.unary(applyConfig, { config, validateOnly: true });
  },
  WatchInstance: (caller) => untilSynced(caller, watchInstance, {}, APPLICATION),
  WatchApplications: (caller) => untilSynced(caller, ApplicationService.method.watchApplications, {}, APPLICATION),
  WatchDeployments: (caller) =>
    untilSynced(caller, DeploymentService.method.watchDeployments, { parent: APPLICATION }, APPLICATION),
  WatchReplicas: (caller) =>
    untilSynced(caller, DeploymentService.method.watchReplicas, { parent: DEPLOYMENT }, APPLICATION),
  WatchScalingDecisions: (caller) =>
    untilSynced(caller, DeploymentService.method.watchScalingDecisions, { name: DEPLOYMENT }),
  async bidi(caller) {
    const answered = Promise.withResolvers<string>();
    async function* questions() {
      yield create(ServerReflectionRequestSchema, { messageRequest: { case: "listServices", value: "" } });
      const value = await answered.promise;
      yield create(ServerReflectionRequestSchema, { messageRequest: { case: "fileContainingSymbol", value } });
    }
    const kinds: (string | undefined)[] = [];
    for await (const { messageResponse } of caller.bidi(ServerReflection.method.serverReflectionInfo, questions())) {
      kinds.push(messageResponse.case);
      if (messageResponse.case === "listServicesResponse") answered.resolve(messageResponse.value.service[0]!.name);
    }
    expect(kinds).toEqual(["listServicesResponse", "fileDescriptorResponse"]);
  },
  async ErrorInfo(caller) {
    const { getDeployment } = DeploymentService.method;
    const failed = caller.unary(getDeployment, { name: `${APPLICATION}/deployments/Nope` });
    expect(await failureOf(caller, failed)).toMatchObject({ code: "NOT_FOUND", reason: "NOT_FOUND" });
  },
  async BadRequest(caller) {
    const failure = await failureOf(
      caller,
      caller.unary(applyConfig, { config: { applications: [{ name: "interop" }] } }),
    );
    expect(failure).toMatchObject({ code: "INVALID_ARGUMENT", reason: "INVALID_CONFIG" });
    expect(failure.fields).toContain("applications[0].import_path");
  },
  async "error of a stream"(caller) {
    const failed = readToEnd(caller.stream(watchInstance, { progressInterval: { seconds: 3600n } }));
    expect(await failureOf(caller, failed)).toMatchObject({ code: "INVALID_ARGUMENT", reason: "INVALID_REQUEST" });
  },
  async "no token"(caller) {
    const failure = await failureOf(caller, caller.unary(getInstance, {}, { token: false }));
    expect(failure).toMatchObject({ code: "UNAUTHENTICATED", reason: "UNAUTHENTICATED" });
  },
  async deadline(caller) {
    const started = performance.now();
    const failure = await failureOf(caller, readToEnd(caller.stream(watchInstance, {}, { timeoutMs: 400 })));
    expect(failure.code).toBe("DEADLINE_EXCEEDED");
    const tookMs = performance.now() - started;
    expect(tookMs).toBeGreaterThan(300);
    expect(tookMs).toBeLessThan(5_000);
  },
  async cancel(caller) {
    const controller = new AbortController();
    const stream = caller.stream(watchInstance, {}, { signal: controller.signal });
    const failed = readToEnd(stream, ({ event }) => {
      if (event.case === "synced") controller.abort();
    });
    expect((await failureOf(caller, failed)).code).toBe("CANCELLED");
  },
};

/** Reads the snapshot; something of the application must have been in it. */
async function untilSynced<I extends DescMessage, O extends DescMessage>(
  caller: NodeCaller,
  method: DescMethodServerStreaming<I, O>,
  request: MessageInitShape<I>,
  wanted?: string,
): Promise<void> {
  let found = wanted === undefined;
  for await (const message of caller.stream(method, request)) {
    const { event, synced, revision } = message as {
      event?: { case?: string; value?: { name?: string } };
      synced?: boolean;
      revision?: bigint;
    };
    found ||= event?.value?.name?.startsWith(wanted!) === true;
    if (synced !== true && event?.case !== "synced") continue;
    expect({ found, revision }).toEqual({ found: true, revision: expect.any(BigInt) });
    return;
  }
  throw new Error("the stream ended");
}

async function readToEnd<T>(stream: AsyncIterable<T>, look: (message: T) => void = () => {}): Promise<void> {
  for await (const message of stream) look(message);
}

async function failureOf(caller: NodeCaller, call: Promise<unknown>): Promise<Failure> {
  return call.then(
    () => {
      throw new Error("the call did not fail");
    },
    (error: unknown) => caller.failure(error),
  );
}
