/** Settings that reach a proxy through its flags and the routing table: timeouts, keep-alive, logging. */
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { type Agent, get, type IncomingHttpHeaders } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it, onTestFinished } from "vitest";
import { RoutingTableSchema } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { systemRandom } from "../../src/core/system-random.ts";
import { logSettings } from "../../src/observability/log-settings.ts";
import { createProcessLog } from "../../src/observability/process-log.ts";
import { RevisionTraffic } from "../../src/proxy/revision-traffic.ts";
import { HttpProxy, type HttpProxyOptions } from "../../src/proxy/server.ts";
import { createReplicaChannel } from "../../src/routing/replica-channel.ts";
import { Router } from "../../src/routing/router.ts";
import { type FakeReplica, startFakeReplica, targetsOf } from "../support/fake-replica.ts";
import { tempDir } from "../support/temp-dir.ts";

const NO_LIMITS = { maxBytes: 0, backups: 0 };

async function serve(
  handler: FakeReplica["handler"],
  table: MessageInitShape<typeof RoutingTableSchema> & { deploymentTimeoutS?: number } = {},
  options: Partial<HttpProxyOptions> = {},
) {
  let written = "";
  const log = createProcessLog({
    clock: systemClock,
    limits: NO_LIMITS,
    fileName: "proxy-0.log",
    style: { format: "text", level: "info" },
    write: (text) => (written += text),
  });
  const router = new Router({ channel: createReplicaChannel(), clock: systemClock, random: systemRandom });
  const proxy = new HttpProxy({
    router,
    clock: systemClock,
    random: systemRandom,
    traffic: new RevisionTraffic(systemClock, () => Promise.resolve()),
    log: log.logger,
    access: log,
    rootPath: "",
    requestTimeoutS: 0,
    keepAliveTimeoutS: 90,
    webhookSocket: undefined,
    ...options,
  });
  proxy.server.listen(0, "127.0.0.1");
  await once(proxy.server, "listening");
  onTestFinished(async () => {
    proxy.server.closeAllConnections();
    proxy.server.close();
    await router.close();
  });
  const replica = await startFakeReplica(tempDir(), "r", { handler });
  const { deploymentTimeoutS, ...rest } = table;
  const targets = targetsOf([replica]);
  proxy.apply(
    create(RoutingTableSchema, {
      routes: [{ prefix: "/shop", application: "app", deployment: "d" }],
      deployments: [deploymentTimeoutS === undefined ? targets : { ...targets, requestTimeoutS: deploymentTimeoutS }],
      ...rest,
    }),
  );
  const { port } = proxy.server.address() as AddressInfo;
  return { port, log, replica, written: () => written };
}

/** Status and body of a GET. */
function ask(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  agent: Agent | false = false,
): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    get({ port, host: "127.0.0.1", path, headers, agent }, (res) => {
      let body = "";
      res.on("data", (chunk) => (body += String(chunk)));
      res.on("end", () => resolve({ status: res.statusCode!, headers: res.headers, body }));
    }).on("error", reject);
  });
}

const never: FakeReplica["handler"] = () => {};

describe("the time a request may take", () => {
  it.each([
    { name: "the instance's", table: { requestTimeoutS: 0.03 }, header: undefined, answered: "0.03" },
    {
      name: "the deployment's over a longer one of the instance",
      table: { requestTimeoutS: 90, deploymentTimeoutS: 0.04 },
      header: undefined,
      answered: "0.04",
    },
    {
      name: "the deployment's over a shorter one of the instance",
      table: { requestTimeoutS: 0.01, deploymentTimeoutS: 0.05 },
      header: undefined,
      answered: "0.05",
    },
    {
      name: "the header's over both",
      table: { requestTimeoutS: 90, deploymentTimeoutS: 80 },
      header: "0.06",
      answered: "0.06",
    },
    {
      name: "the deployment's under a header that is no number",
      table: { deploymentTimeoutS: 0.07 },
      header: "soon",
      answered: "0.07",
    },
  ])("is $name", async ({ table, header, answered }) => {
    const { port } = await serve(never, table);
    const headers = { "x-request-id": "q", ...(header === undefined ? {} : { "x-request-timeout-seconds": header }) };
    const { status, body } = await ask(port, "/shop", headers);
    expect([status, body]).toEqual([408, `Request q timed out after ${answered}s.`]);
  });
});

