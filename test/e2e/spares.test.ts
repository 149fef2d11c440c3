import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { ECHO, ECHO_CONFIG, writeApp } from "../support/apps.ts";
import {
  api,
  clientEnv,
  eventually,
  processesOf,
  runningPids,
  runWindlass,
  startWindlass,
  type Windlass,
  waitForStatus,
} from "../support/windlass.ts";

const SCALE = "/api/v1/applications/echo/deployments/Echo/scale";

it("scale calls are answered by processes that waited, and new ones wait after them", async () => {
  const windlass = await startWindlass([writeApp(ECHO, ECHO_CONFIG(1)), "--spare-replicas", "2"]);
  await waitForStatus(windlass, "echo", "RUNNING");
  const [first] = await runningPids(windlass, "echo", "Echo");
  const spares = await sparesOf(windlass, 2);
  await scale(windlass, 3);
  expect(await runningPids(windlass, "echo", "Echo")).toEqual([first!, ...spares].sort((a, b) => a - b));
  const later = await sparesOf(windlass, 2);
  expect(new Set([first, ...spares, ...later]).size).toBe(5);
  expect(await windlass.stop()).toBe(0);
  expect(processesOf(windlass.stateDir)).toEqual([]);
});

/** Says all that could tell a spare from a process of its own. */
const TELLING = `
import { readFileSync } from "node:fs";
import { deployment, getReplicaContext } from "windlass";
console.log("constructed in", process.cwd());
class Echo {
  fetch(): Response {
    const { replicaId, deployment, appName } = getReplicaContext();
    return Response.json({
      pid: process.pid,
      replica: [appName, deployment, replicaId],
      env: process.env,
      cwd: process.cwd(),
      argv: process.argv,
      execArgv: process.execArgv,
      parts: Object.getOwnPropertyNames(process).sort(),
      name: readFileSync("/proc/self/comm", "utf8"),
      events: process.eventNames().map(String).sort(),
      handles: process.getActiveResourcesInfo().filter((name) => name === "PipeWrap").length,
    });
  }
}
export const app = deployment(Echo).bind();
`;

it("nothing but its age tells a replica that was a spare from one that was not", async () => {
  const config = writeApp(
    TELLING,
    ECHO_CONFIG(
      1,
      '        ray_actor_options:\n          runtime_env: { env_vars: { MODEL: "large", HOME: "/nowhere" } }\n',
    ),
  );
  const windlass = await startWindlass([config, "--proxy-workers", "1"]);
  await waitForStatus(windlass, "echo", "RUNNING");
  const fresh = await tell(windlass, () => true);
  const [spare] = await sparesOf(windlass, 1);
  await scale(windlass, 2);
  const adopted = await tell(windlass, ({ pid }) => pid === spare);
  for (const told of [fresh, adopted]) {
    const [application, deployment, id] = told.replica;
    expect([application, deployment, told.cwd]).toEqual(["echo", "Echo", dirname(config)]);
    expect(told.env).toMatchObject({ MODEL: "large", HOME: "/nowhere" });
    const log = join(windlass.stateDir, "logs", `echo_Echo_${id}.log`);
    expect(told.env["WINDLASS_LOG_FILE"]).toBe(log);
    expect(readFileSync(log, "utf8")).toContain(`constructed in ${dirname(config)}`);
    expect(told.argv.at(-1)).toContain(id);
  }
  const plain = ({ replica: [, , id], pid: _, ...told }: Told): object =>
    JSON.parse(JSON.stringify(told).replaceAll(id!, "ID")) as object;
  expect(plain(adopted)).toEqual(plain(fresh));
});

it("a replica with variables that Node reads as it starts gets a process of its own", async () => {
  const env = '        ray_actor_options:\n          runtime_env: { env_vars: { TZ: "Asia/Tokyo" } }\n';
  const windlass = await startWindlass([writeApp(ECHO, ECHO_CONFIG(1, env))]);
  await waitForStatus(windlass, "echo", "RUNNING");
  const spares = await sparesOf(windlass, 1);
  await scale(windlass, 2);
  expect(await runningPids(windlass, "echo", "Echo")).not.toContain(spares[0]);
  expect(await sparesOf(windlass, 1)).toEqual(spares);
});

