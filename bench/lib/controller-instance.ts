/** The real controller for benches: on a real store, on virtual time, with an engine that runs no processes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RouterLoad } from "../../src/controller/controller.ts";
import { Reconciler } from "../../src/controller/reconciler.ts";
import { RouteHub } from "../../src/controller/route-hub.ts";
import type { Clock, Timer } from "../../src/core/clock.ts";
import type { Engine, EngineEvent } from "../../src/engine/engine.ts";
import type { ProxyEvent, ProxyFleet } from "../../src/engine/proxies.ts";
import { silentLogger } from "../../src/observability/logger.ts";
import { openEmbeddedStore } from "../../src/store/embedded.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { seeded } from "./seeded.ts";

export interface Instance {
  /** Deploys applications of so many deployments each, and waits until they run. */
  deploy(applications: number, deployments: number, options: Record<string, unknown>): Promise<void>;
  advance(ms: number): Promise<void>;
  /** One router reports anew on every deployment: each replica has `level` requests running. */
  report(level: number): void;
  /** CPU time of the store's transactions; set it to 0 to begin anew. */
  storeMs: number;
  readonly transactions: number;
  /** What part of the written characters of the last transactions was of decision records; begins anew. */
  recordShare(): number;
  /** Starts take up to so much longer, each its own time. */
  spreadMs: number;
  close(): Promise<void>;
}

/** Everything that is due at one moment happens at once; then it settles. */
class BenchClock implements Clock {
  #now = 1_790_000_000_000;
  #sequence = 0;
  readonly #timers = new Map<number, { readonly at: number; readonly fn: () => void }>();

  now(): number {
    return this.#now;
  }
  monotonic(): number {
    return this.#now;
  }
  timer(delayMs: number, fn: () => void): Timer {
    const id = this.#sequence++;
    this.#timers.set(id, { at: Math.ceil(this.#now + Math.max(0, delayMs)), fn });
    return { cancel: () => void this.#timers.delete(id) };
  }
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.timer(delayMs, resolve));
  }
  async advance(ms: number, settle: () => Promise<void>): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      let at = Number.POSITIVE_INFINITY;
      for (const timer of this.#timers.values()) at = Math.min(at, timer.at);
      if (at > end) break;
      this.#now = Math.max(this.#now, at);
      const due = [...this.#timers].filter((entry) => entry[1].at <= this.#now);
      for (const [id] of due) this.#timers.delete(id);
      for (const [, { fn }] of due) fn();
      await settle();
    }
    this.#now = end;
    await settle();
  }
}

/** Happenings of a simulated machine, by the moment, so that the clock has one timer for all. */
class Later {
  readonly #clock: Clock;
  readonly #at = new Map<number, (() => void)[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  in(delayMs: number, fn: () => void): void {
    const at = Math.ceil(this.#clock.now() + delayMs);
    const known = this.#at.get(at);
    if (known !== undefined) {
      known.push(fn);
      return;
    }
    const all = [fn];
    this.#at.set(at, all);
    this.#clock.timer(delayMs, () => {
      this.#at.delete(at);
      for (const each of all) each();
    });
  }
}

class BenchEngine implements Engine {
  readonly #later: Later;
  #emit: (event: EngineEvent) => void = () => {};
  #pid = 1_000;
  /** Running replicas, by deployment. */
  readonly running = new Map<string, Set<string>>();
  readonly #deploymentOf = new Map<string, string>();
  deployments: readonly { name: string; options: Record<string, unknown> }[] = [];
  spreadMs = 0;

  constructor(clock: Clock) {
    this.#later = new Later(clock);
  }

  onEvent(listener: (event: EngineEvent) => void): void {
    this.#emit = listener;
  }
  build({ buildId }: { readonly buildId: string }): void {
    this.#later.in(20, () => {
      const deployments = this.deployments.map((each) => ({ ...each, outbound: [] }));
      const ingress = deployments[0]!.name;
      const code = { bundlePath: "/bundles/h", bundleHash: "h", exportName: "app" };
      this.#emit({ kind: "built", buildId, result: { ...code, ingress, deployments } });
    });
  }
  cancelBuild(): void {}
  hasBundle(): boolean {
    return true;
  }
  start({ id, application, deployment, dataSocket }: Parameters<Engine["start"]>[0]): void {
    const process = { pid: this.#pid++, startTime: "1", bootId: "b" };
    const key = `${application}/${deployment}`;
    this.#deploymentOf.set(id, key);
    const extraMs = this.spreadMs === 0 ? 0 : (this.#pid * 7_919) % this.spreadMs;
    this.#later.in(extraMs, () => this.#emit({ kind: "spawned", id, process }));
    this.#later.in(extraMs + 50, () => {
      const known = this.running.get(key);
      if (known === undefined) this.running.set(key, new Set([id]));
      else known.add(id);
      this.#emit({ kind: "ready", id, address: dataSocket });
    });
  }
  adopt(): void {}
  reconfigure(): void {}
  checkHealth(id: string): void {
    this.#later.in(1, () => this.#emit({ kind: "health", id, error: null }));
  }
  stop(id: string): void {
    this.#later.in(10, () => {
      this.running.get(this.#deploymentOf.get(id) ?? "")?.delete(id);
      this.#emit({ kind: "exited", id, detail: "was stopped" });
    });
  }
  kill(id: string): void {
    this.stop(id);
  }
}

