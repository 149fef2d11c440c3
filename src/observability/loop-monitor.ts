/** How late the event loop of a process is, by the reference's names: a timer each five seconds, measured. */
import type { Clock } from "../core/clock.ts";
import type { MetricDeclaration, MetricSet } from "./metric-set.ts";

const EVERY_MS = 5_000;

/** Which loop it is. */
export interface LoopIdentity {
  readonly component: "proxy" | "replica";
  /** "proxy/0", or the id of the replica. */
  readonly actorId: string;
  /** Of a replica; else absent. */
  readonly deployment?: string;
  readonly application?: string;
}

/** Measures until the process ends; what is found goes with the next report of something else. */
export function watchEventLoop(set: MetricSet, clock: Clock, identity: LoopIdentity): void {
  const { component, actorId, deployment, application } = identity;
  const labels = [component, "main", actorId, ...(deployment === undefined ? [] : [deployment, application ?? ""])];
  const labelNames = [
    ...["component", "loop_type", "actor_id"],
    ...(deployment === undefined ? [] : ["deployment", "application"]),
  ];
  const lateness: MetricDeclaration = {
    name: "serve_event_loop_scheduling_latency_ms",
    help: "How late a timer of the event loop was.",
    kind: "histogram",
    labelNames,
    bounds: [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000],
    whole: true,
    quiet: true,
  };
  const iterations: MetricDeclaration = {
    name: "serve_event_loop_monitoring_iterations",
    help: "Times that this was measured, each five seconds.",
    kind: "counter",
    labelNames,
    whole: true,
    quiet: true,
  };
  const [late, count] = [set.meter(lateness, ...labels), set.meter(iterations, ...labels)];
  const measure = (): void => {
    const dueMs = clock.monotonic() + EVERY_MS;
    clock.timer(
      EVERY_MS,
      () => {
        late.add(Math.max(0, clock.monotonic() - dueMs));
        count.add(1);
        measure();
      },
      { unref: true },
    );
  };
  measure();
}
