import type { Clock } from "../core/clock.ts";
import type { PublishedTable, RouteFeed, RouterLoad, RoutingTableData } from "./controller.ts";
import { LoadIngest } from "./load-ingest.ts";
import { type RevisionTraffic, TrafficSums } from "./traffic.ts";

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
  #content = "";
  readonly #wakers = new Set<() => void>();
  /** Revision each connected router applied; 0 until its first acknowledgement. */
  readonly #applied = new Map<string, { revision: number; readonly stream: symbol }>();
  /** Routers that are known to run but have not connected yet: they may hold an old table. */
  #expected: ReadonlySet<string> = new Set();
  #onApplied: () => void = () => {};

  constructor(clock: Clock) {
    this.load = new LoadIngest(clock);
  }

  get latest(): PublishedTable {
    return this.#latest;
  }

  /** Publishes a table under a revision, unless nothing changed. Returns the revision routers must apply. */
  publish(revision: number, table: RoutingTableData): number {
    const content = JSON.stringify(table);
    if (content !== this.#content || this.#latest.revision === 0) {
      this.#content = content;
      this.#latest = { revision, table };
      this.load.follow(table);
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
    for (const { revision } of this.#applied.values()) least = Math.min(least, revision);
    return least;
  }

  acknowledge(routerId: string, revision: number): void {
    const router = this.#applied.get(routerId);
    if (!router) return;
    router.revision = Math.max(revision, router.revision);
    this.#onApplied();
  }

  reportTraffic(traffic: readonly RevisionTraffic[]): void {
    this.traffic.report(traffic);
  }

  reportLoad(load: RouterLoad): void {
    this.load.routerReported(load);
  }

  /** Tables for one router, the present one first; ends when `signal` aborts. */
  async *watch(routerId: string, signal: AbortSignal): AsyncGenerator<PublishedTable> {
    let wake: () => void = () => {};
    const onChange = (): void => wake();
    this.#wakers.add(onChange);
    signal.addEventListener("abort", onChange, { once: true });
    // A router that reconnects replaces its old stream, whose end must not count it out.
    const stream = Symbol(routerId);
    this.#applied.set(routerId, { revision: 0, stream });
    this.load.routerJoined(routerId);
    this.#expected = new Set([...this.#expected].filter((id) => id !== routerId));
    try {
      let sent = -1;
      while (!signal.aborted) {
        if (this.#latest.revision > 0 && this.#latest.revision !== sent) {
          sent = this.#latest.revision;
          yield this.#latest;
          continue;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (signal.aborted) resolve();
        });
      }
    } finally {
      this.#wakers.delete(onChange);
      signal.removeEventListener("abort", onChange);
      if (this.#applied.get(routerId)?.stream === stream) {
        this.#applied.delete(routerId);
        this.load.routerLeft(routerId);
      }
      this.#onApplied();
    }
  }
}
