/** How urgent requests are, as callers say it and as lines order it. Pure. */

/** A request of one step more is placed as if it had come so much earlier; so it never waits for long behind others. Ms. */
export const PRIORITY_STEP_MS = 10_000;

/** Of a request that says nothing. */
export const NORMAL_PRIORITY = 0;

/** The highest; the lowest is as far below 0. */
export const MAX_PRIORITY = 9;

/** The header, or the metadata of a gRPC call, that says it. */
export const PRIORITY_HEADER = "x-windlass-priority";

const NAMES: Readonly<Record<string, number>> = { low: -1, normal: NORMAL_PRIORITY, high: 1 };
const NUMBER = /^[+-]?[0-9]$/;

/** What a caller wrote: low, normal, high, or a whole number from -9 to 9; undefined: something else. */
export function parsePriority(written: string): number | undefined {
  const text = written.trim().toLowerCase();
  if (Object.hasOwn(NAMES, text)) return NAMES[text];
  // Not -0, which is written as 0.
  return NUMBER.test(text) ? Number(text) + 0 : undefined;
}

/** The line that says what is wrong with one. */
export function priorityProblem(written: string): string {
  return `${PRIORITY_HEADER} must be low, normal, high or a whole number from -${MAX_PRIORITY} to ${MAX_PRIORITY}, not ${JSON.stringify(written.slice(0, 64))}.`;
}

/** What a client gets of what it asks for: less is everybody's to ask, more has to be allowed. */
export function grantedPriority(asked: number, mayRaise: boolean): number {
  return mayRaise ? asked : Math.min(asked, NORMAL_PRIORITY);
}

/** What places a request in a line; the least goes first. `arrivedMs`: monotonic. */
export function rankOf(arrivedMs: number, priority: number): number {
  return arrivedMs - priority * PRIORITY_STEP_MS;
}
