/** gRPC calls through a proxy in this process to real replica processes, by real clients. */
import { fileURLToPath } from "node:url";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { Greeter } from "../../examples/grpc/greeter_pb.ts";
import { targetsOf } from "../support/fake-replica.ts";
import { startGrpcProxy } from "../support/grpc-proxy.ts";
import { type Running, type StartOptions, startReady } from "../support/replica-process.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/grpc/app.ts", import.meta.url));

async function serve(options: StartOptions, targets: Parameters<typeof targetsOf>[1] = {}) {
  const replica = await startReady(options);
  const proxy = await startGrpcProxy();
  proxy.apply({
    routes: [{ prefix: "/", application: "app", deployment: "d" }],
    deployments: [{ ...targetsOf([]), replicas: [addressOf(replica)], ...targets }],
  });
  const transport = createGrpcTransport({ baseUrl: `http://${proxy.address}` });
  return { replica, ...proxy, client: createClient(Greeter, transport) };
}

function addressOf({ spec }: Running) {
  return { id: spec.replicaId, address: spec.dataSocket };
}

async function* of(...names: string[]) {
  for (const name of names) yield { name };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("the example, called by connect-node", () => {
  it("answers calls of all four kinds", async () => {
    const { client } = await serve({ file: EXAMPLE, deployment: "Greetings" });
    expect((await client.sayHello({ name: "Ada" })).message).toBe("Hello, Ada!");
    expect((await collect(client.spell({ name: "Ad" }))).map(({ message }) => message)).toEqual([
      "Give me a A!",
      "Give me a d!",
    ]);
    expect((await client.greetAll(of("Ada", "Bob"))).message).toBe("Hello, Ada and Bob!");
    expect((await collect(client.chat(of("Ada", "Bob")))).map(({ message }) => message)).toEqual([
      "Hello, Ada!",
      "Hello, Bob!",
    ]);
  });
});
