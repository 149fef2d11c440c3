/** What a replica counts of the requests that it works on, by the reference's names. */
import type { Clock } from "../core/clock.ts";
import { LATENCY_BOUNDS_MS, type Meter, type MetricDeclaration, type MetricSet } from "../observability/metric-set.ts";
import { type SlidingWindow, slidingWindow } from "../observability/sliding.ts";

const SUCCESSES: MetricDeclaration = {
  name: "serve_deployment_request_counter",
  help: "Requests that have ended without an error.",
  kind: "counter",
  labelNames: ["route"],
};
const ERRORS: MetricDeclaration = {
  name: "serve_deployment_error_counter",
  help: "Requests that have ended with an error.",
  kind: "counter",
  labelNames: ["route", "exception_type"],
};
const LATENCY: MetricDeclaration = {
  name: "serve_deployment_processing_latency_ms",
  help: "Time from taking a request in to the end of its answer.",
  kind: "histogram",
  labelNames: ["route"],
  bounds: LATENCY_BOUNDS_MS,
};
const LONGEST: MetricDeclaration = {
  name: "serve_deployment_max_processing_latency_ms",
  help: "Longest such time in the last minute.",
  kind: "gauge",
  labelNames: ["route"],
};
const ONGOING: MetricDeclaration = {
  name: "serve_replica_processing_queries",
  help: "Requests that a replica works on.",
  kind: "gauge",
  labelNames: [],
};
const UTILIZATION: MetricDeclaration = {
  name: "serve_replica_utilization_percent",
  help: "Time of requests that ended within ten minutes, in percent of what max_ongoing_requests allows.",
  kind: "gauge",
  labelNames: [],
};
const STARTS: MetricDeclaration = {
  name: "serve_deployment_replica_starts",
  help: "One for a replica that is up.",
  kind: "counter",
  labelNames: [],
};

const LONGEST_MS = 60_000;
const UTILIZATION_MS = 600_000;
/** Routes that are told apart; there are as many as an application has prefixes, and those of its callers. */
const MAX_ROUTES = 128;

/** Counts requests. */
export interface RequestMetrics {
  /** One has ended. `error`: the name of what went wrong, see {@link errorType}; undefined: nothing. */
  ended(route: string, error: string | undefined, latencyMs: number, nowMs: number): void;
  /** The replica is up. */
  started(): void;
}

interface RouteMeters {
  readonly successes: Meter;
  readonly latency: Meter;
  readonly longest: SlidingWindow;
}

/** What the gauges look at. */
export interface RequestMetricsOptions {
  readonly clock: Clock;
  readonly ongoing: () => number;
  /** Requests that may run at a time. */
  readonly maxOngoing: () => number;
}

/** Declares the metrics. */
export function createRequestMetrics(
  set: MetricSet,
  { clock, ongoing, maxOngoing }: RequestMetricsOptions,
): RequestMetrics {
  const byRoute = new Map<string, RouteMeters>();
  const busy = slidingWindow(UTILIZATION_MS, 20);
  set.gauge(LONGEST, () =>
    [...byRoute].map(([route, { longest }]) => ({ labels: [route], value: longest.read(clock.monotonic()).max })),
  );
  set.gauge(ONGOING, () => [{ labels: [], value: ongoing() }]);
  set.gauge(UTILIZATION, () => {
    const most = UTILIZATION_MS * Math.max(1, maxOngoing());
    return [{ labels: [], value: Math.min(100, (100 * busy.read(clock.monotonic()).sum) / most) }];
  });
  const metersOf = (route: string): RouteMeters => {
    const known = byRoute.get(route);
    if (known !== undefined) return known;
    if (byRoute.size >= MAX_ROUTES && route !== "OTHER") return metersOf("OTHER");
    const meters = {
      successes: set.meter(SUCCESSES, route),
      latency: set.meter(LATENCY, route),
      longest: slidingWindow(LONGEST_MS, 6),
    };
    byRoute.set(route, meters);
    return meters;
  };
  return {
    ended(route, error, latencyMs, nowMs) {
      const meters = metersOf(route);
      if (error === undefined) meters.successes.add(1);
      else set.meter(ERRORS, route, error).add(1);
      meters.latency.add(latencyMs);
      meters.longest.take(latencyMs, nowMs);
      busy.take(latencyMs, nowMs);
    },
    started: () => set.meter(STARTS).add(1),
  };
}

/** What is thrown comes from users: only what looks like the name of an error is one. */
export function errorType(error: unknown): string {
  const name = error instanceof Error ? error.name : "";
  return typeof name === "string" && /^[\w.$]{1,64}$/.test(name) ? name : "Error";
}
