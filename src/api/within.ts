import type { Clock, Timer } from "../core/clock.ts";

/** The result, or undefined when it takes longer than `limitMs`; the promise itself goes on. */
export async function within<T>(result: Promise<T>, limitMs: number, clock: Clock): Promise<T | undefined> {
  let timer: Timer | undefined;
  const silence = new Promise<undefined>((resolve) => {
    timer = clock.timer(limitMs, () => resolve(undefined), { unref: true });
  });
  try {
    return await Promise.race([result, silence]);
  } finally {
    timer?.cancel();
  }
}
