import type { RoutingTable } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import { compileRoutes, type RouteMatcher } from "../routing/match.ts";
import type { Router, RouterTarget } from "../routing/router.ts";

/** A route with what a request needs of it, worked out once for each table. */
export interface CompiledRoute {
  readonly prefix: string;
  readonly target: RouterTarget;
  /** `x-forwarded-prefix`; empty: not sent. */
  readonly forwardedPrefix: string;
  /** Seconds, of the deployment; 0: no limit; undefined: it has none of its own. */
  readonly requestTimeoutS: number | undefined;
  /** Whether clients may ask for more than the normal priority. */
  readonly clientPriorities: boolean;
}

/** A routing table as the proxy serves it. */
export interface CompiledTable {
  readonly match: RouteMatcher<CompiledRoute>;
  /** Body of `/-/routes`. */
  readonly routesJson: string;
  readonly empty: boolean;
  /** Seconds; 0: no limit; undefined: the table says nothing. */
  readonly requestTimeoutS: number | undefined;
}

/** Compiles a table that `router` has applied. `rootPath` has no "/" at its end. */
export function compileTable(table: RoutingTable, router: Router, rootPath: string): CompiledTable {
  const targetsOf = new Map(
    table.deployments.map((targets) => [`${targets.application}/${targets.deployment}`, targets]),
  );
  const routes = table.routes.map((route) => ({
    prefix: route.prefix,
    target: router.target(route.application, route.deployment),
    forwardedPrefix: rootPath + (route.prefix === "/" ? "" : route.prefix),
    requestTimeoutS: noLess(targetsOf.get(`${route.application}/${route.deployment}`)?.requestTimeoutS),
    clientPriorities: targetsOf.get(`${route.application}/${route.deployment}`)?.clientPriorities ?? false,
  }));
  return {
    match: compileRoutes(routes),
    routesJson: JSON.stringify(
      Object.fromEntries(table.routes.map(({ prefix, application }) => [prefix, application])),
    ),
    empty: routes.length === 0,
    requestTimeoutS: noLess(table.requestTimeoutS),
  };
}

function noLess(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Math.max(0, seconds);
}
