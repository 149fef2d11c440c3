import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import type http from "node:http";
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
import type { ChannelRequest, ResponseHead } from "../../src/routing/channel.ts";
import { createFramedChannel } from "../../src/routing/framed-channel.ts";
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
  readonly drainWaitS?: number;
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
  await until(
    () => {
      if (child.exitCode !== null) throw new Error(`the replica exited with ${child.exitCode}: ${output}`);
      return existsSync(controlSocket);
    },
    () => `the replica process did not listen; it said: ${output}`,
    // How long a process takes to start is the machine's; no test here is about it.
    25_000,
  );
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
      gracefulShutdownWaitLoopS: options.drainWaitS ?? 0,
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
  patienceMs = 10_000,
): Promise<T> {
  const deadline = Date.now() + patienceMs;
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

const channel = createFramedChannel();

/**
 * Begins a request; `answer` resolves once it is whole, with what the channel tells beside the head as `x-windlass-*`
 * headers. `request` emits `entered`, and `response` with the head; destroying it cancels.
 */
export function open(socketPath: string, { method = "GET", path = "/", headers = {}, body }: Send = {}) {
  const { "x-windlass-kind": kind = "http", "x-windlass-reservation": reservation, ...others } = headers;
  const { "x-windlass-wait": patienceMs, "x-windlass-waited": waitedMs = "0", ...rest } = others;
  const wait = patienceMs === undefined ? {} : { wait: { waitedMs: Number(waitedMs), patienceMs: Number(patienceMs) } };
  const request = Object.assign(new EventEmitter(), { destroy: () => call.cancel() });
  const { promise: answer, resolve, reject } = Promise.withResolvers<Answer>();
  answer.catch(() => {});
  const chunks: Uint8Array[] = [];
  let head: ResponseHead | undefined;
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const call = channel.open(
    socketPath,
    {
      kind: kind as ChannelRequest["kind"],
      method,
      path,
      headers: Object.entries(rest).flat(),
      body: bytes ?? null,
      ...(reservation === undefined ? {} : { reservation }),
      ...wait,
    },
    {
      onEntered: (contended) => void request.emit("entered", contended),
      onAccepted(accepted) {
        head = accepted;
        request.emit("response", accepted);
      },
      onData: (chunk) => chunks.push(chunk) > 0,
      onEnd: () => resolve({ status: head!.status, headers: headersOf(head!), body: Buffer.concat(chunks) }),
      onFailed(failure) {
        if (failure.kind !== "rejected") reject(new Error(`aborted: ${JSON.stringify(failure)}`));
        else
          resolve({ status: 503, headers: { "x-windlass-rejected": String(failure.ongoing) }, body: Buffer.alloc(0) });
      },
    },
  );
  return { request, answer };
}

function headersOf({ headers, ongoing, result, reservation }: ResponseHead): Answer["headers"] {
  const all: Record<string, string | string[]> = { "x-windlass-ongoing": String(ongoing) };
  if (result !== "") all["x-windlass-result"] = result;
  if (reservation !== "") all["x-windlass-reservation"] = reservation;
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i]!, headers[i + 1]!];
    if (name === "set-cookie") all[name] = [...((all[name] as string[] | undefined) ?? []), value];
    else all[name] = value;
  }
  return all as Answer["headers"];
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
