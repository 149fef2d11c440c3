/** How long a policy that ended its process is left alone. */

/** Pure data; `untilMs` is monotonic. */
export interface Backoff {
  /** In a row. */
  readonly failures: number;
  readonly untilMs: number;
  /** Why, one line: the answer to questions until then. */
  readonly reason: string;
}

/** Nothing has failed. */
export const NO_BACKOFF: Backoff = { failures: 0, untilMs: Number.NEGATIVE_INFINITY, reason: "" };

const FIRST_MS = 1_000;
const CAP_MS = 60_000;

/** After one more failure at `nowMs`: 1 s, doubling up to a minute. */
export function longerBackoff({ failures }: Backoff, reason: string, nowMs: number): Backoff {
  return { failures: failures + 1, untilMs: nowMs + Math.min(FIRST_MS * 2 ** Math.min(failures, 10), CAP_MS), reason };
}
