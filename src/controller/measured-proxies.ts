/** A fleet of proxies whose ends are timed from outside, by the reference's names. */
import type { Clock } from "../core/clock.ts";
import type { ProxyFleet } from "../engine/proxies.ts";
import { LIFECYCLE_BOUNDS_MS, type MetricDeclaration, type MetricSet } from "../observability/metric-set.ts";

const SHUTDOWN: MetricDeclaration = {
  name: "serve_proxy_shutdown_duration_ms",
  help: "Time from telling a proxy to stop until its process was gone.",
  kind: "histogram",
  labelNames: ["node_id", "node_ip_address"],
  bounds: LIFECYCLE_BOUNDS_MS,
};

/** Counts into `set` how long proxies of this node take to end. */
export function measuredProxies(
  fleet: ProxyFleet,
  set: MetricSet,
  clock: Clock,
  node: { readonly nodeId: string; readonly nodeIp: string },
): ProxyFleet {
  let stoppedMs: number | undefined;
  return {
    onEvent: (listener) =>
      fleet.onEvent((event) => {
        if (event.kind === "ended" && stoppedMs !== undefined) {
          set.meter(SHUTDOWN, node.nodeId, node.nodeIp).add(clock.monotonic() - stoppedMs);
        }
        listener(event);
      }),
    start(options) {
      stoppedMs = undefined;
      fleet.start(options);
    },
    stop() {
      stoppedMs ??= clock.monotonic();
      fleet.stop();
    },
  };
}
