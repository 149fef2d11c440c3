/**
 * Measures what a router has to do with each deployment that is scaled by load, and tells the controller: at the
 * intervals its table names, all deployments that are due in one report; and at once when requests wait for a
 * deployment without replicas.
 */
import type { DeploymentLoad } from "../../gen/windlass/runtime/v1/load_pb.ts";
import type { RoutingTable } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import { addSample, prune, type SeriesStore } from "../autoscaling/series.ts";
import type { Clock, Timer } from "../core/clock.ts";
import { packSeries, type SeriesTable } from "../core/series-table.ts";
import { Beats } from "./beats.ts";
import type { RouterTarget } from "./router.ts";
import { keepBounded } from "./sample-store.ts";

/** A report as it is sent (windlass.runtime.v1.ReportLoadRequest). */
export interface LoadReport {
  /** Epoch seconds; each report's is later than that of the one before, unless the clock was set back. */
  readonly timestampS: number;
  readonly deployments: readonly (Pick<DeploymentLoad, "application" | "deployment"> & {
    readonly series: SeriesTable;
  })[];
}

/** What a {@link LoadReporter} needs. */
export interface LoadReporterOptions {
  /** Where each deployment stands, at any time: the router's. */
  readonly load: () => Iterable<RouterTarget>;
  /** Hands a report to the controller; rejects where it is away. */
  readonly send: (report: LoadReport) => Promise<void>;
  readonly clock: Clock;
  /** Whether the deployments that the table has routes to are measured before anyone calls them, as at a proxy. */
  readonly fronts: boolean;
}

type Targets = RoutingTable["deployments"][number];

/** One deployment that is measured. */
interface Measured {
  queue: RouterTarget;
  lookBackS: number;
  readonly store: SeriesStore;
  /** The controller's newest word from us is that requests wait; undefined: it may not have got it. */
  told: boolean | undefined;
}

/** Series of what waits; the others are named by their replica. */
const QUEUED = "";
/** Points in one message; more are sent in several, one after the other: requests are served in between, at both ends. */
const MAX_MESSAGE_POINTS = 10_000;
/** Requests wait and the controller was not reached: until it is tried again. */
const RETRY_MS = 500;
/** Reports that come within the clock's millisecond are told apart by this. */
const TICK_S = 1e-5;

/** See the head of this file. Without deployments that are scaled by load nothing runs. */
export class LoadReporter {
  readonly #o: LoadReporterOptions;
  readonly #measured = new Map<string, Measured>();
  readonly #samples: Beats<Measured>;
  readonly #pushes: Beats<Measured>;
  /** What the next report is to have. */
  readonly #due = new Set<Measured>();
  /** Of those, what goes first: requests wait. */
  readonly #urgent = new Set<Measured>();
  /** What the table says of those that are scaled by load. */
  #scaled: ReadonlyMap<string, Targets> = new Map();
  #sending = false;
  #lastS = 0;
  #retry: Timer | undefined;

