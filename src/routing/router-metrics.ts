/**
 * What a router counts, by the reference's names. Hot: per request two lookups by route and three additions; a router
 * without a set counts nothing.
 */
import {
  LATENCY_BOUNDS_MS,
  type Meter,
  type MetricDeclaration,
  type MetricSeries,
  type MetricSet,
} from "../observability/metric-set.ts";
import type { RouterTarget } from "./router.ts";

/** Whose requests a router places. */
export interface RouterIdentity {
  /** "proxy/0", or the id of the replica. */
  readonly actorId: string;
  readonly source: "PROXY" | "REPLICA";
}

/** Counts the requests for one deployment. */
export interface QueueMetrics {
  /** A request has come. */
  asked(route: string): void;
  /** It was not refused. */
  routed(route: string): void;
  /** It was given a replica, after so many ms. */
  given(waitedMs: number): void;
}

/** What of a deployment the gauges read. */
export type CountedTarget = Pick<
  RouterTarget,
  "application" | "deployment" | "queued" | "ongoing" | "reserved" | "used" | "running"
>;

const ASKED: MetricDeclaration = {
  name: "serve_handle_request_counter",
  help: "Requests that a proxy or a handle had for a deployment.",
  kind: "counter",
  labelNames: ["handle", "deployment", "route", "application"],
  whole: true,
};
const ROUTED: MetricDeclaration = {
  name: "serve_num_router_requests",
  help: "Of these, those that were not refused at once.",
  kind: "counter",
  labelNames: ["deployment", "route", "application", "handle", "actor_id"],
  whole: true,
};
const FULFILLMENT: MetricDeclaration = {
  name: "serve_request_router_fulfillment_time_ms",
  help: "Time until a request was given a replica.",
  kind: "histogram",
  labelNames: ["deployment", "actor_id", "application", "handle_source"],
  bounds: LATENCY_BOUNDS_MS,
  whole: true,
};
const perHandle = (name: string, help: string): MetricDeclaration => ({
  name,
  help,
  kind: "gauge",
  labelNames: ["deployment", "application", "handle", "actor_id"],
  whole: true,
});
const QUEUED = perHandle("serve_deployment_queued_queries", "Requests that wait for a replica.");
const ONGOING = perHandle("serve_num_ongoing_requests_at_replicas", "Requests that replicas work on.");
const RESERVED = perHandle("serve_reserved_slots_active", "Slots that replicas hold for requests on their way.");
const QUEUE_LENGTH: MetricDeclaration = {
  name: "serve_request_router_queue_len",
  help: "Requests that a router has at a replica.",
  kind: "gauge",
  labelNames: ["deployment", "replica_id", "actor_id", "application", "handle_source"],
  whole: true,
};

/** Declares the metrics of a router over its deployments; see {@link RouterMetrics}. */
export function createRouterMetrics(set: MetricSet, { actorId, source }: RouterIdentity): RouterMetrics {
  const handleOf = ({ application, deployment }: CountedTarget): string => `${application}#${deployment}#${actorId}`;
  return {
    of(application, deployment) {
      const handle = `${application}#${deployment}#${actorId}`;
      const asked = byRoute((route) => set.meter(ASKED, handle, deployment, route, application));
      const routed = byRoute((route) => set.meter(ROUTED, deployment, route, application, handle, actorId));
      let fulfillment: Meter | undefined;
      return {
        asked: (route) => asked(route).add(1),
        routed: (route) => routed(route).add(1),
        given(waitedMs) {
          fulfillment ??= set.meter(FULFILLMENT, deployment, actorId, application, source);
          fulfillment.add(waitedMs);
        },
      };
    },
    watch(targets) {
      const used = (): CountedTarget[] => [...targets()].filter((target) => target.used);
      const gauge = (declaration: MetricDeclaration, value: (target: CountedTarget) => number) =>
        set.gauge(declaration, () =>
          used().map((target) => ({
            labels: [target.deployment, target.application, handleOf(target), actorId],
            value: value(target),
          })),
        );
      const ends = [
        gauge(QUEUED, ({ queued }) => queued),
        gauge(ONGOING, ({ ongoing }) => ongoing),
        gauge(RESERVED, ({ reserved }) => reserved),
        set.gauge(QUEUE_LENGTH, () =>
          used().flatMap((target) =>
            [...target.running()].map(
              ([replica, value]): MetricSeries => ({
                labels: [target.deployment, replica, actorId, target.application, source],
                value,
              }),
            ),
          ),
        ),
      ];
      return () => {
        for (const end of ends) end();
      };
    },
  };
}

/** What a router counts with. */
export interface RouterMetrics {
  /** For one of its deployments. */
  of(application: string, deployment: string): QueueMetrics;
  /** Has gauges tell of the deployments; returns what ends that. */
  watch(targets: () => Iterable<CountedTarget>): () => void;
}

/** Routes are few, and most requests have that of the one before. */
function byRoute(make: (route: string) => Meter): (route: string) => Meter {
  const known = new Map<string, Meter>();
  let last: Meter | undefined;
  let lastRoute = "";
  return (route) => {
    if (last !== undefined && route === lastRoute) return last;
    last = known.get(route);
    if (last === undefined) {
      last = make(route);
      // The set keeps as few.
      if (known.size >= 256) known.clear();
      known.set(route, last);
    }
    lastRoute = route;
    return last;
  };
}