it("closes an idle connection after keep_alive_timeout_s and not before", async () => {
  const { port } = await serve((_req, res) => void res.end("ok"), {}, { keepAliveTimeoutS: 1 });
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  const request = (): void => void socket.write("GET /shop HTTP/1.1\r\nhost: x\r\n\r\n");
  let received = "";
  socket.on("data", (chunk) => (received += String(chunk)));
  const startedMs = systemClock.monotonic();
  request();
  await expect.poll(() => received.split("HTTP/1.1 200").length).toBe(2);
  request();
  await expect.poll(() => received.split("HTTP/1.1 200").length).toBe(3);
  await once(socket, "close");
  // Node adds a second of grace for requests that are on their way.
  expect(systemClock.monotonic() - startedMs).toBeGreaterThan(900);
});

describe("the access log of a proxy", () => {
  const logging = { encoding: "TEXT", logLevel: "INFO", logsDir: "", enableAccessLog: true };

  it("begins with a logging_config and tells of every request that is no probe", async () => {
    const { port, log, replica, written } = await serve((_req, res) => void res.end("ok"));
    await ask(port, "/shop", { "x-request-id": "before" });
    log.apply(logSettings({ ...logging, additionalLogStandardAttrs: [] }));
    await ask(port, "/shop/a?secret=1", { "x-request-id": "found" });
    await ask(port, "/nowhere", { "x-request-id": "lost" });
    await ask(port, "/-/healthz", { "x-request-id": "probe" });
    replica.handler = never;
    const leaving = get({ port, host: "127.0.0.1", path: "/shop", headers: { "x-request-id": "gone" } });
    leaving.on("error", () => {});
    await expect.poll(() => replica.accepted.length).toBe(3);
    leaving.destroy();
    await expect.poll(() => written()).toContain("request_id=gone");
    const lines = written()
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/^\S+ info /, "").replace(/ \d+\.\dms /, " "));
    expect(lines).toEqual([
      "GET /shop 200 request_id=found",
      "GET  404 request_id=lost",
      "GET /shop 499 request_id=gone",
    ]);
  });

  it("has its parts as fields where it is JSON", async () => {
    const { port, log, written } = await serve((_req, res) => void res.end("ok"));
    log.apply(logSettings({ ...logging, encoding: "JSON", additionalLogStandardAttrs: [] }));
    await ask(port, "/shop/a", { "x-request-id": "found" });
    await expect.poll(() => written()).toContain("found");
    expect(JSON.parse(written().trimEnd().split("\n").at(-1)!)).toMatchObject({
      message: expect.stringMatching(/^GET \/shop 200 \d+\.\dms$/),
      request_id: "found",
      application: "app",
      method: "GET",
      route: "/shop",
      status: "200",
      latency_ms: expect.any(Number),
    });
  });

  it("goes to logs_dir as well, and a folder that cannot be made is told of and changes nothing else", () => {
    const folder = tempDir();
    let written = "";
    const style = { format: "text", level: "info" } as const;
    const log = createProcessLog({
      clock: systemClock,
      limits: NO_LIMITS,
      fileName: "proxy-0.log",
      style,
      write: (text) => (written += text),
    });
    const to = (logsDir: string, encoding = "TEXT") =>
      log.apply(logSettings({ ...logging, logsDir, encoding, additionalLogStandardAttrs: [] }));
    to(join(folder, "logs"));
    log.logger.info("first");
    writeFileSync(join(folder, "file"), "");
    to(join(folder, "file", "x"), "JSON");
    log.logger.info("second");
    const lines = readFileSync(join(folder, "logs", "proxy-0.log"), "utf8")
      .trimEnd()
      .split("\n");
    expect(lines[0]).toMatch(/ info first$/);
    expect(JSON.parse(lines[1]!)).toMatchObject({
      level: "warn",
      error: expect.stringContaining("cannot be written to"),
    });
    expect(JSON.parse(lines[2]!)).toMatchObject({ level: "info", message: "second" });
    expect(written.trimEnd().split("\n")).toEqual(lines);
  });
});
