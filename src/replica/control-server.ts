import { renameSync, rmSync } from "node:fs";
import { createServer, type ServerHttp2Session } from "node:http2";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  type AttachRequest,
  AttachResponse_Phase as P,
  ReplicaRuntimeService,
} from "../../gen/windlass/runtime/v1/replica_runtime_service_pb.ts";
import { metricsMessage } from "../observability/metric-message.ts";
import { runtime } from "../sdk/runtime.ts";
import { type Phase, type Replica, UserError } from "./replica.ts";

const HEARTBEAT_MS = 5_000;

const PHASES: Record<Phase, P> = {
  idle: P.UNSPECIFIED,
  initializing: P.INITIALIZING,
  ready: P.READY,
  failed: P.FAILED,
  draining: P.DRAINING,
};

/** Serves windlass.runtime.v1.ReplicaRuntimeService on a unix socket; resolves once it listens. */
export async function serveControl(socketPath: string, replica: Replica): Promise<void> {
  const sessions = new Set<ServerHttp2Session>();
  const routes = (router: ConnectRouter): void => {
    router.service(ReplicaRuntimeService, {
      attach: (request, context) => attach(replica, request, context),
      async reconfigure({ settings }) {
        requireWork(replica);
        if (settings !== undefined) await aborted(replica.reconfigure(settings));
        return {};
      },
      async checkHealth() {
        requireWork(replica);
        await aborted(replica.checkHealth());
        return {};
      },
      stop() {
        replica.drain();
        return {};
      },
    });
  };
  const server = createServer(connectNodeAdapter({ routes }));
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => {
      sessions.delete(session);
      // A stream that carried FAILED has been flushed once its session is closed.
      if (sessions.size === 0) replica.failureDelivered();
    });
  });
  // Renamed once it listens: who sees the file can connect.
  const draft = `${socketPath}~`;
  rmSync(draft, { force: true });
  process.once("exit", () => rmSync(socketPath, { force: true }));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(draft, resolve);
  await promise;
  renameSync(draft, socketPath);

  async function* attach(replica: Replica, { spec }: AttachRequest, { signal }: HandlerContext) {
    if (spec === undefined) throw new ConnectError("Attach needs a spec", Code.InvalidArgument);
    if (replica.spec === null) replica.begin(spec);
    else if (replica.spec.replicaId !== spec.replicaId) {
      const message = `this process is replica ${replica.spec.replicaId}, not ${spec.replicaId}`;
      throw new ConnectError(message, Code.FailedPrecondition);
    }
    replica.attach();
    let told: typeof replica.load;
    let toldModels: typeof replica.models;
    let toldStats = "";
    let counted = "";
    try {
      while (!signal.aborted) {
        const seen = replica.changes;
        const { load, models, routingStats } = replica;
        const { metrics } = runtime();
        const stamp = metrics.stamp();
        const news = {
          ...(load === undefined || load === told ? {} : { load }),
          ...(models === undefined || models === toldModels ? {} : { models: { modelIds: [...models] } }),
          ...(routingStats === toldStats ? {} : { routingStatsJson: routingStats }),
          ...(stamp === counted ? {} : { metrics: metricsMessage(metrics.families()) }),
        };
        told = load;
        toldModels = models;
        toldStats = routingStats;
        counted = stamp;
        yield {
          ...news,
          phase: PHASES[replica.phase],
          error: replica.error,
          settingsVersion: replica.settingsVersion,
          pid: process.pid,
          ongoingRequests: replica.ongoing,
        };
        if (replica.phase === "failed" && replica.changes === seen) {
          // Sends GOAWAY and waits for open streams, this one included.
          for (const session of sessions) session.close();
          return;
        }
        await replica.changed(seen, HEARTBEAT_MS, signal);
      }
    } finally {
      replica.detach();
    }
  }
}

function requireWork(replica: Replica): void {
  if (replica.spec === null) throw new ConnectError("nothing was attached yet", Code.FailedPrecondition);
}

async function aborted(work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => {
    if (error instanceof UserError) throw new ConnectError(error.message, Code.Aborted);
    throw error;
  });
}
