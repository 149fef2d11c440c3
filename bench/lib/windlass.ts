import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { Replica_State } from "../../gen/windlass/v1/deployment_pb.ts";
import { DeploymentService } from "../../gen/windlass/v1/deployment_service_pb.ts";
import { eventually, type Started, start, stop, tempFolder } from "./children.ts";
import type { Target } from "./load.ts";
import { argsOf, processTree } from "./proc.ts";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const LAUNCHER = join(ROOT, "bin", "windlass.cjs");
export const CONFIG = join(ROOT, "bench", "app", "app.yaml");

const SCALE_PATH = "/api/v1/applications/noop/deployments/Noop/scale";

/** A `windlass start` of this run with the no-op application. */
export interface Windlass {
  readonly started: Started;
  readonly control: string;
  readonly http: string;
  /** "127.0.0.1:9000". */
  readonly grpc: string;
  readonly token: string;
  readonly stateDir: string;
  /** Milliseconds from spawn to the ready line. */
  readonly readyMs: number;
  stop(): Promise<void>;
}

/** Starts Windlass on free ports with an empty state dir; resolves at its ready line. */
export async function startWindlass(
  options: {
    readonly proxyWorkers?: number;
    /** Default: 0, so that nothing but what is measured takes time and memory. */
    readonly spareReplicas?: number;
    readonly onSpawn?: (started: Started) => void;
    /** Default: {@link CONFIG}. */
    readonly config?: string;
  } = {},
): Promise<Windlass> {
  const folder = tempFolder();
  const stateDir = join(folder, "state");
  const workers = options.proxyWorkers === undefined ? [] : ["--proxy-workers", String(options.proxyWorkers)];
  const ports = ["--control-port", "0", "--http-port", "0", "--grpc-port", "0"];
  const spares = ["--spare-replicas", String(options.spareReplicas ?? 0)];
  const started = start(
    process.execPath,
    [LAUNCHER, "start", options.config ?? CONFIG, "--state-dir", stateDir, ...ports, ...workers, ...spares],
    {
      // Its sockets go there too, and away with the run.
      env: { ...cleanEnv(), XDG_RUNTIME_DIR: folder },
    },
  );
  options.onSpawn?.(started);
  const { promise: readyMs, resolve } = Promise.withResolvers<number>();
  started.child.stdout?.on("data", () => {
    if (started.output().stdout.includes("windlass ready ")) resolve(performance.now() - started.at);
  });
  const died = started.exited.then((code) => {
    throw new Error(`windlass start ended with ${code}: ${started.output().stderr.trim().split("\n").at(-1)}`);
  });
  died.catch(() => {});
  const ready = await Promise.race([readyMs, died]);
  const line = /^windlass ready (.*)$/m.exec(started.output().stdout)![1]!;
  const { control, http, grpc } = JSON.parse(line) as { control: string; http: string; grpc: string };
  const token = readFileSync(join(stateDir, "admin.token"), "utf8").trim();
  return { started, control, http, grpc, token, stateDir, readyMs: ready, stop: () => stop(started) };
}

/** The environment without what would configure Windlass. */
export function cleanEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(WINDLASS_|NODE_ENV$)/.test(name)));
}

/** Resolves with the milliseconds since `since` at the first 200 from `url`. */
export async function firstAnswer(url: string, since: number, timeoutMs = 60_000): Promise<number> {
  return eventually(
    `a 200 from ${url}`,
    async () => {
      const response = await fetch(url).catch(() => undefined);
      await response?.arrayBuffer().catch(() => undefined);
      return response?.status === 200 ? performance.now() - since : undefined;
    },
    timeoutMs,
  );
}

