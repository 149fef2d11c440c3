/** When `windlass apply --watch` acts: at news, after pauses, and not in haste against another writer. */
import type { Timer } from "../../core/clock.ts";
import type { CliContext } from "../context.ts";

/** See {@link makeBell}. */
export interface Bell {
  ring(): void;
  /** Resolves once it was rung since the last time, and when the signal aborts. */
  rung(): Promise<void>;
}

/** Wakes one waiter; rung while nobody waits, the next one need not. */
export function makeBell(signal: AbortSignal): Bell {
  let waiting = Promise.withResolvers<void>();
  const ring = (): void => waiting.resolve();
  signal.addEventListener("abort", ring, { once: true });
  return {
    ring,
    async rung() {
      await waiting.promise;
      if (!signal.aborted) waiting = Promise.withResolvers<void>();
    },
  };
}

/** The first pause before what failed is tried again; each one after it is twice as long. */
const RETRY_FIRST_MS = 1_000;

/** See {@link makeRetry}. */
export interface Retry {
  /** Something is new: no pause is waited for. */
  now(): void;
  /** Whether no pause is waited for. */
  due(): boolean;
  /** It worked: pauses begin anew. */
  done(): void;
  /** It failed: pauses, `mostMs` at most. */
  later(mostMs: number): void;
}

/** When to try again what failed: at first soon, then with growing pauses; `ring` is called when one is over. */
export function makeRetry({ clock, random }: Pick<CliContext, "clock" | "random">, ring: () => void): Retry {
  let timer: Timer | undefined;
  let waiting = false;
  let delayMs = RETRY_FIRST_MS;
  const now = (): void => {
    timer?.cancel();
    waiting = false;
  };
  return {
    now,
    due: () => !waiting,
    done() {
      now();
      delayMs = RETRY_FIRST_MS;
    },
    later(mostMs) {
      now();
      waiting = true;
      delayMs = Math.min(delayMs, mostMs);
      timer = clock.timer(delayMs * (0.5 + random.next() / 2), () => {
        waiting = false;
        ring();
      });
      delayMs = Math.min(delayMs * 2, mostMs);
    },
  };
}

/** More repairs of an application within this time are a quarrel with another writer, who is not outdone by haste. */
const QUARREL_MS = 60_000;
const MOST_REPAIRS = 5;

/** See {@link makeQuarrels}. */
export interface Quarrels {
  /** Notes that an application was repaired. */
  repaired(name: string): void;
  /** Milliseconds until the next repair of an application; 0: it may be now. */
  waitMs(name: string): number;
}

/** Tells applications that were repaired so often that the next time is put off; `ring` is called when it has come. */
export function makeQuarrels({ clock }: Pick<CliContext, "clock">, ring: () => void): Quarrels {
  const repairs = new Map<string, readonly number[]>();
  const postponed = new Set<string>();
  return {
    repaired(name) {
      repairs.set(name, [...(repairs.get(name) ?? []), clock.monotonic()]);
    },
    waitMs(name) {
      const now = clock.monotonic();
      const lately = (repairs.get(name) ?? []).filter((at) => now - at < QUARREL_MS);
      repairs.set(name, lately);
      if (lately.length < MOST_REPAIRS) return 0;
      const waitMs = lately[0]! + QUARREL_MS - now;
      const over = (): void => {
        postponed.delete(name);
        ring();
      };
      if (!postponed.has(name)) clock.timer(waitMs, over, { unref: true });
      postponed.add(name);
      return waitMs;
    },
  };
}
