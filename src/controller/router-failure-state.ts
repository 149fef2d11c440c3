/**
 * What a deployment tells of a request router that fails: noted as routers tell, seldom enough to write, and forgotten
 * when it was quiet for a while or is another one. Nothing follows from it. Pure.
 */
import { shortHash } from "../config/versions.ts";
import type { RouterFaultSum } from "../core/router-faults.ts";
import type { DeploymentRecord, RouterFailure } from "./records.ts";

/** A router that did not fail for so long is well. */
const FORGOTTEN_AFTER_MS = 300_000;
/** At least so long between two writes; later ones come with pauses of a quarter of what went by since the first. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;
/** Characters of an error that are kept. */
const MAX_ERROR = 300;

/**
 * A deployment with what routers told; the same one where that is about another version of its router. `version`: of the
 * router in force, undefined: none of the user's.
 */
export function noteRouterFaults(
  deployment: DeploymentRecord,
  { version: told, reason, error, count }: Pick<RouterFaultSum, "version" | "reason" | "error" | "count">,
  version: string | undefined,
  now: number,
): DeploymentRecord {
  if (deployment.deleting || told !== version) return deployment;
  const known = kept(deployment.routerFailure, version, now);
  const routerFailure: RouterFailure = {
    router: routerOf(deployment),
    version: shortHash(version),
    reason,
    error: oneLine(error),
    count: (known?.count ?? 0) + count,
    since: known?.since ?? now,
    at: now,
  };
  return { ...deployment, routerFailure };
}

/** From when on what routers tell may be written again, epoch ms: the more seldom the longer it lasts. */
export function nextNoteAt({ routerFailure }: Pick<DeploymentRecord, "routerFailure">): number {
  if (routerFailure === undefined) return 0;
  const { since, at } = routerFailure;
  return at + Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, Math.floor((at - since) / 4)));
}

/** A deployment without the failure of a router that has been quiet, or is not in force any more. */
export function endRouterFailure(
  deployment: DeploymentRecord,
  version: string | undefined,
  now: number,
): DeploymentRecord {
  const { routerFailure, ...rest } = deployment;
  return kept(routerFailure, version, now) === routerFailure ? deployment : rest;
}

/** When that of a deployment is forgotten, epoch ms; Infinity without any. */
export function routerFailureEndsAt({ routerFailure }: Pick<DeploymentRecord, "routerFailure">): number {
  return routerFailure === undefined ? Infinity : routerFailure.at + FORGOTTEN_AFTER_MS;
}

/** What a person is told of it, one line; "" where no router failed. */
export function routerLine({ routerFailure }: Pick<DeploymentRecord, "routerFailure">): string {
  if (routerFailure === undefined) return "";
  const { router, reason, error, count, since } = routerFailure;
  const often = `${count === 1 ? "once at" : `${count} times since`} ${new Date(since).toISOString().slice(0, 19)}Z`;
  return reason === "hook"
    ? `a hook of the request router ${router} failed ${often}, which concerns no request: ${error}`
    : `the request router ${router} failed ${often}, and the power of two choices stood in for it: ${error}`;
}

/** A deployment's message as it is shown: its status's own, else that its request router fails. */
export function shownMessage(deployment: Pick<DeploymentRecord, "message" | "routerFailure">): string {
  return deployment.message || routerLine(deployment);
}

function kept(failure: RouterFailure | undefined, version: string | undefined, now: number): RouterFailure | undefined {
  if (failure === undefined || version === undefined || failure.version !== shortHash(version)) return undefined;
  return failure.at + FORGOTTEN_AFTER_MS > now ? failure : undefined;
}

function routerOf({ config, stable }: DeploymentRecord): string {
  return String((stable?.config ?? config).request_router_config?.["request_router_class"] ?? "");
}

function oneLine(error: string): string {
  return error
    .replace(/\p{Cc}+/gu, " ")
    .slice(0, MAX_ERROR)
    .toWellFormed();
}
