/** Services of grpc-js in a replica, when their callers leave at any moment. */
import type { Socket } from "node:net";
import { duplexPair } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import type * as grpcJs from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { Greeter, HelloRequestSchema } from "../../examples/grpc/greeter_pb.ts";
import { grpcServiceDefinition } from "../../src/grpc/definition.ts";
import type { GrpcMethod } from "../../src/replica/grpc-call.ts";
import { grpcJsMethods } from "../../src/replica/grpc-js.ts";
import { InboundBody } from "../../src/replica/inbound.ts";
import { Outbound } from "../../src/replica/outbound.ts";
import { RequestScope } from "../../src/replica/request-scope.ts";
import { WireConnection } from "../../src/routing/wire-connection.ts";
import { until } from "../support/replica-process.ts";

type Call = grpcJs.ServerDuplexStream<unknown, unknown>;

/** A connection whose frames nobody reads. */
function connection(): WireConnection {
  const [near, far] = duplexPair();
  far.resume();
  const events = { onFrame() {}, onDrain() {}, onClosed() {} };
  return new WireConnection(Object.assign(near, { setNoDelay() {} }) as unknown as Socket, events);
}

it("handlers that have begun hear that their caller has left, whenever it does", async () => {
  let begun = 0;
  let told = 0;
  const handler = (call: Call): void => {
    begun += 1;
    call.on("cancelled", () => {
      told += 1;
    });
    call.on("data", () => {}).on("end", () => expect.fail("its requests are not all"));
  };
  const definition = grpcServiceDefinition(Greeter);
  const implementation = Object.fromEntries(Object.keys(definition).map((name) => [name, handler]));
  const methods = await grpcJsMethods([{ definition, implementation }] as never, () => {});
  const message = toBinary(HelloRequestSchema, create(HelloRequestSchema, { name: "Ada".repeat(10_000) }));
  const framed = Buffer.from([0, 0, 0, message.length >> 8, message.length & 0xff, ...message]);
  const wire = connection();
  let id = 0;
  const leaveAfter = async (path: string, method: GrpcMethod, turns: number): Promise<number> => {
    const streams = /GreetAll|Chat/.test(path);
    id += 1;
    const body = new InboundBody(wire, id);
    body.received(framed, !streams);
    const headers = ["content-type", "application/grpc", "te", "trailers"];
    const head = { kind: "grpc", method: "POST", path, reservation: "", wait: undefined, headers } as const;
    const out = new Outbound(wire, id, false);
    const scope = new RequestScope("r", "");
    const over = method({ head, body }, out, scope);
    for (let i = 0; i < turns; i++) await turn();
    // As a call whose caller leaves.
    body.broke();
    out.abandon();
    scope.abort();
    return over;
  };
  for (const [path, method] of methods) {
    const calls = Array.from({ length: 60 }, (_, i) => leaveAfter(path, method, Math.floor(i / 3)));
    for (const status of await Promise.all(calls)) expect(status).toBe(1);
  }
  await until(() => told === begun);
  // The latest of each kind had long begun.
  expect(begun).toBeGreaterThanOrEqual(methods.size);
});
