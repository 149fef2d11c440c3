import type { Random } from "../core/random.ts";

const FIRST_MS = 50;
const MAX_MS = 1_000;

/** Milliseconds to wait before reconnection `attempt` (from 0): none before the first, then 25–50, … 500–1000. */
export function reconnectDelayMs(attempt: number, random: Random): number {
  if (attempt === 0) return 0;
  return Math.min(FIRST_MS * 2 ** Math.min(attempt - 1, 10), MAX_MS) * (0.5 + random.next() / 2);
}
