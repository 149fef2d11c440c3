/** Requests of one session go to one replica, and only those of a replica that leaves go elsewhere. */
import type { ConsistentHashKwargs } from "../config/request-router.ts";
import { murmur64 } from "./murmur.ts";
import { type PolicyChoice, pickInOrder, type RoutingPolicy } from "./policy.ts";
import type { Seeker } from "./replica-set.ts";
import type { Slot } from "./slot.ts";

/** Of all rings, so that every router places a session the same. */
const SEED = 0xf9b4ca77;
/** So many kinds of sessions wait beside each other. */
const GROUPS = 256n;

/**
 * Each replica has `num_virtual_nodes` points on a ring. A request goes to the owner of the point at or after the hash of
 * its key, else to one of the next `num_fallback_replicas` other owners; it waits while all of those are full. Owners
 * that do not serve are passed over, as if they had left. Load and models are not looked at.
 */
export class ConsistentHash implements RoutingPolicy {
  readonly #points: number;
  readonly #candidates: number;
  readonly #rings = new WeakMap<readonly Slot[], Ring>();
  readonly #pointsOf = new WeakMap<Slot, readonly bigint[]>();
  readonly #hashOf = new WeakMap<Seeker, bigint>();

  constructor({ num_virtual_nodes: points, num_fallback_replicas: fallbacks }: ConsistentHashKwargs) {
    this.#points = points;
    this.#candidates = 1 + fallbacks;
  }

  pick(seeker: Seeker, slots: readonly Slot[], maxOngoing: number, nowMs: number): PolicyChoice {
    if (slots.length === 0) return "none";
    const owners = this.#ringOf(slots).from(this.#hash(seeker), this.#candidates, nowMs);
    const order = { count: owners.length, at: (index: number) => owners[index]! };
    return pickInOrder(order, seeker.avoid, maxOngoing) ?? "none";
  }

  /** Requests of one session wait for the same replicas. */
  groupOf(seeker: Seeker): number {
    return Number(this.#hash(seeker) % GROUPS);
  }

  /** Once for each request, however often it is looked at. */
  #hash(seeker: Seeker): bigint {
    let hash = this.#hashOf.get(seeker);
    if (hash === undefined) {
      hash = murmur64(keyOf(seeker), SEED);
      this.#hashOf.set(seeker, hash);
    }
    return hash;
  }

  #ringOf(slots: readonly Slot[]): Ring {
    let ring = this.#rings.get(slots);
    if (ring === undefined) {
      ring = new Ring(slots, (slot) => this.#pointsOfSlot(slot));
      this.#rings.set(slots, ring);
    }
    return ring;
  }

  #pointsOfSlot(slot: Slot): readonly bigint[] {
    let points = this.#pointsOf.get(slot);
    if (points === undefined) {
      points = Array.from({ length: this.#points }, (_, index) => murmur64(`${slot.id}:${index}`, SEED));
      this.#pointsOf.set(slot, points);
    }
    return points;
  }
}

function keyOf({ session, requestId }: Seeker): string {
  return session === "" ? requestId : session;
}

/** The points of some replicas in order. */
class Ring {
  readonly #points: BigUint64Array;
  readonly #owners: Map<bigint, Slot>;
  readonly #slots: readonly Slot[];

  constructor(slots: readonly Slot[], pointsOf: (slot: Slot) => readonly bigint[]) {
    const owners = new Map<bigint, Slot>();
    for (const slot of slots) {
      for (const point of pointsOf(slot)) {
        const before = owners.get(point);
        // Every router must see the same, whatever the order of its table.
        if (before === undefined || slot.id < before.id) owners.set(point, slot);
      }
    }
    this.#owners = owners;
    this.#points = BigUint64Array.from(owners.keys()).sort();
    this.#slots = slots;
  }

  /** The first `count` different owners that serve at or after a hash, round the ring: the replicas a key may go to. */
  from(hash: bigint, count: number, nowMs: number): readonly Slot[] {
    let serving = 0;
    for (const slot of this.#slots) if (slot.serves(nowMs)) serving += 1;
    const wanted = Math.min(count, serving);
    const found: Slot[] = [];
    const length = this.#points.length;
    for (let i = 0, at = this.#firstAt(hash); i < length && found.length < wanted; i++, at++) {
      const owner = this.#owners.get(this.#points[at % length]!)!;
      if (owner.serves(nowMs) && !found.includes(owner)) found.push(owner);
    }
    return found;
  }

  /** Index of the first point that is not below a hash. */
  #firstAt(hash: bigint): number {
    let low = 0;
    let high = this.#points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#points[middle]! < hash) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
