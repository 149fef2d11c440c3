/** Users' request routers that fail, told to the controller: the first faults soon, more of them now and then. */
import type { Clock, Timer } from "../core/clock.ts";
import { addFaults, type RouterFaultSum } from "../core/router-faults.ts";
import type { RouterFault } from "./deployment-queue.ts";

/** What comes together with a first fault is told with it. */
const FIRST_AFTER_MS = 500;
/** Between two reports. */
const REPORT_EVERY_MS = 5_000;

/** See the file's comment. Nothing runs while no router fails. */
export class FaultReporter {
  readonly #clock: Clock;
  readonly #send: (sums: readonly RouterFaultSum[]) => Promise<void>;
  /** By deployment. */
  readonly #sums = new Map<string, RouterFaultSum>();
  #timer: Timer | undefined;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  /** What `send` rejects is told with the next report: the controller is away. */
  constructor(clock: Clock, send: (sums: readonly RouterFaultSum[]) => Promise<void>) {
    this.#clock = clock;
    this.#send = send;
  }

  /** A router failed. */
  fault({ application, deployment, version, reason, error }: RouterFault): void {
    const key = keyOf(application, deployment);
    const sum = { application, deployment, version, reason, error, count: 1 };
    this.#sums.set(key, addFaults(this.#sums.get(key), sum));
    this.#arm();
  }

  /** Ends it; what was not told is not told. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#closed) return;
    const delayMs = Math.max(FIRST_AFTER_MS, this.#notBeforeMs - this.#clock.monotonic());
    this.#timer = this.#clock.timer(delayMs, () => this.#report(), { unref: true });
  }

  #report(): void {
    this.#timer = undefined;
    this.#notBeforeMs = this.#clock.monotonic() + REPORT_EVERY_MS;
    const sums = [...this.#sums.values()];
    this.#sums.clear();
    this.#send(sums).catch(() => this.#keep(sums));
  }

  #keep(sums: readonly RouterFaultSum[]): void {
    for (const sum of sums) {
      const key = keyOf(sum.application, sum.deployment);
      const later = this.#sums.get(key);
      this.#sums.set(key, later === undefined ? sum : addFaults(sum, later));
    }
    this.#arm();
  }
}

function keyOf(application: string, deployment: string): string {
  return `${application}\0${deployment}`;
}
