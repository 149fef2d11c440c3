import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/core/system-clock.ts";
import { Children } from "../../src/supervisor/children.ts";
import { Listeners } from "../../src/supervisor/listeners.ts";
import type { FromSupervisor } from "../../src/supervisor/protocol.ts";
import { RunRecords } from "../../src/supervisor/run-records.ts";
import { tempDir } from "../support/temp-dir.ts";

function setUp() {
  const dir = tempDir();
  mkdirSync(join(dir, "logs"));
  const events: FromSupervisor[] = [];
  const listeners = new Listeners(() => "127.0.0.1");
  const records = new RunRecords(join(dir, "run.json"));
  const children = new Children(systemClock, records, listeners, (event) => void events.push(event));
  onTestFinished(() => {
    children.stopRestarts();
    children.killAll();
  });
  const spawn = (logs: string): void =>
    children.spawn("x", {
      role: "command",
      args: ["sleep", "60"],
      env: {},
      cwd: dir,
      logFile: join(dir, logs, "x.log"),
      restart: true,
      ipc: false,
    });
  const count = (kind: FromSupervisor["kind"]): number => events.filter((event) => event.kind === kind).length;
  return { dir, events, children, spawn, count };
}

it("goes on trying to restart a child while the machine cannot start it", async () => {
  const { dir, events, children, spawn, count } = setUp();
  spawn("logs");
  expect(count("spawned")).toBe(1);
  renameSync(join(dir, "logs"), join(dir, "away"));
  children.signal("x", "SIGKILL");
  await expect.poll(() => count("exited")).toBeGreaterThan(2);
  expect(events.at(-1)).toMatchObject({ restarting: true, detail: expect.stringContaining("ENOENT") });
  renameSync(join(dir, "away"), join(dir, "logs"));
  await expect.poll(() => count("spawned"), { timeout: 5_000 }).toBe(2);
  expect(count("spawn-failed")).toBe(0);
});

it("gives up at once on a child that never ran", () => {
  const { events, spawn } = setUp();
  spawn("nowhere");
  expect(events).toMatchObject([{ kind: "spawn-failed", id: "x", error: expect.stringContaining("ENOENT") }]);
});
