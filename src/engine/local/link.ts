import type { ReplicaLoad } from "../../../gen/windlass/runtime/v1/load_pb.ts";
import type { ProcessMetrics } from "../../../gen/windlass/runtime/v1/metrics_pb.ts";
import type { ReplicaSettings, StartRequest } from "../engine.ts";

/** What a link reports; `lost`: it can no longer see the replica, whether the process lives is for the engine to find out. */
export type LinkEvent =
  | { readonly kind: "ready"; readonly address: string }
  | { readonly kind: "failed"; readonly error: string }
  /** What it measured of itself, unread. */
  | { readonly kind: "load"; readonly load: ReplicaLoad }
  /** The models it has or loads. */
  | { readonly kind: "models"; readonly modelIds: readonly string[] }
  /** What request routers are to know of it, as JSON. */
  | { readonly kind: "routing-stats"; readonly json: string }
  /** What it counted, unread. */
  | { readonly kind: "metrics"; readonly metrics: ProcessMetrics }
  | { readonly kind: "lost" };

/** The controller's connection to one replica. */
export interface Link {
  /** Brings it to work and reports until it is lost or the link is closed. Tries while `alive`. */
  follow(
    request: StartRequest,
    runtime: { readonly controllerSocket: string; readonly orphanTtlS: number },
    alive: () => boolean,
    report: (event: LinkEvent) => void,
  ): Promise<void>;
  /** Throws with the user's error as message. */
  reconfigure(version: string, settings: ReplicaSettings): Promise<void>;
  /** Throws with the user's error, or "timed out". */
  checkHealth(timeoutMs: number): Promise<void>;
  /** Tells it to drain and end; throws when it cannot be told. */
  stop(timeoutMs: number): Promise<void>;
  close(): void;
}
