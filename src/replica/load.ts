import { pathToFileURL } from "node:url";
import type { ReplicaSpec } from "../../gen/windlass/runtime/v1/replica_runtime_service_pb.ts";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import { GRPC } from "../sdk/brands.ts";
import { walkGraph, withHandles } from "../sdk/graph.ts";
import type { GrpcServer } from "../sdk/grpc.ts";
import { DEFAULT_METHOD, makeHandle } from "../sdk/handle.ts";
import { applicationFromExport } from "../sdk/load.ts";
import { runtime } from "../sdk/runtime.ts";
import { callRouters } from "./call-routers.ts";
import type { ReplicaLog } from "./replica-log.ts";
import { makeServable, type Servable } from "./servable.ts";

/** What {@link loadServable} needs beside the work. */
export interface LoadContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Pick<ReplicaLog, "logger">;
}

/**
 * Imports the bundle, walks the same graph as the builder did, and constructs the one deployment this replica is for.
 * Throws what user code throws.
 */
export async function loadServable(spec: ReplicaSpec, context: LoadContext): Promise<Servable> {
  const { application, deployment, replicaId, exportName } = spec;
  const state = runtime();
  const router = callRouters({
    controllerSocket: spec.controllerSocket,
    application,
    routerId: `replica/${replicaId}`,
    revision: Number(spec.revision),
    events: { metrics: state.metrics, log: context.log.logger },
    clock: context.clock,
    random: context.random,
  });
  state.replica = { appName: application, deployment, replicaId, servableObject: null };
  state.router = router;
  state.clock = context.clock;
  state.hosted = true;
  const module = (await import(pathToFileURL(spec.bundlePath).href)) as Record<string, unknown>;
  const graph = walkGraph(await applicationFromExport(module, exportName, spec.args ?? {}), exportName);
  const node = graph.nodes.find(({ name }) => name === deployment);
  if (node === undefined) {
    const names = graph.nodes.map(({ name }) => name).join(", ");
    throw new Error(`the application has no deployment "${deployment}" any more, only ${names}: deploy it again`);
  }
  // Whoever holds handles will use them: the first call should not wait for the routing table.
  if (node.outbound.length > 0) router.prepare();
  const args = withHandles(node.args, (bound) => makeHandle(application, graph.nameOf(bound)));
  const servable = makeServable(node.spec, args);
  state.replica = { ...state.replica, servableObject: servable.object };
  return withGrpc(servable, context);
}

/** Takes in the services that `grpc()` registered, if it did. They answer over HTTP, too, where nothing else does. */
async function withGrpc(servable: Servable, { log }: LoadContext): Promise<Servable> {
  const object = servable.object as { readonly [GRPC]?: (server: GrpcServer) => void };
  if (typeof object[GRPC] !== "function") return servable;
  const failed = (error: unknown): void => {
    const request = runtime().requests.getStore();
    // A caller that left makes user code fail in ways that are nobody's news.
    if (request?.signal.aborted) return;
    log.logger.error("request failed", { request_id: request?.requestId ?? "", error });
  };
  const { makeGrpcService } = await import("./grpc.ts");
  const grpc = await makeGrpcService((server) => object[GRPC]!(server), failed);
  const answersHttp = (servable.method("fetch") ?? servable.method(DEFAULT_METHOD)) !== undefined;
  return { ...servable, grpc, ...(answersHttp ? {} : { http: grpc.fetch }) };
}
