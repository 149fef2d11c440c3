/** The user's own metrics for the autoscaler: `recordAutoscalingStats()` called and told at intervals. */
import type { ReplicaLoad } from "../../gen/windlass/runtime/v1/load_pb.ts";
import { addSample, type SeriesStore } from "../autoscaling/series.ts";
import type { Clock, Timer } from "../core/clock.ts";
import { packSeries, type SeriesTable } from "../core/series-table.ts";
import type { Logger } from "../observability/logger.ts";
import { keepBounded } from "../routing/sample-store.ts";
import { userErrorLine } from "../sdk/user-error.ts";
import { errorType } from "./request-metrics.ts";

/** A report as it is sent (windlass.runtime.v1.ReplicaLoad). */
export interface LoadMessage extends Pick<ReplicaLoad, "timestampS"> {
  /** Absent while no call has returned any. */
  readonly series?: SeriesTable;
  readonly calls: {
    readonly latencyMs: number;
    readonly failures: { readonly exceptionName: string; readonly count: number }[];
  };
}

/** How often, in seconds (windlass.runtime.v1.LoadSampling). */
export interface Sampling {
  readonly sampleIntervalS: number;
  readonly pushIntervalS: number;
  readonly lookBackS: number;
}

/** What a {@link LoadReport} needs. */
export interface LoadReportOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The user's method. */
  readonly record: () => unknown;
  /** Folder that paths in the user's errors are shortened by. */
  readonly baseDir: string;
  /** There is a new {@link LoadReport.latest}. */
  readonly onReport: () => void;
}

/** A call that takes longer counts as failed. */
const RECORD_TIMEOUT_MS = 10_000;
/** Metrics by name that one replica may have. */
const MAX_METRICS = 1_000;
/** Names of errors that are told apart. */
const MAX_ERROR_NAMES = 16;

/** Samples and reports while it has intervals. What user code throws is logged, once until it works again. */
export class LoadReport {
  readonly #o: LoadReportOptions;
  readonly #store: SeriesStore = new Map();
  #sampling: Sampling | undefined;
  #latest: LoadMessage | undefined;
  /** Whether the method has once returned what it should. */
  #proven = false;
  /** How long the last call took, and how many failed by the name of their error. */
  #latencyMs = 0;
  readonly #failures = new Map<string, number>();
  #failing = false;
  #stopped = false;
  #calling = false;
  #sampleTimer: Timer | undefined;
  #pushTimer: Timer | undefined;

  constructor(options: LoadReportOptions) {
    this.#o = options;
  }

  /** The newest report; undefined before the first and while nothing scales by load. */
  get latest(): LoadMessage | undefined {
    return this.#latest;
  }

  /** Begins at once, goes on at other intervals, or, without any, stops. */
  configure(sampling: Sampling | undefined): void {
    const before = this.#sampling;
    this.#sampling = sampling;
    if (this.#stopped || sampling === undefined) {
      this.#halt();
      return;
    }
    if (before?.sampleIntervalS !== sampling.sampleIntervalS) {
      this.#sampleTimer?.cancel();
      // A call that is out goes on, and the next one is planned when it ends.
      if (!this.#calling) void this.#sample();
    }
    if (before?.pushIntervalS !== sampling.pushIntervalS) {
      this.#pushTimer?.cancel();
      this.#push(sampling);
    }
  }

  /** For good. */
  stop(): void {
    this.#stopped = true;
    this.#halt();
  }

  #halt(): void {
    this.#sampleTimer?.cancel();
    this.#pushTimer?.cancel();
    this.#sampling = undefined;
    this.#latest = undefined;
    this.#store.clear();
  }

  async #sample(): Promise<void> {
    this.#calling = true;
    await this.#take();
    this.#calling = false;
    if (this.#sampling === undefined) return;
    const delayMs = this.#sampling.sampleIntervalS * 1_000;
    this.#sampleTimer = this.#o.clock.timer(delayMs, () => void this.#sample(), { unref: true });
  }

