import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { expect, it, onTestFinished } from "vitest";
import { ECHO, ECHO_CONFIG, writeApp } from "../support/apps.ts";
import {
  type Deployment,
  Deployment_State,
  GetDeploymentRequestSchema,
  GetDeploymentResponseSchema,
  Replica_State,
  ScaleDeploymentRequestSchema,
  ScaleDeploymentResponseSchema,
  WatchDeploymentsRequestSchema,
  type WatchDeploymentsResponse,
  WatchDeploymentsResponseSchema,
} from "../support/gen.ts";
import { api, application, eventually, startWindlass, waitForStatus } from "../support/windlass.ts";

const NAME = "applications/echo/deployments/Echo";

it("grpc-js over h2c, Connect JSON and REST drive one application and see one state", async () => {
  const windlass = await startWindlass([writeApp(ECHO, ECHO_CONFIG(1))]);
  await waitForStatus(windlass, "echo", "RUNNING");
  const client = deploymentClient(windlass.control, windlass.token);

  // gRPC: unary, and a watch that stays open through everything below.
  const before = await client.get();
  expect(before).toMatchObject({ name: NAME, targetNumReplicas: 1, state: Deployment_State.HEALTHY });
  const seen: WatchDeploymentsResponse[] = [];
  client.watch((message) => seen.push(message));
  await eventually(() => seen.some(({ event }) => event.case === "synced"));

  // Scaled by REST, seen by gRPC and Connect.
  const byRest = await api(windlass, "/api/v1/applications/echo/deployments/Echo/scale", {
    body: { target_num_replicas: 2 },
  });
  expect(byRest.status).toBe(200);
  expect((await client.get()).targetNumReplicas).toBe(2);
  const byConnect = await api(windlass, "/windlass.v1.DeploymentService/GetDeployment", { body: { name: NAME } });
  expect(byConnect.json).toMatchObject({ deployment: { name: NAME, targetNumReplicas: 2, state: "STATE_HEALTHY" } });

  // Scaled by Connect, seen by REST.
  const scaled = await api(windlass, "/windlass.v1.DeploymentService/ScaleDeployment", {
    body: { name: NAME, targetNumReplicas: 3 },
  });
  expect(scaled.json).toMatchObject({ previousTargetNumReplicas: 2, deployment: { targetNumReplicas: 3 } });
  await eventually(async () => {
    const view = (await application(windlass, "echo"))?.deployments["Echo"];
    return view?.target_num_replicas === 3 && view.replicas.filter(({ state }) => state === "RUNNING").length === 3;
  });

  // Scaled by gRPC; absent is refused, never a scale to zero.
  await expect(client.scale(undefined)).rejects.toMatchObject({ code: grpc.status.INVALID_ARGUMENT });
  expect(await client.scale(1)).toMatchObject({ previousTargetNumReplicas: 3 });
  await eventually(async () => (await application(windlass, "echo"))?.deployments["Echo"]?.replicas.length === 1);

  // The watch saw every target and every count in order, with growing revisions.
  await eventually(() => {
    const last = updates(seen).at(-1);
    return last?.targetNumReplicas === 1 && counts(last) === "RUNNING 1";
  });
  const revisions = seen.map(({ revision }) => Number(revision));
  expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
  const targets = updates(seen).map(({ targetNumReplicas }) => targetNumReplicas);
  expect(targets.filter((target, i) => target !== targets[i - 1])).toEqual([1, 2, 3, 1]);
  expect(updates(seen).map(counts)).toContain("RUNNING 3");

  // A stream resumed from the middle gets exactly what came after.
  const middle = seen[Math.floor(seen.length / 2)]!.revision;
  const resumed: WatchDeploymentsResponse[] = [];
  client.watch((message) => resumed.push(message), middle);
  await eventually(
    () => (updates(resumed).at(-1)?.targetNumReplicas ?? 0) === 1 && resumed.at(-1)?.revision === seen.at(-1)?.revision,
  );
  const bytes = (messages: WatchDeploymentsResponse[]): string[] =>
    messages
      .filter(({ event, revision }) => event.case === "updated" && revision > middle)
      .map((message) => Buffer.from(toBinary(WatchDeploymentsResponseSchema, message)).toString("base64"));
  expect(bytes(resumed)).toEqual(bytes(seen));

  // Errors carry the machine-readable reason.
  const missing = await api(windlass, "/windlass.v1.DeploymentService/GetDeployment", {
    body: { name: "applications/nope/deployments/Echo" },
  });
  expect([missing.status, missing.json]).toEqual([404, expect.objectContaining({ code: "not_found" })]);
});

function updates(messages: WatchDeploymentsResponse[]): Deployment[] {
  return messages.flatMap(({ event }) => (event.case === "updated" ? [event.value] : []));
}

function counts(deployment: Deployment): string {
  return deployment.replicaCounts
    .map(({ state, count }) => `${state === Replica_State.RUNNING ? "RUNNING" : state} ${count}`)
    .join(", ");
}

/** A grpc-js client made by hand from the descriptors, as a stranger would. */
function deploymentClient(control: string, token: string) {
  const method = <I extends DescMessage, O extends DescMessage>(name: string, input: I, output: O, stream = false) => ({
    path: `/windlass.v1.DeploymentService/${name}`,
    requestStream: false,
    responseStream: stream,
    requestSerialize: (value: MessageShape<I>) => Buffer.from(toBinary(input, value)),
    requestDeserialize: (bytes: Buffer) => fromBinary(input, bytes),
    responseSerialize: (value: MessageShape<O>) => Buffer.from(toBinary(output, value)),
    responseDeserialize: (bytes: Buffer) => fromBinary(output, bytes),
  });
  const methods = {
    get: method("GetDeployment", GetDeploymentRequestSchema, GetDeploymentResponseSchema),
    scale: method("ScaleDeployment", ScaleDeploymentRequestSchema, ScaleDeploymentResponseSchema),
    watch: method("WatchDeployments", WatchDeploymentsRequestSchema, WatchDeploymentsResponseSchema, true),
  };
  const client = new grpc.Client(new URL(control).host, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  onTestFinished(() => client.close());
  const unary = <I, O>(
    {
      path,
      requestSerialize,
      responseDeserialize,
    }: { path: string; requestSerialize: (v: I) => Buffer; responseDeserialize: (b: Buffer) => O },
    message: I,
  ): Promise<O> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, message, metadata, (error, value) =>
        error ? reject(error) : resolve(value!),
      );
    });
  return {
    get: async () => (await unary(methods.get, create(GetDeploymentRequestSchema, { name: NAME }))).deployment!,
    scale: (target: number | undefined) =>
      unary(
        methods.scale,
        create(ScaleDeploymentRequestSchema, {
          name: NAME,
          ...(target === undefined ? {} : { targetNumReplicas: target }),
        }),
      ),
    watch(onMessage: (message: WatchDeploymentsResponse) => void, startRevision = 0n): void {
      const { path, requestSerialize, responseDeserialize } = methods.watch;
      const request = create(WatchDeploymentsRequestSchema, { parent: "applications/echo", startRevision });
      const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata);
      stream.on("data", onMessage);
      stream.on("error", () => {});
      onTestFinished(() => stream.cancel());
    },
  };
}
