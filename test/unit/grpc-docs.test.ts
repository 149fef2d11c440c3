/** The section "gRPC" of docs/sdk.md: its example runs. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { expect, it } from "vitest";
import { Greeter } from "../../examples/grpc/greeter_pb.ts";
import { targetsOf } from "../support/fake-replica.ts";
import { startGrpcProxy } from "../support/grpc-proxy.ts";
import { startHttpProxy } from "../support/http-proxy.ts";
import { startReady } from "../support/replica-process.ts";

const page = readFileSync(new URL("../../docs/sdk.md", import.meta.url), "utf8");
const section = /## gRPC\n([\s\S]*?)(?=\n## |$)/.exec(page)![1]!;

async function* nobody(): AsyncGenerator<{ name: string }> {}

it("docs/sdk.md, gRPC, has an example that answers gRPC, and Connect and gRPC-web below its route prefix", async () => {
  const generated = fileURLToPath(new URL("../../examples/grpc/greeter_pb.ts", import.meta.url));
  const source = /```ts\n([\s\S]*?)```/.exec(section)![1]!.replace('"./greeter_pb.ts"', JSON.stringify(generated));
  const { spec } = await startReady({ source, deployment: "Greetings" });
  const table = {
    routes: [{ prefix: "/api", application: "app", deployment: "d" }],
    deployments: [{ ...targetsOf([]), replicas: [{ id: spec.replicaId, address: spec.dataSocket }] }],
  };
  const grpc = await startGrpcProxy();
  grpc.apply(table);
  const http = await startHttpProxy();
  http.apply(table);
  const baseUrl = `http://127.0.0.1:${http.port}/api`;
  const transports = [
    createGrpcTransport({ baseUrl: `http://${grpc.address}` }),
    createConnectTransport({ baseUrl, httpVersion: "1.1" }),
    createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  ];
  for (const transport of transports) {
    const client = createClient(Greeter, transport);
    expect((await client.sayHello({ name: "Ada" })).message).toBe("Hello, Ada!");
    await expect(client.greetAll(nobody())).rejects.toThrow(/unimplemented/);
  }
  expect((await fetch(`${baseUrl}/other`)).status).toBe(404);
});
