import { existsSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ECHO, ECHO_CONFIG, writeApp } from "../support/apps.ts";
import {
  api,
  application,
  clientEnv,
  eventually,
  processesOf,
  runDirOf,
  runningPids,
  runWindlass,
  startWindlass,
  waitForStatus,
} from "../support/windlass.ts";

describe("windlass start CONFIG", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("serves, and %s leaves no process and exits 0", async (signal) => {
    const windlass = await startWindlass([writeApp(ECHO, ECHO_CONFIG(2))]);
    await waitForStatus(windlass, "echo", "RUNNING");
    const response = await fetch(`${windlass.http}/x`, { method: "POST", body: "hi" });
    expect(await response.json()).toMatchObject({ body: "hi" });
    expect(processesOf(windlass.stateDir).length).toBeGreaterThanOrEqual(6);
    const runDir = runDirOf(windlass.stateDir)!;
    expect(statSync(runDir).mode & 0o777).toBe(0o700);
    expect(await windlass.stop(signal)).toBe(0);
    expect(processesOf(windlass.stateDir)).toEqual([]);
    expect(existsSync(runDir)).toBe(false);
  });

  it("brings the applications back at the next start, with the target set from outside", async () => {
    const first = await startWindlass([writeApp(ECHO, ECHO_CONFIG(1))]);
    await waitForStatus(first, "echo", "RUNNING");
    const path = "/api/v1/applications/echo/deployments/Echo/scale";
    expect((await api(first, path, { body: { target_num_replicas: 2 } })).status).toBe(200);
    await eventually(async () => (await runningPids(first, "echo", "Echo")).length === 2);
    const revision = Number((await api(first, "/-/readyz")).text.match(/"revision": ?(\d+)/)?.[1]);
    expect(await first.stop()).toBe(0);

    const second = await startWindlass([], { stateDir: first.stateDir });
    await eventually(async () => (await runningPids(second, "echo", "Echo")).length === 2);
    await waitForStatus(second, "echo", "RUNNING");
    expect((await application(second, "echo"))?.deployments["Echo"]?.target_num_replicas).toBe(2);
    const after = Number((await api(second, "/-/readyz")).text.match(/"revision": ?(\d+)/)?.[1]);
    expect(after).toBeGreaterThan(revision);
  });

  it("waits for the first PUT with --no-instance, ends the instance on DELETE and makes a new one", async () => {
    const windlass = await startWindlass(["--no-instance"]);
    const empty = { controller_info: {}, proxies: {}, applications: {}, target_capacity: null };
    expect((await api(windlass, "/api/serve/applications/")).json).toEqual(empty);
    const config = writeApp(ECHO, "");
    const body = {
      applications: [{ name: "echo", import_path: "./app.ts:app", external_scaler_enabled: true }],
    };
    const headers = { "x-windlass-base-dir": config.replace(/\/app\.yaml$/, "") };
    for (let round = 0; round < 2; round++) {
      const put = await api(windlass, "/api/serve/applications/", { method: "PUT", body, headers });
      expect([put.status, put.text]).toEqual([200, ""]);
      await waitForStatus(windlass, "echo", "RUNNING");
      expect((await fetch(windlass.http)).status).toBe(200);
      const gone = await api(windlass, "/api/serve/applications/", { method: "DELETE" });
      expect([gone.status, gone.text]).toEqual([200, ""]);
      expect((await api(windlass, "/api/serve/applications/")).json).toEqual(empty);
      await expect(fetch(windlass.http)).rejects.toThrow();
      const scale = await api(windlass, "/api/v1/applications/echo/deployments/Echo/scale", {
        body: { target_num_replicas: 1 },
      });
      expect([scale.status, scale.json]).toEqual([503, { error: "Serve controller is not available" }]);
    }
    expect((await api(windlass, "/api/serve/applications/", { method: "DELETE" })).status).toBe(200);
  });

  it("ends its processes on shutdown --process", async () => {
    const windlass = await startWindlass([]);
    const { code } = await runWindlass(["shutdown", "-y", "--process"], clientEnv(windlass));
    expect(code).toBe(0);
    await eventually(() => windlass.process.exitCode !== null);
    expect(processesOf(windlass.stateDir)).toEqual([]);
  });
});

describe("the command line against a running instance", () => {
  it("deploys with --wait, shows status, scales with --wait, watches in order, deletes", async () => {
    const windlass = await startWindlass([]);
    const env = clientEnv(windlass);
    const config = writeApp(ECHO, ECHO_CONFIG(1));
    const deploy = await runWindlass(["deploy", config, "--wait"], env);
    expect([deploy.code, deploy.stderr]).toEqual([0, expect.stringContaining("RUNNING")]);

    const status = await runWindlass(["status", "-o", "json"], env);
    expect(JSON.parse(status.stdout).applications.echo.deployments.Echo.replica_states).toEqual({ RUNNING: 1 });

    const since = Number(((await api(windlass, "/-/readyz")).json as { revision: number }).revision);
    expect((await runWindlass(["scale", "echo", "Echo", "3", "--wait"], env)).code).toBe(0);
    const pids = await runningPids(windlass, "echo", "Echo");
    expect(new Set(pids).size).toBe(3);
    const answering = new Set<number>();
    await eventually(async () => {
      answering.add(((await (await fetch(windlass.http)).json()) as { pid: number }).pid);
      return answering.size === 3;
    });
    expect([...answering].sort((a, b) => a - b)).toEqual(pids);

    expect((await runWindlass(["delete", "echo"], env)).code).toBe(0);
    await eventually(async () => (await application(windlass, "echo")) === undefined);
    const events = await watchLines(["watch", "--since", String(since)], env, (lines) =>
      lines.some(({ kind, name }) => kind === "deleted" && name === "applications/echo"),
    );
    const revisions = events.map(({ revision }) => Number(revision));
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
    const replicas = events.filter(({ kind }) => kind === "replica");
    for (const name of new Set(replicas.map((event) => event.name))) {
      const states = replicas.filter((event) => event.name === name).map(({ state }) => state);
      const order = ["STARTING", "RUNNING", "STOPPING"];
      expect(states.map((state) => order.indexOf(String(state)))).toEqual(
        states.map((state) => order.indexOf(String(state))).sort(),
      );
      expect(states.at(-1)).toBe("STOPPING");
    }
  });
});

async function watchLines(
  args: string[],
  env: Record<string, string>,
  enough: (lines: Record<string, unknown>[]) => boolean,
): Promise<Record<string, unknown>[]> {
  const { spawn } = await import("node:child_process");
  const { ROOT } = await import("../support/windlass.ts");
  const child = spawn(process.execPath, [`${ROOT}/bin/windlass.cjs`, ...args], { env: { ...process.env, ...env } });
  let text = "";
  child.stdout.on("data", (chunk) => (text += chunk));
  const lines = (): Record<string, unknown>[] =>
    text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  try {
    await eventually(() => enough(lines()));
  } finally {
    child.kill("SIGINT");
  }
  return lines();
}

it("makes the instance with the http_options of the config that it starts with", async () => {
  const slow = `http_options:\n  request_timeout_s: 0.3\n${ECHO_CONFIG(1)}`;
  const windlass = await startWindlass([writeApp(ECHO, slow)]);
  await waitForStatus(windlass, "echo", "RUNNING");
  const response = await fetch(`${windlass.http}/?ms=1500`);
  expect([response.status, await response.text()]).toEqual([
    408,
    expect.stringMatching(/^Request \S+ timed out after 0\.3s\.$/),
  ]);
  expect(response.headers.get("x-request-id")).toBeTruthy();
});
