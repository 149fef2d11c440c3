/** `logging_config` as it acts on a real replica process. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { LoggingSettingsSchema } from "../../gen/windlass/runtime/v1/logging_pb.ts";
import { AttachResponse_Phase as Phase } from "../../gen/windlass/runtime/v1/replica_runtime_service_pb.ts";
import { call, open, type Running, send, start, startReady, until } from "../support/replica-process.ts";
import { tempDir } from "../support/temp-dir.ts";

const APP = `import { deployment } from "windlass";
  class App {
    async fetch(request: Request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/talk") {
        console.debug("d"); console.log("l %d", 1); console.info("i"); console.warn("w"); console.error("e"); console.dir({ deep: 1 });
      }
      if (pathname === "/throw") throw new Error("broke");
      if (pathname === "/hang") { console.log("hangs"); await new Promise((resolve) => request.signal.addEventListener("abort", resolve)); }
      return new Response(pathname);
    }
    add(a: number, b: number) { if (b < 0) throw new Error("negative"); return a + b; }
    *count() { yield 1; throw new Error("late"); }
  }
  export const app = deployment(App).bind();`;

const settings = (given: object = {}) =>
  create(LoggingSettingsSchema, { encoding: "TEXT", logLevel: "INFO", enableAccessLog: true, ...given });

const reconfigure = (running: Running, version: string, given: object) =>
  running.client.reconfigure({ settings: { version, maxOngoingRequests: 5, logging: settings(given) } });

/** What the replica has written, by line. */
const lines = (running: Running): string[] => running.output().split("\n").slice(0, -1);

describe("the access log", () => {
  it("has a line for each request, in the reference's words, with the request's id", async () => {
    const running = await startReady({ source: APP, routePrefix: "/shop" });
    await send(running, { path: "/x", headers: { "x-request-id": "r-1" } });
    await send(running, { path: "/throw", method: "POST", headers: { "x-request-id": "r-2" } });
    const hanging = open(running.spec.dataSocket, { path: "/hang", headers: { "x-request-id": "r-3" } });
    await until(() => running.output().includes("hangs"));
    hanging.request.destroy();
    await call(running, "add", 1, 2);
    await call(running, "add", 1, -2);
    await call(running, "count");
    const access = (): string[] => lines(running).filter((line) => / info (GET|POST|CALL) /.test(line));
    await until(() => access().length === 6);
    const said = access().map((line) => line.replace(/^\S+ info /, "").replace(/ [\d.]+ms request_id=/, " | "));
    expect(said.slice(0, 3).sort()).toEqual(
      ["GET /shop 200 | r-1", "GET /shop CANCELLED | r-3", "POST /shop 500 | r-2"].sort(),
    );
    expect(said.slice(3).map((line) => line.split(" | ")[0])).toEqual([
      "CALL add OK",
      "CALL add ERROR",
      "CALL count ERROR",
    ]);
    for (const line of access()) expect(line).toMatch(/ \d+\.\dms request_id=/);
  });

  it("is switched off and on without a restart, and is off above INFO", async () => {
    const running = await startReady({ source: APP });
    const seen = async (path: string): Promise<number> => {
      await send(running, { path, headers: { "x-request-id": path } });
      // What is written later comes after what was written before.
      await send(running, { path: "/talk", headers: { "x-request-id": `${path}-talk` } });
      const before = lines(running).length;
      await reconfigure(running, `after ${path}`, {});
      await send(running, { path: "/last", headers: { "x-request-id": `${path}-last` } });
      await until(() => running.output().includes(`request_id=${path}-last`));
      expect(lines(running).length).toBeGreaterThan(before);
      return lines(running).filter((line) => line.endsWith(`request_id=${path}`)).length;
    };
    await reconfigure(running, "2", { enableAccessLog: false });
    expect(await seen("/a")).toBe(0);
    expect(await seen("/b")).toBe(1);
    await reconfigure(running, "3", { logLevel: "WARNING" });
    expect(await seen("/c")).toBe(0);
  });
});

