import { describe, expect, it, onTestFinished } from "vitest";
import { startGrpcProxy } from "../support/grpc-proxy.ts";
import { reflectionClient } from "../support/reflection-client.ts";

const startProxy = (reflection?: boolean) => startGrpcProxy(reflection === undefined ? {} : { reflection });

describe.each(["v1", "v1alpha"] as const)("reflection %s of the gRPC proxy", (version) => {
  it("lists the services that the proxy answers itself and describes each", async () => {
    const { address } = await startProxy();
    const client = reflectionClient(address, undefined, version);
    onTestFinished(() => client.close());
    const [list] = await client.ask({ listServices: "" });
    const { case: kind, value } = list!.messageResponse;
    const names = kind === "listServicesResponse" ? value.service.map(({ name }) => name) : [];
    expect(names).toEqual([
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "ray.serve.RayServeAPIService",
    ]);
    for (const name of names) expect((await client.registry(name)).getService(name)?.typeName).toBe(name);
    const service = (await client.registry("ray.serve.RayServeAPIService")).getService("ray.serve.RayServeAPIService")!;
    expect(await client.call(service, "ListApplications", {}).catch((error: Error) => error.message)).toMatch(
      /UNAVAILABLE/,
    );
  });

  it("answers many questions on one stream in their order, and says what there is not", async () => {
    const { address } = await startProxy();
    const client = reflectionClient(address, undefined, version);
    onTestFinished(() => client.close());
    const questions = Array.from({ length: 200 }, (_, i) => ({ fileContainingSymbol: `no.Such${i}` }));
    const answers = await client.ask(...questions);
    expect(
      answers.map(({ messageResponse: { case: kind, value } }) => kind === "errorResponse" && value),
    ).toMatchObject(
      questions.map(({ fileContainingSymbol }) => ({
        errorCode: 5,
        errorMessage: `there is no symbol "${fileContainingSymbol}"`,
      })),
    );
  });

  it("is refused where it is switched off", async () => {
    const { address } = await startProxy(false);
    const client = reflectionClient(address, undefined, version);
    onTestFinished(() => client.close());
    await expect(client.ask({ listServices: "" })).rejects.toThrow(
      /UNIMPLEMENTED: reflection is switched off by grpc_options.enable_reflection/,
    );
  });
});
