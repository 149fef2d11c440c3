/** The gRPC port of a whole Windlass. */
import { status } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import {
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Serving,
} from "../../gen/grpc/health/v1/health_pb.ts";
import {
  HealthzRequestSchema,
  HealthzResponseSchema,
  ListApplicationsRequestSchema,
  ListApplicationsResponseSchema,
} from "../../gen/ray/serve/serve_pb.ts";
import { ECHO, ECHO_CONFIG, writeApp } from "../support/apps.ts";
import { grpcClient, unary } from "../support/grpc-client.ts";
import { api, eventually, startWindlass, waitForStatus } from "../support/windlass.ts";

const API = "/ray.serve.RayServeAPIService";

it("answers at the address of the ready line, follows deploys, and says when a config asks for another port", async () => {
  const windlass = await startWindlass();
  expect(windlass.grpc).toMatch(/^127\.0\.0\.1:\d+$/);
  const port = Number(windlass.grpc.split(":")[1]);
  const client = grpcClient(windlass.grpc);
  const healthz = () => unary(client, `${API}/Healthz`, HealthzRequestSchema, HealthzResponseSchema, {});
  expect(await healthz()).toMatchObject({
    code: status.UNAVAILABLE,
    details: "Route table is not populated yet.",
  });

  const app = writeApp(ECHO, ECHO_CONFIG(1));
  const put = (grpcPort: number) =>
    api(windlass, "/api/serve/applications/", {
      method: "PUT",
      headers: { "x-windlass-base-dir": app.replace(/\/[^/]*$/, "") },
      body: { grpc_options: { port: grpcPort }, applications: [{ name: "echo", import_path: "./app.ts:app" }] },
    });
  const other = await put(port + 1);
  expect([other.status, other.headers.get("x-windlass-warnings")]).toEqual([
    200,
    expect.stringContaining(`grpc_options.port ${port + 1} was not applied: the running instance has ${port}`),
  ]);
  await waitForStatus(windlass, "echo", "RUNNING");
  expect((await put(port)).headers.get("x-windlass-warnings") ?? "").not.toContain("grpc_options");

  // Each worker follows the routes on its own; this connection belongs to one of them.
  await eventually(async () => (await healthz()).code === status.OK);
  const list = `${API}/ListApplications`;
  expect(await unary(client, list, ListApplicationsRequestSchema, ListApplicationsResponseSchema, {})).toMatchObject({
    code: status.OK,
    messages: [{ applicationNames: ["echo"] }],
  });
  const check = "/grpc.health.v1.Health/Check";
  expect(await unary(client, check, HealthCheckRequestSchema, HealthCheckResponseSchema, {})).toMatchObject({
    code: status.OK,
    messages: [{ status: Serving.SERVING }],
  });
  expect(await unary(client, "/p.S/M", HealthzRequestSchema, HealthzResponseSchema, {})).toMatchObject({
    code: status.UNIMPLEMENTED,
    details: 'application "echo" serves no gRPC method /p.S/M',
  });

  expect(await windlass.stop()).toBe(0);
  expect((await healthz()).code).toBe(status.UNAVAILABLE);
});