/** Host and port of a URL, for the generator. */
export function targetOf(url: string): Target {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

/** What the generator sends to scale to `replicas`. */
export function scaleRequest(windlass: Windlass, replicas: number) {
  return {
    target: targetOf(windlass.control),
    path: SCALE_PATH,
    method: "POST",
    headers: { authorization: `Bearer ${windlass.token}`, "content-type": "application/json" },
    body: JSON.stringify({ target_num_replicas: replicas }),
  };
}

/** Calls the webhook; resolves at its 200. */
export async function scale(windlass: Windlass, replicas: number): Promise<void> {
  const { path, method, headers, body } = scaleRequest(windlass, replicas);
  const response = await fetch(windlass.control + path, { method, headers, body });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`the webhook answered ${response.status}: ${text}`);
}

/** Resolves once so many spare processes wait. */
export async function sparesReady(windlass: Windlass, count: number): Promise<void> {
  await eventually(
    `${count} spares`,
    async () => {
      const response = await fetch(`${windlass.control}/metrics`, {
        headers: { authorization: `Bearer ${windlass.token}` },
      });
      const text = await response.text();
      return /^windlass_spare_replicas (\d+)$/m.exec(text)?.[1] === String(count) || undefined;
    },
    60_000,
  );
}

/** The deployment as the feed last told, and when: follows WatchDeployments. */
export interface Feed {
  /** Resolves with `performance.now()` of the event that showed exactly `running` RUNNING replicas and no others. */
  until(running: number): Promise<number>;
  close(): void;
}

/** Follows the feed; resolves once it has told the current state. */
export async function watch(windlass: Windlass): Promise<Feed> {
  const transport = createConnectTransport({
    baseUrl: windlass.control,
    httpVersion: "1.1",
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${windlass.token}`);
        return next(request);
      },
    ],
  });
  const client = createClient(DeploymentService, transport);
  const abort = new AbortController();
  let now: { running: number; all: number; target: number; at: number } | undefined;
  let wake: (() => void)[] = [];
  const follow = async (): Promise<void> => {
    const stream = client.watchDeployments({ parent: "applications/noop" }, { signal: abort.signal });
    for await (const { event } of stream) {
      if (event.case !== "updated") continue;
      const counts = event.value.replicaCounts;
      const of = (state?: Replica_State): number =>
        counts.reduce((sum, one) => sum + (state === undefined || one.state === state ? one.count : 0), 0);
      const { targetNumReplicas: target } = event.value;
      now = { running: of(Replica_State.RUNNING), all: of(), target, at: performance.now() };
      for (const resolve of wake.splice(0)) resolve();
    }
  };
  const ended = follow().then(
    () => Promise.reject(new Error("the feed ended")),
    (error: unknown) => Promise.reject(error),
  );
  ended.catch(() => {});
  const next = (): Promise<void> =>
    Promise.race([new Promise<void>((resolve) => wake.push(resolve)), ended as Promise<never>]);
  while (now === undefined) await next();
  return {
    async until(running) {
      const late = AbortSignal.timeout(60_000);
      while (now!.running !== running || now!.all !== running || now!.target !== running) {
        await Promise.race([next(), new Promise((_, reject) => (late.onabort = () => reject(late.reason)))]);
      }
      return now!.at;
    },
    close() {
      wake = [];
      abort.abort();
    },
  };
}

/** What a process of Windlass is: "supervisor", "controller", "proxy", "replica" or "builder". */
export function roleOf(pid: number): string | undefined {
  const args = argsOf(pid);
  const program = args.find((arg) => arg === LAUNCHER || /\/bin\/\w+\.[jt]s$/.test(arg));
  return program === LAUNCHER ? "supervisor" : /(\w+)\.[jt]s$/.exec(program ?? "")?.[1];
}

/** The processes of a Windlass by role and pid: two looks differ where one was restarted in between. */
export function processesOf(windlass: Windlass): string {
  const pids = processTree(windlass.started.pid);
  return pids.map((pid) => `${roleOf(pid)} ${pid}`).join(", ");
}

/** The end of each log file of a Windlass: what its processes last said. */
export function lastWords({ stateDir }: Windlass): string {
  const logs = join(stateDir, "logs");
  return readdirSync(logs)
    .map((name) => `${name}: ${readFileSync(join(logs, name), "utf8").trim().split("\n").at(-1)}`)
    .join("; ");
}
