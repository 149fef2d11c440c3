import type { Clock } from "../core/clock.ts";
import type { RouterFaultSum } from "../core/router-faults.ts";
import type { MetricFamily } from "../observability/metric-set.ts";
import type { PublishedTable, RouteFeed, RouteNews, RouterLoad, RoutingTableData } from "./controller.ts";
import { LoadIngest } from "./load-ingest.ts";
import { ReplicaWords } from "./replica-words.ts";
import { RouterFaults } from "./router-faults.ts";
import type { SamplingChange } from "./table-keeper.ts";
import { type RevisionTraffic, TrafficSums } from "./traffic.ts";

/** About what it costs to send one router what a table says of one deployment, so that half of the time is left. */
const PAUSE_MS_PER_DEPLOYMENT = 1 / 400;
const LONGEST_PAUSE_MS = 100;
/** News of models go to a router no more often than this, apart from those that come with a table. */
const MODELS_PAUSE_MS = 100;

/**
 * Hands the newest routing table to every connected router and knows which of them applied it. A slow router skips
 * tables and gets the newest; it never delays anyone.
 */
export class RouteHub implements RouteFeed {
  #latest: PublishedTable = {
    revision: 0,
    table: { routes: [], deployments: [], requestTimeoutS: null },
  };
  /** What proxies report of split applications. */
  readonly traffic = new TrafficSums();
  /** What routers and replicas report of deployments that are scaled by load. */
  readonly load: LoadIngest;
  /** What routers tell of request routers that fail. */
  readonly faults = new RouterFaults();
  /** What else replicas and proxies tell. */
  readonly words = new ReplicaWords(() => {
    for (const wake of this.#wakers) wake();
  });
  readonly #wakers = new Set<() => void>();
  /** Revision each connected router applied; 0 until its first acknowledgement. */
  readonly #applied = new Map<string, { revision: number; readonly stream: symbol }>();
  /** How many of them are at each revision. */
  readonly #routersAt = new Map<number, number>();
  /** Routers that are known to run but have not connected yet: they may hold an old table. */
  #expected: ReadonlySet<string> = new Set();
  #onApplied: () => void = () => {};

  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.load = new LoadIngest(clock);
  }

  get latest(): PublishedTable {
    return this.#latest;
  }

  /**
   * Publishes a table under a revision, unless it is the same object as the last one. `sampling`: for which deployments
   * it says something new of how load is measured; default: that is to be seen from the table. Returns the revision
   * routers must apply.
   */
  publish(revision: number, table: RoutingTableData, sampling?: readonly SamplingChange[]): number {
    if (table !== this.#latest.table || this.#latest.revision === 0) {
      this.#latest = { revision, table };
      if (sampling === undefined) this.load.follow(table);
      else this.load.followChanged(sampling);
      for (const wake of this.#wakers) wake();
    }
    return this.#latest.revision;
  }

  /** Calls back whenever `appliedEverywhere` may have grown. */
  onApplied(listener: () => void): void {
    this.#onApplied = listener;
  }

  /** Names routers to wait for until they connect; an empty set ends the waiting. */
  expect(ids: Iterable<string>): void {
    this.#expected = new Set([...ids].filter((id) => !this.#applied.has(id)));
    this.#onApplied();
  }

  /** The newest revision that every connected and every expected router has applied. */
  appliedEverywhere(): number {
    if (this.#expected.size > 0) return 0;
    let least = Infinity;
    for (const revision of this.#routersAt.keys()) least = Math.min(least, revision);
    return least;
  }

  /**
   * How long a router waits for its next table: tables are sent whole, and while thousands of replicas start, each of
   * which makes a new one, nothing else would be done. Without thousands it does not wait at all.
   */
  #pauseMs(): number {
    const size = this.#latest.table.deployments.length * this.#applied.size;
    return Math.min(LONGEST_PAUSE_MS, Math.floor(size * PAUSE_MS_PER_DEPLOYMENT));
  }

  #count(revision: number, change: 1 | -1): void {
    const count = (this.#routersAt.get(revision) ?? 0) + change;
    if (count === 0) this.#routersAt.delete(revision);
    else this.#routersAt.set(revision, count);
  }

  #join(routerId: string, stream: symbol): void {
    const before = this.#applied.get(routerId);
    if (before !== undefined) this.#count(before.revision, -1);
    this.#applied.set(routerId, { revision: 0, stream });
    this.#count(0, 1);
  }

  /** Whether this was the router's newest stream. */
  #leave(routerId: string, stream: symbol): boolean {
    const router = this.#applied.get(routerId);
    if (router?.stream !== stream) return false;
    this.#applied.delete(routerId);
    this.#count(router.revision, -1);
    return true;
  }

  acknowledge(routerId: string, revision: number): void {
    const router = this.#applied.get(routerId);
    if (!router) return;
    this.#count(router.revision, -1);
    router.revision = Math.max(revision, router.revision);
    this.#count(router.revision, 1);
    this.#onApplied();
  }

  reportTraffic(traffic: readonly RevisionTraffic[]): void {
    this.traffic.report(traffic);
  }

  reportLoad(load: RouterLoad): void {
    this.load.routerReported(load);
  }

  reportMetrics(routerId: string, families: readonly MetricFamily[]): void {
    // One whose stream has ended meanwhile would never be forgotten.
    if (this.#applied.has(routerId)) this.words.proxyTold(routerId, families);
  }

  reportRouterFaults(faults: readonly RouterFaultSum[]): void {
    this.faults.report(faults);
  }

  /** Tables for one router, the present one first, and news of models; ends when `signal` aborts. */
  async *watch(routerId: string, signal: AbortSignal): AsyncGenerator<RouteNews> {
    let wake: () => void = () => {};
    const onChange = (): void => wake();
    this.#wakers.add(onChange);
    signal.addEventListener("abort", onChange, { once: true });
    // A router that reconnects replaces its old stream, whose end must not count it out.
    const stream = Symbol(routerId);
    this.#join(routerId, stream);
    this.load.routerJoined(routerId);
    this.#expected = new Set([...this.#expected].filter((id) => id !== routerId));
    try {
      let sent = -1;
      let told = 0;
      let modelsFromMs = 0;
      while (!signal.aborted) {
        if (this.#latest.revision > 0 && this.#latest.revision !== sent) {
          sent = this.#latest.revision;
          const models = this.words.modelsSince(told);
          told = this.words.version;
          yield models.length === 0 ? this.#latest : { ...this.#latest, models };
          const pauseMs = this.#pauseMs();
          if (pauseMs > 0) await this.#clock.sleep(pauseMs, signal);
          continue;
        }
        const pauseMs = this.words.version > told && sent >= 0 ? modelsFromMs - this.#clock.monotonic() : undefined;
        if (pauseMs !== undefined && pauseMs <= 0) {
          const models = this.words.modelsSince(told);
          told = this.words.version;
          modelsFromMs = this.#clock.monotonic() + MODELS_PAUSE_MS;
          if (models.length > 0) yield { revision: sent, models };
          continue;
        }
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        if (signal.aborted) resolve();
        const timer = pauseMs === undefined ? undefined : this.#clock.timer(pauseMs, resolve, { unref: true });
        await promise;
        timer?.cancel();
      }
    } finally {
      this.#wakers.delete(onChange);
      signal.removeEventListener("abort", onChange);
      if (this.#leave(routerId, stream)) {
        this.load.routerLeft(routerId);
        this.words.proxyGone(routerId);
      }
      this.#onApplied();
    }
  }
}
