/** What each Connect handler is given, and how it learns who calls. */
import { createContextKey, type HandlerContext } from "@connectrpc/connect";
import type { Controller } from "../../controller/controller.ts";
import type { Clock } from "../../core/clock.ts";
import { WindlassError } from "../../core/errors.ts";
import type { Logger } from "../../observability/logger.ts";
import type { ControlMetrics } from "../../observability/metrics.ts";
import type { Store } from "../../store/store.ts";
import { authorize, type Permission } from "../auth.ts";
import type { Feed } from "../feed.ts";
import type { Caller } from "../gate.ts";
import type { HostFacts } from "../host-facts.ts";
import type { NodeResponse } from "../http.ts";
import type { StreamLimit } from "../stream-limit.ts";

/** What the API stands on. */
export interface ApiDeps {
  readonly controller: Controller;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly feed: Feed;
  readonly streams: StreamLimit;
  readonly metrics: ControlMetrics;
  /** Key that applications' scaler tokens are derived from. */
  readonly instanceKey: string;
  /** Absolute folder that import paths start from where a request names none. */
  readonly appDir: string;
  /** Absolute folder of the replicas' log files; undefined: they have none. */
  readonly logsDir: string | undefined;
  /** Whether stored state is recovered and the API may be used. */
  readonly isReady: () => boolean;
  /** Loaded processes that wait to become replicas. */
  readonly spareReplicas: () => number;
  /** Ends the processes of `windlass start`. */
  readonly endProcess: () => void;
  /** When this process started, epoch milliseconds. */
  readonly startedAtMs: number;
  /** Names of this machine and where its proxies listen, as REST shows them. */
  readonly host: HostFacts;
}

/** What the gate found out about a request: who calls, or why it is refused. */
export type GateOutcome =
  | { readonly ok: true; readonly caller: Caller }
  | { readonly ok: false; readonly error: unknown };

/** What an answer is written to; for watches, which do that themselves once its head was sent. */
export const responseKey = createContextKey<NodeResponse | undefined>(undefined, { description: "response" });

/** Where the adapter leaves the outcome for interceptor and handlers. */
export const gateOutcomeKey = createContextKey<GateOutcome>(
  { ok: false, error: new WindlassError("UNAUTHENTICATED", "a bearer token is needed") },
  { description: "gate outcome" },
);

/** Who calls, after checking that they may. Throws PERMISSION_DENIED. */
export function callerWith(context: HandlerContext, permission: Permission): Caller {
  const outcome = context.values.get(gateOutcomeKey);
  if (!outcome.ok) throw outcome.error;
  authorize(outcome.caller.identity, permission);
  return outcome.caller;
}
