import { expect, it } from "vitest";
import { ECHO, ECHO_CONFIG, writeApp } from "../support/apps.ts";
import { startLoad } from "../support/load.ts";
import {
  api,
  application,
  eventually,
  processesOf,
  runningPids,
  startWindlass,
  waitForStatus,
} from "../support/windlass.ts";

const SCALE = "/api/v1/applications/echo/deployments/Echo/scale";

it("kill -9 of the controller under load, three times: no request fails, same replicas, targets kept, revisions go on", async () => {
  const windlass = await startWindlass([writeApp(ECHO, ECHO_CONFIG(1))]);
  await waitForStatus(windlass, "echo", "RUNNING");
  expect((await api(windlass, SCALE, { body: { target_num_replicas: 3 } })).status).toBe(200);
  await eventually(async () => (await runningPids(windlass, "echo", "Echo")).length === 3);
  const pids = await runningPids(windlass, "echo", "Echo");
  const load = startLoad(windlass.http, { path: () => "/?ms=3" });
  let { pid: controller, revision } = await ready(windlass);
  for (let round = 0; round < 3; round++) {
    await eventually(() => load.count() > (round + 1) * 300);
    process.kill(controller, "SIGKILL");
    const killedAt = performance.now();
    const back = await eventually(async () => {
      const answer = await ready(windlass).catch(() => undefined);
      return answer && answer.pid !== controller ? answer : undefined;
    });
    expect(performance.now() - killedAt).toBeLessThan(2_000);
    expect(back.revision).toBeGreaterThanOrEqual(revision);
    ({ pid: controller, revision } = back);
    await eventually(async () => (await runningPids(windlass, "echo", "Echo")).length === 3);
    expect(await runningPids(windlass, "echo", "Echo")).toEqual(pids);
    const view = await application(windlass, "echo");
    expect(view).toMatchObject({
      status: "RUNNING",
      deployments: { Echo: { target_num_replicas: 3, status: "HEALTHY" } },
    });
  }
  const result = await load.stop();
  expect(result.failures).toEqual([]);
  expect(result.ok).toBeGreaterThan(900);
  // The controller that came back still controls: writes are accepted and carried out.
  expect((await api(windlass, SCALE, { body: { target_num_replicas: 2 } })).status).toBe(200);
  await eventually(async () => (await runningPids(windlass, "echo", "Echo")).length === 2);
  expect((await ready(windlass)).revision).toBeGreaterThan(revision);
});

