import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deserialize, serialize } from "node:v8";
import { type Client, Code, type ConnectError, createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, it, onTestFinished } from "vitest";
import { ControllerRuntimeService } from "../../gen/windlass/runtime/v1/controller_runtime_service_pb.ts";
import {
  type AttachResponse,
  AttachResponse_Phase as Phase,
  ReplicaRuntimeService,
} from "../../gen/windlass/runtime/v1/replica_runtime_service_pb.ts";
import { bundleApplication } from "../../src/builder/bundle.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { tempDir } from "../support/temp-dir.ts";

const REPLICA = fileURLToPath(new URL("../../src/bin/replica.ts", import.meta.url));
const SDK = new URL("../../src/sdk/index.ts", import.meta.url).href;

interface StartOptions {
  readonly source: string;
  readonly deployment?: string;
  readonly userConfig?: object;
  readonly maxOngoing?: number;
  readonly folder?: string;
  readonly orphanTtlS?: number;
  readonly grpc?: boolean;
}

interface Running {
  readonly child: ChildProcess;
  readonly client: Client<typeof ReplicaRuntimeService>;
  readonly spec: { replicaId: string; dataSocket: string; [key: string]: unknown };
  readonly statuses: AttachResponse[];
  readonly detach: () => void;
  output(): string;
  /** Resolves with the first status that fits. */
  status(fits: (status: AttachResponse) => boolean): Promise<AttachResponse>;
  /** The exit code. */
  readonly exited: Promise<number | null>;
}

let counter = 0;

/** A real replica process with work attached to it. */
async function start(options: StartOptions): Promise<Running> {
  const { folder = tempDir(), deployment = "App", maxOngoing = 5 } = options;
  const id = `r${++counter}`;
  const baseDir = join(folder, `app-${id}`);
  mkdirSync(baseDir, { recursive: true });
  writeFileSync(join(baseDir, "app.ts"), options.source);
  const bundle = await bundleApplication({
    file: join(baseDir, "app.ts"),
    baseDir,
    bundlesDir: join(folder, "bundles"),
    sdkUrl: SDK,
  });
  const controlSocket = join(folder, `${id}.ctl`);
  const child = spawn(process.execPath, [REPLICA, "--control-socket", controlSocket], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
  const exited = once(child, "exit").then(([code]) => code as number | null);
  onTestFinished(() => void child.kill("SIGKILL"));
  await until(() => existsSync(controlSocket));
  const nodeOptions = { createConnection: () => net.connect(controlSocket) };
  const transport = options.grpc
    ? createGrpcTransport({ baseUrl: "http://replica", nodeOptions })
    : createConnectTransport({ baseUrl: "http://replica", httpVersion: "2", nodeOptions });
  const client = createClient(ReplicaRuntimeService, transport);
  const spec = {
    replicaId: id,
    application: "app",
    deployment,
    bundlePath: bundle.path,
    exportName: "app",
    dataSocket: join(folder, `${id}.data`),
    controllerSocket: join(folder, "controller"),
    settings: {
      version: "1",
      maxOngoingRequests: maxOngoing,
      ...(options.userConfig === undefined ? {} : { userConfig: value(options.userConfig) }),
    },
    baseDir,
    orphanTtlS: options.orphanTtlS ?? 300,
  };
  const statuses: AttachResponse[] = [];
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  void (async () => {
    for await (const status of client.attach({ spec }, { signal: abort.signal })) statuses.push(status);
  })().catch(() => {});
  const find = (fits: (status: AttachResponse) => boolean) =>
    until(
      () => statuses.find(fits),
      () => output,
    );
  return { child, client, spec, statuses, detach: () => abort.abort(), output: () => output, status: find, exited };
}

async function startReady(options: StartOptions): Promise<Running> {
  const running = await start(options);
  const status = await running.status(({ phase }) => phase === Phase.READY || phase === Phase.FAILED);
  if (status.phase === Phase.FAILED) throw new Error(status.error);
  return running;
}

function value(json: object) {
  return { kind: { case: "structValue" as const, value: toStruct(json) } };
}

function toStruct(json: object) {
  const fields = Object.entries(json).map(([key, number]) => [
    key,
    { kind: { case: "numberValue" as const, value: number as number } },
  ]);
  return { fields: Object.fromEntries(fields) };
}

async function until<T>(
  probe: () => Promise<T | false> | T | undefined | false,
  detail: () => string = () => "",
): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`gave up waiting: ${detail()}`);
    await systemClock.sleep(5);
  }
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Send {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

/** Begins a request; `answer` resolves once it is whole. */
function open(socketPath: string, { method = "GET", path = "/", headers = {}, body }: Send = {}) {
  const request = http.request({
    socketPath,
    method,
    path,
    headers: { "x-windlass-kind": "http", ...headers },
    agent: false,
  });
  const answer = (async (): Promise<Answer> => {
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) };
  })();
  answer.catch(() => {});
  request.end(body);
  return { request, answer };
}

