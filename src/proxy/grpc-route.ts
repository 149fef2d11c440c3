import type { RoutingTable } from "../../gen/windlass/runtime/v1/routing_pb.ts";

/** Where a call goes. */
export type GrpcRoute =
  | { readonly kind: "application"; readonly name: string }
  | { readonly kind: "not-found"; readonly message: string };

/** Names of the applications that are served, each once; those without a path over HTTP come last. */
export function applicationsOf(table: Pick<RoutingTable, "routes" | "deployments">): ReadonlySet<string> {
  return new Set([...table.routes, ...table.deployments].map(({ application }) => application));
}

/**
 * Routes by the `application` metadata of a call.
 *
 * | Applications | `application` | Goes to |
 * |---|---|---|
 * | exactly one | any or none | that one |
 * | none or several | a known name | that one |
 * | none or several | an unknown name, none, or empty | not found |
 */
export function routeByMetadata(applications: ReadonlySet<string>, application: string | undefined): GrpcRoute {
  if (applications.size === 1) for (const name of applications) return { kind: "application", name };
  const name = application ?? "";
  if (applications.has(name)) return { kind: "application", name };
  const what = name === "" ? "Application metadata not set." : `Application '${name}' not found.`;
  const message = `${what} Ping /ray.serve.RayServeAPIService/ListApplications for available applications.`;
  return { kind: "not-found", message };
}
