/** What routers tell of beside their requests: proxies and replicas that call others declare the same metrics. */
import type { Logger } from "./logger.ts";
import type { MetricDeclaration, MetricSet } from "./metric-set.ts";

/** The deployment that is called; not that of the process that counts. */
interface Called {
  readonly application: string;
  readonly deployment: string;
}

const LABELS = ["to_deployment", "to_application"] as const;

const REFUSED: MetricDeclaration = {
  name: "windlass_router_refused_requests",
  help: "Requests that were not taken: the line was full, one of higher priority took its place, or it would come too late.",
  kind: "counter",
  labelNames: [...LABELS, "reason"],
};

const RETRIES: MetricDeclaration = {
  name: "windlass_router_retries",
  help: "Requests that a replica broke off and that were sent again.",
  kind: "counter",
  labelNames: LABELS,
};

const DENIED: MetricDeclaration = {
  name: "windlass_router_denied_retries",
  help: "Requests that a replica broke off and that were not sent again because the retry budget was spent.",
  kind: "counter",
  labelNames: LABELS,
};

const EJECTIONS: MetricDeclaration = {
  name: "windlass_router_ejections",
  help: "Times a replica was left out because it failed request after request.",
  kind: "counter",
  labelNames: LABELS,
};

const EJECTED: MetricDeclaration = {
  name: "windlass_router_ejected_replicas",
  help: "Replicas that are left out now.",
  kind: "gauge",
  labelNames: LABELS,
};

/** Where the router's own state is read. */
export interface RoutersState {
  load(): Iterable<Called & { readonly ejected: number }>;
}

/** Counts the events of a router (routing/router-events.ts) in `set`, and logs what operators want to know of. */
export function countDecisions(set: MetricSet, log: Pick<Logger, "warn" | "info">, router: () => RoutersState) {
  const count = (metric: MetricDeclaration, { application, deployment }: Called, ...more: string[]): void =>
    set.meter(metric, deployment, application, ...more).add(1);
  const end = set.gauge(EJECTED, () =>
    [...router().load()]
      .filter(({ ejected }) => ejected > 0)
      .map(({ application, deployment, ejected }) => ({ labels: [deployment, application], value: ejected })),
  );
  return {
    refused: (target: Called, reason: string): void => count(REFUSED, target, reason),
    retried: (target: Called, granted: boolean): void => count(granted ? RETRIES : DENIED, target),
    ejected(target: Called, replica: { id: string; failures: number; forMs: number; error: string }): void {
      count(EJECTIONS, target);
      const { application, deployment } = target;
      const { id, failures, forMs, error } = replica;
      const fields = { application, deployment, replica: id, failures, for_s: forMs / 1_000, error };
      log.warn("a replica that fails is left out", fields);
    },
    readmitted({ application, deployment }: Called, replica: string): void {
      log.info("a replica that was left out is back", { application, deployment, replica });
    },
    /** Ends the gauge. */
    end,
  };
}
