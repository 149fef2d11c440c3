import { type AddressInfo, createServer } from "node:net";
import { create, isMessage } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, it, onTestFinished } from "vitest";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { WatchInstanceResponseSchema } from "../../gen/windlass/v1/instance_service_pb.ts";
import {
  ApplicationService,
  callUnary,
  DeploymentService,
  errorInfoOf,
  type GrpcImplementation,
  grpc,
  grpcError,
  grpcServiceDefinition,
  InstanceService,
  makeGrpcClient,
  reasonOf,
  violationsOf,
} from "../../src/grpc/index.ts";
import { ADMIN_TOKEN, startTestApi } from "../support/api-harness.ts";

const { status } = grpc;

function closing<C extends grpc.Client>(client: C): C {
  onTestFinished(() => client.close());
  return client;
}

/** What a call fails with. */
async function failureOf(call: Promise<unknown>): Promise<grpc.ServiceError> {
  return call.then(
    () => {
      throw new Error("the call did not fail");
    },
    (error: grpc.ServiceError) => error,
  );
}

it("an https:// address is called by TLS, so that its token never goes out in the clear", async () => {
  const server = createServer();
  const sent = new Promise<Buffer>((resolve) =>
    server.on("connection", (socket) => {
      socket.on("error", () => {});
      socket.once("data", (data) => {
        resolve(data);
        socket.destroy();
      });
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const client = closing(makeGrpcClient(InstanceService, `https://localhost:${port}`, undefined, { token: "secret" }));
  const ended = callUnary(client, "getInstance", {}).catch(() => {});
  const TLS_HANDSHAKE = 0x16;
  expect((await sent)[0]).toBe(TLS_HANDSHAKE);
  await ended;
});

it.each(["two\nlines", "wé"])("a token that is none (%j) is refused without showing it", (token) => {
  expect(() => makeGrpcClient(InstanceService, "127.0.0.1:1", undefined, { token })).toThrow(
    new TypeError("the token has characters that no token has; give it as `windlass token` printed it"),
  );
});

describe("service definitions", () => {
  it("name each method's path, kind and both of its names", () => {
    const { getInstance, watchInstance } = grpcServiceDefinition(InstanceService);
    expect(getInstance).toMatchObject({
      path: "/windlass.v1.InstanceService/GetInstance",
      originalName: "GetInstance",
      requestStream: false,
      responseStream: false,
    });
    expect(watchInstance).toMatchObject({ requestStream: false, responseStream: true });
    expect(grpcServiceDefinition(ServerReflection).serverReflectionInfo).toMatchObject({
      requestStream: true,
      responseStream: true,
    });
  });

  it("take messages and what `create` makes them of, and give messages", () => {
    const { responseSerialize, responseDeserialize } = grpcServiceDefinition(InstanceService).watchInstance;
    const init = { revision: 7n, event: { case: "deleted", value: "applications/a" } } as const;
    const bytes = responseSerialize(init);
    expect(responseSerialize(create(WatchInstanceResponseSchema, init))).toEqual(bytes);
    const read = responseDeserialize(bytes);
    expect(isMessage(read, WatchInstanceResponseSchema)).toBe(true);
    expect(read).toMatchObject(init);
  });
});

describe("a client", () => {
  it("takes the address as `windlass start` prints it and sends its token", async () => {
    await using api = await startTestApi();
    const client = closing(
      makeGrpcClient(ApplicationService, `http://127.0.0.1:${api.port}/`, undefined, { token: ADMIN_TOKEN }),
    );
    const { applications } = await callUnary(client, "listApplications", {});
    expect(applications.map(({ name }) => name)).toEqual(["applications/a", "applications/b"]);
  });

  it("leaves a call's own authorization alone, and runs the caller's interceptors too", async () => {
    await using api = await startTestApi();
    const seen: string[] = [];
    const client = closing(
      makeGrpcClient(InstanceService, `127.0.0.1:${api.port}`, undefined, {
        token: ADMIN_TOKEN,
        interceptors: [
          (options, nextCall) =>
            new grpc.InterceptingCall(nextCall(options), {
              start(metadata, listener, next) {
                seen.push(String(metadata.get("authorization")[0]));
                next(metadata, listener);
              },
            }),
        ],
      }),
    );
    const metadata = new grpc.Metadata();
    metadata.set("authorization", "Bearer wrong");
    const error = await failureOf(callUnary(client, "getInstance", {}, { metadata }));
    expect([error.code, reasonOf(error)]).toEqual([status.UNAUTHENTICATED, "UNAUTHENTICATED"]);
    await callUnary(client, "getInstance", {});
    expect(seen).toEqual(["Bearer wrong", `Bearer ${ADMIN_TOKEN}`]);
  });

  it("reads a stream with `for await`, and cancels it by leaving the loop", async () => {
    await using api = await startTestApi();
    const client = closing(makeGrpcClient(InstanceService, `127.0.0.1:${api.port}`, undefined, { token: ADMIN_TOKEN }));
    const kinds: (string | undefined)[] = [];
    const stream = client.watchInstance({});
    stream.on("error", () => {});
    for await (const { event } of stream) {
      kinds.push(event.case);
      if (event.case === "synced") break;
    }
    expect(kinds.slice(0, 2)).toEqual(["instance", "application"]);
    stream.cancel();
    await expect.poll(() => api.server.api.streams.active).toBe(0);
  });

  it("gives an error's code, message, reason, metadata and field violations", async () => {
    await using api = await startTestApi();
    const address = `127.0.0.1:${api.port}`;
    const deployments = closing(makeGrpcClient(DeploymentService, address, undefined, { token: ADMIN_TOKEN }));
    const name = "applications/a/deployments/Nope";
    const missing = await failureOf(callUnary(deployments, "getDeployment", { name }));
    expect([missing.code, reasonOf(missing), errorInfoOf(missing)?.domain]).toEqual([
      status.NOT_FOUND,
      "NOT_FOUND",
      "windlass",
    ]);
    expect(missing.details).toBe('there is no deployment "a/Nope"');
    const instance = closing(makeGrpcClient(InstanceService, address, undefined, { token: ADMIN_TOKEN }));
    const config = { applications: [{ name: "a" }] };
    const invalid = await failureOf(callUnary(instance, "applyConfig", { config }));
    expect([invalid.code, reasonOf(invalid)]).toEqual([status.INVALID_ARGUMENT, "INVALID_CONFIG"]);
    expect(violationsOf(invalid).map(({ field }) => field)).toContain("applications[0].import_path");
  });

  it("is cancelled by a signal, before the call as well as during it", async () => {
    await using api = await startTestApi();
    const client = closing(makeGrpcClient(InstanceService, `127.0.0.1:${api.port}`, undefined, { token: ADMIN_TOKEN }));
    const error = await failureOf(callUnary(client, "getInstance", {}, { signal: AbortSignal.abort() }));
    expect(error.code).toBe(status.CANCELLED);
    const controller = new AbortController();
    const later = failureOf(callUnary(client, "getInstance", {}, { signal: controller.signal }));
    controller.abort();
    expect((await later).code).toBe(status.CANCELLED);
  });
});

describe("reasons of errors", () => {
  it("are undefined of what is no error of a call, or carries no reason", () => {
    const garbage = new grpc.Metadata();
    garbage.set("grpc-status-details-bin", Buffer.from("\u0000garbage"));
    for (const error of [undefined, null, "x", new Error("x"), { metadata: 3 }, grpcError(status.ABORTED, "x")]) {
      expect([reasonOf(error), violationsOf(error)]).toEqual([undefined, []]);
    }
    expect(reasonOf(Object.assign(new Error("x"), { metadata: garbage }))).toBeUndefined();
  });

  it("can be written by handlers and read again", () => {
    const violations = [{ field: "name", description: "is needed" }];
    const error = grpcError(status.INVALID_ARGUMENT, "no: näme", {
      reason: "NO_NAME",
      domain: "example.test",
      metadata: { limit: "3" },
      violations,
    });
    expect(error).toMatchObject({ code: 3, details: "no: näme", message: "no: näme" });
    expect(errorInfoOf(error)).toMatchObject({ reason: "NO_NAME", domain: "example.test", metadata: { limit: "3" } });
    expect(violationsOf(error)).toEqual(violations);
  });
});

describe("a grpc-js server with our definitions", () => {
  /** A stand-in for the control port. */
  const implementation: Pick<GrpcImplementation<typeof InstanceService>, "getInstance" | "watchInstance"> = {
    getInstance: (call, done) => {
      if (call.metadata.get("x-fail").length === 0) return done(null, { revision: 3n });
      const violations = [{ field: "a", description: "b" }];
      done(grpcError(status.ABORTED, "stale", { reason: "STALE_ETAG", domain: "windlass", violations }));
    },
    watchInstance: (call) => {
      for (let i = 0n; i < 3n; i += 1n) call.write({ revision: call.request.startRevision + i });
      call.end();
    },
  };

  async function serve(): Promise<string> {
    const server = new grpc.Server();
    server.addService(grpcServiceDefinition(InstanceService), implementation);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    onTestFinished(() => server.forceShutdown());
    return `127.0.0.1:${port}`;
  }

  it("answers Connect's gRPC client: messages, streams, errors with details, what is not implemented", async () => {
    const transport = createGrpcTransport({ baseUrl: `http://${await serve()}` });
    const client = createClient(InstanceService, transport);
    expect((await client.getInstance({})).revision).toBe(3n);
    const revisions: bigint[] = [];
    for await (const { revision } of client.watchInstance({ startRevision: 5n })) revisions.push(revision);
    expect(revisions).toEqual([5n, 6n, 7n]);
    const headers = { "x-fail": "1" };
    const error = await client.getInstance({}, { headers }).catch((thrown: unknown) => ConnectError.from(thrown));
    expect(error).toBeInstanceOf(ConnectError);
    const { code, rawMessage } = error as ConnectError;
    expect([code, rawMessage]).toEqual([Code.Aborted, "stale"]);
    expect((error as ConnectError).findDetails(ErrorInfoSchema)).toMatchObject([{ reason: "STALE_ETAG" }]);
    expect((error as ConnectError).findDetails(BadRequestSchema)[0]?.fieldViolations).toHaveLength(1);
    const missing = await client.planConfig({}).catch((thrown: unknown) => ConnectError.from(thrown));
    expect((missing as ConnectError).code).toBe(Code.Unimplemented);
  });

  it("answers our grpc-js client", async () => {
    const client = closing(makeGrpcClient(InstanceService, await serve()));
    expect((await callUnary(client, "getInstance", {})).revision).toBe(3n);
    const metadata = new grpc.Metadata();
    metadata.set("x-fail", "1");
    const error = await failureOf(callUnary(client, "getInstance", {}, { metadata }));
    expect([error.code, error.details, reasonOf(error)]).toEqual([status.ABORTED, "stale", "STALE_ETAG"]);
  });
});
