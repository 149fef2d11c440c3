import type { Clock } from "./clock.ts";

/** The real clock. The only place of the product that reads time or sets timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer(delayMs, fn, options) {
    const handle = setTimeout(fn, Math.max(0, Math.min(delayMs, 2 ** 31 - 1)));
    if (options?.unref) handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
  sleep(delayMs, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = (): void => {
        clearTimeout(handle);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const handle = setTimeout(done, Math.max(0, Math.min(delayMs, 2 ** 31 - 1)));
      signal?.addEventListener("abort", done, { once: true });
    });
  },
};
