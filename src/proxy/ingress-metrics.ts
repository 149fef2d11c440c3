/** What a proxy counts of the requests that reach it. */
import { LATENCY_BOUNDS_MS, type Meter, type MetricDeclaration, type MetricSet } from "../observability/metric-set.ts";

/** A request that has ended. */
export interface EndedRequest {
  /** Prefix of its route; empty: it had none. */
  readonly route: string;
  /** Of HTTP its method, or WS; see {@link methodLabel}. */
  readonly method: string;
  /** Empty: it reached none. */
  readonly application: string;
  /** The application's ingress; empty: it reached none. */
  readonly deployment: string;
  /** Status, or the code that a websocket was closed with. */
  readonly status: string;
  readonly failed: boolean;
  readonly latencyMs: number;
}

/** Counts requests of one protocol. */
export interface IngressMetrics {
  /** A request is being worked on; returns what is called at its end. */
  began(): () => void;
  ended(request: EndedRequest): void;
}

interface Meters {
  readonly requests: Meter;
  readonly latency: Meter;
  readonly errors: Meter | undefined;
  readonly deploymentErrors: Meter | undefined;
}

/** Declares the metrics of the reference for `http` or `grpc`. */
export function createIngressMetrics(set: MetricSet, protocol: "http" | "grpc"): IngressMetrics {
  const declare = declarations(protocol);
  const known = new Map<string, Meters>();
  let ongoing = 0;
  set.gauge(declare.ongoing, () => [{ labels: [], value: ongoing }]);
  const metersOf = (request: EndedRequest): Meters => {
    const { route, method, application, deployment, status, failed } = request;
    const key = `${method}\0${status}\0${failed}\0${deployment}\0${application}\0${route}`;
    let meters = known.get(key);
    if (meters === undefined) {
      const reached = failed && deployment !== "";
      meters = {
        requests: set.meter(declare.requests, route, method, application, status),
        latency: set.meter(declare.latency, method, route, application, status),
        errors: failed ? set.meter(declare.errors, route, status, method, application) : undefined,
        deploymentErrors: reached
          ? set.meter(declare.deploymentErrors, deployment, status, method, route, application)
          : undefined,
      };
      // The set keeps as few: applications that come and go must not fill the memory.
      if (known.size >= 1_024) known.clear();
      known.set(key, meters);
    }
    return meters;
  };
  return {
    began() {
      ongoing += 1;
      let over = false;
      return () => {
        if (!over) ongoing -= 1;
        over = true;
      };
    },
    ended(request) {
      const meters = metersOf(request);
      meters.requests.add(1);
      meters.latency.add(request.latencyMs);
      meters.errors?.add(1);
      meters.deploymentErrors?.add(1);
    },
  };
}

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "WS"]);

/** A method as it is counted: clients may make up any. */
export function methodLabel(method: string): string {
  return METHODS.has(method) ? method : "OTHER";
}

/** The end of a websocket as it is counted; of codes that applications choose, clients may send two thousand. */
export function closeLabel(code: number): string {
  if (code >= 1_000 && code < 1_016) return String(code);
  return code >= 4_000 && code < 5_000 ? "4000-4999" : code >= 3_000 && code < 4_000 ? "3000-3999" : "1002";
}

function declarations(protocol: "http" | "grpc") {
  const counter = (name: string, help: string, labelNames: readonly string[]): MetricDeclaration => ({
    name,
    help,
    kind: "counter",
    labelNames,
  });
  return {
    requests: counter(`serve_num_${protocol}_requests`, "Requests that have ended.", [
      "route",
      "method",
      "application",
      "status_code",
    ]),
    errors: counter(`serve_num_${protocol}_error_requests`, "Requests that ended with an error.", [
      "route",
      "error_code",
      "method",
      "application",
    ]),
    deploymentErrors: counter(
      `serve_num_deployment_${protocol}_error_requests`,
      "Requests to a deployment that ended with an error.",
      ["deployment", "error_code", "method", "route", "application"],
    ),
    latency: {
      name: `serve_${protocol}_request_latency_ms`,
      help: "Time from a request's head to its end.",
      kind: "histogram",
      labelNames: ["method", "route", "application", "status_code"],
      bounds: LATENCY_BOUNDS_MS,
    },
    ongoing: {
      name: `serve_num_ongoing_${protocol}_requests`,
      help: "Requests that are being worked on or wait.",
      kind: "gauge",
      labelNames: [],
    },
  } as const satisfies Record<string, MetricDeclaration>;
}
