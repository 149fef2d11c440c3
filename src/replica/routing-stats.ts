/** What a replica tells request routers of itself: `recordRoutingStats()`, called at intervals. */
import type { Clock, Timer } from "../core/clock.ts";
import type { Logger } from "../observability/logger.ts";
import type { MetricDeclaration, MetricSet } from "../observability/metric-set.ts";
import { userErrorLine } from "../sdk/user-error.ts";
import { errorType } from "./request-metrics.ts";

/** How often and how long, in seconds (windlass.runtime.v1.RoutingStats). */
export interface StatsPeriod {
  readonly periodS: number;
  readonly timeoutS: number;
}

/** Unless `request_router_config` says otherwise. */
export const DEFAULT_STATS_PERIOD: StatsPeriod = { periodS: 10, timeoutS: 30 };

const ERRORS: MetricDeclaration = {
  name: "serve_routing_stats_error",
  help: "Calls of recordRoutingStats that failed.",
  kind: "counter",
  labelNames: ["error_type"],
};

/** It is sent to every router. */
const MAX_JSON_CHARS = 16_384;
/** Longest delay of a timer. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** What {@link RoutingStats} needs. */
export interface RoutingStatsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The user's method. */
  readonly record: () => unknown;
  /** Folder that paths in the user's errors are shortened by. */
  readonly baseDir: string;
  readonly metrics: MetricSet;
  /** There is a new {@link RoutingStats.latest}. */
  readonly onNews: () => void;
}

/** Calls the method at once and then each period. What it throws is logged, once until it works again. */
export class RoutingStats {
  readonly #o: RoutingStatsOptions;
  #period: StatsPeriod | undefined;
  #latest = "";
  #failing = false;
  #stopped = false;
  #timer: Timer | undefined;

  constructor(options: RoutingStatsOptions) {
    this.#o = options;
  }

  /** The newest word, as JSON; empty: there is none yet. */
  get latest(): string {
    return this.#latest;
  }

  /** Begins, or goes on with another period from the next call on. */
  configure(period: StatsPeriod = DEFAULT_STATS_PERIOD): void {
    const begins = this.#period === undefined;
    this.#period = period;
    if (begins) void this.#poll();
  }

  /** For good. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #poll(): Promise<void> {
    const { periodS, timeoutS } = this.#period!;
    try {
      const stats = await this.#call(timeoutS);
      this.#take(stats);
    } catch (error) {
      this.#o.metrics.meter(ERRORS, errorType(error)).add(1);
      this.#failed(userErrorLine(error, this.#o.baseDir));
    }
    if (this.#stopped) return;
    const delayMs = Math.min(periodS * 1_000, MAX_DELAY_MS);
    this.#timer = this.#o.clock.timer(delayMs, () => void this.#poll(), { unref: true });
  }

  async #call(timeoutS: number): Promise<unknown> {
    const late = Promise.withResolvers<never>();
    const delayMs = Math.min(timeoutS * 1_000, MAX_DELAY_MS);
    const timer = this.#o.clock.timer(
      delayMs,
      () => late.reject(new Error(`it took longer than request_routing_stats_timeout_s, ${timeoutS} s`)),
      { unref: true },
    );
    try {
      return await Promise.race([this.#o.record(), late.promise]);
    } finally {
      timer.cancel();
    }
  }

  #take(stats: unknown): void {
    if (this.#stopped) return;
    if (typeof stats !== "object" || stats === null || Array.isArray(stats)) {
      throw new TypeError(`it must return an object, not ${Array.isArray(stats) ? "an array" : typeof stats}`);
    }
    const json = JSON.stringify(stats);
    if (json.length > MAX_JSON_CHARS) {
      throw new RangeError(`it returned ${json.length} characters of JSON, more than ${MAX_JSON_CHARS}`);
    }
    this.#failing = false;
    if (json === this.#latest) return;
    this.#latest = json;
    this.#o.onNews();
  }

  #failed(reason: string): void {
    if (!this.#failing)
      this.#o.logger.warn("recordRoutingStats failed; routers keep what it returned before", { reason });
    this.#failing = true;
  }
}
