/** logging_config, rotation, timeouts and reflection on a real instance. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { writeApp } from "../support/apps.ts";
import { reflectionClient } from "../support/reflection-client.ts";
import {
  api,
  clientEnv,
  eventually,
  runningPids,
  runWindlass,
  startWindlass,
  waitForStatus,
} from "../support/windlass.ts";

const APP = `
import { deployment } from "windlass";
class Talk {
  line = 0;
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname.endsWith("/slow")) await new Promise((resolve) => setTimeout(resolve, 5_000));
    for (let i = 0; i < Number(searchParams.get("lines") ?? 0); i++) console.log("line", ++this.line);
    return new Response("ok");
  }
}
export const app = deployment(Talk).bind();
`;

const config = (document: string, deployment = ""): string => `${document}
applications:
  - name: talk
    route_prefix: /talk
    import_path: ./app.ts:app
    deployments:
      - name: Talk
        graceful_shutdown_timeout_s: 2
${deployment}`;

const jsonLines = (path: string): Record<string, unknown>[] =>
  readFileSync(path, "utf8")
    .split("\n")
    // The last one may be half written.
    .slice(0, -1)
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

it("logging_config acts on controller, proxies and replicas, live, and its folder has the lines too", async () => {
  const path = writeApp(APP, config(""));
  const windlass = await startWindlass([path]);
  await waitForStatus(windlass, "talk", "RUNNING");
  const [pid] = await runningPids(windlass, "talk", "Talk");
  const logsDir = join(windlass.stateDir, "elsewhere");
  writeFileSync(
    path,
    config(`logging_config: {encoding: JSON, logs_dir: ${logsDir}, additional_log_standard_attrs: [process]}`),
  );
  const deployed = await runWindlass(["deploy", path, "--wait"], clientEnv(windlass));
  expect([deployed.code, deployed.stderr]).toEqual([0, expect.not.stringContaining("no effect")]);
  expect(await runningPids(windlass, "talk", "Talk")).toEqual([pid]);

  await fetch(`${windlass.http}/talk?lines=2`, { headers: { "x-request-id": "r-1" } });
  const replicaLog = await eventually(() => readdirSync(logsDir).find((name) => name.startsWith("talk_Talk_")));
  const replica = await eventually(() => {
    const records = jsonLines(join(logsDir, replicaLog)).filter(({ request_id }) => request_id === "r-1");
    return records.length === 3 ? records : undefined;
  });
  expect(replica.map(({ message }) => message)).toEqual([
    "line 1",
    "line 2",
    expect.stringMatching(/^GET \/talk 200 /),
  ]);
  for (const record of replica) expect(record).toMatchObject({ application: "talk", deployment: "Talk", process: pid });
  // A proxy hears of the settings when it hears of the next table.
  const proxied = await eventually(async () => {
    await fetch(`${windlass.http}/talk`, { headers: { "x-request-id": "r-2" } });
    return ["proxy-0.log", "proxy-1.log"]
      .filter((name) => existsSync(join(logsDir, name)))
      .flatMap((name) => jsonLines(join(logsDir, name)))
      .find(({ request_id }) => request_id === "r-2");
  });
  expect(proxied).toMatchObject({ level: "info", message: expect.stringMatching(/^GET \/talk 200 [\d.]+ms$/) });
  await eventually(() => existsSync(join(logsDir, "controller.log")));
  // What the API shows is what the replica wrote, access lines included.
  const logs = await api(windlass, "/api/v1/applications/talk/logs");
  expect(logs.text).toContain('"message":"line 2"');
});

it("a folder that cannot be written to fails the deployment in one line", async () => {
  const path = writeApp(APP, config("", "        logging_config: {logs_dir: /dev/null/logs}\n"));
  const windlass = await startWindlass([]);
  const deployed = await runWindlass(["deploy", path, "--wait"], clientEnv(windlass));
  expect(deployed.code).not.toBe(0);
  expect(deployed.stderr).toContain(
    "logs_dir /dev/null/logs cannot be written to (ENOTDIR): make it writable or choose another",
  );
});

it("a follower misses and repeats no line while the log is rotated under it", async () => {
  const path = writeApp(APP, config("", "        logging_config: {enable_access_log: false}\n"));
  const windlass = await startWindlass([path], {
    env: { WINDLASS_LOG_MAX_BYTES: "8000", WINDLASS_LOG_BACKUP_COUNT: "3" },
  });
  await waitForStatus(windlass, "talk", "RUNNING");
  await fetch(`${windlass.http}/talk?lines=1`);
  const leave = new AbortController();
  onTestFinished(() => leave.abort());
  const response = await fetch(`${windlass.control}/api/v1/applications/talk/logs?follow=true`, {
    headers: { authorization: `Bearer ${windlass.token}` },
    signal: leave.signal,
  });
  let followed = "";
  const reading = (async () => {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) followed += chunk;
  })().catch(() => {});
  const logs = join(windlass.stateDir, "logs");
  const rotated = (): boolean => readdirSync(logs).some((name) => /^talk_Talk_.*\.log\.2$/.test(name));
  let lines = 1;
  await eventually(async () => {
    await fetch(`${windlass.http}/talk?lines=200`);
    lines += 200;
    // One that is slower than the rotation would miss what is not kept.
    await eventually(() => followed.includes(`line ${lines}\n`));
    return rotated();
  });
  leave.abort();
  await reading;
  const numbers = [...followed.matchAll(/ line (\d+)\n/g)].map(([, number]) => Number(number));
  expect(numbers).toEqual(Array.from({ length: lines }, (_, i) => i + 1));
  const kept = readdirSync(logs).filter((name) => /^talk_Talk_.*\.log(\.[1-9]\d*)?$/.test(name));
  expect(kept.length).toBeLessThanOrEqual(4);
});

it("a deployment's request_timeout_s wins over the instance's, and reflection follows enable_reflection", async () => {
  const document = "http_options: {request_timeout_s: 60}\ngrpc_options: {enable_reflection: false}";
  const path = writeApp(APP, config(document, "        request_timeout_s: 0.2\n"));
  const windlass = await startWindlass([path]);
  await waitForStatus(windlass, "talk", "RUNNING");
  const slow = await fetch(`${windlass.http}/talk/slow`, { headers: { "x-request-id": "q" } });
  expect([slow.status, await slow.text()]).toEqual([408, "Request q timed out after 0.2s."]);
  const client = reflectionClient(windlass.grpc, undefined);
  onTestFinished(() => client.close());
  await expect(client.ask({ listServices: "" })).rejects.toThrow(/UNIMPLEMENTED/);
});
