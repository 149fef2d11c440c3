import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { describe, expect, it, vi } from "vitest";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { ApplicationService } from "../../gen/windlass/v1/application_service_pb.ts";
import { Deployment_State, Deployment_TargetOwner, Replica_State } from "../../gen/windlass/v1/deployment_pb.ts";
import { DeploymentService } from "../../gen/windlass/v1/deployment_service_pb.ts";
import { Instance_State } from "../../gen/windlass/v1/instance_pb.ts";
import {
  GetInstanceRequestSchema,
  GetInstanceResponseSchema,
  InstanceService,
  WatchInstanceRequestSchema,
  type WatchInstanceResponse,
  WatchInstanceResponseSchema,
} from "../../gen/windlass/v1/instance_service_pb.ts";
import { Role, TokenService } from "../../gen/windlass/v1/token_service_pb.ts";
import { ADMIN_TOKEN, ask, startTestApi, type TestApi } from "../support/api-harness.ts";
import { applicationRecord, deploymentRecord, instanceRecord, put, replicaRecord } from "../support/fake-controller.ts";

type Protocol = "Connect" | "Connect over h2c" | "gRPC" | "gRPC-web";
const PROTOCOLS: Protocol[] = ["Connect", "Connect over h2c", "gRPC", "gRPC-web"];

function transport(port: number, protocol: Protocol = "Connect", token: string | undefined = ADMIN_TOKEN) {
  const options = {
    baseUrl: `http://127.0.0.1:${port}`,
    interceptors: [
      (next: (request: never) => Promise<never>) => (request: never) => {
        if (token !== undefined) (request as { header: Headers }).header.set("authorization", `Bearer ${token}`);
        return next(request);
      },
    ] as never,
  };
  switch (protocol) {
    case "Connect":
      return createConnectTransport({ ...options, httpVersion: "1.1" });
    case "Connect over h2c":
      return createConnectTransport({ ...options, httpVersion: "2" });
    case "gRPC":
      return createGrpcTransport(options);
    case "gRPC-web":
      return createGrpcWebTransport({ ...options, httpVersion: "1.1" });
  }
}

