import { createConnection } from "node:net";
import { create, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { ReplicaSettings as SettingsMessage } from "../../../gen/windlass/runtime/v1/replica_runtime_service_pb.ts";
import {
  AttachResponse_Phase,
  ReplicaRuntimeService,
  ReplicaSettingsSchema,
  ReplicaSpecSchema,
} from "../../../gen/windlass/runtime/v1/replica_runtime_service_pb.ts";
import type { Clock } from "../../core/clock.ts";
import type { ReplicaSettings, StartRequest } from "../engine.ts";
import type { Link, LinkEvent } from "./link.ts";

/** Pauses between tries to reach a replica whose process is starting. */
const CONNECT_FIRST_MS = 5;
const CONNECT_CAP_MS = 200;

/** The controller's connection to one replica: attaches to it and passes commands on. */
export class ReplicaLink implements Link {
  readonly #client: Client<typeof ReplicaRuntimeService>;
  readonly #sessions: Http2SessionManager;
  readonly #clock: Clock;
  readonly #abort = new AbortController();

  constructor(controlSocket: string, clock: Clock) {
    this.#clock = clock;
    this.#sessions = new Http2SessionManager(
      "http://replica",
      { idleConnectionTimeoutMs: 60_000 },
      { createConnection: () => createConnection(controlSocket) },
    );
    const transport = createGrpcTransport({ baseUrl: "http://replica", sessionManager: this.#sessions });
    this.#client = createClient(ReplicaRuntimeService, transport);
  }

  /**
   * Gives the replica its work and reports until the stream ends. Tries again while nothing answers and `alive`.
   * A replica with other work (a socket path used again) is reported as lost.
   */
  async follow(
    request: StartRequest,
    runtime: { readonly controllerSocket: string; readonly orphanTtlS: number },
    alive: () => boolean,
    report: (event: LinkEvent) => void,
  ): Promise<void> {
    const { signal } = this.#abort;
    const spec = create(ReplicaSpecSchema, {
      replicaId: request.id,
      application: request.application,
      deployment: request.deployment,
      bundlePath: request.version.bundlePath,
      exportName: request.version.exportName,
      args: request.args as never,
      dataSocket: request.dataSocket,
      controllerSocket: runtime.controllerSocket,
      settings: settingsMessage(request.version.settings, request.settings),
      baseDir: request.baseDir,
      orphanTtlS: runtime.orphanTtlS,
      revision: BigInt(request.revision),
      routePrefix: request.routePrefix,
    });
    let pauseMs = CONNECT_FIRST_MS;
    while (!signal.aborted) {
      let attached = false;
      try {
        for await (const status of this.#client.attach({ spec }, { signal })) {
          attached = true;
          if (status.phase === AttachResponse_Phase.READY) report({ kind: "ready", address: request.dataSocket });
          if (status.load !== undefined) report({ kind: "load", load: status.load });
          if (status.models !== undefined) report({ kind: "models", modelIds: status.models.modelIds });
          if (status.routingStatsJson !== "") report({ kind: "routing-stats", json: status.routingStatsJson });
          if (status.metrics !== undefined) report({ kind: "metrics", metrics: status.metrics });
          if (status.phase === AttachResponse_Phase.FAILED) report({ kind: "failed", error: status.error });
        }
      } catch (error) {
        if (ConnectError.from(error).code === Code.FailedPrecondition) break;
      }
      if (attached || !alive()) break;
      await this.#clock.sleep(pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, CONNECT_CAP_MS);
    }
    if (!signal.aborted) report({ kind: "lost" });
  }

  /** Throws with the user's error as message. */
  async reconfigure(version: string, settings: ReplicaSettings): Promise<void> {
    await plainly(this.#client.reconfigure({ settings: settingsMessage(version, settings) }));
  }

  /** Throws with the user's error, or "timed out". */
  async checkHealth(timeoutMs: number): Promise<void> {
    await plainly(this.#client.checkHealth({}, { timeoutMs }));
  }

  async stop(timeoutMs: number): Promise<void> {
    await plainly(this.#client.stop({ timeoutS: timeoutMs / 1000 }, { timeoutMs: 5_000 }));
  }

  close(): void {
    this.#abort.abort();
    this.#sessions.abort();
  }
}

function settingsMessage(version: string, settings: ReplicaSettings): SettingsMessage {
  return create(ReplicaSettingsSchema, {
    version,
    ...(settings.userConfig === undefined || settings.userConfig === null
      ? {}
      : { userConfig: fromJson(ValueSchema, settings.userConfig as JsonValue) }),
    maxOngoingRequests: settings.maxOngoingRequests,
    gracefulShutdownWaitLoopS: settings.gracefulShutdownWaitLoopS,
    ...(settings.logging ? { logging: settings.logging } : {}),
    ...(settings.loadSampling ? { loadSampling: settings.loadSampling } : {}),
    ...(settings.routingStats ? { routingStats: settings.routingStats } : {}),
  });
}

async function plainly(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    const failure = ConnectError.from(error);
    throw new Error(failure.code === Code.DeadlineExceeded ? "timed out" : failure.rawMessage, { cause: error });
  }
}
