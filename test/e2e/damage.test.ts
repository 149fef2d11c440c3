import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ECHO, ECHO_CONFIG, writeApp } from "../support/apps.ts";
import { tempDir } from "../support/temp-dir.ts";
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

it("a disk that is full for logs and run records ends nothing: it serves, scales, heals and stops", async () => {
  const stateDir = join(tempDir(), "state");
  mkdirSync(join(stateDir, "logs"), { recursive: true });
  for (const name of ["controller", "proxy-0", "proxy-1", "builder"]) {
    symlinkSync("/dev/full", join(stateDir, "logs", `${name}.log`));
  }
  const noisy = ECHO.replace(
    "const url =",
    'console.log("a line that is lost"); console.error("another"); const url =',
  );
  const windlass = await startWindlass([writeApp(noisy, ECHO_CONFIG(1)), "--log-level", "debug"], { stateDir });
  // From here on run.json cannot be written either.
  symlinkSync("/dev/full", join(stateDir, "run.json.new"));
  await waitForStatus(windlass, "echo", "RUNNING");
  expect((await api(windlass, SCALE, { body: { target_num_replicas: 2 } })).status).toBe(200);
  await eventually(async () => (await runningPids(windlass, "echo", "Echo")).length === 2);
  const [victim] = await runningPids(windlass, "echo", "Echo");
  process.kill(victim!, "SIGKILL");
  await eventually(async () => {
    const pids = await runningPids(windlass, "echo", "Echo");
    return pids.length === 2 && !pids.includes(victim!);
  });
  process.kill(windlass.pids.controller, "SIGKILL");
  await eventually(async () => (await runningPids(windlass, "echo", "Echo")).length === 2);
  expect((await fetch(windlass.http)).status).toBe(200);
  expect(await windlass.stop()).toBe(0);
  expect(processesOf(stateDir)).toEqual([]);
});

it("a state dir that was left half-written is mended: the applications come back", async () => {
  const first = await startWindlass([writeApp(ECHO, ECHO_CONFIG(1))]);
  await waitForStatus(first, "echo", "RUNNING");
  expect(await first.stop()).toBe(0);
  writeFileSync(join(first.stateDir, "run.json"), '[{"id":"supervisor","ro');
  writeFileSync(join(first.stateDir, "run.json.new"), "");
  writeFileSync(join(first.stateDir, "admin.token"), "");
  rmSync(join(first.stateDir, "logs"), { recursive: true });
  // Bundles are made again from the sources when they are gone.
  rmSync(join(first.stateDir, "bundles"), { recursive: true });

  const second = await startWindlass([], { stateDir: first.stateDir });
  expect(statSync(join(first.stateDir, "admin.token")).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(first.stateDir, "admin.token"), "utf8").trim()).toMatch(/^wla_/);
  await eventually(async () => (await application(second, "echo"))?.status === "RUNNING");
  expect((await fetch(second.http)).status).toBe(200);
  const view = (await application(second, "echo"))!;
  expect(view.deployments["Echo"]?.replicas).toHaveLength(1);
});

it("a run dir whose name would be too long for a socket is not used", async () => {
  const long = join(tempDir(), "x".repeat(120));
  mkdirSync(long, { recursive: true });
  const windlass = await startWindlass([writeApp(ECHO, ECHO_CONFIG(1))], { env: { XDG_RUNTIME_DIR: long } });
  await waitForStatus(windlass, "echo", "RUNNING");
  expect((await fetch(windlass.http)).status).toBe(200);
});