async function failureOf(call: Promise<unknown> | AsyncIterable<unknown>): Promise<ConnectError> {
  try {
    if (Symbol.asyncIterator in call) for await (const _ of call);
    else await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call succeeded");
}

function reasonOf(error: ConnectError): string | undefined {
  return error.findDetails(ErrorInfoSchema)[0]?.reason;
}

/** A client of grpc-js for one method, with our generated messages. */
function grpcMethod<I extends DescMessage, O extends DescMessage>(name: string, input: I, output: O, stream: boolean) {
  return {
    path: `/windlass.v1.InstanceService/${name}`,
    requestStream: false,
    responseStream: stream,
    requestSerialize: (message: MessageInitShape<I>) => Buffer.from(toBinary(input, create(input, message))),
    requestDeserialize: (bytes: Buffer) => fromBinary(input, bytes),
    responseSerialize: (message: MessageShape<O>) => Buffer.from(toBinary(output, message)),
    responseDeserialize: (bytes: Buffer) => fromBinary(output, bytes),
  };
}

function grpcJs(port: number) {
  const Service = grpc.makeGenericClientConstructor(
    {
      getInstance: grpcMethod("GetInstance", GetInstanceRequestSchema, GetInstanceResponseSchema, false),
      watchInstance: grpcMethod("WatchInstance", WatchInstanceRequestSchema, WatchInstanceResponseSchema, true),
    } as unknown as grpc.ServiceDefinition,
    "InstanceService",
  );
  return new Service(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
}

function metadata(token: string): grpc.Metadata {
  const fields = new grpc.Metadata();
  fields.set("authorization", `Bearer ${token}`);
  return fields;
}

describe("one port", () => {
  it("answers REST, Connect JSON, and grpc-js unary and streaming", async () => {
    await using api = await startTestApi();
    const rest = await ask(api.port, { path: "/api/serve/applications/", token: ADMIN_TOKEN });
    const path = "/windlass.v1.InstanceService/GetInstance";
    const connect = await ask(api.port, { path, token: ADMIN_TOKEN, body: {} });
    expect([rest.status, connect.status]).toEqual([200, 200]);
    expect(connect.json).toMatchObject({ instance: { state: "STATE_RUNNING" }, revision: String(api.store.revision) });

    const client = grpcJs(api.port);
    try {
      const unary = await new Promise<{ applications: { name: string }[] }>((resolve, reject) => {
        client.getInstance!({}, metadata(ADMIN_TOKEN), (error: Error | null, value: never) =>
          error ? reject(error) : resolve(value),
        );
      });
      expect(unary.applications.map(({ name }) => name)).toEqual(["applications/a", "applications/b"]);

      const call = client.watchInstance!({}, metadata(ADMIN_TOKEN)) as grpc.ClientReadableStream<WatchInstanceResponse>;
      call.on("error", () => {}); // cancelled below
      const cases: (string | undefined)[] = [];
      for await (const message of call) {
        cases.push(message.event.case);
        if (message.event.case === "synced") break;
      }
      expect(cases).toEqual([
        "instance",
        "application",
        "application",
        "deployment",
        "deployment",
        "replica",
        "synced",
      ]);
      call.cancel();
      await vi.waitFor(() => expect(api.server.api.feed.active).toBe(0));

      const refused = await new Promise<grpc.ServiceError>((resolve) => {
        client.getInstance!({}, metadata("nope"), (error: grpc.ServiceError) => resolve(error));
      });
      expect(refused.code).toBe(grpc.status.UNAUTHENTICATED);
    } finally {
      client.close();
    }
  });

  it.each(PROTOCOLS)("speaks %s: unary, failures with reasons, streams", async (protocol) => {
    await using api = await startTestApi();
    const instance = createClient(InstanceService, transport(api.port, protocol));
    const now = await instance.getInstance({});
    expect(now.instance?.state).toBe(Instance_State.RUNNING);
    expect(now.instance?.httpAddress).toBe("http://127.0.0.1:18000");
    expect(now.applications[0]).toMatchObject({
      name: "applications/a",
      deployments: ["Echo"],
      ingressDeployment: "Echo",
    });
    expect(now.deployments[0]).toMatchObject({
      name: "applications/a/deployments/Echo",
      state: Deployment_State.HEALTHY,
      targetNumReplicas: 1,
      reconciling: false,
      ingress: true,
    });
    expect(now.deployments[0]?.replicaCounts).toMatchObject([{ state: Replica_State.RUNNING, count: 1 }]);
    expect(now.replicas[0]).toMatchObject({ state: Replica_State.RUNNING, pid: 4242 });

    const stranger = createClient(InstanceService, transport(api.port, protocol, "nope"));
    const refused = await failureOf(stranger.getInstance({}));
    expect([refused.code, reasonOf(refused)]).toEqual([Code.Unauthenticated, "UNAUTHENTICATED"]);
    const refusedStream = await failureOf(stranger.watchInstance({}));
    expect([refusedStream.code, reasonOf(refusedStream)]).toEqual([Code.Unauthenticated, "UNAUTHENTICATED"]);

    const leave = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { revision, event } of instance.watchInstance(
        { name: "applications/b" },
        { signal: leave.signal },
      )) {
        seen.push(`${revision} ${event.case}`);
      }
    })().catch((error: unknown) => ConnectError.from(error).code);
    const start = api.store.revision;
    await vi.waitFor(() => expect(seen).toEqual([`${start} application`, `${start} deployment`, `${start} synced`]));
    await api.write(put.application(applicationRecord("b", { status: "DEPLOYING" })));
    await vi.waitFor(() => expect(seen.at(-1)).toBe(`${start + 1} application`));
    leave.abort();
    expect(await watching).toBe(Code.Canceled);
    await vi.waitFor(() => expect(api.server.api.feed.active).toBe(0));
  });
});

