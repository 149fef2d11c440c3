import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { serialize } from "node:v8";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { onTestFinished } from "vitest";
import { ControllerRuntimeService } from "../../gen/windlass/runtime/v1/controller_runtime_service_pb.ts";
import type { LoadSamplingSchema } from "../../gen/windlass/runtime/v1/load_pb.ts";
import type { LoggingSettings } from "../../gen/windlass/runtime/v1/logging_pb.ts";
import {
  type AttachResponse,
  AttachResponse_Phase as Phase,
  ReplicaRuntimeService,
} from "../../gen/windlass/runtime/v1/replica_runtime_service_pb.ts";
import type { DeploymentTargetsSchema } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import { bundleApplication } from "../../src/builder/bundle.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { tempDir } from "./temp-dir.ts";

const REPLICA = fileURLToPath(new URL("../../src/bin/replica.ts", import.meta.url));
const SDK = new URL("../../src/sdk/index.ts", import.meta.url).href;

export interface StartOptions {
  /** Source of app.ts … */
  readonly source?: string;
  /** … or the path of an application that exists. */
  readonly file?: string;
  readonly deployment?: string;
  readonly userConfig?: object;
  readonly maxOngoing?: number;
  readonly folder?: string;
  readonly orphanTtlS?: number;
  readonly grpc?: boolean;
  readonly routePrefix?: string;
  readonly logging?: LoggingSettings;
  readonly env?: Readonly<Record<string, string>>;
  readonly revision?: number;
  readonly loadSampling?: MessageInitShape<typeof LoadSamplingSchema>;
}

export interface Running {
  readonly child: ChildProcess;
  readonly client: Client<typeof ReplicaRuntimeService>;
  readonly spec: { replicaId: string; deployment: string; dataSocket: string; [key: string]: unknown };
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
export async function start(options: StartOptions): Promise<Running> {
  const { folder = tempDir(), deployment = "App", maxOngoing = 5 } = options;
  const id = `r${++counter}`;
  const baseDir = options.file === undefined ? join(folder, `app-${id}`) : dirname(options.file);
  const file = options.file ?? join(baseDir, "app.ts");
  if (options.source !== undefined) {
    mkdirSync(baseDir, { recursive: true });
    writeFileSync(file, options.source);
  }
  const bundle = await bundleApplication({
    file,
    baseDir,
    bundlesDir: join(folder, "bundles"),
    sdkUrl: SDK,
  });
  const controlSocket = join(folder, `${id}.ctl`);
  const child = spawn(process.execPath, [REPLICA, "--control-socket", controlSocket], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
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
      ...(options.logging === undefined ? {} : { logging: options.logging }),
      ...(options.loadSampling === undefined ? {} : { loadSampling: options.loadSampling }),
      ...(options.userConfig === undefined ? {} : { userConfig: value(options.userConfig) }),
    },
    baseDir,
    orphanTtlS: options.orphanTtlS ?? 300,
    routePrefix: options.routePrefix ?? "",
    revision: BigInt(options.revision ?? 0),
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

export async function startReady(options: StartOptions): Promise<Running> {
  const running = await start(options);
  const status = await running.status(({ phase }) => phase === Phase.READY || phase === Phase.FAILED);
  if (status.phase === Phase.FAILED) throw new Error(status.error);
  return running;
}

export function value(json: object) {
  return { kind: { case: "structValue" as const, value: toStruct(json) } };
}

function toStruct(json: object) {
  const fields = Object.entries(json).map(([key, number]) => [
    key,
    { kind: { case: "numberValue" as const, value: number as number } },
  ]);
  return { fields: Object.fromEntries(fields) };
}

export async function until<T>(
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
export function open(socketPath: string, { method = "GET", path = "/", headers = {}, body }: Send = {}) {
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

export const send = (running: Running, options: Send = {}) => open(running.spec.dataSocket, options).answer;
export const call = (running: Running, method: string, ...args: unknown[]) =>
  send(running, { method: "POST", path: `/${method}`, headers: { "x-windlass-kind": "call" }, body: serialize(args) });

/** Requests to /wait stay until one to /go comes. */
export const GATE = `import { deployment } from "windlass";
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

/** What a routing table says of a deployment. */
type Targets = Partial<Exclude<MessageInitShape<typeof DeploymentTargetsSchema>, { $typeName: string }>>;

/** Serves a routing table to each router that asks; returns who acknowledged it. */
export async function fakeController(
  socketPath: string,
  ...table: Running[] | [() => readonly Targets[]]
): Promise<string[]> {
  const acknowledged: string[] = [];
  const [first] = table;
  const targets = (): readonly Targets[] =>
    typeof first === "function"
      ? first()
      : (table as Running[]).map(({ spec }) => ({
          deployment: spec.deployment,
          replicas: [{ id: spec.replicaId, address: spec.dataSocket }],
        }));
  const server = http2.createServer(
    connectNodeAdapter({
      routes(router) {
        router.service(ControllerRuntimeService, {
          async *watchRoutes(request, { signal }) {
            const deployments = targets().map((each) => ({
              application: request.application,
              maxOngoingRequests: 5,
              maxQueuedRequests: -1,
              ...each,
            }));
            yield { revision: 1n, table: { deployments } };
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