it("a spare that was killed is replaced, and nobody waits for it meanwhile", async () => {
  const windlass = await startWindlass([writeApp(ECHO, ECHO_CONFIG(1))]);
  await waitForStatus(windlass, "echo", "RUNNING");
  const [spare] = await sparesOf(windlass, 1);
  process.kill(spare!, "SIGKILL");
  await scale(windlass, 2);
  expect(await runningPids(windlass, "echo", "Echo")).not.toContain(spare);
  expect((await runWindlass(["status"], clientEnv(windlass))).stdout).toMatch(/HEALTHY/);
  expect(await sparesOf(windlass, 1)).not.toEqual([spare]);
});

it("kill -9 of the controller: the next one uses the spare that was there", async () => {
  const windlass = await startWindlass([writeApp(ECHO, ECHO_CONFIG(1))]);
  await waitForStatus(windlass, "echo", "RUNNING");
  const [spare] = await sparesOf(windlass, 1);
  process.kill(windlass.pids.controller, "SIGKILL");
  await eventually(async () => (await sparesOf(windlass, 1))[0] === spare);
  await scale(windlass, 2);
  expect(await runningPids(windlass, "echo", "Echo")).toContain(spare);
});

it("kill -9 of the supervisor: the spare ends, the replica that was one serves on and is taken over", async () => {
  const first = await startWindlass([writeApp(ECHO, ECHO_CONFIG(1))]);
  await waitForStatus(first, "echo", "RUNNING");
  const [used] = await sparesOf(first, 1);
  await scale(first, 2);
  const pids = await runningPids(first, "echo", "Echo");
  expect(pids).toContain(used);
  const [waiting] = await sparesOf(first, 1);
  process.kill(first.pids.supervisor, "SIGKILL");
  await eventually(() => {
    const alive = processesOf(first.stateDir);
    return !alive.includes(first.pids.controller) && !alive.includes(waiting!);
  });
  expect((await fetch(first.http)).status).toBe(200);
  const second = await startWindlass(["--spare-replicas", "0"], { stateDir: first.stateDir });
  await eventually(async () => (await runningPids(second, "echo", "Echo")).length === 2);
  expect(await runningPids(second, "echo", "Echo")).toEqual(pids);
  expect(await second.stop()).toBe(0);
  expect(processesOf(first.stateDir)).toEqual([]);
});

interface Told {
  readonly pid: number;
  readonly replica: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly argv: readonly string[];
}

/** What a replica of TELLING says that fits. */
function tell(windlass: Windlass, fits: (told: Told) => boolean): Promise<Told> {
  return eventually(async () => {
    const told = (await (await fetch(windlass.http)).json()) as Told;
    return fits(told) ? told : undefined;
  });
}

/** Scales and waits until so many run and no others. */
async function scale(windlass: Windlass, target: number): Promise<void> {
  expect((await api(windlass, SCALE, { body: { target_num_replicas: target } })).status).toBe(200);
  await eventually(async () => (await runningPids(windlass, "echo", "Echo")).length === target);
}

/** Pids of the spares, once `count` wait and no more are recorded. */
async function sparesOf(windlass: Windlass, count: number): Promise<number[]> {
  return eventually(async () => {
    const metrics = await api(windlass, "/metrics").catch(() => undefined);
    if (/^windlass_spare_replicas (\d+)$/m.exec(metrics?.text ?? "")?.[1] !== String(count)) return undefined;
    const records = JSON.parse(readFileSync(join(windlass.stateDir, "run.json"), "utf8")) as {
      role: string;
      process: { pid: number } | null;
    }[];
    const pids = records.flatMap(({ role, process }) => (role === "spare" && process ? [process.pid] : []));
    return pids.length === count ? pids : undefined;
  });
}
