import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readQueueKwargs } from "../../src/config/queue-kwargs.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { readQueue } from "../../src/policy-host/queue-brokers.ts";
import { freePort } from "../support/proxy-process.ts";
import { installRedis, startRedis } from "../support/redis.ts";
import { reach } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";
import {
  api,
  application,
  clientEnv,
  eventually,
  ROOT,
  runWindlass,
  startWindlass,
  type Windlass,
  waitForStatus,
} from "../support/windlass.ts";

const PASSWORD = "s3cret-of-the-broker";

/** A copy of the example whose broker listens elsewhere and wants a password. */
function example(port: number): string {
  const folder = join(tempDir(), "autoscaling");
  cpSync(join(ROOT, "examples", "autoscaling"), folder, { recursive: true });
  const file = join(folder, "redis-queue.yaml");
  writeFileSync(
    file,
    readFileSync(file, "utf8").replace("redis://127.0.0.1:6379", `redis://:${PASSWORD}@127.0.0.1:${port}`),
  );
  return file;
}

const messageOf = async (windlass: Windlass): Promise<string> => (await application(windlass, "mail"))?.message ?? "";

beforeAll(installRedis, 120_000);

it("autoscaling/redis-queue.yaml follows the length of a real queue to zero and back, and keeps it while Redis is away", async () => {
  const port = await freePort();
  const windlass = await startWindlass([example(port)]);
  const away = `deployment "Worker": windlass:queue: queue "mail" at redis://127.0.0.1:${port} cannot be read: ECONNREFUSED; the last known length, `;
  await eventually(async () => (await messageOf(windlass)) === `${away}0, counts`);
  const redis = await startRedis(port, PASSWORD);
  await waitForStatus(windlass, "mail", "RUNNING");
  await redis.command("rpush", "mail", ...Array.from({ length: 35 }, String));
  await reach(windlass, "mail", { Worker: 4 });
  expect(await messageOf(windlass)).toBe("");
  await redis.command("ltrim", "mail", "0", "11");
  await reach(windlass, "mail", { Worker: 2 });
  await redis.stop();
  await eventually(async () => (await messageOf(windlass)) === `${away}12, counts`);
  await reach(windlass, "mail", { Worker: 2 });
  // It comes back empty.
  await startRedis(port, PASSWORD);
  await reach(windlass, "mail", { Worker: 0 });
  expect(await messageOf(windlass)).toBe("");

  const told = [
    ...["/api/serve/applications/", "/api/v1/applications/mail", "/api/v1/applications/mail/revisions"].map(
      async (path) => (await api(windlass, path)).text,
    ),
    ...[["config"], ["explain", "mail", "Worker"], ["history", "mail"]].map(async (args) => {
      const { stdout, stderr } = await runWindlass(args, clientEnv(windlass));
      return stdout + stderr;
    }),
  ];
  const logs = join(windlass.stateDir, "logs");
  const text = [
    ...(await Promise.all(told)),
    ...readdirSync(logs).map((name) => readFileSync(join(logs, name), "utf8")),
    windlass.output().stdout,
    windlass.output().stderr,
  ].join("\n");
  expect(text).toContain(`redis://<redacted>@127.0.0.1:${port}/0`);
  expect(text).not.toContain(PASSWORD);
});

describe("a real Redis", () => {
  it.each([
    ["a queue and Celery's priorities", ["rpush", "mail", "a", "b"], ["rpush", "mail\x06\x163", "c"], { length: 3 }],
    ["a queue that is not there", ["rpush", "other", "a"], ["ping"], { length: 0 }],
    ["a key that is no list", ["set", "mail", "a"], ["ping"], { problem: expect.stringMatching(/"WRONGTYPE .*"$/) }],
  ])("answers for %s", async (_, first, second, expected) => {
    const port = await freePort();
    const redis = await startRedis(port, "p@ss/word");
    for (const words of [first, second]) await redis.command("-n", "3", ...words);
    const read = readQueueKwargs({
      broker_url: `redis://default:p%40ss%2Fword@127.0.0.1:${port}/3`,
      queue_name: "mail",
    });
    if (!read.ok) throw new Error(read.issues[0]!.message);
    expect(await readQueue(read.kwargs, systemClock)).toEqual(expected);
  });

  it.each([
    ["a wrong password", "redis://:nope@", /"WRONGPASS .*"$/],
    ["no password", "redis://", /"NOAUTH .*"$/],
    ["a database that is not there", "redis://:right@", /"ERR DB index is out of range"$/],
  ])("refuses %s in one line", async (name, login, problem) => {
    const port = await freePort();
    await startRedis(port, "right");
    const broker_url = `${login}127.0.0.1:${port}/${name.includes("database") ? 99 : 0}`;
    const read = readQueueKwargs({ broker_url, queue_name: "mail" });
    if (!read.ok) throw new Error(read.issues[0]!.message);
    expect(await readQueue(read.kwargs, systemClock)).toEqual({ problem: expect.stringMatching(problem) });
  });
});
