/** An engine whose commands are timed from outside, by the reference's names. It decides nothing and keeps no record. */
import type { Clock } from "../core/clock.ts";
import type { Engine, EngineEvent, ReplicaName } from "../engine/engine.ts";
import {
  LATENCY_BOUNDS_MS,
  LIFECYCLE_BOUNDS_MS,
  type MetricDeclaration,
  type MetricSet,
} from "../observability/metric-set.ts";

const histogram = (name: string, help: string, bounds: readonly number[]): MetricDeclaration => ({
  name,
  help,
  kind: "histogram",
  labelNames: ["deployment", "application"],
  bounds,
});
const STARTUP = histogram(
  "serve_replica_startup_latency_ms",
  "Time from the start of a replica until it takes requests.",
  LIFECYCLE_BOUNDS_MS,
);
const INITIALIZATION = histogram(
  "serve_replica_initialization_latency_ms",
  "Of this, the time from when its process ran.",
  LIFECYCLE_BOUNDS_MS,
);
const RECONFIGURE = histogram(
  "serve_replica_reconfigure_latency_ms",
  "Time that a replica took to take over other settings.",
  LATENCY_BOUNDS_MS,
);
const HEALTH = histogram("serve_health_check_latency_ms", "Time that a health check took.", LATENCY_BOUNDS_MS);
const SHUTDOWN = histogram(
  "serve_replica_shutdown_duration_ms",
  "Time from telling a replica to stop until its process was gone.",
  LIFECYCLE_BOUNDS_MS,
);
const FAILURES: MetricDeclaration = {
  name: "serve_health_check_failures_total",
  help: "Health checks that failed.",
  kind: "counter",
  labelNames: ["deployment", "replica", "application"],
};

/** What is under way at a replica, by its begin; monotonic ms. */
interface Running extends ReplicaName {
  startedMs?: number;
  spawnedMs?: number;
  checkedMs?: number;
  reconfiguredMs?: number;
  stoppedMs?: number;
  failures: number;
  ill: boolean;
}

/** An {@link Engine} that is measured. */
export interface MeasuredEngine {
  readonly engine: Engine;
  /** Whether the last health check of a replica failed. */
  isIll(id: string): boolean;
}

/** Counts into `set` what `engine` does. */
export function measuredEngine(engine: Engine, set: MetricSet, clock: Clock): MeasuredEngine {
  const replicas = new Map<string, Running>();
  set.gauge(FAILURES, () =>
    [...replicas.values()]
      .filter(({ failures }) => failures > 0)
      .map(({ deployment, id, application, failures }) => ({ labels: [deployment, id, application], value: failures })),
  );
  const known = ({ application, deployment, id }: ReplicaName): Running => {
    const replica: Running = { application, deployment, id, failures: 0, ill: false };
    replicas.set(id, replica);
    return replica;
  };
  const took = (declaration: MetricDeclaration, replica: Running, sinceMs: number | undefined): void => {
    if (sinceMs === undefined) return;
    set.meter(declaration, replica.deployment, replica.application).add(clock.monotonic() - sinceMs);
  };
  const note = (id: string, moment: "checkedMs" | "reconfiguredMs" | "stoppedMs"): void => {
    const replica = replicas.get(id);
    if (replica !== undefined) replica[moment] = clock.monotonic();
  };
  const heard = (event: EngineEvent): void => {
    if (!("id" in event)) return;
    const replica = replicas.get(event.id);
    if (replica === undefined) return;
    switch (event.kind) {
      case "spawned":
        replica.spawnedMs = clock.monotonic();
        return;
      case "ready":
        took(STARTUP, replica, replica.startedMs);
        if (replica.startedMs !== undefined) took(INITIALIZATION, replica, replica.spawnedMs);
        delete replica.startedMs;
        return;
      case "reconfigured":
        took(RECONFIGURE, replica, replica.reconfiguredMs);
        delete replica.reconfiguredMs;
        return;
      case "health":
        took(HEALTH, replica, replica.checkedMs);
        delete replica.checkedMs;
        replica.ill = event.error !== null;
        if (replica.ill) replica.failures += 1;
        return;
      case "exited":
        took(SHUTDOWN, replica, replica.stoppedMs);
        replicas.delete(event.id);
        return;
    }
  };
  return {
    isIll: (id) => replicas.get(id)?.ill ?? false,
    engine: {
      onEvent: (listener) =>
        engine.onEvent((event) => {
          heard(event);
          listener(event);
        }),
      build: (request) => engine.build(request),
      cancelBuild: (buildId) => engine.cancelBuild(buildId),
      hasBundle: (bundlePath) => engine.hasBundle(bundlePath),
      start(request) {
        known(request).startedMs = clock.monotonic();
        engine.start(request);
      },
      adopt(record, request) {
        known(request);
        engine.adopt(record, request);
      },
      reconfigure(id, version, settings) {
        note(id, "reconfiguredMs");
        engine.reconfigure(id, version, settings);
      },
      checkHealth(id, timeoutMs) {
        note(id, "checkedMs");
        engine.checkHealth(id, timeoutMs);
      },
      stop(id, timeoutMs) {
        note(id, "stoppedMs");
        engine.stop(id, timeoutMs);
      },
      kill: (id) => engine.kill(id),
    },
  };
}
