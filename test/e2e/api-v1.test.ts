import { dirname } from "node:path";
import { expect, it } from "vitest";
import { ECHO, writeApp } from "../support/apps.ts";
import { api, eventually, startWindlass } from "../support/windlass.ts";

const V1 = "/api/serve/deployments/";
const CONFIG = { import_path: "./app.ts:app", deployments: [{ name: "Echo", num_replicas: 2 }] };

it("REST V1 deploys, shows, replaces and ends one application, on the state that V2 shows", async () => {
  const headers = { "x-windlass-base-dir": dirname(writeApp(ECHO, "")) };
  const windlass = await startWindlass();
  const get = async (path: string): Promise<unknown> => (await api(windlass, path)).json;
  const put = (body: object, path = V1) => api(windlass, path, { method: "PUT", body, headers });
  const status = async (name: string): Promise<boolean> => {
    const now = (await get(`${V1}status`)) as { name: string; app_status: { status: string } };
    return now.name === name && now.app_status.status === "RUNNING";
  };

  expect(await get(V1)).toEqual({});
  const first = await put({ ...CONFIG, port: 4 });
  expect([first.status, first.text]).toEqual([200, ""]);
  expect(first.headers.get("x-windlass-warnings")).toMatch(/^port 4 was not applied: /);
  await eventually(() => status("default"));
  expect(await get(V1)).toEqual(CONFIG);
  expect(await get(`${V1}status`)).toEqual({
    name: "default",
    app_status: { status: "RUNNING", message: "", deployment_timestamp: expect.any(Number) },
    deployment_statuses: [{ name: "Echo", status: "HEALTHY", message: "" }],
  });
  expect((await fetch(windlass.http)).status).toBe(200);
  expect(await get("/api/serve/applications/")).toMatchObject({
    applications: { default: { deployed_app_config: CONFIG, route_prefix: "/" } },
  });

  // Two by V2 are too many to show; V1's PUT replaces both.
  const two = ["a", "b"].map((name) => ({ ...CONFIG, name, route_prefix: `/${name}` }));
  expect((await put({ applications: two }, "/api/serve/applications/")).status).toBe(200);
  const several = await api(windlass, V1);
  expect([several.status, several.text]).toEqual([400, expect.stringContaining("GET /api/serve/applications/")]);
  expect((await put({ ...CONFIG, name: "mine" })).status).toBe(200);
  await eventually(() => status("mine"));

  expect((await api(windlass, V1, { method: "DELETE" })).status).toBe(200);
  expect(await get(V1)).toEqual({});
  expect(await get(`${V1}status`)).toMatchObject({ name: "", app_status: { status: "NOT_STARTED" } });
  expect((await put(CONFIG)).status).toBe(200);
  await eventually(() => status("default"));
});
