import type { ApplicationConfig } from "../../config/types.ts";
import type { ScaleRequest } from "../../controller/controller.ts";
import type { SocketPaths } from "../../controller/deployment-state.ts";
import type { PolicyRunner } from "../../controller/policy-runner.ts";
import { Reconciler } from "../../controller/reconciler.ts";
import type { NodeCapacity } from "../../controller/resources.ts";
import { RouteHub } from "../../controller/route-hub.ts";
import { silentLogger } from "../../observability/logger.ts";
import { createMemoryStore } from "../../store/memory.ts";
import type { Store } from "../../store/store.ts";
import { SimulatedEngine, SimulatedProxies } from "./engine.ts";
import { seededRandom } from "./seeded-random.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** The real controller on a simulated engine and virtual time. */
export interface SimulatedController {
  readonly clock: VirtualClock;
  readonly engine: SimulatedEngine;
  readonly proxies: SimulatedProxies;
  readonly routes: RouteHub;
  readonly store: Store;
  controller: Reconciler;
  /** Ends the controller as a crash would and starts another one on the same store and engine, after a while. */
  restart(awayMs?: number): Promise<void>;
  /** As `restart`, but the next thing that becomes durable is the last the old controller does: its actions are lost. */
  crash(): Promise<void>;
  /** PUTs applications; the answer once it is durable. */
  put(applications: ApplicationConfig[], more?: { target_capacity?: number | null }): Promise<{ warnings: string[] }>;
  scale(application: string, deployment: string, target: number, more?: Partial<ScaleRequest>): Promise<number>;
  /** `RUNNING 2, STARTING 1` of a deployment, sorted by name. */
  replicas(application: string, deployment: string): string;
  /** `HEALTHY/CONFIG_UPDATE_COMPLETED`. */
  status(application: string, deployment: string): string;
}

/** Starts one, with an instance and nothing in it. `seed`: of all chance in it. */
export async function simulate(
  options: {
    store?: Store;
    seed?: number;
    sockets?: SocketPaths;
    capacity?: NodeCapacity;
    policies?: PolicyRunner;
  } = {},
): Promise<SimulatedController> {
  const clock = new VirtualClock();
  const engine = new SimulatedEngine(clock);
  const proxies = new SimulatedProxies(clock);
  const store = options.store ?? createMemoryStore();
  const random = seededRandom(options.seed ?? 1);
  let life = 0;
  let crashAtCommit = false;
  const make = async (): Promise<{ controller: Reconciler; routes: RouteHub }> => {
    const mine = ++life;
    const alive = (): boolean => mine === life;
    const routes = new RouteHub(clock);
    const controller = new Reconciler({
      store: onlyWhile(alive, store, {
        async txn(...args: Parameters<Store["txn"]>) {
          const result = await store.txn(...args);
          if (crashAtCommit && alive()) life += 1;
          return result;
        },
      }),
      engine: onlyWhile(alive, engine),
      proxies: onlyWhile(alive, proxies),
      routes,
      clock,
      random,
      logger: silentLogger,
      sockets: options.sockets ?? ((id) => ({ dataSocket: `/run/${id}.sock`, controlSocket: `/run/${id}.ctl` })),
      bind: { host: "127.0.0.1", httpPort: 8000, grpcPort: 9000 },
      proxyWorkers: 2,
      proxyLocation: "EveryNode",
      ...(options.capacity ? { capacity: options.capacity } : {}),
      ...(options.policies ? { policies: options.policies } : {}),
    });
    await controller.recover({ makeInstance: true });
    await clock.advance(0);
    return { controller, routes };
  };
  const first = await make();
  const simulation: SimulatedController = {
    clock,
    engine,
    proxies,
    store,
    routes: first.routes,
    controller: first.controller,
    async crash() {
      crashAtCommit = true;
      const before = life;
      for (let i = 0; i < 50 && life === before; i++) await clock.advance(20);
      crashAtCommit = false;
      life += 1;
      Object.assign(simulation, await make());
    },
    async restart(awayMs = 0) {
      await simulation.controller.close();
      if (awayMs > 0) await clock.advance(awayMs);
      Object.assign(simulation, await make());
    },
    async put(applications, more = {}) {
      const answer = simulation.controller.applyConfig({
        config: { applications, ...more },
        baseDir: "/apps",
        actor: "test",
      });
      await clock.advance(0);
      return answer;
    },
    async scale(application, deployment, target, more = {}) {
      const answer = simulation.controller.scale({
        application,
        deployment,
        target,
        requestId: "",
        reason: "",
        etag: "",
        actor: "test",
        ...more,
      });
      // Handled at once, so that a refusal is not reported as unhandled while time goes on.
      const settled = answer.then(
        ({ revision }) => ({ revision }),
        (error: unknown) => ({ error }),
      );
      await clock.advance(0);
      const result = await settled;
      if ("error" in result) throw result.error;
      return result.revision;
    },
    replicas(application, deployment) {
      const counts = simulation.controller.deployment(application, deployment)?.replicaCounts ?? {};
      return Object.entries(counts)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([state, count]) => `${state} ${count}`)
        .join(", ");
    },
    status(application, deployment) {
      const record = simulation.controller.deployment(application, deployment);
      return record ? `${record.status}/${record.trigger}` : "absent";
    },
  };
  return simulation;
}

/** The port as one controller sees it: once that is dead, its commands go nowhere. */
function onlyWhile<T extends object>(alive: () => boolean, port: T, instead: Partial<T> = {}): T {
  return new Proxy(port, {
    get(target, property) {
      const value: unknown = Reflect.get(instead, property) ?? Reflect.get(target, property, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => (alive() ? value.apply(target, args) : new Promise(() => {}));
    },
  });
}
