import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  AcknowledgeRoutesResponseSchema,
  ControllerRuntimeService,
  WatchRoutesResponseSchema,
} from "../../gen/windlass/runtime/v1/controller_runtime_service_pb.ts";
import { type RoutingTable, RoutingTableSchema } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import type { RouteFeed, RoutingTableData } from "../controller/controller.ts";
import type { NodeHandler } from "./http.ts";

/**
 * What the controller answers on its runtime socket: the routing feed for proxies and handles, and, through
 * `fallback`, the scale webhook that proxies pass on. No token: the socket lies in a private folder.
 */
export function createRuntimeHandler(hub: RouteFeed, fallback: NodeHandler): NodeHandler {
  return connectNodeAdapter({
    routes(router) {
      router.service(ControllerRuntimeService, {
        async *watchRoutes(request, context: HandlerContext) {
          for await (const { revision, table } of hub.watch(request.routerId, context.signal)) {
            yield create(WatchRoutesResponseSchema, {
              revision: BigInt(revision),
              table: tableMessage(table, request.application),
            });
          }
        },
        acknowledgeRoutes(request) {
          hub.acknowledge(request.routerId, Number(request.revision));
          return create(AcknowledgeRoutesResponseSchema, {});
        },
      });
    },
    fallback: fallback as never,
  }) as unknown as NodeHandler;
}

function tableMessage(table: RoutingTableData, application: string): RoutingTable {
  const mine = <T extends { application: string }>(items: readonly T[]): T[] =>
    items.filter((item) => application === "" || item.application === application);
  return create(RoutingTableSchema, {
    routes: mine(table.routes),
    deployments: mine(table.deployments).map(({ backpressureRetryAfterS, replicas, ...rest }) => ({
      ...rest,
      replicas: [...replicas],
      ...(backpressureRetryAfterS === null ? {} : { backpressureRetryAfterS }),
    })),
    ...(table.requestTimeoutS === null ? {} : { requestTimeoutS: table.requestTimeoutS }),
  });
}
