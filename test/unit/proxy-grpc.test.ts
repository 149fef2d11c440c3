/** The gRPC side of a proxy in this process, called by grpc-js and by bare HTTP/2. */
import { once } from "node:events";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import { create } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthListRequestSchema,
  HealthListResponseSchema,
  HealthCheckResponse_ServingStatus as Serving,
} from "../../gen/grpc/health/v1/health_pb.ts";
import {
  HealthzRequestSchema,
  HealthzResponseSchema,
  ListApplicationsRequestSchema,
  ListApplicationsResponseSchema,
} from "../../gen/ray/serve/serve_pb.ts";
import { RoutingTableSchema } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import { routeByMetadata } from "../../src/proxy/grpc-route.ts";
import { grpcClient, openBidi, serverStream, unary } from "../support/grpc-client.ts";
import { startGrpcProxy } from "../support/grpc-proxy.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const PING = "Ping /ray.serve.RayServeAPIService/ListApplications for available applications.";

async function startProxy(...applications: string[]) {
  const { proxy, port, apply: applyTable } = await startGrpcProxy();
  const apply = (...names: string[]): void => {
    const routes = names.map((application) => ({ prefix: `/${application}`, application, deployment: "d" }));
    applyTable({ routes });
  };
  if (applications.length > 0) apply(...applications);
  const client = grpcClient(`127.0.0.1:${port}`);
  const healthz = (metadata: Record<string, string> = {}) => {
    const method = "/ray.serve.RayServeAPIService/Healthz";
    return unary(client, method, HealthzRequestSchema, HealthzResponseSchema, {}, metadata);
  };
  const list = () => {
    const method = "/ray.serve.RayServeAPIService/ListApplications";
    return unary(client, method, ListApplicationsRequestSchema, ListApplicationsResponseSchema, {});
  };
  const check = (service: string) =>
    unary(client, "/grpc.health.v1.Health/Check", HealthCheckRequestSchema, HealthCheckResponseSchema, { service });
  const watch = (service: string) => {
    const method = "/grpc.health.v1.Health/Watch";
    return serverStream(client, method, HealthCheckRequestSchema, HealthCheckResponseSchema, { service });
  };
  const call = (method: string, metadata: Record<string, string> = {}) =>
    unary(client, method, HealthzRequestSchema, HealthzResponseSchema, {}, metadata);
  return { proxy, port, client, apply, healthz, list, check, watch, call };
}

describe("routeByMetadata", () => {
  it.each([
    { name: "one application takes any value", names: ["a"], application: "b", to: "a" },
    { name: "one application takes no value", names: ["a"], application: undefined, to: "a" },
    { name: "of several, the one named", names: ["a", "b"], application: "b", to: "b" },
  ])("$name", ({ names, application, to }) => {
    expect(routeByMetadata(new Set(names), application)).toEqual({ kind: "application", name: to });
  });

  it.each([
    { name: "a name that none has", names: ["a", "b"], application: "c", what: "Application 'c' not found." },
    { name: "a name in another case", names: ["a", "b"], application: "A", what: "Application 'A' not found." },
    { name: "no value", names: ["a", "b"], application: undefined, what: "Application metadata not set." },
    { name: "an empty value", names: ["a", "b"], application: "", what: "Application metadata not set." },
    { name: "any value where nothing runs", names: [], application: "a", what: "Application 'a' not found." },
  ])("$name is not found", ({ names, application, what }) => {
    expect(routeByMetadata(new Set(names), application)).toEqual({ kind: "not-found", message: `${what} ${PING}` });
  });
});