describe("watches over RPC", () => {
  it("resume after a revision, and fail with OUT_OF_RANGE once it is compacted", async () => {
    await using api = await startTestApi();
    const client = createClient(ApplicationService, transport(api.port, "gRPC"));
    const start = api.store.revision;
    await api.write(put.application(applicationRecord("a", { status: "UNHEALTHY" })));
    const leave = new AbortController();
    const messages: string[] = [];
    for await (const { revision, event } of client.watchApplications(
      { startRevision: BigInt(start) },
      { signal: leave.signal },
    )) {
      messages.push(`${revision - BigInt(start)} ${event.case}`);
      if (event.case === "updated") break;
    }
    leave.abort();
    expect(messages).toEqual(["0 undefined", "1 updated"]);
    await api.store.compact(api.store.revision);
    const failure = await failureOf(client.watchApplications({ startRevision: BigInt(start) }));
    expect([failure.code, reasonOf(failure)]).toEqual([Code.OutOfRange, "HISTORY_COMPACTED"]);
  });

  it("end with UNAVAILABLE when the server closes, so that clients come back", async () => {
    const api = await startTestApi();
    const failures = PROTOCOLS.map((protocol) =>
      failureOf(createClient(InstanceService, transport(api.port, protocol)).watchInstance({})),
    );
    await vi.waitFor(() => expect(api.server.api.feed.active).toBe(PROTOCOLS.length));
    await api[Symbol.asyncDispose]();
    expect((await Promise.all(failures)).map(({ code }) => code)).toEqual(PROTOCOLS.map(() => Code.Unavailable));
  });

  it("of a client whose connection is cut are forgotten", async () => {
    await using api = await startTestApi();
    const leave = new AbortController();
    const request = fetch(`http://127.0.0.1:${api.port}/windlass.v1.InstanceService/WatchInstance`, {
      method: "POST",
      headers: { "content-type": "application/connect+json", authorization: `Bearer ${ADMIN_TOKEN}` },
      body: Buffer.concat([Buffer.from([0, 0, 0, 0, 2]), Buffer.from("{}")]),
      signal: leave.signal,
    });
    const response = await request;
    expect(response.status).toBe(200);
    await vi.waitFor(() => expect(api.server.api.feed.active).toBe(1));
    leave.abort();
    await vi.waitFor(() => expect(api.server.api.feed.active).toBe(0));
    expect(api.logged).toEqual([]);
  });

  it("of deployments tell of one application, or of all with a dash", async () => {
    await using api = await startTestApi();
    const client = createClient(DeploymentService, transport(api.port));
    for (const { parent, expected } of [
      { parent: "applications/a", expected: ["applications/a/deployments/Echo"] },
      { parent: "applications/-", expected: ["applications/a/deployments/Echo", "applications/b/deployments/Echo"] },
    ]) {
      const leave = new AbortController();
      const names: string[] = [];
      for await (const { event } of client.watchDeployments({ parent }, { signal: leave.signal })) {
        if (event.case === "synced") break;
        if (event.case === "updated") names.push(event.value.name);
      }
      leave.abort();
      expect(names).toEqual(expected);
    }
  });

  const namesSeen = async (
    open: (signal: AbortSignal) => AsyncIterable<{ event: { case?: string | undefined; value?: unknown } }>,
  ): Promise<string[]> => {
    const leave = new AbortController();
    const names: string[] = [];
    for await (const { event } of open(leave.signal)) {
      if (event.case === "synced") break;
      if (event.case === "updated") names.push((event.value as { name: string }).name);
    }
    leave.abort();
    return names;
  };

  it("of replicas tell of a deployment, of an application, or of all with dashes", async () => {
    await using api = await startTestApi();
    const client = createClient(DeploymentService, transport(api.port));
    await api.write(put.replica(replicaRecord("b", "Echo", "b0000000")));
    const mine = api.store
      .range("replica/a/Echo/")
      .map(({ key }) => `applications/a/deployments/Echo/replicas/${key.split("/")[3]}`);
    const yours = "applications/b/deployments/Echo/replicas/b0000000";
    expect(mine).not.toEqual([]);
    for (const [parent, expected] of [
      ["applications/a/deployments/Echo", mine],
      ["applications/a/deployments/-", mine],
      ["applications/b/deployments/Nope", []],
      ["applications/-/deployments/-", [...mine, yours]],
    ] as const) {
      expect(await namesSeen((signal) => client.watchReplicas({ parent }, { signal }))).toEqual(expected);
    }
    expect(await failureOf(client.watchReplicas({ parent: "applications/-/deployments/Echo" }))).toMatchObject({
      code: Code.InvalidArgument,
    });
  });

  it("of applications tell of those that are named", async () => {
    await using api = await startTestApi();
    const client = createClient(ApplicationService, transport(api.port));
    const names = ["applications/b"];
    expect(await namesSeen((signal) => client.watchApplications({ names }, { signal }))).toEqual(names);
  });

  it("may be asked for progress sooner", async () => {
    await using api = await startTestApi();
    const client = createClient(ApplicationService, transport(api.port));
    const progressInterval = { seconds: 0n, nanos: 100_000_000 };
    const leave = new AbortController();
    let synced = false;
    for await (const { event } of client.watchApplications({ progressInterval }, { signal: leave.signal })) {
      if (event.case === "synced") synced = true;
      else if (synced) {
        expect(event.case).toBeUndefined();
        break;
      }
    }
    leave.abort();
    expect(synced).toBe(true);
    expect(await failureOf(client.watchApplications({ progressInterval: { seconds: 21n } }))).toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: "progress_interval must be from 0.1 to 20 seconds, not 21",
    });
  });
});

