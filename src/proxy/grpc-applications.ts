import type { RoutingTable } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import type { Router, RouterTarget } from "../routing/router.ts";
import { applicationsOf } from "./grpc-route.ts";

/** An application as calls reach it. */
export interface GrpcApplication {
  /** Its ingress. */
  readonly target: RouterTarget;
  /** Ms a call may take; undefined: no limit. */
  readonly timeoutMs: number | undefined;
  /** Whether clients may ask for more than the normal priority. */
  readonly clientPriorities: boolean;
}

/** A routing table as the gRPC side serves it. */
export interface GrpcTable {
  readonly names: ReadonlySet<string>;
  /** Less those that are being built for the first time: they have no ingress yet. */
  readonly applications: ReadonlyMap<string, GrpcApplication>;
}

/** The table of a proxy that has none yet. */
export const NO_TABLE: GrpcTable = { names: new Set(), applications: new Map() };

/** Works out once for each table what calls need. `router` has applied it. */
export function compileGrpc(table: RoutingTable, router: Router): GrpcTable {
  const applications = new Map<string, GrpcApplication>();
  const ingresses = new Set(table.routes.map(({ application, deployment }) => `${application}/${deployment}`));
  for (const { application, deployment, ingress, requestTimeoutS, clientPriorities } of table.deployments) {
    if (!ingress && !ingresses.has(`${application}/${deployment}`)) continue;
    const timeoutS = requestTimeoutS ?? table.grpcRequestTimeoutS ?? 0;
    applications.set(application, {
      target: router.target(application, deployment),
      timeoutMs: timeoutS > 0 ? timeoutS * 1_000 : undefined,
      clientPriorities,
    });
  }
  return { names: applicationsOf(table), applications };
}