describe("the console of user code", () => {
  it.each([
    { level: "DEBUG", expected: ["d", "l 1", "i", "w", "e", "{ deep: 1 }"] },
    { level: "INFO", expected: ["l 1", "i", "w", "e", "{ deep: 1 }"] },
    { level: "WARNING", expected: ["w", "e"] },
    { level: "ERROR", expected: ["e"] },
    { level: "CRITICAL", expected: [] },
  ])("writes what is at least $level, as it is", async ({ level, expected }) => {
    const running = await startReady({ source: APP, logging: settings({ logLevel: level, enableAccessLog: false }) });
    await send(running, { path: "/talk" });
    await reconfigure(running, "2", { enableAccessLog: false });
    await send(running, { path: "/hang-not" });
    await send(running, { path: "/talk" });
    // The second round, at INFO, ends with the object.
    await until(
      () => lines(running).filter((line) => line === "{ deep: 1 }").length >= (expected.includes("i") ? 2 : 1),
    );
    const first = lines(running).slice(0, -5);
    expect(first.toSorted()).toEqual(expected.toSorted());
  });

  it("is records with the request's id where the encoding is JSON", async () => {
    const logging = settings({
      encoding: "JSON",
      logLevel: "DEBUG",
      additionalLogStandardAttrs: ["process", "levelno"],
    });
    const running = await startReady({ source: APP, logging, routePrefix: "/" });
    await send(running, { path: "/talk", headers: { "x-request-id": "r-1" } });
    await until(() => running.output().includes("latency_ms"));
    const records = lines(running).map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records.map(({ level, message, levelno }) => [level, message, levelno])).toEqual([
      ["debug", "d", 10],
      ["info", "l 1", 20],
      ["info", "i", 20],
      ["warn", "w", 30],
      ["error", "e", 40],
      ["info", "{ deep: 1 }", 20],
      ["info", expect.stringMatching(/^GET \/ 200 \d+\.\dms$/), 20],
    ]);
    for (const record of records) {
      const { application, deployment, replica, request_id, process, route } = record;
      expect({ application, deployment, replica, request_id, process, route }).toEqual({
        route: "/",
        application: "app",
        deployment: "App",
        replica: running.spec.replicaId,
        request_id: "r-1",
        process: running.child.pid,
      });
    }
    expect(records.at(-1)).toMatchObject({ method: "GET", route: "/", status: "200", latency_ms: expect.any(Number) });
  });
});

describe("logs_dir", () => {
  it("has the lines as well, from a reconfiguration on", async () => {
    const folder = tempDir();
    const running = await startReady({ source: APP });
    await reconfigure(running, "2", { logsDir: join(folder, "new") });
    await send(running, { path: "/talk", headers: { "x-request-id": "r-1" } });
    const path = join(folder, "new", `app_App_${running.spec.replicaId}.log`);
    await until(() => existsSync(path) && readFileSync(path, "utf8").includes("request_id=r-1"));
    expect(readFileSync(path, "utf8")).toContain("l 1\ni\nw\ne\n{ deep: 1 }\n");
    expect(running.output()).toContain("l 1");
  });

  it("that cannot be made fails a start and a reconfiguration in one line", async () => {
    const file = join(tempDir(), "file");
    writeFileSync(file, "");
    const logging = settings({ logsDir: join(file, "logs") });
    const said = `logs_dir ${file}/logs cannot be written to (ENOTDIR): make it writable or choose another`;
    const failing = await start({ source: APP, logging });
    const status = await failing.status(({ phase }) => phase === Phase.FAILED);
    expect(status.error).toBe(said);
    const running = await startReady({ source: APP });
    await expect(reconfigure(running, "2", { logsDir: join(file, "logs") })).rejects.toThrow(said);
    expect((await send(running, { path: "/still" })).status).toBe(200);
  });
});