describe("RayServeAPIService", () => {
  it("is unavailable until a table has routes, and healthy from then on, whatever tables come", async () => {
    const { healthz, list, apply } = await startProxy();
    const early = { code: status.UNAVAILABLE, details: "Route table is not populated yet.", messages: [] };
    expect(await healthz()).toMatchObject(early);
    apply();
    expect(await list()).toMatchObject(early);
    apply("b", "a");
    expect(await healthz()).toMatchObject({ code: status.OK, messages: [{ message: "success" }] });
    expect(await list()).toMatchObject({ code: status.OK, messages: [{ applicationNames: ["b", "a"] }] });
    apply();
    expect(await healthz()).toMatchObject({ code: status.OK });
    expect((await list()).messages).toMatchObject([{ applicationNames: [] }]);
  });

  it("is unavailable while the proxy drains", async () => {
    const { proxy, healthz, list } = await startProxy("a");
    proxy.startDraining();
    const draining = { code: status.UNAVAILABLE, details: "This node is being drained.", messages: [] };
    expect(await healthz()).toMatchObject(draining);
    expect(await list()).toMatchObject(draining);
  });

  it("names an application without a path over HTTP, and one with both once", async () => {
    const { proxy, list } = await startProxy();
    proxy.apply(
      create(RoutingTableSchema, {
        routes: [{ prefix: "/b", application: "b", deployment: "d" }],
        deployments: [
          { application: "a", deployment: "d" },
          { application: "b", deployment: "d" },
        ],
      }),
    );
    expect((await list()).messages).toMatchObject([{ applicationNames: ["b", "a"] }]);
  });

  it("names an application with two routes once", async () => {
    const { proxy, list } = await startProxy();
    const route = { application: "a", deployment: "d" };
    proxy.apply(
      create(RoutingTableSchema, {
        routes: [
          { prefix: "/x", ...route },
          { prefix: "/y", ...route },
        ],
      }),
    );
    expect((await list()).messages).toMatchObject([{ applicationNames: ["a"] }]);
  });
});

describe("grpc.health.v1", () => {
  it("checks the proxy as a whole and its own service, and knows no other", async () => {
    const { check, apply } = await startProxy();
    expect((await check("")).messages).toMatchObject([{ status: Serving.NOT_SERVING }]);
    apply("a");
    for (const service of ["", "ray.serve.RayServeAPIService"]) {
      expect(await check(service)).toMatchObject({ code: status.OK, messages: [{ status: Serving.SERVING }] });
    }
    expect(await check("no.Such")).toMatchObject({ code: status.NOT_FOUND, details: 'unknown service "no.Such"' });
  });

  it("lists what it knows", async () => {
    const { client } = await startProxy("a");
    const method = "/grpc.health.v1.Health/List";
    const { messages } = await unary(client, method, HealthListRequestSchema, HealthListResponseSchema, {});
    expect(Object.keys(messages[0]!.statuses).sort()).toEqual(["", "ray.serve.RayServeAPIService"]);
  });

  it("tells watchers each change once and lets them go when the proxy drains", async () => {
    const { proxy, apply, watch } = await startProxy();
    const all = watch("");
    const unknown = watch("no.Such");
    await vi.waitFor(() => expect(all.messages).toMatchObject([{ status: Serving.NOT_SERVING }]));
    await vi.waitFor(() => expect(unknown.messages).toMatchObject([{ status: Serving.SERVICE_UNKNOWN }]));
    apply("a");
    await vi.waitFor(() => expect(all.messages).toHaveLength(2));
    apply("a", "b");
    proxy.startDraining();
    const statuses = [Serving.NOT_SERVING, Serving.SERVING, Serving.NOT_SERVING];
    expect(await all.answer).toMatchObject({ code: status.OK, messages: statuses.map((each) => ({ status: each })) });
    expect(await unknown.answer).toMatchObject({ code: status.OK, messages: [{ status: Serving.SERVICE_UNKNOWN }] });
  });

  it("goes on after a watcher left", async () => {
    const { apply, watch, check } = await startProxy();
    const gone = watch("");
    await vi.waitFor(() => expect(gone.messages).toHaveLength(1));
    gone.call.cancel();
    expect((await gone.answer).code).toBe(status.CANCELLED);
    apply("a");
    expect((await check("")).messages).toMatchObject([{ status: Serving.SERVING }]);
  });
});

describe("any other method", () => {
  it("goes to the only application, which has no ingress yet", async () => {
    const { call } = await startProxy("my app");
    const details = 'application "my app" is still being built';
    for (const metadata of [{}, { application: "other" }]) {
      expect(await call("/pkg.Service/Method", metadata)).toMatchObject({ code: status.UNAVAILABLE, details });
    }
  });

  it("goes by the application metadata among several", async () => {
    const { call } = await startProxy("a", "b");
    expect(await call("/p.S/M", { application: "b" })).toMatchObject({
      code: status.UNAVAILABLE,
      details: 'application "b" is still being built',
    });
    expect(await call("/p.S/M", { application: "50% c" })).toMatchObject({
      code: status.NOT_FOUND,
      details: `Application '50% c' not found. ${PING}`,
    });
    expect(await call("/p.S/M")).toMatchObject({
      code: status.NOT_FOUND,
      details: `Application metadata not set. ${PING}`,
    });
  });

  it("ends a call whose request still flows", async () => {
    const { client } = await startProxy("a", "b");
    const { call, answer } = openBidi(client, "/p.S/Stream", { application: "a" });
    const chunk = Buffer.alloc(1_024 * 1_024);
    const pour = (): void => {
      for (let i = 0; i < 8; i++) call.write(chunk);
    };
    pour();
    expect(await answer).toMatchObject({ code: status.UNAVAILABLE, messages: [] });
  });
});