it("kill -9 of a replica: it is replaced, and only requests inside it fail", async () => {
  const windlass = await startWindlass([writeApp(ECHO, ECHO_CONFIG(2))]);
  await waitForStatus(windlass, "echo", "RUNNING");
  const [victim, survivor] = (await runningPids(windlass, "echo", "Echo")) as [number, number];
  // Not idempotent, so a request that was inside the victim cannot be sent again.
  const inside = Array.from({ length: 8 }, async () => {
    const response = await fetch(`${windlass.http}/?ms=1500`, { method: "POST", body: "x" });
    return { status: response.status, requestId: response.headers.get("x-request-id"), text: await response.text() };
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const load = startLoad(windlass.http, { workers: 2 });
  process.kill(victim, "SIGKILL");
  const answers = await Promise.all(inside);
  const failed = answers.filter(({ status }) => status !== 200);
  expect(failed.length).toBeGreaterThan(0);
  expect(failed.length).toBeLessThan(8);
  for (const { status, requestId, text } of failed) {
    expect([status, text]).toEqual([500, "Internal Server Error"]);
    expect(requestId).toBeTruthy();
  }
  for (const { status, text } of answers) if (status === 200) expect(JSON.parse(text).pid).toBe(survivor);
  await eventually(async () => (await runningPids(windlass, "echo", "Echo")).length === 2);
  expect(await runningPids(windlass, "echo", "Echo")).not.toContain(victim);
  await eventually(async () => (await application(windlass, "echo"))?.deployments["Echo"]?.status === "HEALTHY");
  expect((await application(windlass, "echo"))?.deployments["Echo"]?.status_trigger).toBe("UNSPECIFIED");
  // GETs that were inside it were sent again, so nobody else noticed.
  expect((await load.stop()).failures).toEqual([]);
});

it("scaling down and rolling a source edit out fail no request", async () => {
  const config = writeApp(ECHO, ECHO_CONFIG(3));
  const windlass = await startWindlass([config]);
  await waitForStatus(windlass, "echo", "RUNNING");
  const load = startLoad(windlass.http, { path: () => "/?ms=5" });
  await api(windlass, SCALE, { body: { target_num_replicas: 1 } });
  await eventually(async () => {
    const replicas = (await application(windlass, "echo"))?.deployments["Echo"]?.replicas ?? [];
    return replicas.length === 1 && replicas[0]?.state === "RUNNING";
  });
  const [before] = await runningPids(windlass, "echo", "Echo");
  const { writeFileSync } = await import("node:fs");
  const { dirname, join } = await import("node:path");
  writeFileSync(join(dirname(config), "app.ts"), ECHO.replace("pid: process.pid", "pid: process.pid, edited: true"));
  const put = await api(windlass, "/api/serve/applications/", {
    method: "PUT",
    headers: { "x-windlass-base-dir": dirname(config) },
    body: {
      applications: [
        {
          name: "echo",
          import_path: "./app.ts:app",
          external_scaler_enabled: true,
          deployments: [{ name: "Echo", num_replicas: 1, graceful_shutdown_timeout_s: 5 }],
        },
      ],
    },
  });
  expect(put.status).toBe(200);
  await eventually(async () => {
    const pids = await runningPids(windlass, "echo", "Echo");
    return pids.length === 1 && pids[0] !== before;
  });
  // The old one may answer until every proxy has the new table.
  await eventually(async () => ((await (await fetch(windlass.http)).json()) as { edited?: boolean }).edited);
  const result = await load.stop();
  expect(result.failures).toEqual([]);
  expect(result.ok).toBeGreaterThan(100);
});

it("kill -9 of a proxy: the other one answers, and it is started again", async () => {
  const windlass = await startWindlass([writeApp(ECHO, ECHO_CONFIG(1))]);
  await waitForStatus(windlass, "echo", "RUNNING");
  process.kill(windlass.pids.proxies[0]!, "SIGKILL");
  for (let i = 0; i < 20; i++)
    expect((await fetch(windlass.http, { headers: { connection: "close" } })).status).toBe(200);
  await eventually(async () => {
    const answer = await api(windlass, "/windlass.v1.InstanceService/GetInstance", { body: {} });
    const { proxies } = (answer.json as { instance: { proxies: { pid: number; state: string }[] } }).instance;
    return (
      proxies.length === 2 &&
      proxies.every(({ state, pid }) => state === "STATE_HEALTHY" && pid !== windlass.pids.proxies[0])
    );
  });
});

it("kill -9 of the supervisor: replicas and proxies serve on, and the next start takes them over", async () => {
  const first = await startWindlass([writeApp(ECHO, ECHO_CONFIG(2))]);
  await waitForStatus(first, "echo", "RUNNING");
  const pids = await runningPids(first, "echo", "Echo");
  process.kill(first.pids.supervisor, "SIGKILL");
  await eventually(() => !processesOf(first.stateDir).includes(first.pids.controller));
  expect((await fetch(first.http)).status).toBe(200);
  const port = new URL(first.http).port;
  const second = await startWindlass(["--http-port", port], { stateDir: first.stateDir });
  await eventually(async () => (await runningPids(second, "echo", "Echo")).length === 2);
  expect(await runningPids(second, "echo", "Echo")).toEqual(pids);
  expect((await fetch(second.http)).status).toBe(200);
  expect(await second.stop()).toBe(0);
  expect(processesOf(first.stateDir)).toEqual([]);
});

async function ready(windlass: { control: string }): Promise<{ pid: number; revision: number }> {
  const response = await fetch(`${windlass.control}/-/readyz`, { headers: { connection: "close" } });
  if (response.status !== 200) throw new Error(`not ready: ${response.status}`);
  const { pid, revision } = (await response.json()) as { pid: number; revision: number };
  return { pid, revision: Number(revision) };
}