  constructor(options: LoadReporterOptions) {
    this.#o = options;
    this.#samples = new Beats(options.clock, (members) => {
      for (const measured of members) this.#sample(measured);
    });
    this.#pushes = new Beats(options.clock, (members) => this.#push(members));
  }

  /** Takes a table's word, after the router has. */
  apply(table: Pick<RoutingTable, "deployments" | "routes">): void {
    const scaled = new Map<string, Targets>();
    for (const targets of table.deployments) {
      if (targets.loadSampling !== undefined) scaled.set(key(targets), targets);
    }
    this.#scaled = scaled;
    for (const [name, measured] of this.#measured) if (!scaled.has(name)) this.#forget(name, measured);
    if (scaled.size === 0) return;
    const fronted = new Set(this.#o.fronts ? table.routes.map(key) : []);
    const fresh: Measured[] = [];
    for (const queue of this.#o.load()) {
      const name = key(queue);
      const targets = scaled.get(name);
      if (targets === undefined) continue;
      const measured = this.#measured.get(name);
      if (measured !== undefined) {
        measured.queue = queue;
        this.#follow(measured, targets);
      } else if (queue.used || fronted.has(name)) fresh.push(this.#measure(queue, targets));
    }
    this.#push(fresh);
    for (const measured of this.#measured.values()) this.#wake(measured);
  }

  /** A request was sent to a deployment for the first time. */
  used(queue: RouterTarget): void {
    const name = key(queue);
    const targets = this.#scaled.get(name);
    if (targets !== undefined && !this.#measured.has(name)) this.#push([this.#measure(queue, targets)]);
  }

  /** A request waits for a deployment that has no replica. */
  starved(queue: RouterTarget): void {
    const measured = this.#measured.get(key(queue));
    if (measured !== undefined) this.#wake(measured);
  }

  /** The controller is there (again): it may know nothing of us. */
  connected(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    for (const measured of this.#measured.values()) measured.told = undefined;
    this.#push(this.#measured.values());
    for (const measured of this.#measured.values()) this.#wake(measured);
  }

  #measure(queue: RouterTarget, targets: Targets): Measured {
    const measured: Measured = { queue, lookBackS: 0, store: new Map(), told: undefined };
    this.#measured.set(key(queue), measured);
    this.#follow(measured, targets);
    this.#sample(measured);
    return measured;
  }

  #follow(measured: Measured, { loadSampling, replicas }: Targets): void {
    const { sampleIntervalS, pushIntervalS, lookBackS } = loadSampling!;
    measured.lookBackS = lookBackS;
    if (replicas.length > 0) measured.told = undefined;
    this.#samples.set(measured, sampleIntervalS * 1_000);
    this.#pushes.set(measured, pushIntervalS * 1_000);
  }

  #forget(name: string, measured: Measured): void {
    this.#measured.delete(name);
    this.#samples.delete(measured);
    this.#pushes.delete(measured);
    this.#due.delete(measured);
    this.#urgent.delete(measured);
  }

  #sample({ queue, store, lookBackS }: Measured): void {
    const nowS = this.#o.clock.now() / 1_000;
    addSample(store, QUEUED, nowS, queue.queued);
    for (const [replica, ongoing] of queue.running()) addSample(store, replica, nowS, ongoing);
    keepBounded(store, nowS - lookBackS);
  }

  /** Reports at once that requests wait where no replica is, unless the controller knows. */
  #wake(measured: Measured): void {
    const { queue, store } = measured;
    // While the controller is away one try after the other is enough, however many requests come.
    if (measured.told === true || this.#retry !== undefined || queue.queued === 0 || queue.replicas > 0) return;
    measured.told = true;
    // What was before this idle time, and the time itself, count nowhere; so even the smallest value says that some wait.
    if (store.get(QUEUED)?.values.at(-1) === 0) store.delete(QUEUED);
    const { timesS = [] } = store.get(QUEUED) ?? {};
    if (timesS.at(-1) !== this.#o.clock.now() / 1_000) this.#sample(measured);
    this.#urgent.add(measured);
    this.#push([measured]);
  }

  #push(measured: Iterable<Measured>): void {
    for (const each of measured) this.#due.add(each);
    if (this.#sending || this.#due.size === 0) return;
    this.#sending = true;
    // Whatever else is due in this turn of the event loop goes with it.
    queueMicrotask(() => void this.#flush());
  }

  /** One report at a time; what became due meanwhile follows. */
  async #flush(): Promise<void> {
    while (this.#due.size > 0) {
      const { batch, deployments } = this.#take();
      try {
        await this.#o.send({ timestampS: this.#stamp(), deployments });
      } catch {
        // The window is kept, so the next report has it all; but nobody is woken by one that never comes.
        for (const measured of batch) measured.told = undefined;
        this.#retry ??= this.#retryIfStarved(batch);
      }
    }
    this.#sending = false;
  }

  /** The next message's content. */
  #take(): { batch: Measured[]; deployments: LoadReport["deployments"][number][] } {
    const batch: Measured[] = [];
    const deployments: LoadReport["deployments"][number][] = [];
    const nowS = this.#o.clock.now() / 1_000;
    let points = 0;
    for (const measured of inOrder(this.#urgent, this.#due)) {
      if (points >= MAX_MESSAGE_POINTS) break;
      this.#due.delete(measured);
      this.#urgent.delete(measured);
      const { queue, store, lookBackS } = measured;
      prune(store, nowS - lookBackS);
      if (!store.get(QUEUED)?.values.length) addSample(store, QUEUED, nowS, queue.queued);
      measured.told = store.get(QUEUED)!.values.at(-1)! > 0;
      batch.push(measured);
      const series = packSeries(store);
      deployments.push({ application: queue.application, deployment: queue.deployment, series });
      for (const { values } of series.columns) points += values.length + 1;
    }
    return { batch, deployments };
  }

  #stamp(): number {
    const nowS = this.#o.clock.now() / 1_000;
    const behindS = this.#lastS - nowS;
    this.#lastS = behindS >= 0 && behindS < 0.001 ? this.#lastS + TICK_S : nowS;
    return this.#lastS;
  }

  #retryIfStarved(batch: readonly Measured[]): Timer | undefined {
    if (!batch.some(({ queue }) => queue.queued > 0 && queue.replicas === 0)) return undefined;
    const retry = (): void => {
      this.#retry = undefined;
      for (const measured of this.#measured.values()) this.#wake(measured);
    };
    return this.#o.clock.timer(RETRY_MS, retry, { unref: true });
  }
}

function* inOrder<T>(...sets: readonly ReadonlySet<T>[]): Generator<T> {
  for (const set of sets) yield* set;
}

function key({ application, deployment }: { application: string; deployment: string }): string {
  return `${application}\0${deployment}`;
}