describe("ApplyConfig", () => {
  const CONFIG = { applications: [{ name: "c", routePrefix: "/c", importPath: "./c.ts:app" }] };
  const clientOf = (api: TestApi): Client<typeof InstanceService> => createClient(InstanceService, transport(api.port));

  it("applies a config from the app folder or the one given", async () => {
    await using api = await startTestApi();
    const { revision, warnings } = await clientOf(api).applyConfig({ config: CONFIG });
    expect(revision).toBe(BigInt(api.store.revision));
    expect(warnings).toEqual(["from the controller: naïve\nline"]);
    await clientOf(api).applyConfig({ config: CONFIG, baseDir: "/elsewhere" });
    const requests = api.controller.calls.map(({ request }) => request);
    expect(requests).toMatchObject([{ baseDir: "/srv/apps" }, { baseDir: "/elsewhere" }]);
    expect(requests[0]).toMatchObject({
      config: { applications: [{ name: "c", route_prefix: "/c", import_path: "./c.ts:app" }] },
    });
  });

  it("does not read large messages of callers without a token", async () => {
    await using api = await startTestApi();
    const path = "/windlass.v1.InstanceService/ApplyConfig";
    const body = { config: {}, baseDir: `/${"x".repeat(70_000)}`, validateOnly: true };
    expect((await ask(api.port, { path, body, token: ADMIN_TOKEN })).status).toBe(200);
    const answer = await ask(api.port, { path, body });
    expect(answer.json.code).toBe("resource_exhausted");
    expect((await ask(api.port, { path, body: {} })).json.code).toBe("unauthenticated");
  });

  it("only checks when told to", async () => {
    await using api = await startTestApi();
    const before = api.store.revision;
    expect((await clientOf(api).applyConfig({ config: CONFIG, validateOnly: true })).revision).toBe(BigInt(before));
    expect(api.controller.calls).toEqual([]);
  });

  it("answers INVALID_ARGUMENT with a violation for each problem", async () => {
    await using api = await startTestApi();
    const deployments = [{ name: "D", maxOngoingRequests: 0 }];
    const config = {
      applications: [
        { importPath: "./a.ts:app", deployments },
        { name: "b", importPath: "./b.ts:app", deployments },
      ],
    };
    const failure = await failureOf(clientOf(api).applyConfig({ config }));
    expect([failure.code, reasonOf(failure)]).toEqual([Code.InvalidArgument, "INVALID_CONFIG"]);
    const fields = failure.findDetails(BadRequestSchema)[0]?.fieldViolations.map(({ field }) => field);
    expect(fields).toContain("applications[0].deployments[0].max_ongoing_requests");
    expect(fields).toContain("applications[1].deployments[0].max_ongoing_requests");
  });

  it("answers UNAVAILABLE while the instance ends, and INTERNAL without detail for a bug", async () => {
    await using api = await startTestApi({ seed: [put.instance(instanceRecord({ state: "ending" }))] });
    const ending = await failureOf(clientOf(api).applyConfig({ config: CONFIG }));
    expect([ending.code, reasonOf(ending)]).toEqual([Code.Unavailable, "INSTANCE_UNAVAILABLE"]);
    api.controller.failNext = new TypeError("secret detail");
    const bug = await failureOf(clientOf(api).applyConfig({ config: CONFIG }));
    expect([bug.code, reasonOf(bug), bug.rawMessage]).toEqual([Code.Internal, "INTERNAL", "internal error"]);
    expect(api.logged.join("")).toContain("secret detail");
  });
});

describe("ShutdownInstance", () => {
  it("ends the instance, and the processes only when asked and once it has ended", async () => {
    const ended: number[] = [];
    await using api = await startTestApi({ endProcess: () => void ended.push(api.controller.calls.length) });
    const client = createClient(InstanceService, transport(api.port));
    await client.shutdownInstance({});
    expect((await client.getInstance({})).instance?.state).toBe(Instance_State.ABSENT);
    expect(ended).toEqual([]);
    await client.shutdownInstance({ endProcess: true });
    await vi.waitFor(() => expect(ended).toHaveLength(1));
    expect(api.controller.calls.at(-1)?.method).toBe("instanceEnded");
  });
});

