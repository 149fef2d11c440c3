import type { Client } from "../client/index.ts";
import { callerFile } from "./caller.ts";
import { getAppHandle } from "./get-handle.ts";
import {
  GRPC_OPTIONS,
  type GRPCOptions,
  HTTP_OPTIONS,
  type HTTPOptions,
  optionsDocument,
  type ProxyLocation,
} from "./instance-options.ts";
import { type NamedApplication, nameOfExport } from "./own-export.ts";
import { runtime } from "./runtime.ts";
import type { InstanceStatus } from "./status.ts";
import type { Application, DeploymentHandle } from "./types.ts";

/** Which Windlass to speak to. */
export interface ControlOptions {
  /** Default: WINDLASS_ADDRESS, else http://127.0.0.1:8265. */
  readonly address?: string;
  /** Default: WINDLASS_TOKEN, else on the machine that Windlass runs on its admin token. "" is none. */
  readonly token?: string;
}

/** Options of {@link run}. */
export interface RunOptions extends ControlOptions {
  /** Default "default". */
  readonly name?: string;
  /** Where it is over HTTP; null: nowhere. Default "/". */
  readonly routePrefix?: string | null;
  /** For a builder function. */
  readonly args?: Readonly<Record<string, unknown>>;
  /** Folder that a relative import path starts from. Default: the working directory. */
  readonly baseDir?: string;
  /** Whether other programs may set the number of replicas. Default false. */
  readonly externalScalerEnabled?: boolean;
  /** Seconds to wait until it runs; 0: only until it is stored. Default: no limit, since a deploy ends by itself. */
  readonly timeoutS?: number;
}

/** Longest delay of a timer. */
const FOR_EVER_MS = 2 ** 31 - 1;
/** What a deletion and the end of an instance are waited for. */
const GONE_TIMEOUT_MS = 60_000;

/**
 * Deploys an application to the Windlass that runs (`windlass start`), or updates it, and resolves once it runs with a
 * handle to its ingress. `app` is an import path, an application that a module exports, or in that module itself
 * `{ app }`, so that its export is known by its name:
 *
 *     export const app = deployment(Hello).bind();
 *     if (import.meta.main) await run({ app }, { name: "hello" });
 *
 * Replicas import that module; the program that runs it may end. No config that is applied later deletes the
 * application. Rejects with ApplicationFailedError of `windlass/client` where the deploy fails.
 */
export async function run<T>(
  app: Application<T> | NamedApplication<T> | string,
  options: RunOptions = {},
): Promise<DeploymentHandle<T>> {
  if (runtime().hosted) {
    throw new Error("run() is for programs: where its module is deployed, guard it by `if (import.meta.main)`");
  }
  const caller = callerFile();
  const importPath = typeof app === "string" ? app : await nameOfExport(app, caller);
  const { name = "default", routePrefix = "/", timeoutS } = options;
  return await withClient(options, async (client) => {
    const { applicationConfig, applicationName, v1 } = await import("../client/index.ts");
    await client.applications.updateApplication({
      name: applicationName(name),
      config: applicationConfig({
        name,
        import_path: importPath,
        route_prefix: routePrefix,
        ...(options.args === undefined ? {} : { args: options.args }),
        ...(options.externalScalerEnabled ? { external_scaler_enabled: true } : {}),
      }),
      allowMissing: true,
      baseDir: options.baseDir ?? process.cwd(),
      source: v1.Application_Source.IMPERATIVE,
    });
    if (timeoutS !== 0) {
      await client.waitUntilRunning(name, { timeoutMs: timeoutS === undefined ? FOR_EVER_MS : timeoutS * 1_000 });
    }
    return getAppHandle<Application<T>>(name) as DeploymentHandle<T>;
  });
}

/** Options of {@link start}. */
export interface StartOptions extends ControlOptions {
  readonly httpOptions?: HTTPOptions;
  readonly grpcOptions?: GRPCOptions;
  /** Default "EveryNode". */
  readonly proxyLocation?: ProxyLocation;
}

