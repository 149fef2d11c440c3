/** `GET /metrics`: the state of the controller for Prometheus. */
import type { Snapshot } from "../../controller/controller.ts";
import type { MetricFamily } from "../../observability/metric-set.ts";
import { type ControlMetrics, createControlMetrics } from "../../observability/metrics.ts";
import type { ApiDeps } from "../connect/context.ts";
import type { Reply } from "../http.ts";
import { bestProxyState } from "./details.ts";
import type { RestRequest } from "./router.ts";

/** Declares the metrics of an API. */
export function apiMetrics(
  { controller, feed, host, spareReplicas }: Omit<ApiDeps, "metrics">,
  counted: (now: Snapshot) => readonly MetricFamily[] = () => [],
): ControlMetrics {
  return createControlMetrics(() => {
    const now = controller.snapshot();
    const proxied = now.instance.state !== "absent" && now.proxies.length > 0;
    return {
      ...now,
      proxies: proxied
        ? [{ nodeId: host.nodeId, nodeIp: host.nodeIp, status: bestProxyState(now.proxies).toUpperCase() }]
        : [],
      own: counted(now),
      scaling: controller.scalingFigures(),
      replicas: controller.replicaMetrics(),
      proxyCounts: controller.proxyMetrics(),
      watchers: feed.active,
      spareReplicas: spareReplicas(),
    };
  });
}

/** See the file's comment. */
export async function getMetrics({ deps: { metrics } }: RestRequest): Promise<Reply> {
  return { status: 200, contentType: metrics.contentType, body: await metrics.text() };
}