describe("request_id", () => {
  it("comes back in the trailers of answers and failures, made where there is none, kept where it is empty", async () => {
    const { healthz, call } = await startProxy("a");
    expect((await healthz({ request_id: "mine" })).metadata).toMatchObject({ request_id: "mine" });
    expect((await call("/p.S/M", { request_id: "mine" })).metadata).toMatchObject({ request_id: "mine" });
    expect((await healthz({ request_id: "" })).metadata).toMatchObject({ request_id: "" });
    expect((await healthz()).metadata["request_id"]).toMatch(UUID);
    expect((await call("/p.S/M")).metadata["request_id"]).toMatch(UUID);
  });
});

describe("what is not a good call", () => {
  interface Told {
    readonly headers: IncomingHttpHeaders;
    readonly trailers: IncomingHttpHeaders;
  }

  async function send(port: number, headers: Record<string, string>, body: Buffer): Promise<Told> {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    onTestFinished(() => session.destroy());
    const stream = session.request({
      ":method": "POST",
      ":path": "/ray.serve.RayServeAPIService/Healthz",
      "content-type": "application/grpc",
      ...headers,
    });
    let trailers: IncomingHttpHeaders = {};
    stream.on("trailers", (got) => {
      trailers = got;
    });
    stream.on("error", () => {});
    stream.end(body);
    const [got] = (await once(stream, "response")) as [IncomingHttpHeaders];
    stream.resume();
    await once(stream, "close");
    return { headers: got, trailers };
  }

  const framed = (flag: number, length: number, bytes: number): Buffer => {
    const prefix = Buffer.alloc(5 + bytes);
    prefix[0] = flag;
    prefix.writeUInt32BE(length, 1);
    return prefix;
  };

  it.each([
    { name: "a compressed request", body: framed(1, 2, 2), code: status.UNIMPLEMENTED },
    { name: "a message cut short", body: framed(0, 9, 2), code: status.INTERNAL },
    { name: "half a prefix", body: Buffer.alloc(3), code: status.INTERNAL },
    { name: "two messages", body: Buffer.concat([framed(0, 0, 0), framed(0, 0, 0)]), code: status.INTERNAL },
    { name: "a large message", body: framed(0, 100_000, 100_000), code: status.RESOURCE_EXHAUSTED },
  ])("$name ends with $code", async ({ body, code }) => {
    const { port } = await startProxy("a");
    const { headers } = await send(port, {}, body);
    expect(headers).toMatchObject({ ":status": 200, "grpc-status": String(code), request_id: expect.any(String) });
  });

  it("a request without a message counts as an empty one, with a content type of any codec", async () => {
    const { port } = await startProxy("a");
    const { trailers } = await send(port, { "content-type": "application/grpc+proto" }, Buffer.alloc(0));
    expect(trailers).toMatchObject({ "grpc-status": "0" });
  });

  it.each([
    { name: "another content type", headers: { "content-type": "application/json" }, code: 415 },
    { name: "gRPC-web", headers: { "content-type": "application/grpc-web" }, code: 415 },
    { name: "another verb", headers: { ":method": "PUT" }, code: 405 },
  ])("$name is answered $code", async ({ headers, code }) => {
    const { port } = await startProxy("a");
    expect((await send(port, headers, Buffer.alloc(0))).headers[":status"]).toBe(code);
  });

  it.each([
    { name: "HTTP/1.1", bytes: "GET / HTTP/1.1\r\nhost: x\r\n\r\n" },
    { name: "noise", bytes: "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" },
    { name: "a frame that is none", bytes: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff" },
  ])("$name closes its connection and no other", async ({ bytes }) => {
    const { port, healthz } = await startProxy("a");
    expect((await healthz()).code).toBe(status.OK);
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.resume();
    socket.write(Buffer.from(bytes, "latin1"));
    await once(socket, "close");
    expect((await healthz()).code).toBe(status.OK);
  });
});
