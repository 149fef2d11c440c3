import type { DescService } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { Greeter } from "../../examples/grpc/greeter_pb.ts";
import { grpcServiceDefinition } from "../../src/grpc/definition.ts";
import { makeGrpcService } from "../../src/replica/grpc.ts";
import { detailsOf, readable, saysItsStatus, statusOf } from "../../src/replica/grpc-status.ts";
import { GRPC } from "../../src/sdk/brands.ts";
import { deployment } from "../../src/sdk/deployment.ts";
import {
  BackPressureError,
  DeploymentUnavailableError,
  RequestCancelledError,
  RequestShedError,
} from "../../src/sdk/errors.ts";
import { type GrpcServer, grpc } from "../../src/sdk/grpc.ts";

class Greets {
  name = "Ada";
  SayHello() {
    return { message: this.name };
  }
}

const register = (target: new () => object) => {
  const instance = new target() as { [GRPC](server: GrpcServer): void };
  return makeGrpcService(
    (server) => instance[GRPC](server),
    () => {},
  );
};
const untyped = grpc as unknown as (...args: unknown[]) => new () => object;

describe("grpc()", () => {
  it("keeps the class's name and members, and registers each method of the service once", async () => {
    const Greeting = grpc(Greets, Greeter);
    expect([Greeting.name, deployment(Greeting).name, new Greeting().SayHello()]).toEqual([
      "Greets",
      "Greets",
      { message: "Ada" },
    ]);
    const { methods } = await register(Greeting);
    expect([...methods.keys()].filter((path) => path.startsWith("/greeter."))).toEqual(
      ["SayHello", "Spell", "GreetAll", "Chat"].map((name) => `/greeter.v1.Greeter/${name}`),
    );
    // It has no name of its own, so the deployment is named after its export.
    expect(deployment(grpc((server) => server.service(Greeter, {}))).name).toBe("");
  });

  const other = { ...Greeter, typeName: "other.Greeter" } as DescService;
  it.each([
    { name: "nothing", args: [], error: "grpc() needs a class or a function that registers services, not undefined" },
    { name: "a handler of web requests", args: [{ fetch() {} }], error: /not object: for handlers .* ingress\(\)$/ },
    { name: "a class alone", args: [Greets], error: "grpc(Greets) has no services: pass descriptors, or a function" },
    { name: "routes and more", args: [() => {}, Greeter], error: /takes nothing else/ },
    { name: "no descriptor", args: [Greets, Greeter, {}], error: /got object, which is no service descriptor/ },
  ])("refuses $name", ({ args, error }) => {
    expect(() => untyped(...args)).toThrow(error);
  });

  it.each([
    {
      name: "a class without any method of the service",
      target: untyped(class Deaf {}, other),
      error: "Deaf has none of other.Greeter's methods: sayHello, spell, greetAll, chat",
    },
    { name: "routes without a service", target: grpc(() => {}), error: "grpc() registered no method" },
    {
      name: "a method that is registered twice",
      target: grpc((server) => {
        server.service(Greeter, {});
        server.addService(grpcServiceDefinition(Greeter), {});
      }),
      error: "the gRPC method /greeter.v1.Greeter/SayHello is registered twice",
    },
  ])("does not start $name", async ({ target, error }) => {
    await expect(async () => register(target)).rejects.toThrow(error);
  });
});

describe("errors", () => {
  it.each([
    { name: "an error", error: new Error("no"), is: { code: 13, message: "no" } },
    { name: "what is none", error: "no", is: { code: 13, message: "no" } },
    { name: "a call that would come too late", error: new RequestShedError("late"), is: { code: 8, message: "late" } },
    { name: "a full queue", error: new BackPressureError("full"), is: { code: 8, message: "full" } },
    { name: "no replica", error: new DeploymentUnavailableError("gone"), is: { code: 14, message: "gone" } },
    { name: "a cancelled call", error: new RequestCancelledError("over"), is: { code: 1, message: "over" } },
    {
      name: "a long text",
      error: new Error("x".repeat(5_000)),
      is: { code: 13, message: `${"x".repeat(4_081)}... [truncated]` },
    },
  ])("$name says no status, and becomes one", ({ error, is }) => {
    expect(saysItsStatus(error)).toBe(false);
    expect(statusOf(error)).toEqual(is);
  });

  it("says its status where it has a code of gRPC's, which a DOMException's is not", () => {
    expect(
      [new DOMException("no", "NotFoundError"), { code: 0 }, { code: 17 }, { code: "5" }].map(saysItsStatus),
    ).toEqual([false, false, false, false]);
    const known = [Object.assign(new Error("no"), { code: 5 }), { code: 5, details: "no" }];
    expect(known.map((error) => [saysItsStatus(error), detailsOf(error)])).toEqual([
      [true, "no"],
      [true, "no"],
    ]);
    expect(saysItsStatus(new ConnectError("no", Code.NotFound))).toBe(true);
  });

  it("have texts in which only what must be is escaped", () => {
    expect(readable("a%2Fb%3A%20%C3%A4%25")).toBe("a/b: %C3%A4%25");
    expect(readable("100% %zz")).toBe("100% %zz");
  });
});
