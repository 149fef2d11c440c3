/** What a routing table says about deployments, as routers take it. */
import type { ColdStart } from "./cold-start.ts";
import type { RouterSpec } from "./make-policy.ts";
import type { RouterFailure } from "./outcome.ts";
import type { TooLate } from "./shedding.ts";
import type { SplitRule } from "./split.ts";

/** Which request router, and how long replicas that refused are left alone (windlass.runtime.v1.RequestRouting). */
export interface RequestRoutingTarget extends RouterSpec {
  readonly initialBackoffS: number;
  readonly backoffMultiplier: number;
  readonly maxBackoffS: number;
}

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
  /** How a replica is chosen; absent: by the power of two choices. */
  readonly requestRouting?: RequestRoutingTarget | undefined;
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

/** Whether so many requests wait that no more may. */
export function isFull(targets: Targets | null | undefined, waiting: number): boolean {
  const limit = targets?.maxQueuedRequests ?? -1;
  return limit !== -1 && waiting >= limit;
}

/** The end of a request that there is no room for. `estimateS`: when there may be, where the deployment does not say. */
export function backpressureBy(
  targets: Targets | null | undefined,
  reason: "full" | "displaced",
  waiting: number,
  estimateS: number,
): RouterFailure {
  const counts = `(num_queued_requests=${waiting}, max_queued_requests=${targets?.maxQueuedRequests ?? -1})`;
  return {
    kind: "backpressure",
    reason,
    statusCode: targets?.backpressureStatusCode === 429 ? 429 : 503,
    retryAfterS: targets?.backpressureRetryAfterS ?? estimateS,
    message:
      reason === "full"
        ? `Request dropped due to backpressure ${counts}.`
        : `Request dropped due to backpressure: one of higher priority took its place ${counts}.`,
  };
}

/** The end of a request whose answer would come too late. */
export function lateBy({ waitMs, leftMs }: TooLate, waiting: number, retryAfterS: number): RouterFailure {
  const [wait, left] = [waitMs, Math.max(0, leftMs)].map((ms) => (ms / 1_000).toFixed(1));
  const message = `Request dropped due to backpressure: it has ${left} s left and would wait about ${wait} s (num_queued_requests=${waiting}). Try again in ${retryAfterS} s.`;
  return { kind: "backpressure", reason: "late", statusCode: 503, retryAfterS, message };
}
