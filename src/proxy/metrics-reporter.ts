import type { Clock, Timer } from "../core/clock.ts";
import type { MetricFamily, MetricSet } from "../observability/metric-set.ts";

/** How often what was counted is told, while it changes. */
const REPORT_EVERY_MS = 2_000;

/** Tells the controller what a proxy counts, for whoever asks it. */
export class MetricsReporter {
  readonly #set: MetricSet;
  readonly #clock: Clock;
  readonly #send: (families: readonly MetricFamily[]) => Promise<void>;
  #timer: Timer | undefined;
  #told = "";

  constructor(set: MetricSet, clock: Clock, send: (families: readonly MetricFamily[]) => Promise<void>) {
    this.#set = set;
    this.#clock = clock;
    this.#send = send;
  }

  /** A controller is there: it is told everything, and from then on what changes. */
  connected(): void {
    this.#told = "";
    this.#report();
  }

  /** It is away: nobody is told. */
  disconnected(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #report(): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.timer(REPORT_EVERY_MS, () => this.#report(), { unref: true });
    const now = this.#set.stamp();
    if (now === this.#told) return;
    this.#told = now;
    this.#send(this.#set.families()).catch(() => {
      this.#told = "";
    });
  }
}
