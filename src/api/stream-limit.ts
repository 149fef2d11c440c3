/** How many streams (watches, health watches, reflection) each token may have open at once, over all protocols. */
import { WindlassError } from "../core/errors.ts";
import type { Identity } from "./auth.ts";

/** Default of {@link createStreamLimit}. */
export const MAX_STREAMS_PER_TOKEN = 256;

/** Counts streams. */
export interface StreamLimit {
  /** Counts one until `ended` aborts. Throws TOO_MANY_STREAMS. */
  open(identity: Identity, ended: AbortSignal): void;
  /** Streams open now. */
  readonly active: number;
}

/** Makes a {@link StreamLimit}. Where authentication is off, everyone is one token. */
export function createStreamLimit(maxPerToken: number = MAX_STREAMS_PER_TOKEN): StreamLimit {
  const open = new Map<string, number>();
  const add = (actor: string, difference: 1 | -1): void => {
    const count = (open.get(actor) ?? 0) + difference;
    if (count === 0) open.delete(actor);
    else open.set(actor, count);
  };
  return {
    open({ actor }, ended) {
      const count = open.get(actor) ?? 0;
      if (count >= maxPerToken) {
        throw new WindlassError(
          "TOO_MANY_STREAMS",
          `this token has ${count} streams open, at most ${maxPerToken} are allowed: close some or use another token`,
          { metadata: { limit: String(maxPerToken) } },
        );
      }
      if (ended.aborted) return;
      add(actor, 1);
      ended.addEventListener("abort", () => add(actor, -1), { once: true });
    },
    get active() {
      return [...open.values()].reduce((sum, count) => sum + count, 0);
    },
  };
}