class BenchProxies implements ProxyFleet {
  #emit: (event: ProxyEvent) => void = () => {};

  onEvent(listener: (event: ProxyEvent) => void): void {
    this.#emit = listener;
  }
  start(): void {
    for (const id of ["0", "1"]) this.#emit({ kind: "ready", id, pid: 500 });
  }
  stop(): void {}
}

async function settle(): Promise<void> {
  for (let i = 0; i < 12; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** A controller that has come up, without applications. */
export async function build(kind: "memory" | "embedded"): Promise<Instance> {
  const clock = new BenchClock();
  const engine = new BenchEngine(clock);
  const routes = new RouteHub(clock);
  const folder = mkdtempSync(join(tmpdir(), "controller-turn-"));
  const store = kind === "memory" ? createMemoryStore() : await openEmbeddedStore({ path: join(folder, "state.db") });
  const chars = { records: 0, all: 0 };
  let storeMs = 0;
  let transactions = 0;
  const measured: Store = new Proxy(store, {
    get(target, property) {
      if (property === "txn") {
        return async (...args: Parameters<Store["txn"]>) => {
          for (const op of args[1]) {
            const length = op.kind === "put" ? op.value.length : 0;
            chars.all += length;
            if (op.key.startsWith("trace/")) chars.records += length;
          }
          transactions += 1;
          const start = process.threadCpuUsage();
          const result = await target.txn(...args);
          const { user, system } = process.threadCpuUsage(start);
          storeMs += (user + system) / 1_000;
          return result;
        };
      }
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const controller = new Reconciler({
    store: measured,
    engine,
    proxies: new BenchProxies(),
    routes,
    clock,
    random: { next: seeded(1) },
    logger: silentLogger,
    sockets: (id) => ({ dataSocket: `/run/windlass/${id}.sock`, controlSocket: `/run/windlass/${id}.ctl` }),
    bind: { host: "127.0.0.1", httpPort: 8000, grpcPort: 9000 },
    proxyWorkers: 2,
    proxyLocation: "EveryNode",
  });
  await controller.recover({ makeInstance: true });
  const advance = (ms: number): Promise<void> => clock.advance(ms, settle);
  let names: readonly (readonly [application: string, deployment: string])[] = [];

  function report(level: number): void {
    const nowS = clock.now() / 1_000;
    const timesS = [5, 4, 3, 2, 1].map((age) => nowS - 2 * age);
    const deployments = names.map(([application, deployment], index) => {
      const running = engine.running.get(`${application}/${deployment}`) ?? [];
      // No two alike, and none the same as the round before; the mean is what was asked for.
      const values = timesS.map((_, at) => level + (at % 2 === 0 ? 1 : -1) * 0.01 * (index % 10));
      const series = new Map([["", { timesS, values: [0, 0, 0, 0, 0] }]]);
      for (const id of running) series.set(id, { timesS, values });
      return { application, deployment, series };
    });
    const load: RouterLoad = { routerId: "proxy/0", timestampS: nowS, deployments };
    routes.reportLoad(load);
  }

  return {
    async deploy(applications, count, options) {
      engine.deployments = Array.from({ length: count }, (_, index) => ({ name: `d${index}`, options }));
      const each = Array.from({ length: applications }, (_, index) => `app${index}`);
      names = each.flatMap((application) => engine.deployments.map(({ name }) => [application, name] as const));
      const answer = controller.applyConfig({
        config: { applications: each.map((name) => ({ name, route_prefix: `/${name}`, import_path: "app" })) },
        baseDir: "/apps",
        actor: "bench",
      });
      await advance(2_000 + engine.spreadMs);
      await answer;
      const { applications: found } = controller.snapshot();
      const other = found.find(({ status }) => status !== "RUNNING");
      if (other !== undefined) throw new Error(`${other.name} is ${other.status}: ${other.message}`);
    },
    advance,
    report,
    get storeMs() {
      return storeMs;
    },
    set storeMs(value) {
      storeMs = value;
    },
    get transactions() {
      return transactions;
    },
    recordShare() {
      const share = chars.all === 0 ? 0 : chars.records / chars.all;
      chars.records = 0;
      chars.all = 0;
      return share;
    },
    get spreadMs() {
      return engine.spreadMs;
    },
    set spreadMs(value) {
      engine.spreadMs = value;
    },
    async close() {
      await controller.close();
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