const send = (running: Running, options: Send = {}) => open(running.spec.dataSocket, options).answer;
const call = (running: Running, method: string, ...args: unknown[]) =>
  send(running, { method: "POST", path: `/${method}`, headers: { "x-windlass-kind": "call" }, body: serialize(args) });

/** Requests to /wait stay until one to /go comes. */
const GATE = `import { deployment } from "windlass";
  class App {
    go!: () => void;
    open = new Promise<void>((resolve) => { this.go = resolve; });
    entered = 0;
    async fetch(request: Request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/wait") { this.entered += 1; console.log("entered", this.entered); await this.open; }
      if (pathname === "/go") this.go();
      return new Response(pathname);
    }
    [Symbol.asyncDispose]() { console.log("disposed"); return Promise.resolve(); }
  }
  export const app = deployment(App).bind();`;

describe("serving HTTP", () => {
  it.each([false, true])("answers requests after READY (gRPC protocol: %s)", async (grpc) => {
    const running = await startReady({
      grpc,
      source: `import { deployment, getReplicaContext, getMultiplexedModelId } from "windlass";
        class App {
          async fetch(request: Request) {
            const { appName, deployment, replicaId, servableObject } = getReplicaContext();
            const body = { appName, deployment, replicaId, me: servableObject === this, model: getMultiplexedModelId(),
              method: request.method, url: request.url, kind: request.headers.get("x-windlass-kind"), text: await request.text() };
            return Response.json(body, { status: 201, headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x-windlass-rejected", "9"]] });
          }
        }
        export const app = deployment(App).bind();`,
    });
    const answer = await send(running, {
      method: "POST",
      path: "/a/b?c=d",
      headers: { host: "example.org", serve_multiplexed_model_id: "m1" },
      body: "hello",
    });
    expect(answer.status).toBe(201);
    expect(answer.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
    expect(answer.headers["x-windlass-ongoing"]).toBe("1");
    expect(answer.headers).not.toHaveProperty("x-windlass-rejected");
    expect(JSON.parse(String(answer.body))).toEqual({
      appName: "app",
      deployment: "App",
      replicaId: running.spec.replicaId,
      me: true,
      model: "m1",
      method: "POST",
      url: "http://example.org/a/b?c=d",
      kind: null,
      text: "hello",
    });
    expect(running.statuses.map(({ phase }) => phase)).toContain(Phase.INITIALIZING);
    expect(running.statuses.at(-1)).toMatchObject({ settingsVersion: "1", pid: running.child.pid });
  });

  it("turns what a function returns or throws into answers", async () => {
    const running = await startReady({
      deployment: "app",
      source: `import { BackPressureError, DeploymentUnavailableError, deployment } from "windlass";
        const values: Record<string, () => unknown> = {
          "/null": () => null, "/bytes": () => new Uint8Array([1, 2]), "/text": () => "hé", "/json": async () => ({ a: [1] }),
          "/response": () => new Response("teapot", { status: 418, statusText: "Teapot" }),
          "/throws": () => { throw new Error("secret"); },
          "/busy": () => { throw new BackPressureError("too many", { statusCode: 429, retryAfterS: 1.2 }); },
          "/gone": () => { throw new DeploymentUnavailableError("is gone"); },
        };
        export const app = deployment((request: Request) => values[new URL(request.url).pathname]!());`,
    });
    const row = async (path: string) => {
      const { status, headers, body } = await send(running, { path });
      return [status, headers["content-type"], String(body), headers["retry-after"]];
    };
    expect(await row("/null")).toEqual([200, "text/plain", "", undefined]);
    expect(await row("/bytes")).toEqual([200, "text/plain", "\u0001\u0002", undefined]);
    expect(await row("/text")).toEqual([200, "text/plain; charset=utf-8", "hé", undefined]);
    expect(await row("/json")).toEqual([200, "application/json", '{"a":[1]}', undefined]);
    expect(await row("/response")).toEqual([418, "text/plain;charset=UTF-8", "teapot", undefined]);
    expect(await row("/throws")).toEqual([500, undefined, "Internal Server Error", undefined]);
    expect(await row("/busy")).toEqual([429, "text/plain; charset=utf-8", "too many", "2"]);
    expect(await row("/gone")).toEqual([503, "text/plain; charset=utf-8", "is gone", undefined]);
    await until(() => /request failed.*secret.*app\.ts:5/s.test(running.output()));
  });

  it("streams both ways and cuts the connection when a started body breaks", async () => {
    const running = await startReady({
      source: `import { deployment } from "windlass";
        class App {
          fetch(request: Request) {
            if (request.method === "POST") return new Response(request.body);
            let n = 0;
            return new Response(new ReadableStream({ pull(c) { if (n++ < 3) c.enqueue(new TextEncoder().encode("x")); else c.error(new Error("broke")); } }));
          }
        }
        export const app = deployment(App).bind();`,
    });
    const big = Buffer.alloc(3_000_000, "b");
    const echoed = await send(running, { method: "POST", body: big });
    expect(echoed.body.equals(big)).toBe(true);
    await expect(send(running)).rejects.toThrow(/aborted/);
    expect((await send(running, { method: "POST", body: "again" })).body.toString()).toBe("again");
  });

  it("aborts the request's signal when the caller leaves, and counts the request until user code ends", async () => {
    const running = await startReady({
      source: `import { deployment } from "windlass";
        class App {
          fetch(request: Request) {
            console.log("in");
            return new Promise((resolve) => request.signal.addEventListener("abort", () => { console.log("aborted"); resolve("late"); }));
          }
          call() { return "ok"; }
        }
        export const app = deployment(App).bind();`,
      maxOngoing: 1,
    });
    const { request } = open(running.spec.dataSocket);
    await until(() => running.output().includes("in\n"));
    expect((await call(running, "call")).status).toBe(503);
    request.destroy();
    await until(() => running.output().includes("aborted"));
    await until(async () => (await call(running, "call")).status === 200);
  });
});

describe("admission", () => {
  it("refuses at the limit before user code runs, and follows a new limit at once", async () => {
    const running = await startReady({ source: GATE, maxOngoing: 1 });
    const first = open(running.spec.dataSocket, { path: "/wait" });
    await until(() => running.output().includes("entered 1"));
    const refused = await send(running, { method: "POST", path: "/wait", body: "x" });
    expect([refused.status, refused.headers["x-windlass-rejected"]]).toEqual([503, "1"]);
    await running.client.reconfigure({ settings: { version: "2", maxOngoingRequests: 2 } });
    const accepted = await send(running, { path: "/go" });
    expect([accepted.status, accepted.headers["x-windlass-ongoing"]]).toEqual([200, "2"]);
    expect(String((await first.answer).body)).toBe("/wait");
    expect(running.output()).not.toContain("entered 2");
    await running.status((status) => status.settingsVersion === "2");
  });

  it("holds a reserved slot for its request", async () => {
    const running = await startReady({ source: GATE, maxOngoing: 1 });
    const reserved = await send(running, { method: "POST", headers: { "x-windlass-kind": "reserve" } });
    const id = reserved.headers["x-windlass-reservation"] as string;
    expect([reserved.status, typeof id]).toEqual([204, "string"]);
    expect((await send(running)).status).toBe(503);
    expect((await send(running, { headers: { "x-windlass-reservation": id } })).status).toBe(200);
    expect((await send(running)).status).toBe(200);
    expect((await send(running, { headers: { "x-windlass-reservation": id } })).status).toBe(200);
  });
});

describe("calls of handles", () => {
  const BACK = `class Back {
      constructor(private factor: number) {}
      double(x: number) { return x * this.factor; }
      async fail() { throw new RangeError("no good"); }
      *count(to: number) { for (let i = 0; i < to; i++) yield i; }
      async *breaks() { yield 1; throw new TypeError("broke"); }
      clash() { return () => 1; }
      call(map: Map<string, number>) { return map; }
    }`;

  it("dispatches to methods, returns values and errors, and names what there is", async () => {
    const source = `import { deployment } from "windlass"; ${BACK}\nexport const app = deployment(Back).bind(2);`;
    const running = await startReady({ deployment: "Back", source });
    const result = async (method: string, ...args: unknown[]) => {
      const { status, headers, body } = await call(running, method, ...args);
      return [
        status,
        headers["x-windlass-result"],
        headers["x-windlass-result"] === "stream" ? body : deserialize(body),
      ];
    };
    expect(await result("double", 4)).toEqual([200, "value", 8]);
    expect(await result("call", new Map([["a", 1]]))).toEqual([200, "value", new Map([["a", 1]])]);
    expect(await result("fail")).toEqual([500, "error", { name: "RangeError", message: "no good" }]);
    expect(await result("nope")).toEqual([
      500,
      "error",
      { name: "TypeError", message: 'there is no method "nope"; available: breaks, call, clash, count, double, fail' },
    ]);
    expect((await result("clash"))[2]).toMatchObject({
      name: "TypeError",
      message: /the result of clash cannot be sent/ as never,
    });
  });

  it("reaches another replica through the routing table", async () => {
    const folder = tempDir();
    const source = `import { deployment, type DeploymentHandle, RequestTimeoutError } from "windlass"; ${BACK}
      class App {
        constructor(private handles: { back: DeploymentHandle<Back> }) {}
        async fetch() {
          const { back } = this.handles;
          const failed = await back.fail.remote().catch((error: unknown) => error);
          const items: number[] = [];
          for await (const item of back.options({ stream: true }).count.remote(3)) items.push(item);
          const broken: unknown[] = [];
          try { for await (const item of back.options({ stream: true }).breaks.remote()) broken.push(item); } catch (error) { broken.push(String(error)); }
          return {
            chained: await back.double.remote(back.double.remote(5)),
            map: (await back.remote(new Map([["k", 7]]))).get("k"),
            failed: [failed instanceof RangeError, String(failed)],
            items, broken,
            mismatch: await back.count.remote(1).then(String, String),
            argument: await back.double.remote((() => 1) as never).then(String, String),
          };
        }
      }
      export const app = deployment(App).bind({ back: deployment(Back).bind(2) });`;
    const back = await startReady({ folder, source, deployment: "Back" });
    const acknowledged = await fakeController(join(folder, "controller"), back.spec);
    const front = await startReady({ folder, source });
    const answer = await send(front, { headers: { "x-request-id": "q1" } });
    expect(JSON.parse(String(answer.body))).toEqual({
      chained: 20,
      map: 7,
      failed: [true, "RangeError: no good"],
      items: [0, 1, 2],
      broken: [1, "TypeError: broke"],
      mismatch: "TypeError: Back.count returns a stream: call it through handle.options({ stream: true })",
      argument: "TypeError: an argument of Back.double cannot be sent to another replica: () => 1 could not be cloned.",
    });
    expect(acknowledged).toEqual([`replica/${front.spec.replicaId}`]);
    expect(back.output()).toContain("request_id=q1");
  });
});

/** Serves a routing table with one replica; returns who acknowledged it. */
async function fakeController(socketPath: string, back: { replicaId: string; dataSocket: string }): Promise<string[]> {
  const acknowledged: string[] = [];
  const server = http2.createServer(
    connectNodeAdapter({
      routes(router) {
        router.service(ControllerRuntimeService, {
          async *watchRoutes(request, { signal }) {
            const replicas = [{ id: back.replicaId, address: back.dataSocket }];
            const targets = {
              application: request.application,
              deployment: "Back",
              replicas,
              maxOngoingRequests: 5,
              maxQueuedRequests: -1,
            };
            yield { revision: 1n, table: { deployments: [targets] } };
            if (!signal.aborted) await once(signal, "abort");
          },
          acknowledgeRoutes({ routerId }) {
            acknowledged.push(routerId);
            return {};
          },
        });
      },
    }),
  );
  server.listen(socketPath);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return acknowledged;
}

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

  it("drains: finishes what was begun, disposes, exits", async () => {
    const running = await startReady({ source: GATE });
    const waiting = open(running.spec.dataSocket, { path: "/wait" });
    await until(() => running.output().includes("entered 1"));
    await running.client.stop({ timeoutS: 20 });
    await running.status(({ phase }) => phase === Phase.DRAINING);
    // Late, but before the first request has ended.
    expect(String((await send(running, { path: "/go" })).body)).toBe("/go");
    expect(String((await waiting.answer).body)).toBe("/wait");
    expect(await running.exited).toBe(0);
    expect(running.output()).toContain("disposed");
    expect(existsSync(running.spec.dataSocket)).toBe(false);
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