describe("reading and writing single resources", () => {
  it("pages lists by name", async () => {
    const names = Array.from({ length: 7 }, (_, i) => `app-${i}`);
    await using api = await startTestApi({ seed: names.map((name) => put.application(applicationRecord(name))) });
    const client = createClient(ApplicationService, transport(api.port));
    const pages: string[][] = [];
    let pageToken = "";
    do {
      const page = await client.listApplications({ pageSize: 3, pageToken });
      pages.push(page.applications.map(({ name }) => name.slice("applications/".length)));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(pages).toEqual([names.slice(0, 3), names.slice(3, 6), names.slice(6)]);
    expect((await client.listApplications({})).applications).toHaveLength(7);
  });

  it.each([
    {
      name: "a negative page size",
      call: (api: TestApi) => apps(api).listApplications({ pageSize: -1 }),
      code: Code.InvalidArgument,
    },
    {
      name: "a made-up page token",
      call: (api: TestApi) => apps(api).listApplications({ pageToken: "zz" }),
      code: Code.InvalidArgument,
    },
    {
      name: "a name that is none",
      call: (api: TestApi) => apps(api).getApplication({ name: "a" }),
      code: Code.InvalidArgument,
    },
    {
      name: "a deployment's name for an application",
      call: (api: TestApi) => apps(api).getApplication({ name: "applications/a/deployments/Echo" }),
      code: Code.InvalidArgument,
    },
    {
      name: "an unknown application",
      call: (api: TestApi) => apps(api).getApplication({ name: "applications/nope" }),
      code: Code.NotFound,
    },
    {
      name: "an unknown deployment",
      call: (api: TestApi) => deps(api).getDeployment({ name: "applications/a/deployments/nope" }),
      code: Code.NotFound,
    },
    {
      name: "deployments of an unknown application",
      call: (api: TestApi) => deps(api).listDeployments({ parent: "applications/nope" }),
      code: Code.NotFound,
    },
    {
      name: "deleting an unknown application",
      call: (api: TestApi) => apps(api).deleteApplication({ name: "applications/nope" }),
      code: Code.NotFound,
    },
    {
      name: "a target that is absent",
      call: (api: TestApi) => deps(api).scaleDeployment({ name: ECHO }),
      code: Code.InvalidArgument,
    },
    {
      name: "a request_id that is too long",
      call: (api: TestApi) =>
        deps(api).scaleDeployment({ name: ECHO, targetNumReplicas: 1, requestId: "x".repeat(129) }),
      code: Code.InvalidArgument,
    },
    {
      name: "a stale etag",
      call: (api: TestApi) => deps(api).scaleDeployment({ name: ECHO, targetNumReplicas: 1, etag: "old" }),
      code: Code.Aborted,
    },
    {
      name: "an application without external scaling",
      call: (api: TestApi) =>
        deps(api).scaleDeployment({ name: "applications/b/deployments/Echo", targetNumReplicas: 1 }),
      code: Code.FailedPrecondition,
    },
    {
      name: "a watch of a name that is none",
      call: (api: TestApi) => instances(api).watchInstance({ name: "nope" }),
      code: Code.InvalidArgument,
    },
  ])("refuses $name", async ({ call, code }) => {
    await using api = await startTestApi();
    const failure = await failureOf(call(api));
    expect(failure.code).toBe(code);
    expect(reasonOf(failure)).toMatch(/^[A-Z_]+$/);
    expect(failure.rawMessage).toMatch(/^.+$/);
  });

  it("scales with presence, zero included, and shows that it is reconciling", async () => {
    await using api = await startTestApi();
    const { deployment, previousTargetNumReplicas } = await deps(api).scaleDeployment({
      name: ECHO,
      targetNumReplicas: 0,
    });
    expect(previousTargetNumReplicas).toBe(1);
    expect(deployment).toMatchObject({
      targetNumReplicas: 0,
      targetOwner: Deployment_TargetOwner.EXTERNAL,
      generation: 2n,
      observedGeneration: 1n,
      reconciling: true,
    });
  });

  it("deletes an application, or nothing where that is allowed", async () => {
    await using api = await startTestApi();
    expect((await apps(api).deleteApplication({ name: "applications/a" })).revision).toBe(BigInt(api.store.revision));
    expect((await apps(api).deleteApplication({ name: "applications/a", allowMissing: true })).revision).toBe(0n);
  });

  it("escapes names, whatever they hold", async () => {
    const name = "my app: ü%";
    await using api = await startTestApi({
      seed: [put.application(applicationRecord(name)), put.deployment(deploymentRecord(name, "D/x"))],
    });
    const { applications } = await apps(api).listApplications({});
    expect(applications[0]?.name).toBe(`applications/${encodeURIComponent(name)}`);
    const { deployments } = await deps(api).listDeployments({ parent: applications[0]!.name });
    expect((await deps(api).getDeployment({ name: deployments[0]!.name })).deployment?.name).toBe(deployments[0]!.name);
  });
});

describe("tokens over RPC", () => {
  it("can be shown, rotated, made, listed and revoked", async () => {
    await using api = await startTestApi();
    const client = createClient(TokenService, transport(api.port));
    expect((await client.getApplicationToken({ name: "applications/a" })).secret).toBe(api.tokens.derived);
    const { secret } = await client.rotateApplicationToken({ name: "applications/a" });
    expect(secret).not.toBe(api.tokens.derived);
    expect((await client.getApplicationToken({ name: "applications/a" })).secret).toBe(secret);

    const before = (await client.listTokens({})).tokens.length;
    const made = await client.createToken({
      role: Role.SCALER,
      application: "a",
      maxReplicas: 5,
      ttl: { seconds: 60n },
    });
    expect(made.token).toMatchObject({ role: Role.SCALER, application: "a", maxReplicas: 5 });
    expect(Number(made.token!.expireTime!.seconds - made.token!.createTime!.seconds)).toBe(60);
    expect((await client.listTokens({})).tokens).toHaveLength(before + 1);
    await client.revokeToken({ id: made.token!.id });
    expect((await client.listTokens({})).tokens).toHaveLength(before);
    expect((await failureOf(client.revokeToken({ id: made.token!.id }))).code).toBe(Code.NotFound);
  });

  it.each([
    { name: "without a role", request: {} },
    { name: "of a scaler without an application", request: { role: Role.SCALER } },
    { name: "of a viewer with an application", request: { role: Role.VIEWER, application: "a" } },
    { name: "of an admin with a limit", request: { role: Role.ADMIN, maxReplicas: 1 } },
    { name: "that ends at once", request: { role: Role.VIEWER, ttl: { seconds: 0n } } },
    { name: "that ended before", request: { role: Role.VIEWER, ttl: { seconds: -1n } } },
    { name: "of a role from the future", request: { role: 99 as Role } },
  ])("are not made $name", async ({ request }) => {
    await using api = await startTestApi();
    const failure = await failureOf(createClient(TokenService, transport(api.port)).createToken(request));
    expect([failure.code, reasonOf(failure)]).toEqual([Code.InvalidArgument, "INVALID_REQUEST"]);
  });
});

describe("grpc.health.v1", () => {
  it("follows readiness for every service, and knows no other", async () => {
    let ready = false;
    await using api = await startTestApi({ isReady: () => ready });
    const client = createClient(Health, transport(api.port, "gRPC"));
    const leave = new AbortController();
    const seen: number[] = [];
    const watching = (async () => {
      for await (const { status } of client.watch({ service: "" }, { signal: leave.signal })) seen.push(status);
    })().catch(() => {});
    await vi.waitFor(() => expect(seen).toEqual([2]));
    expect((await client.check({ service: "windlass.v1.InstanceService" })).status).toBe(2);
    ready = true;
    expect((await client.check({ service: "windlass.v1.InstanceService" })).status).toBe(1);
    await vi.waitFor(() => expect(seen).toEqual([2, 1]), { timeout: 5000 });
    expect((await failureOf(client.check({ service: "nope" }))).code).toBe(Code.NotFound);
    leave.abort();
    await watching;
  });
});

const ECHO = "applications/a/deployments/Echo";
const apps = (api: TestApi) => createClient(ApplicationService, transport(api.port));
const deps = (api: TestApi) => createClient(DeploymentService, transport(api.port));
const instances = (api: TestApi) => createClient(InstanceService, transport(api.port));
