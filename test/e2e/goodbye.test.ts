/** Replicas come and go under requests that may not be sent twice; none of them fails. */
import { Agent, request as httpRequest } from "node:http";
import { describe, expect, it } from "vitest";
import { writeApp } from "../support/apps.ts";
import { api, eventually, runningPids, startWindlass, waitForStatus } from "../support/windlass.ts";

const APP = `
import { deployment } from "windlass";
export const app = deployment(async function Echo(request: Request) {
  const body = await request.text();
  return Response.json({ body, version: process.env["VERSION"] ?? "1", pid: process.pid });
}).bind();
`;

const CONFIG = `
applications:
  - name: echo
    import_path: ./app.ts:app
    external_scaler_enabled: true
    deployments: [{name: Echo, num_replicas: 2, rolling_update_percentage: 1, graceful_shutdown_timeout_s: 10}]
`;

/** Clients, each of which sends one POST after the other until it is told to stop. */
function clients(http: string, count: number) {
  const agent = new Agent({ keepAlive: true });
  const failed: string[] = [];
  let sent = 0;
  let stopped = false;
  const versions = new Set<string>();
  const post = (body: string): Promise<void> =>
    new Promise((resolve) => {
      const request = httpRequest(`${http}/`, { method: "POST", agent }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (piece: string) => (text += piece));
        response.once("end", () => {
          if (response.statusCode === 200 && text.includes(JSON.stringify(body)))
            versions.add(JSON.parse(text).version);
          else failed.push(`${response.statusCode} ${text}`);
          resolve();
        });
        response.once("error", (error) => resolve(void failed.push(error.message)));
      });
      request.once("error", (error) => resolve(void failed.push(error.message)));
      request.end(body);
    });
  const all = Array.from({ length: count }, async (_, i) => {
    while (!stopped) await post(`${i}-${sent++}`);
  });
  return {
    failed,
    versions,
    sent: () => sent,
    async stop() {
      stopped = true;
      await Promise.all(all);
      agent.destroy();
    },
  };
}

describe("POSTs while replicas come and go", () => {
  it("do not fail in rolling updates and when replicas are taken away", async () => {
    const config = writeApp(APP, CONFIG);
    const windlass = await startWindlass([config]);
    await waitForStatus(windlass, "echo", "RUNNING");
    const running = (wanted: number) =>
      eventually(async () => (await runningPids(windlass, "echo", "Echo")).length === wanted);
    const load = clients(windlass.http, 8);
    /** So that requests fall into each moment. */
    const more = async (): Promise<void> => {
      const until = load.sent() + 300;
      await eventually(() => load.sent() >= until);
    };
    await more();
    const path = "/api/v1/applications/echo/deployments/Echo/scale";
    for (const target of [4, 1, 3, 2]) {
      expect((await api(windlass, path, { body: { target_num_replicas: target } })).status).toBe(200);
      await running(target);
      await more();
    }
    const headers = { "x-windlass-base-dir": config.replace(/\/app\.yaml$/, "") };
    for (const version of ["2", "3"]) {
      const runtime = { runtime_env: { env_vars: { VERSION: version } } };
      const deployments = [{ name: "Echo", rolling_update_percentage: 1, ray_actor_options: runtime }];
      const application = { name: "echo", import_path: "./app.ts:app", external_scaler_enabled: true, deployments };
      const put = { method: "PUT", body: { applications: [application] }, headers } as const;
      expect((await api(windlass, "/api/serve/applications/", put)).status).toBe(200);
      await eventually(() => load.versions.has(version));
      await waitForStatus(windlass, "echo", "RUNNING");
      await more();
    }
    await load.stop();
    expect(load.failed).toEqual([]);
    expect(load.sent()).toBeGreaterThan(2_000);
    expect([...load.versions].sort()).toEqual(["1", "2", "3"]);
  });
});
