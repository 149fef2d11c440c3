import { randomBytes } from "node:crypto";
import type { Clock, Timer } from "../core/clock.ts";

/** How long a reserved slot waits for its request. */
const RESERVATION_MS = 5_000;

/** Counts the requests in a replica and keeps them at or below a limit that may change. */
export class Admission {
  readonly #clock: Clock;
  readonly #reservations = new Map<string, Timer>();
  #ongoing = 0;
  #max: number;
  #closed = false;
  #onIdle: (() => void)[] = [];

  constructor(max: number, clock: Clock) {
    this.#max = max;
    this.#clock = clock;
  }

  /** Requests in the replica, reserved slots included. */
  get ongoing(): number {
    return this.#ongoing;
  }

  /** A lower limit lets those in finish. */
  setMax(max: number): void {
    this.#max = max;
  }

  /** From now on every newcomer is refused. */
  close(): void {
    this.#closed = true;
  }

  /** Takes a slot for a request: the one that `reservation` holds, else a free one. False: refused. */
  enter(reservation: string | undefined): boolean {
    const timer = reservation === undefined ? undefined : this.#reservations.get(reservation);
    if (timer !== undefined) {
      timer.cancel();
      this.#reservations.delete(reservation!);
      return true;
    }
    if (this.#closed || this.#ongoing >= this.#max) return false;
    this.#ongoing += 1;
    return true;
  }

  /** Gives a slot back. */
  leave(): void {
    this.#ongoing -= 1;
    if (this.#ongoing > 0) return;
    for (const wake of this.#onIdle.splice(0)) wake();
  }

  /** Turns a slot that was entered into a reservation, and returns its id. */
  reserve(): string {
    const id = randomBytes(12).toString("hex");
    const expire = (): void => {
      this.#reservations.delete(id);
      this.leave();
    };
    this.#reservations.set(id, this.#clock.timer(RESERVATION_MS, expire));
    return id;
  }

  /** Resolves when nothing is in. */
  idle(): Promise<void> {
    if (this.#ongoing === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }
}