  async #take(): Promise<void> {
    let stats: unknown;
    const beganMs = this.#o.clock.monotonic();
    try {
      stats = await this.#call();
    } catch (error) {
      this.#count(errorType(error));
      this.#failed("recordAutoscalingStats failed; this sample is left out", userErrorLine(error, this.#o.baseDir));
      return;
    } finally {
      this.#latencyMs = this.#o.clock.monotonic() - beganMs;
    }
    if (this.#sampling === undefined) return;
    const problem = shapeProblem(stats);
    if (problem !== undefined) this.#count("TypeError");
    if (problem !== undefined && !this.#proven) {
      this.#failed("recordAutoscalingStats must return an object of numbers; it is not called again", problem);
      this.stop();
      this.#tell();
      return;
    }
    this.#proven = true;
    if (problem === undefined) this.#failing = false;
    else this.#failed("recordAutoscalingStats returned what is no number; that is left out", problem);
    const nowS = this.#o.clock.now() / 1_000;
    for (const [name, value] of Object.entries(stats ?? {})) {
      const known = this.#store.has(name);
      if (typeof value !== "number" || !Number.isFinite(value) || (!known && this.#store.size >= MAX_METRICS)) continue;
      addSample(this.#store, name, nowS, value);
    }
    keepBounded(this.#store, nowS - this.#sampling.lookBackS);
    if (this.#latest?.series === undefined) this.#report(this.#sampling);
  }

  async #call(): Promise<unknown> {
    const late = Promise.withResolvers<never>();
    const error = new Error(`it took longer than ${RECORD_TIMEOUT_MS / 1_000} s`);
    error.name = "TimeoutError";
    const timer = this.#o.clock.timer(RECORD_TIMEOUT_MS, () => late.reject(error), { unref: true });
    try {
      return await Promise.race([this.#o.record(), late.promise]);
    } finally {
      timer.cancel();
    }
  }

  #push(sampling: Sampling): void {
    const again = (): void => {
      if (this.#sampling === undefined) return;
      if (this.#latest?.series !== undefined) this.#report(this.#sampling);
      else if (this.#failures.size > 0) this.#tell();
      this.#push(this.#sampling);
    };
    this.#pushTimer = this.#o.clock.timer(sampling.pushIntervalS * 1_000, again, { unref: true });
  }

  #report({ lookBackS }: Sampling): void {
    keepBounded(this.#store, this.#o.clock.now() / 1_000 - lookBackS);
    this.#tell(packSeries(this.#store));
  }

  #tell(series?: SeriesTable): void {
    const failures = [...this.#failures].map(([exceptionName, count]) => ({ exceptionName, count }));
    this.#latest = {
      timestampS: this.#o.clock.now() / 1_000,
      ...(series === undefined ? {} : { series }),
      calls: { latencyMs: this.#latencyMs, failures },
    };
    this.#o.onReport();
  }

  #count(name: string): void {
    const known = this.#failures.has(name) || this.#failures.size < MAX_ERROR_NAMES;
    const counted = known ? name : "Error";
    this.#failures.set(counted, (this.#failures.get(counted) ?? 0) + 1);
  }

  #failed(message: string, reason: string): void {
    if (!this.#failing) this.#o.logger.warn(message, { reason });
    this.#failing = true;
  }
}

/** One line; undefined: it is an object of numbers. */
function shapeProblem(stats: unknown): string | undefined {
  if (typeof stats !== "object" || stats === null || Array.isArray(stats)) {
    return `it returned ${stats === null ? "null" : Array.isArray(stats) ? "an array" : typeof stats}`;
  }
  const wrong = Object.entries(stats).find(([, value]) => typeof value !== "number" || !Number.isFinite(value));
  if (wrong === undefined) return undefined;
  const [name, value] = wrong;
  return `${JSON.stringify(name)} is ${typeof value === "number" ? value : typeof value}`;
}
