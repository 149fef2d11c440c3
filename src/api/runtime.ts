import { create } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import {
  AcknowledgeRoutesResponseSchema,
  ControllerRuntimeService,
  ReportLoadResponseSchema,
  ReportMetricsResponseSchema,
  ReportRouterFaultsResponseSchema,
  ReportTrafficResponseSchema,
  WatchRoutesResponseSchema,
} from "../../gen/windlass/runtime/v1/controller_runtime_service_pb.ts";
import {
  type DeploymentTargets,
  DeploymentTargetsSchema,
  type RoutingTable,
  RoutingTableSchema,
} from "../../gen/windlass/runtime/v1/routing_pb.ts";
import type { RouteFeed, RoutingTableData, SplitData } from "../controller/controller.ts";
import { type Logger, silentLogger } from "../observability/logger.ts";
import { readMetrics } from "../observability/metric-message.ts";
import { answerRpc, rpcHandlers, rpcPath } from "./connect/rpc.ts";
import type { NodeHandler } from "./http.ts";
import { routerLoad } from "./load-message.ts";

/** A report of load on a few thousand deployments, or on one with a few thousand replicas, is far below this. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/**
 * What the controller answers on its runtime socket: the routing feed for proxies and handles, and, through
 * `fallback`, the scale webhook that proxies pass on. No token: the socket lies in a private folder.
 */
export function createRuntimeHandler(
  hub: RouteFeed,
  fallback: NodeHandler,
  logger: Logger = silentLogger,
): NodeHandler {
  const routes = (router: ConnectRouter): void => {
    router.service(ControllerRuntimeService, {
      async *watchRoutes(request, context) {
        const { routerId, application } = request;
        for await (const { revision, table, models: all = [] } of hub.watch(routerId, context.signal)) {
          const models = application === "" ? all : all.filter((told) => told.application === application);
          if (table === undefined && models.length === 0) continue;
          yield create(WatchRoutesResponseSchema, {
            revision: BigInt(revision),
            models: models.map(({ replicaId, modelIds, routingStatsJson = "" }) => ({
              replicaId,
              modelIds: [...modelIds],
              routingStatsJson,
            })),
            ...(table === undefined ? {} : { table: tableMessage(table, application) }),
          });
        }
      },
      acknowledgeRoutes(request) {
        hub.acknowledge(request.routerId, Number(request.revision));
        return create(AcknowledgeRoutesResponseSchema, {});
      },
      reportTraffic(request) {
        hub.reportTraffic(
          request.traffic.map(({ application, revision, requests, errors, latencyBuckets }) => ({
            application,
            revision: Number(revision),
            requests: Number(requests),
            errors: Number(errors),
            latencyBuckets: latencyBuckets.map(Number),
          })),
        );
        return create(ReportTrafficResponseSchema, {});
      },
      reportLoad(request) {
        hub.reportLoad(routerLoad(request, logger));
        return create(ReportLoadResponseSchema, {});
      },
      reportMetrics({ routerId, metrics }) {
        if (metrics !== undefined) hub.reportMetrics(routerId, readMetrics(metrics));
        return create(ReportMetricsResponseSchema, {});
      },
      reportRouterFaults({ faults }) {
        hub.reportRouterFaults(
          faults.map(({ application, deployment, version, reason, error, count }) => ({
            ...{ application, deployment, version },
            ...{ reason, error, count },
          })),
        );
        return create(ReportRouterFaultsResponseSchema, {});
      },
    });
  };
  const handlers = rpcHandlers({ routes, logger, readMaxBytes: MAX_MESSAGE_BYTES });
  return (request, response) => {
    const handler = handlers.get(rpcPath(request));
    if (handler === undefined) fallback(request, response);
    else void answerRpc(handler, request, response, logger);
  };
}

/** Messages of what tables say of a deployment; it is the same object in each table until something of it changes. */
const deploymentMessages = new WeakMap<DeploymentRoutes, DeploymentTargets>();
/** What tables say of each application, so that a table is looked through once, however many replicas follow it. */
const applicationParts = new WeakMap<RoutingTableData, ReadonlyMap<string, TablePart>>();

type DeploymentRoutes = RoutingTableData["deployments"][number];
type TablePart = { routes: RoutingTableData["routes"][number][]; deployments: DeploymentRoutes[] };

function tableMessage(table: RoutingTableData, application: string): RoutingTable {
  const { routes, deployments } = application === "" ? table : partOf(table, application);
  return create(RoutingTableSchema, {
    routes: [...routes],
    deployments: deployments.map(deploymentMessage),
    ...(table.requestTimeoutS === null ? {} : { requestTimeoutS: table.requestTimeoutS }),
    ...(table.grpcRequestTimeoutS === undefined ? {} : { grpcRequestTimeoutS: table.grpcRequestTimeoutS }),
    ...(table.logging ? { logging: table.logging } : {}),
  });
}

function partOf(table: RoutingTableData, application: string): TablePart {
  let parts = applicationParts.get(table);
  if (parts === undefined) {
    const made = new Map<string, TablePart>();
    const of = (name: string): TablePart => {
      const part = made.get(name) ?? { routes: [], deployments: [] };
      made.set(name, part);
      return part;
    };
    for (const route of table.routes) of(route.application).routes.push(route);
    for (const deployment of table.deployments) of(deployment.application).deployments.push(deployment);
    parts = made;
    applicationParts.set(table, parts);
  }
  return parts.get(application) ?? { routes: [], deployments: [] };
}

function deploymentMessage(deployment: DeploymentRoutes): DeploymentTargets {
  let message = deploymentMessages.get(deployment);
  if (message === undefined) {
    const { backpressureRetryAfterS, requestTimeoutS, replicas, split, coldStart, ...rest } = deployment;
    message = create(DeploymentTargetsSchema, {
      ...rest,
      replicas: replicas.map(({ id, address, revision = 0 }) => ({ id, address, revision: BigInt(revision) })),
      ...(split === undefined ? {} : { split: splitMessage(split) }),
      ...(coldStart === undefined ? {} : { coldStart: coldStartMessage(coldStart) }),
      ...(backpressureRetryAfterS === null ? {} : { backpressureRetryAfterS }),
      ...(requestTimeoutS == null ? {} : { requestTimeoutS }),
    });
    deploymentMessages.set(deployment, message);
  }
  return message;
}

function coldStartMessage({ timeoutS, ...rest }: NonNullable<RoutingTableData["deployments"][number]["coldStart"]>) {
  return timeoutS === null ? rest : { ...rest, timeoutS };
}

function splitMessage({ stableRevision, canaryRevision, weight, stickyHeader }: SplitData) {
  return {
    stableRevision: BigInt(stableRevision),
    canaryRevision: BigInt(canaryRevision),
    weight,
    stickyHeader,
  };
}
