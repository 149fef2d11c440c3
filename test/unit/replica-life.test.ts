import { existsSync } from "node:fs";
import { Code, type ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { AttachResponse_Phase as Phase } from "../../gen/windlass/runtime/v1/replica_runtime_service_pb.ts";
import { GATE, open, type StartOptions, send, start, startReady, until, value } from "../support/replica-process.ts";

describe("life", () => {
  const HOOKS = `import { deployment } from "windlass";
    class App {
      seen: unknown[] = [];
      reconfigure(config: { n: number }) {
        if (config.n < 0) throw new Error("negative");
        this.seen.push(config.n);
      }
      checkHealth() { if (this.seen.at(-1) === 13) throw new Error("ill"); }
      fetch() { return this.seen; }
    }
    export const app = deployment(App).bind();`;

  it("runs reconfigure at the start and when user_config changed, and the health check", async () => {
    const running = await startReady({ source: HOOKS, userConfig: { n: 1 } });
    const apply = (version: string, n?: number) =>
      running.client.reconfigure({
        settings: { version, maxOngoingRequests: 5, ...(n === undefined ? {} : { userConfig: value({ n }) }) },
      });
    const seen = async () => JSON.parse(String((await send(running)).body));
    expect(await seen()).toEqual([1]);
    await apply("2", 1);
    expect(await seen()).toEqual([1]);
    await apply("3", 13);
    expect(await seen()).toEqual([1, 13]);
    const ill = await running.client.checkHealth({}).catch((error: unknown) => error);
    expect([(ill as ConnectError).code, (ill as ConnectError).rawMessage]).toEqual([
      Code.Aborted,
      "Error: ill (app.ts:8:58)",
    ]);
    const refused = await apply("4", -1).catch((error: unknown) => error);
    expect([(refused as ConnectError).code, (refused as ConnectError).rawMessage]).toEqual([
      Code.Aborted,
      "Error: negative (app.ts:5:33)",
    ]);
    await apply("5");
    await running.status((status) => status.settingsVersion === "5");
    expect(running.statuses.some((status) => status.settingsVersion === "4")).toBe(false);
    expect(await seen()).toEqual([1, 13]);
  });

  it.each<[string, Omit<StartOptions, "folder">, RegExp]>([
    [
      "a constructor that throws",
      {
        source:
          'import { deployment } from "windlass";\nclass App {\n  constructor() {\n    throw new Error("no\\nmodel");\n  }\n}\nexport const app = deployment(App).bind();',
      },
      /^Error: no model \(app\.ts:4:11\)$/,
    ],
    [
      "user_config without reconfigure",
      { source: GATE, userConfig: { n: 1 } },
      /^user_config is set, but App has no method reconfigure/,
    ],
    ["a failing first reconfigure", { source: HOOKS, userConfig: { n: -3 } }, /^Error: negative \(app\.ts:5:33\)$/],
    ["a failing first health check", { source: HOOKS, userConfig: { n: 13 } }, /^Error: ill \(app\.ts:8:58\)$/],
    ["a deployment that is gone", { source: GATE, deployment: "Gone" }, /no deployment "Gone" any more, only App/],
    [
      "an exception outside any promise",
      {
        source:
          'setImmediate(() => { throw new Error("loose"); });\nawait new Promise((resolve) => setTimeout(resolve, 5000));\nexport const app = 1;',
      },
      /^Error: loose \(app\.ts:1:28\)$/,
    ],
  ])("reports %s in one line and exits", async (_name, options, message) => {
    const running = await start(options);
    const status = await running.status(({ phase }) => phase === Phase.FAILED);
    expect(status.error).toMatch(message);
    expect(await running.exited).toBe(1);
  });

  it("drains: finishes what was begun or has a slot, tells routers to send no more, disposes, exits", async () => {
    const running = await startReady({ source: GATE });
    const waiting = open(running.spec.dataSocket, { path: "/wait" });
    await until(() => running.output().includes("entered 1"));
    const reserved = await send(running, { method: "POST", headers: { "x-windlass-kind": "reserve" } });
    await running.client.stop({ timeoutS: 20 });
    await running.status(({ phase }) => phase === Phase.DRAINING);
    // What comes late goes elsewhere, whatever it does: no code has seen it.
    await until(async () => {
      const late = await send(running, { method: "POST" }).catch((error: Error) => error.message);
      return typeof late === "string" && late.includes('"unreachable","gone":true');
    });
    const headers = { "x-windlass-reservation": reserved.headers["x-windlass-reservation"] as string };
    expect(String((await send(running, { path: "/go", headers })).body)).toBe("/go");
    expect(String((await waiting.answer).body)).toBe("/wait");
    expect(await running.exited).toBe(0);
    expect(running.output()).toContain("disposed");
    expect(existsSync(running.spec.dataSocket)).toBe(false);
  });

  it("drains: its last answer reaches a caller that is busy whole", async () => {
    const running = await startReady({
      source: `import { deployment } from "windlass";
        export const app = deployment(async (request: Request) => {
          console.log("entered");
          if (new URL(request.url).pathname === "/last") await new Promise((resolve) => setTimeout(resolve, 200));
          return new Response(new Uint8Array(250_000));
        });`,
      deployment: "app",
    });
    const last = open(running.spec.dataSocket, { path: "/last" });
    last.request.once("response", () => {
      // The rest comes, and the replica would be gone, before this process reads or says anything more.
      const untilMs = performance.now() + 400;
      while (performance.now() < untilMs);
    });
    await until(() => running.output().includes("entered"));
    await running.client.stop({ timeoutS: 20 });
    expect((await last.answer).body.length).toBe(250_000);
    expect(await running.exited).toBe(0);
  });

  it("stops on SIGTERM and ignores SIGINT", async () => {
    const running = await startReady({ source: GATE });
    running.child.kill("SIGINT");
    expect((await send(running)).status).toBe(200);
    running.child.kill("SIGTERM");
    expect(await running.exited).toBe(0);
    expect(running.output()).toContain("disposed");
  });

  it("is found again by another controller, under its own id only", async () => {
    const running = await startReady({ source: GATE });
    running.detach();
    const wrong = running.client.attach({ spec: { ...running.spec, replicaId: "other" } });
    const error = await wrong[Symbol.asyncIterator]()
      .next()
      .catch((reason: unknown) => reason);
    expect((error as ConnectError).code).toBe(Code.FailedPrecondition);
    for await (const status of running.client.attach({ spec: running.spec })) {
      expect([status.phase, status.pid]).toEqual([Phase.READY, running.child.pid]);
      break;
    }
  });

  it("ends by itself when no controller comes back", async () => {
    const running = await startReady({ source: GATE, orphanTtlS: 0.1 });
    running.detach();
    expect(await running.exited).toBe(0);
    expect(running.output()).toContain("disposed");
  });

  it("logs unhandled rejections and goes on, and exits on uncaught exceptions", async () => {
    const running = await startReady({
      source: `import { deployment } from "windlass";
        class App { fetch(request: Request) {
          if (request.url.endsWith("/reject")) void Promise.reject(new Error("forgotten"));
          if (request.url.endsWith("/throw")) setImmediate(() => { throw new Error("fatal"); });
          return "ok";
        } }
        export const app = deployment(App).bind();`,
    });
    await send(running, { path: "/reject" });
    await until(() => running.output().includes("forgotten"));
    expect((await send(running)).status).toBe(200);
    await send(running, { path: "/throw" }).catch(() => {});
    expect(await running.exited).toBe(1);
    expect(running.output()).toContain("fatal");
  });
});
