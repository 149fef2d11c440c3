/**
 * What the control port shows at /metrics. Values are read when somebody asks, so a metric costs nothing in between,
 * and series exist only for what exists: the number of applications and deployments bounds them.
 */
import type { Gauge, Registry } from "prom-client";
import type { MetricFamily } from "./metric-set.ts";
import { type ProxyMetrics, processMetricsText, type ReplicaMetrics } from "./replica-metrics.ts";
import { type ScalingFigures, scalingText } from "./scaling-metrics.ts";

/** The client library takes its time to load, and most controllers are never scraped. */
const loadClient = async () => (await import("prom-client")).default; // once bundled, it has no other export

type Client = Awaited<ReturnType<typeof loadClient>>;

/** Everything that the metrics tell of, as it is now. Statuses are the names that users see. */
export interface ControlState {
  readonly applications: readonly { readonly name: string; readonly status: string }[];
  readonly deployments: readonly { readonly application: string; readonly name: string; readonly status: string }[];
  /** One entry a node with proxies. */
  readonly proxies: readonly { readonly nodeId: string; readonly nodeIp: string; readonly status: string }[];
  /** Of the deployments that are autoscaled or have a shadow. */
  readonly scaling: readonly ScalingFigures[];
  /** What the controller's process counted. */
  readonly own: readonly MetricFamily[];
  /** What replicas counted. */
  readonly replicas: readonly ReplicaMetrics[];
  /** What proxies counted. */
  readonly proxyCounts: readonly ProxyMetrics[];
  readonly revision: number;
  readonly watchers: number;
  readonly spareReplicas: number;
}

/** Makes the text of a scrape. */
export interface ControlMetrics {
  readonly contentType: string;
  text(): Promise<string>;
}

/** Numbers of the reference, by status. A status that is not here is 0, unknown. */
const APPLICATION_STATUS: Readonly<Record<string, number>> = {
  DEPLOY_FAILED: 1,
  UNHEALTHY: 2,
  NOT_STARTED: 3,
  DELETING: 4,
  DEPLOYING: 5,
  RUNNING: 6,
};

const DEPLOYMENT_STATUS: Readonly<Record<string, number>> = {
  DEPLOY_FAILED: 1,
  UNHEALTHY: 2,
  UPDATING: 3,
  UPSCALING: 4,
  DOWNSCALING: 5,
  HEALTHY: 6,
};

const PROXY_STATUS: Readonly<Record<string, number>> = {
  STARTING: 1,
  HEALTHY: 2,
  UNHEALTHY: 3,
  DRAINING: 4,
  DRAINED: 5,
};

/** Declares the metrics over a state that `read` tells. Collecting the process's own begins with the first scrape. */
export function createControlMetrics(read: () => ControlState): ControlMetrics {
  const begin = async () => {
    const client = await loadClient();
    const registry = new client.Registry();
    client.collectDefaultMetrics({ register: registry });
    return { registry, set: declare(client, registry) };
  };
  let begun: ReturnType<typeof begin> | undefined;
  return {
    contentType: "text/plain; version=0.0.4; charset=utf-8",
    async text() {
      begun ??= begin();
      const { registry, set } = await begun;
      const state = read();
      set(state);
      const counted = processMetricsText(state.replicas, state.proxyCounts, state.own);
      return (await registry.metrics()) + scalingText(state.scaling) + counted;
    },
  };
}

/** Declares our own metrics; returns what gives them their values. */
function declare(client: Client, registry: Registry): (state: ControlState) => void {
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> =>
    new client.Gauge({ name, help, labelNames, registers: [registry] });
  const application = gauge(
    "serve_application_status",
    `Status of an application: 0 unknown, ${legend(APPLICATION_STATUS)}.`,
    ["application"],
  );
  const deployment = gauge(
    "serve_deployment_status",
    `Status of a deployment: 0 unknown, ${legend(DEPLOYMENT_STATUS)}.`,
    ["deployment", "application"],
  );
  const proxy = gauge(
    "serve_proxy_status",
    `Status of a node's proxies, the best of them: 0 unknown, ${legend(PROXY_STATUS)}.`,
    ["node_id", "node_ip_address"],
  );
  const revision = gauge("windlass_store_revision", "Revision of the newest change that is stored.", []);
  const watchers = gauge("windlass_watchers", "Watches open now, over all protocols.", []);
  const spares = gauge("windlass_spare_replicas", "Loaded processes that wait to become replicas.", []);
  return (state) => {
    // What is gone since the last scrape leaves no series behind.
    for (const each of [application, deployment, proxy]) each.reset();
    for (const { name, status } of state.applications) {
      application.set({ application: name }, APPLICATION_STATUS[status] ?? 0);
    }
    for (const { application, name, status } of state.deployments) {
      deployment.set({ deployment: name, application }, DEPLOYMENT_STATUS[status] ?? 0);
    }
    for (const { nodeId, nodeIp, status } of state.proxies) {
      proxy.set({ node_id: nodeId, node_ip_address: nodeIp }, PROXY_STATUS[status] ?? 0);
    }
    revision.set(state.revision);
    watchers.set(state.watchers);
    spares.set(state.spareReplicas);
  };
}

/** "1 DEPLOY_FAILED, 2 UNHEALTHY". */
function legend(numbers: Readonly<Record<string, number>>): string {
  return Object.entries(numbers)
    .map(([status, number]) => `${number} ${status}`)
    .join(", ");
}
