/** What a routing table says about deployments, as routers take it. */
import type { ColdStart } from "./cold-start.ts";
import type { RouterFailure } from "./outcome.ts";
import type { SplitRule } from "./split.ts";

/** What a routing table says about a deployment (windlass.runtime.v1.DeploymentTargets). */
export interface Targets {
  readonly application: string;
  readonly deployment: string;
  readonly replicas: readonly { readonly id: string; readonly address: string; readonly revision?: bigint }[];
  readonly maxOngoingRequests: number;
  readonly maxQueuedRequests: number;
  readonly backpressureStatusCode: number;
  readonly backpressureRetryAfterS?: number | undefined;
  readonly unavailable: string;
  /** Absent: requests wait for a replica without end. */
  readonly coldStart?: ColdStart | undefined;
  readonly split?:
    | {
        readonly stableRevision: bigint;
        readonly canaryRevision: bigint;
        readonly weight: number;
        readonly stickyHeader: string;
      }
    | undefined;
}

/** How requests are shared between two revisions; undefined: there is one. */
export function splitRule({ split }: Targets): SplitRule | undefined {
  if (split === undefined) return undefined;
  const { stableRevision, canaryRevision, weight, stickyHeader } = split;
  return {
    stableRevision: Number(stableRevision),
    canaryRevision: Number(canaryRevision),
    weight,
    stickyHeader: stickyHeader.toLowerCase(),
  };
}

/** Why no request is taken at all. `targets`: undefined before a table has come, null where the table has none. */
export function refusalBy(targets: Targets | null | undefined): RouterFailure | undefined {
  if (targets === null) return { kind: "absent" };
  if (targets === undefined || targets.unavailable === "") return undefined;
  return { kind: "unavailable", message: targets.unavailable };
}

/** Why a request may not wait beside `waiting` others; undefined: it may. */
export function backpressureBy(targets: Targets | null | undefined, waiting: number): RouterFailure | undefined {
  const limit = targets?.maxQueuedRequests ?? -1;
  if (limit === -1 || waiting < limit) return undefined;
  return {
    kind: "backpressure",
    statusCode: targets?.backpressureStatusCode === 429 ? 429 : 503,
    retryAfterS: targets?.backpressureRetryAfterS,
    message: `Request dropped due to backpressure (num_queued_requests=${waiting}, max_queued_requests=${limit}).`,
  };
}
