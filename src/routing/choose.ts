import { type Random, randomInt } from "../core/random.ts";

/** A replica as the choice sees it. */
export interface Candidate {
  readonly id: string;
  /** Requests it works on, as far as known; Infinity keeps it out. */
  readonly ongoing: number;
}

/**
 * Power of two choices: of two distinct candidates below `maxOngoing`, drawn uniformly, the one with less to do; on a
 * tie the first drawn. `undefined` when none is below. Two passes, no allocation.
 */
export function chooseReplica<T extends Candidate>(
  candidates: readonly T[],
  maxOngoing: number,
  random: Random,
): T | undefined {
  let open = 0;
  let last: T | undefined;
  for (const candidate of candidates) {
    if (candidate.ongoing < maxOngoing) {
      open += 1;
      last = candidate;
    }
  }
  if (open <= 1) return last;
  const first = randomInt(random, open);
  let second = randomInt(random, open - 1);
  if (second >= first) second += 1;
  let a: T | undefined;
  let b: T | undefined;
  let index = 0;
  for (const candidate of candidates) {
    if (candidate.ongoing >= maxOngoing) continue;
    if (index === first) a = candidate;
    if (index === second) b = candidate;
    index += 1;
  }
  return b!.ongoing < a!.ongoing ? b : a;
}
