/** What decides which replica a request goes to, where it is not the power of two choices (choose.ts). */
import type { Picked, Seeker } from "./replica-set.ts";
import type { Slot } from "./slot.ts";

/** What a policy says of one request: a replica; "none" has room now; "default": the power of two is to choose. */
export type PolicyChoice = Picked | "none" | "default";

/** See the file's comment. One for each deployment and process. No method may throw. */
export interface RoutingPolicy {
  /**
   * Chooses among `slots`, which are the same array until the table changes; what they have to do is up to date. May be
   * asked again and again for a request that waits.
   */
  pick(seeker: Seeker, slots: readonly Slot[], maxOngoing: number, nowMs: number): PolicyChoice;
  /**
   * Requests of different groups do not keep each other waiting where one finds no room; those of one group wait in
   * line. Always the same for a request.
   */
  groupOf?(seeker: Seeker): string | number;
  /** Monotonic ms from which a request that waits may be looked at anew though nothing changed; Infinity: no time. */
  askAgainMs?(seeker: Seeker): number;
  /** The replicas that the table has. */
  update?(slots: readonly Slot[], maxOngoing: number): void;
  /** A request was sent to a replica; `completed` follows exactly once. */
  sent?(seeker: Seeker, slot: Slot): void;
  /** A replica took a request in. */
  accepted?(seeker: Seeker, slot: Slot): void;
  /** A request that was sent is over there: answered, refused, failed or cancelled. */
  completed?(seeker: Seeker, slot: Slot): void;
  /** Nobody listens at a replica any more. */
  died?(slot: Slot): void;
  /** A replica said how many requests it has. */
  reported?(slot: Slot, ongoing: number): void;
  /** It is not asked any more. */
  close?(): void;
}

/** Replicas in the order in which they are tried: `at(i)` for i from 0 to below `count`. */
export interface Order {
  readonly count: number;
  at(index: number): Slot;
}

/**
 * The first in an order that has room; the one to avoid only after all others; then the first full one where a request
 * may wait.
 */
export function pickInOrder(order: Order, avoid: Slot | undefined, maxOngoing: number): Picked | undefined {
  const free = firstOpen(order, avoid, maxOngoing);
  if (free !== undefined) return { slot: free, park: false };
  for (let i = 0; i < order.count; i++) order.at(i).refreshToPark();
  const full = firstOpen(order, avoid, maxOngoing);
  return full && { slot: full, park: true };
}

function firstOpen({ count, at }: Order, avoid: Slot | undefined, maxOngoing: number): Slot | undefined {
  let last: Slot | undefined;
  for (let i = 0; i < count; i++) {
    const slot = at(i);
    if (slot.ongoing >= maxOngoing) continue;
    if (slot !== avoid) return slot;
    last = slot;
  }
  return last;
}

/** In the first rank that has room the replica with the least to do; else a full one where a request may wait. */
export function pickByRanks(
  ranks: readonly (readonly Slot[])[],
  avoid: Slot | undefined,
  maxOngoing: number,
): Picked | undefined {
  const free = leastOf(ranks, avoid, maxOngoing);
  if (free !== undefined) return { slot: free, park: false };
  for (const rank of ranks) for (const slot of rank) slot.refreshToPark();
  const full = leastOf(ranks, avoid, maxOngoing);
  return full && { slot: full, park: true };
}

function leastOf(ranks: readonly (readonly Slot[])[], avoid: Slot | undefined, maxOngoing: number): Slot | undefined {
  let last: Slot | undefined;
  for (const rank of ranks) {
    let least: Slot | undefined;
    for (const slot of rank) {
      if (slot.ongoing >= maxOngoing) continue;
      if (slot === avoid) last = slot;
      else if (least === undefined || slot.ongoing < least.ongoing) least = slot;
    }
    if (least !== undefined) return least;
  }
  return last;
}
