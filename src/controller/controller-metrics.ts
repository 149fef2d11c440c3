/** What the controller's process counts of its own work, by the reference's names. */
import type { Clock } from "../core/clock.ts";
import type { Engine } from "../engine/engine.ts";
import type { ProxyFleet } from "../engine/proxies.ts";
import { type MetricDeclaration, type MetricFamily, MetricSet } from "../observability/metric-set.ts";
import type { Snapshot } from "./controller.ts";
import { measuredEngine } from "./measured-engine.ts";
import { measuredProxies } from "./measured-proxies.ts";

const HEALTHY: MetricDeclaration = {
  name: "serve_deployment_replica_healthy",
  help: "1 for a replica that takes requests, 0 after a health check that failed.",
  kind: "gauge",
  labelNames: ["deployment", "replica", "application"],
};
const LOOP_DURATION: MetricDeclaration = {
  name: "serve_controller_control_loop_duration_s",
  help: "Time that the newest turn of the controller took.",
  kind: "gauge",
  labelNames: [],
};
const SLEEP: MetricDeclaration = {
  name: "serve_controller_sleep_duration_s",
  help: "Time that it had waited for something to do.",
  kind: "gauge",
  labelNames: [],
};
const LOOPS: MetricDeclaration = {
  name: "serve_controller_num_control_loops",
  help: "Turns of the controller.",
  kind: "gauge",
  labelNames: ["actor_id"],
};

/** Series of one metric: replicas of a whole instance have one each. */
const MAX_SERIES = 20_000;

/** What counts, and what tells it. */
export interface ControllerMetrics {
  /** The same engine, counted. */
  engine(engine: Engine): Engine;
  /** The same proxies, counted. */
  proxies(fleet: ProxyFleet): ProxyFleet;
  /** A turn has ended; monotonic ms. */
  readonly turn: (beganMs: number, endedMs: number) => void;
  /** All of it, of what there is. */
  families(now: Snapshot): MetricFamily[];
}

/** What is told of the controller. */
export interface ControllerIdentity {
  readonly actorId: string;
  readonly nodeId: string;
  readonly nodeIp: string;
}

/** Counts from now on. */
export function createControllerMetrics(clock: Clock, { actorId, ...node }: ControllerIdentity): ControllerMetrics {
  const set = new MetricSet(MAX_SERIES);
  let isIll: (id: string) => boolean = () => false;
  let lastMs = clock.monotonic();
  const [duration, sleep] = [set.meter(LOOP_DURATION), set.meter(SLEEP)];
  const loops = set.meter(LOOPS, actorId);
  return {
    engine(engine) {
      const measured = measuredEngine(engine, set, clock);
      isIll = measured.isIll;
      return measured.engine;
    },
    proxies: (fleet) => measuredProxies(fleet, set, clock, node),
    turn(beganMs, endedMs) {
      duration.set((endedMs - beganMs) / 1_000);
      sleep.set((beganMs - lastMs) / 1_000);
      loops.add(1);
      lastMs = endedMs;
    },
    families({ deployments, replicas }) {
      const present = new Set(deployments.map(({ application, name }) => `${application}\0${name}`));
      set.keep(
        ({ deployment, application }) => deployment === undefined || present.has(`${application}\0${deployment}`),
      );
      const health = replicas
        .filter(({ state }) => state.kind === "running" || state.kind === "updating")
        .map(({ deployment, id, application }) => ({
          labels: [deployment, id, application],
          value: isIll(id) ? 0 : 1,
        }));
      return [...(health.length === 0 ? [] : [{ ...HEALTHY, series: health }]), ...set.families()];
    },
  };
}
