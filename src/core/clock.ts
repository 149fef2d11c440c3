/** Time as a dependency: decisions take `now` as an argument, everything that waits takes a Clock. */
export interface Clock {
  /** Wall clock, epoch milliseconds. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. For durations. */
  monotonic(): number;
  /** Calls `fn` once after `delayMs`. The timer does not keep the process alive when `unref` is set. */
  timer(delayMs: number, fn: () => void, options?: { unref?: boolean }): Timer;
  /** Resolves after `delayMs`, or at once (without throwing) when `signal` is or becomes aborted. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** A pending call of {@link Clock.timer}. */
export interface Timer {
  cancel(): void;
}
