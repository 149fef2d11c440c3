/** One replica after the other, whatever they have to do. */
import { type Random, randomInt } from "../core/random.ts";
import type { Models } from "./models.ts";
import { type PolicyChoice, pickInOrder, type RoutingPolicy } from "./policy.ts";
import type { Seeker } from "./replica-set.ts";
import type { Slot } from "./slot.ts";

/** Models with a cursor of their own; names come from clients. */
const MAX_CURSORS = 1_000;

/**
 * Begins at a random replica, so that many routers do not go in step. Requests for a model go round among the replicas
 * that have it, by a cursor of the model's own, and to others where all of those are full.
 */
export class RoundRobin implements RoutingPolicy {
  readonly #random: Random;
  readonly #models: Models;
  /** Where each goes on, by model; "" is without one. */
  readonly #cursors = new Map<string, number>();

  constructor(random: Random, models: Models) {
    this.#random = random;
    this.#models = models;
  }

  pick({ model, avoid }: Seeker, slots: readonly Slot[], maxOngoing: number, nowMs: number): PolicyChoice {
    if (slots.length === 0) return "none";
    if (model === "") return this.#next("", slots, avoid, maxOngoing) ?? "none";
    const warm = slots.filter(({ id, dropped }) => !dropped && this.#models.has(id, model, nowMs));
    const found = warm.length > 0 ? this.#next(model, warm, avoid, maxOngoing) : undefined;
    if (found !== undefined && !found.park) return found;
    // It was looked at where a request could wait.
    for (const slot of warm) slot.refresh(nowMs, maxOngoing);
    return this.#next("", slots, avoid, maxOngoing) ?? "none";
  }

  #next(model: string, slots: readonly Slot[], avoid: Slot | undefined, maxOngoing: number) {
    const count = slots.length;
    let cursor = this.#cursors.get(model);
    if (cursor === undefined) {
      cursor = randomInt(this.#random, count);
      if (this.#cursors.size > MAX_CURSORS) this.#cursors.delete(this.#cursors.keys().next().value!);
    }
    const from = cursor % count;
    const picked = pickInOrder({ count, at: (i) => slots[(from + i) % count]! }, avoid, maxOngoing);
    this.#cursors.set(model, picked === undefined ? from : slots.indexOf(picked.slot) + 1);
    return picked;
  }
}
