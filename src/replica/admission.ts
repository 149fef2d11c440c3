import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes } from "node:crypto";
import type { Clock, Timer } from "../core/clock.ts";

/** How long a reserved slot waits for its request. */
const RESERVATION_MS = 5_000;
/** No request waits longer for a slot than this, whatever its router says. */
const MAX_PATIENCE_MS = 10_000;

/** A request that waits for a slot. */
export interface Parked {
  /** How long it had waited elsewhere before; who has waited longest goes first. Ms. */
  readonly waitedMs: number;
  /** How long it waits here. Ms. */
  readonly patienceMs: number;
  /** It has a slot now. */
  onEntered(): void;
  /** It gets none. */
  onRefused(): void;
}

interface Reserved {
  readonly timer: Timer;
  readonly onOver: () => void;
}

interface InLine {
  readonly sinceMs: number;
  readonly parked: Parked;
  readonly timer: Timer;
  readonly enter: () => void;
}

/**
 * Counts the requests in a replica and keeps them at or below a limit that may change. Slots that become free go to
 * those that wait here: a newcomer finds one only where nobody waits, so no router keeps another from its share.
 */
export class Admission {
  readonly #clock: Clock;
  readonly #reservations = new Map<string, Reserved>();
  /** Longest wait first. */
  readonly #line: InLine[] = [];
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

  /** Requests that wait for a slot. */
  get waiting(): number {
    return this.#line.length;
  }

  /** How many requests may be in. */
  get max(): number {
    return this.#max;
  }

  /** A lower limit lets those in finish. */
  setMax(max: number): void {
    this.#max = max;
    this.#admit();
  }

  /** From now on every newcomer is refused, and so is who waits. */
  close(): void {
    this.#closed = true;
    for (const { timer, parked } of this.#line.splice(0)) {
      timer.cancel();
      parked.onRefused();
    }
  }

  /** Takes a slot for a request: the one that `reservation` holds, else a free one. False: refused. */
  enter(reservation: string | undefined): boolean {
    if (reservation !== undefined && this.#redeem(reservation)) return true;
    if (this.#closed || this.#ongoing >= this.#max) return false;
    this.#ongoing += 1;
    return true;
  }

  /**
   * Lets a request that {@link enter} refused wait; returns what takes it out of the line. One of the two callbacks comes
   * later, unless it was taken out; undefined: it may not wait.
   */
  wait(parked: Parked): (() => void) | undefined {
    if (this.#closed) return undefined;
    const leave = (): void => {
      const index = this.#line.indexOf(waiting);
      if (index >= 0) this.#line.splice(index, 1);
      waiting.timer.cancel();
    };
    const timer = this.#clock.timer(Math.min(parked.patienceMs, MAX_PATIENCE_MS), () => {
      leave();
      parked.onRefused();
    });
    const sinceMs = this.#clock.monotonic() - parked.waitedMs;
    // Whose end makes room must not lend its asynchronous context.
    const inContext = AsyncLocalStorage.snapshot();
    const waiting: InLine = { sinceMs, parked, timer, enter: () => inContext(() => parked.onEntered()) };
    const before = this.#line.findLastIndex((other) => other.sinceMs <= sinceMs);
    this.#line.splice(before + 1, 0, waiting);
    return leave;
  }

  /** Gives a slot back. */
  leave(): void {
    this.#ongoing -= 1;
    this.#admit();
    if (this.#ongoing > 0) return;
    for (const wake of this.#onIdle.splice(0)) wake();
  }

  /** Turns a slot that was entered into a reservation, and returns its id. `onOver`: it is none any more. */
  reserve(onOver: () => void = () => {}): string {
    const id = randomBytes(12).toString("hex");
    this.#reservations.set(id, { timer: this.#clock.timer(RESERVATION_MS, () => this.giveUp(id)), onOver });
    return id;
  }

  /** Gives back the slot of a reservation that nobody uses; without effect where there is none. */
  giveUp(reservation: string): void {
    if (this.#redeem(reservation)) this.leave();
  }

  /** Resolves when nothing is in. */
  idle(): Promise<void> {
    if (this.#ongoing === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  /** Whether there was such a reservation, which there is no more. */
  #redeem(id: string): boolean {
    const reserved = this.#reservations.get(id);
    if (reserved === undefined) return false;
    this.#reservations.delete(id);
    reserved.timer.cancel();
    reserved.onOver();
    return true;
  }

  #admit(): void {
    while (!this.#closed && this.#ongoing < this.#max) {
      const next = this.#line.shift();
      if (next === undefined) return;
      next.timer.cancel();
      this.#ongoing += 1;
      next.enter();
    }
  }
}