/**
 * Makes an instance where the server has none, after `shutdown` or `windlass start --no-instance`. One that is there
 * stays as it is; resolves with whether one was made. Starts no processes: `windlass start` does.
 */
export async function start(options: StartOptions = {}): Promise<boolean> {
  const { httpOptions = {}, grpcOptions = {}, proxyLocation } = options;
  const http = optionsDocument(httpOptions, HTTP_OPTIONS, "httpOptions");
  const grpc = optionsDocument(grpcOptions, GRPC_OPTIONS, "grpcOptions");
  return await withClient(options, async (client) => {
    const { deployConfig, v1 } = await import("../client/index.ts");
    const { instance } = await client.instance.getInstance({});
    if (instance?.state === v1.Instance_State.RUNNING) return false;
    const location = proxyLocation === undefined ? {} : { proxy_location: proxyLocation };
    const config = deployConfig({ applications: [], http_options: http, grpc_options: grpc, ...location });
    await client.instance.applyConfig({ config });
    return true;
  });
}

/** How the instance and its applications are. */
export async function status(options: ControlOptions = {}): Promise<InstanceStatus> {
  return await withClient(options, async (client) => {
    const { statusOf } = await import("./status.ts");
    return statusOf(await client.instance.getInstance({}));
  });
}

/**
 * Deletes an application and resolves once its replicas are gone; one that is not there is fine. Rejects with
 * DEADLINE_EXCEEDED after 60 s. Also exported as `delete`.
 */
export async function deleteApplication(name: string, options: ControlOptions = {}): Promise<void> {
  await withClient(options, async (client) => {
    const { applicationName } = await import("../client/index.ts");
    const resource = applicationName(name);
    await client.applications.deleteApplication({ name: resource, allowMissing: true });
    let there = false;
    await until(
      `${resource} is gone`,
      (signal) => client.watch.applications({ names: [resource] }, { signal }),
      (event) => {
        if (event.kind === "updated") there = true;
        return event.kind === "deleted" || (event.kind === "synced" && !there);
      },
    );
  });
}

/**
 * Ends the instance and resolves once it is gone: applications are deleted, proxies stopped. The processes of Windlass
 * stay, and the next deploy makes a new instance. Without effect where there is none. Rejects with DEADLINE_EXCEEDED
 * after 60 s.
 */
export async function shutdown(options: ControlOptions = {}): Promise<void> {
  await withClient(options, async (client) => {
    const { v1 } = await import("../client/index.ts");
    await client.instance.shutdownInstance({});
    await until(
      "the instance is gone",
      (signal) => client.watch.instance({}, { signal }),
      (event) => {
        if (event.kind !== "updated") return false;
        const { resource } = event;
        return resource.$typeName === "windlass.v1.Instance" && resource.state === v1.Instance_State.ABSENT;
      },
    );
  });
}

/** Follows a watch until an event says that it is so. */
async function until<E>(
  what: string,
  watch: (signal: AbortSignal) => AsyncIterable<E>,
  done: (event: E) => boolean,
): Promise<void> {
  const late = new AbortController();
  const timer = runtime().clock.timer(GONE_TIMEOUT_MS, () => late.abort());
  try {
    for await (const event of watch(late.signal)) if (done(event)) return;
  } finally {
    timer.cancel();
  }
  const { Code, ConnectError } = await import("../client/index.ts");
  throw new ConnectError(
    `it took longer than ${GONE_TIMEOUT_MS / 1_000} s until ${what}; it goes on`,
    Code.DeadlineExceeded,
  );
}

async function withClient<R>(options: ControlOptions, use: (client: Client) => Promise<R>): Promise<R> {
  // Replicas import the SDK and need no client.
  const { createClient } = await import("../client/index.ts");
  const { address, token } = options;
  using client = createClient({
    ...(address === undefined ? {} : { address }),
    ...(token === undefined ? {} : { token }),
  });
  return await use(client);
}
