import * as grpc from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished } from "vitest";
import { startTestApi, type TestApi } from "../support/api-harness.ts";
import { filesOf, type Question, type ReflectionVersion, reflectionClient } from "../support/reflection-client.ts";

const VERSIONS: ReflectionVersion[] = ["v1", "v1alpha"];

function clientOf(api: TestApi, version: ReflectionVersion = "v1", token: string | undefined = api.tokens.admin) {
  const client = reflectionClient(`127.0.0.1:${api.port}`, token, version);
  onTestFinished(() => client.close());
  return client;
}

describe.each(VERSIONS)("grpc.reflection.%s", (version) => {
  it("lists every service of the port", async () => {
    await using api = await startTestApi();
    const [answer] = await clientOf(api, version).ask({ listServices: "" });
    const { case: kind, value } = answer!.messageResponse;
    expect(kind === "listServicesResponse" && value.service.map(({ name }) => name)).toEqual([
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "windlass.v1.ApplicationService",
      "windlass.v1.DeploymentService",
      "windlass.v1.InstanceService",
      "windlass.v1.TokenService",
    ]);
  });

  const found: { name: string; question: Question; file: string; also?: string }[] = [
    {
      name: "a file by its path, with all it imports",
      question: { fileByFilename: "windlass/v1/instance_service.proto" },
      file: "windlass/v1/instance_service.proto",
      also: "google/protobuf/timestamp.proto",
    },
    {
      name: "the file of a service",
      question: { fileContainingSymbol: "windlass.v1.DeploymentService" },
      file: "windlass/v1/deployment_service.proto",
    },
    {
      name: "the file of a method",
      question: { fileContainingSymbol: "windlass.v1.DeploymentService.ScaleDeployment" },
      file: "windlass/v1/deployment_service.proto",
    },
    {
      name: "the file of a message",
      question: { fileContainingSymbol: "windlass.v1.Deployment" },
      file: "windlass/v1/deployment.proto",
    },
    {
      name: "the file of a field",
      question: { fileContainingSymbol: "windlass.v1.Deployment.target_num_replicas" },
      file: "windlass/v1/deployment.proto",
    },
    {
      name: "the file of a nested enum",
      question: { fileContainingSymbol: "windlass.v1.Deployment.State" },
      file: "windlass/v1/deployment.proto",
    },
    {
      name: "the file of an enum value, a sibling of its enum",
      question: { fileContainingSymbol: "windlass.v1.Deployment.STATE_HEALTHY" },
      file: "windlass/v1/deployment.proto",
    },
    {
      name: "the file of error details, which no service names",
      question: { fileContainingSymbol: "google.rpc.ErrorInfo" },
      file: "google/rpc/error_details.proto",
    },
    {
      name: "its own file",
      question: { fileContainingSymbol: `grpc.reflection.${version}.ServerReflection` },
      file: `grpc/reflection/${version}/reflection.proto`,
    },
  ];
  it.each(found)("finds $name", async ({ question, file, also }) => {
    await using api = await startTestApi();
    const [answer] = await clientOf(api, version).ask(question);
    const names = filesOf(answer).map(({ name }) => name);
    expect(names[0]).toBe(file);
    expect(new Set(names).size).toBe(names.length);
    if (also !== undefined) expect(names).toContain(also);
  });

  it("answers what it lacks with an error each, and goes on", async () => {
    await using api = await startTestApi();
    const answers = await clientOf(api, version).ask(
      { fileByFilename: "nope.proto" },
      { fileContainingSymbol: "windlass.v1.Nope" },
      { fileContainingSymbol: "windlass.runtime.v1.ControllerRuntimeService" },
      { fileContainingExtension: { containingType: "windlass.v1.Deployment", extensionNumber: 7 } },
      { allExtensionNumbersOfType: "windlass.v1.Nope" },
      {},
      { allExtensionNumbersOfType: "windlass.v1.Deployment" },
    );
    const texts = answers.map(({ messageResponse: { case: kind, value } }) =>
      kind === "errorResponse" ? `${grpc.status[value.errorCode]} ${value.errorMessage}` : kind,
    );
    expect(texts).toEqual([
      'NOT_FOUND there is no file "nope.proto"',
      'NOT_FOUND there is no symbol "windlass.v1.Nope"',
      'NOT_FOUND there is no symbol "windlass.runtime.v1.ControllerRuntimeService"',
      'NOT_FOUND there is no extension 7 of "windlass.v1.Deployment"',
      'NOT_FOUND there is no message "windlass.v1.Nope"',
      "INVALID_ARGUMENT the request asks for nothing: set one of message_request",
      "allExtensionNumbersResponse",
    ]);
    expect(answers.at(-1)!.messageResponse.value).toMatchObject({
      baseTypeName: "windlass.v1.Deployment",
      extensionNumber: [],
    });
    expect(answers[0]!.originalRequest?.messageRequest).toEqual({ case: "fileByFilename", value: "nope.proto" });
  });

  it("is for every role and for no stranger", async () => {
    await using api = await startTestApi();
    for (const token of Object.values(api.tokens)) {
      const [answer] = await clientOf(api, version, token).ask({ listServices: "" });
      expect(answer?.messageResponse.case).toBe("listServicesResponse");
    }
    for (const client of [
      clientOf(api, version, "nope"),
      reflectionClient(`127.0.0.1:${api.port}`, undefined, version),
    ]) {
      onTestFinished(() => client.close());
      await expect(client.ask({ listServices: "" })).rejects.toMatchObject({ code: grpc.status.UNAUTHENTICATED });
    }
  });
});

describe("a stream of reflection", () => {
  it("that is left open ends with UNAVAILABLE when the server closes", async () => {
    const api = await startTestApi();
    const client = new grpc.Client(`127.0.0.1:${api.port}`, grpc.credentials.createInsecure());
    onTestFinished(() => client.close());
    const metadata = new grpc.Metadata();
    metadata.set("authorization", `Bearer ${api.tokens.viewer}`);
    const same = (bytes: Buffer): Buffer => bytes;
    const path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    const stream = client.makeBidiStreamRequest<Buffer, Buffer>(path, same, same, metadata);
    const failed = new Promise<grpc.ServiceError>((resolve) => stream.once("error", resolve));
    const answered = new Promise((resolve) => stream.once("data", resolve));
    stream.write(Buffer.from([0x3a, 0x00])); // list_services: ""
    await answered;
    await api[Symbol.asyncDispose]();
    expect(await failed).toMatchObject({ code: grpc.status.UNAVAILABLE });
    expect(api.logged).toEqual([]);
  });
});
