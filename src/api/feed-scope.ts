/** Which resources a watch is about. Pure. */

import { WindlassError } from "../core/errors.ts";
import { applicationName, deploymentName, parseName, replicaName } from "../core/names.ts";
import type { Permission } from "./auth.ts";

/** Kinds of resources that watches tell of. */
export type ResourceKind = "instance" | "application" | "deployment" | "replica";

/** What a store key stands for. Proxies are part of the instance. */
export type Resource =
  | { readonly kind: "instance"; readonly name: "instance" }
  | { readonly kind: "application" | "deployment" | "replica"; readonly name: string };

/** Resources of these kinds, at or below `under`. */
export interface FeedScope {
  readonly kinds: ReadonlySet<ResourceKind>;
  /** A resource name, or several; undefined is everything. */
  readonly under: string | readonly string[] | undefined;
}

const INSTANCE: Resource = { kind: "instance", name: "instance" };

/** The resource of a store key; undefined for keys the public does not see. Keys and names escape alike. */
export function resourceOf(key: string): Resource | undefined {
  const parts = key.split("/");
  switch (parts[0]) {
    case "instance":
    case "proxy":
      return INSTANCE;
    case "application":
      return { kind: "application", name: `applications/${parts[1]}` };
    case "deployment":
      return { kind: "deployment", name: `applications/${parts[1]}/deployments/${parts[2]}` };
    case "replica":
      return { kind: "replica", name: `applications/${parts[1]}/deployments/${parts[2]}/replicas/${parts[3]}` };
    default:
      return undefined;
  }
}

/** Whether a watch tells of a resource. */
export function inScope(scope: FeedScope, resource: Resource): boolean {
  if (!scope.kinds.has(resource.kind)) return false;
  const { under } = scope;
  if (under === undefined) return true;
  const within = (name: string): boolean => resource.name === name || resource.name.startsWith(`${name}/`);
  return typeof under === "string" ? within(under) : under.some(within);
}

const EVERYTHING: ReadonlySet<ResourceKind> = new Set(["instance", "application", "deployment", "replica"]);

/** What a watch of the instance by `name` ("" for all) is about, and what it takes. Throws INVALID_REQUEST. */
export function instanceScope(name: string): { scope: FeedScope; permission: Permission } {
  if (name === "") return { scope: { kinds: EVERYTHING, under: undefined }, permission: { kind: "read" } };
  const { name: under, application } = canonicalName(name);
  return { scope: { kinds: EVERYTHING, under }, permission: { kind: "read-application", application } };
}

/** A resource name with each part escaped as we do, however the client did. Throws INVALID_REQUEST. */
function canonicalName(name: string): { name: string; application: string } {
  const parts = parseName(name);
  if (parts === undefined) {
    throw new WindlassError(
      "INVALID_REQUEST",
      `name ${JSON.stringify(name)} is not a resource name: write applications/{application}, percent-escaped`,
    );
  }
  const { application, deployment, replica } = parts;
  if (deployment === undefined) return { application, name: applicationName(application) };
  if (replica === undefined) return { application, name: deploymentName(application, deployment) };
  return { application, name: replicaName(application, deployment, replica) };
}
