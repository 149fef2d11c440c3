import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/core/system-clock.ts";
import { Children } from "../../src/supervisor/children.ts";
import { Listeners } from "../../src/supervisor/listeners.ts";
import type { FromSupervisor, SpawnSpec } from "../../src/supervisor/protocol.ts";
import { RunRecords } from "../../src/supervisor/run-records.ts";
import { tempDir } from "../support/temp-dir.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

/** A real spare, up and waiting, under a real table of processes. */
async function setUp(clock = systemClock) {
  const dir = tempDir();
  mkdirSync(join(dir, "app"));
  const events: FromSupervisor[] = [];
  const records = new RunRecords(join(dir, "run.json"));
  const children = new Children(clock, records, new Listeners(() => "127.0.0.1"), (event) => void events.push(event));
  onTestFinished(async () => {
    children.stopRestarts();
    children.killAll();
    await expect.poll(() => children.isEmpty(), { timeout: 10_000 }).toBe(true);
  });
  const pidOf = (id: string): number | undefined =>
    events.flatMap((event) => (event.kind === "spawned" && event.id === id ? [event.process.pid] : [])).at(-1);
  const of = (id: string): FromSupervisor[] => events.filter((event) => "id" in event && event.id === id);
  const common = { restart: false, cwd: dir, env: {} };
  children.spawn("spare/1", {
    ...common,
    role: "spare",
    args: ["--spare", "--control-socket", join(dir, "spare-with-a-long-name.ctl")],
    logFile: join(dir, "spare.log"),
    ipc: true,
  });
  await expect
    .poll(() => of("spare/1"), { timeout: 15_000 })
    .toContainEqual({ kind: "said", id: "spare/1", message: { kind: "idle" } });
  const replica = (given: Partial<SpawnSpec> = {}): void =>
    children.spawn("replica/r", {
      ...common,
      role: "replica",
      args: ["--control-socket", join(dir, "r.ctl")],
      cwd: join(dir, "app"),
      logFile: join(dir, "r.log"),
      ipc: false,
      spare: "spare/1",
      ...given,
    });
  return { dir, children, of, pidOf, replica, spare: pidOf("spare/1")! };
}

const slow = { timeout: 15_000 };

it("makes a spare the replica: its process, folder, command line, log and record", async () => {
  const { dir, children, of, pidOf, replica, spare } = await setUp();
  replica();
  await expect.poll(() => pidOf("replica/r"), slow).toBe(spare);
  expect(of("spare/1").at(-1)).toEqual({
    kind: "exited",
    id: "spare/1",
    detail: "became replica/r",
    restarting: false,
  });
  expect(children.list()).toMatchObject([{ id: "replica/r", role: "replica", process: { pid: spare } }]);
  const [record, ...others] = JSON.parse(readFileSync(join(dir, "run.json"), "utf8")) as object[];
  expect([record, others]).toMatchObject([{ id: "replica/r", role: "replica", process: { pid: spare } }, []]);
  await expect.poll(() => existsSync(join(dir, "r.ctl")), slow).toBe(true);
  expect([existsSync(join(dir, "spare.log")), existsSync(join(dir, "r.log"))]).toEqual([false, true]);
  if (process.platform === "linux") {
    expect(readlinkSync(`/proc/${spare}/cwd`)).toBe(join(dir, "app"));
    expect(readlinkSync(`/proc/${spare}/fd/2`)).toBe(join(dir, "r.log"));
    const commandLine = readFileSync(`/proc/${spare}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    expect(commandLine).toMatch(new RegExp(`replica\\.[jt]s --control-socket ${join(dir, "r.ctl")}$`));
  }
  children.signal("replica/r", "SIGKILL");
  await expect.poll(() => of("replica/r").at(-1), slow).toMatchObject({ kind: "exited", restarting: false });
});

it.each([
  { name: "that ended just now", before: (pid: number) => process.kill(pid, "SIGKILL") },
  { name: "that has ended and been reaped", before: (pid: number) => process.kill(pid, "SIGKILL"), reaped: true },
  {
    name: "for a replica whose log exists",
    before: (_: number, dir: string) => writeFileSync(join(dir, "r.log"), "old\n"),
  },
  { name: "whose log was removed", before: (_: number, dir: string) => rmSync(join(dir, "spare.log")) },
])("starts a process instead of a spare $name", async ({ before, reaped = false }) => {
  const { dir, children, of, pidOf, replica, spare } = await setUp();
  before(spare, dir);
  if (reaped) await expect.poll(() => of("spare/1").at(-1), slow).toMatchObject({ kind: "exited" });
  replica();
  await expect.poll(() => existsSync(join(dir, "r.ctl")), slow).toBe(true);
  expect(of("replica/r")).toHaveLength(1);
  expect(pidOf("replica/r")).not.toBe(spare);
  // It is nobody's any more.
  await expect.poll(() => children.list().map(({ id }) => id), slow).toEqual(["replica/r"]);
  if (existsSync(join(dir, "r.log"))) expect(readFileSync(join(dir, "r.log"), "utf8")).toMatch(/^(old\n)?$/);
});

it("kills a spare that does not answer, and starts a process in its place", async () => {
  const clock = new VirtualClock();
  const { dir, pidOf, replica, spare } = await setUp(clock);
  process.kill(spare, "SIGSTOP");
  replica();
  expect(pidOf("replica/r")).toBeUndefined();
  await clock.advance(5_000);
  await expect.poll(() => existsSync(join(dir, "r.ctl")), slow).toBe(true);
  expect(pidOf("replica/r")).not.toBe(spare);
});

it("says of a folder that is not there what it says without spares", async () => {
  const { dir, of, replica } = await setUp();
  replica({ cwd: join(dir, "nowhere") });
  await expect.poll(() => of("replica/r"), slow).toHaveLength(1);
  expect(of("replica/r")).toMatchObject([
    {
      kind: "spawn-failed",
      error: expect.stringContaining(`its folder ${join(dir, "nowhere")} is not there any more`),
    },
  ]);
});

it("starts nothing for a replica that is killed while a spare is becoming it", async () => {
  const { children, of, replica, spare } = await setUp();
  process.kill(spare, "SIGSTOP");
  replica();
  children.signal("replica/r", "SIGKILL");
  await expect.poll(() => of("replica/r"), slow).toMatchObject([{ kind: "exited", detail: "was ended by SIGKILL" }]);
  expect(children.list()).toEqual([]);
});

it("lets no other program take a spare", async () => {
  const { children, pidOf, replica, spare } = await setUp();
  replica({ role: "command", args: ["sleep", "60"] });
  expect(pidOf("replica/r")).not.toBe(spare);
  expect(children.list()).toHaveLength(2);
});
