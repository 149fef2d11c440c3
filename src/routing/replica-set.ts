/** The replicas of one deployment as a router sees them: what the table says, and what it found out itself. */
import type { Random } from "../core/random.ts";
import { chooseReplica } from "./choose.ts";
import type { Models } from "./models.ts";
import type { RouterRequest } from "./placement.ts";
import type { PolicyChoice, RoutingPolicy } from "./policy.ts";
import { type Backoff, DEFAULT_BACKOFF, Slot } from "./slot.ts";
import type { Targets } from "./targets.ts";

/** Whom a replica is looked for. */
export interface Seeker {
  /** The revision it is for; 0: any. */
  readonly revision: number;
  /** A replica that just failed it: taken only if no other is free. */
  readonly avoid: Slot | undefined;
  /** The model it needs; empty: none. */
  readonly model: string;
  /** Order of arrival. */
  readonly sequence: number;
  /** The session it belongs to; empty: none. Looked up when it is asked for. */
  readonly session: string;
  /** Of the request, as in its headers. */
  readonly requestId: string;
  readonly request: RouterRequest;
}

/** Where models are, and until when whom is looked for may wait for one that has his. Monotonic ms. */
export interface ModelSearch {
  readonly models: Models;
  readonly untilMs: number;
}

/** A replica for a request. */
export interface Picked {
  readonly slot: Slot;
  /** It is full because of others, and the request is to wait there. */
  readonly park: boolean;
}

/** See the file's comment. `release` is told of addresses that no new request goes to, `onGone` of ids that left the table. */
export class ReplicaSet {
  readonly #release: (address: string) => void;
  readonly #onGone: (id: string) => void;
  #slots: Slot[] = [];
  /** Those that the table dropped while they had requests. */
  readonly #retired = new Set<Slot>();
  /** Those of each revision that has any; absent while one kind of replica serves all. */
  #slotsOf: Map<number, Slot[]> | undefined;
  /** What chooses instead of the power of two choices. */
  #policy: RoutingPolicy | undefined;
  /** Of all replicas. */
  readonly backoff: Backoff = { ...DEFAULT_BACKOFF };

  constructor(release: (address: string) => void, onGone: (id: string) => void) {
    this.#release = release;
    this.#onGone = onGone;
  }

  /** Replicas that the table has. */
  get size(): number {
    return this.#slots.length;
  }

  ids(): string[] {
    return this.#slots.map(({ id }) => id);
  }

  /** Whether nobody listens at any of them. */
  get starved(): boolean {
    return this.#slots.every(({ dropped }) => dropped);
  }

  /** What is told of requests that are sent; undefined: nobody wants to know. */
  get policy(): RoutingPolicy | undefined {
    return this.#policy;
  }

  /** Has a policy choose from now on; undefined: the power of two choices. */
  follow(policy: RoutingPolicy | undefined, maxOngoing = 0): void {
    this.#policy?.close?.();
    this.#policy = policy;
    policy?.update?.(this.#slots, maxOngoing);
  }

  /** Takes a table's replicas; those it still has keep what is known of them. */
  apply(replicas: Targets["replicas"], maxOngoing = 0): void {
    const known = new Map(this.#slots.map((slot) => [slot.id, slot]));
    this.#slots = replicas.map(({ id, address, revision = 0n }) => {
      const slot = known.get(id);
      if (slot === undefined || slot.address !== address) return new Slot(id, address, Number(revision), this.backoff);
      known.delete(id);
      slot.dropped = false;
      slot.revision = Number(revision);
      return slot;
    });
    this.#slotsOf = byRevision(this.#slots);
    for (const slot of known.values()) {
      slot.retired = true;
      if (slot.own > 0) this.#retired.add(slot);
      this.#release(slot.address);
      this.#onGone(slot.id);
    }
    this.#policy?.update?.(this.#slots, maxOngoing);
  }

  /** Replicas that are left out for what they did. */
  get ejected(): number {
    return this.#slots.reduce((count, { ejected }) => (ejected ? count + 1 : count), 0);
  }

  /** Whether a replica may be left out: at most half of those that serve are, and one always serves. */
  mayEject(slot: Slot): boolean {
    if (slot.retired || slot.dropped) return false;
    if (slot.ejected) return true;
    const serving = this.#slots.filter(({ dropped }) => !dropped);
    return 2 * (this.ejected + 1) <= serving.length;
  }

  /** Lets those in again that are left out, where no others serve; returns their ids. */
  pardon(nowMs: number): string[] {
    const serving = this.#slots.filter(({ dropped }) => !dropped);
    if (serving.some(({ ejected }) => !ejected)) return [];
    return serving.filter(({ ejection }) => ejection?.pardon(nowMs)).map(({ id }) => id);
  }

  /** A request ended at a replica, in whatever way. */
  left(slot: Slot): void {
    slot.own -= 1;
    // A reserved stream may have opened a connection after the table dropped the replica.
    if (slot.retired && slot.own === 0) {
      this.#retired.delete(slot);
      this.#release(slot.address);
    }
  }

  /**
   * Requests given to each replica by id and not ended: of those the table has, and of those it has no more while they
   * have any.
   */
  running(): Map<string, number> {
    const running = new Map(this.#slots.map(({ id, own, parked }) => [id, own - parked]));
    for (const { id, own, parked } of this.#retired) running.set(id, (running.get(id) ?? 0) + own - parked);
    return running;
  }

  /**
   * A replica for a request: one that has room as far as known, else a full one where it may wait (`park`). undefined:
   * none.
   */
  pick(seeker: Seeker, maxOngoing: number, nowMs: number, random: Random, search: ModelSearch): Picked | undefined {
    const { revision, avoid, model } = seeker;
    // A revision that has no replica (any more) is served by whatever there is.
    const slots = this.#slotsOf?.get(revision) ?? this.#slots;
    for (const slot of slots) slot.refresh(nowMs, maxOngoing);
    if (this.#policy !== undefined) {
      const choice: PolicyChoice = this.#policy.pick(seeker, slots, maxOngoing, nowMs);
      if (choice !== "default") return choice === "none" ? undefined : choice;
      // It may have looked at where a request could wait.
      for (const slot of slots) slot.refresh(nowMs, maxOngoing);
    }
    if (model !== "") return pickForModel(slots, seeker, maxOngoing, nowMs, random, search);
    const free = chooseBut(avoid, slots, maxOngoing, random);
    if (free !== undefined) return { slot: free, park: false };
    for (const slot of slots) slot.refreshToPark();
    const full = chooseBut(avoid, slots, maxOngoing, random);
    return full && { slot: full, park: true };
  }

  /** Monotonic ms at which the first replica that is left alone may be asked again; Infinity: none is. */
  wakeMs(maxOngoing: number, nowMs: number): number {
    let wakeMs = Number.POSITIVE_INFINITY;
    for (const { dropped, own, parked, blockedUntilMs, ejection } of this.#slots) {
      const untilMs = Math.max(blockedUntilMs, ejection?.untilMs ?? 0);
      // One of ours that waits there is told when there is room.
      if (dropped || parked > 0 || own >= maxOngoing || untilMs <= nowMs) continue;
      wakeMs = Math.min(wakeMs, untilMs);
    }
    return wakeMs;
  }

  /** No more requests go to any. */
  close(): void {
    this.follow(undefined);
    for (const slot of this.#slots) this.#release(slot.address);
    this.#slots = [];
    this.#slotsOf = undefined;
  }
}

/**
 * A replica that has the model; without one, that with the fewest models. Where all that have it are full, the request
 * waits for one of them, and after its time for the model to be loaded by another.
 */
function pickForModel(
  slots: readonly Slot[],
  { avoid, model }: Seeker,
  maxOngoing: number,
  nowMs: number,
  random: Random,
  { models, untilMs }: ModelSearch,
): Picked | undefined {
  const holders = slots.filter(({ id, dropped }) => !dropped && models.has(id, model, nowMs));
  const patient = nowMs < untilMs && holders.length > 0;
  const free =
    chooseBut(avoid, holders, maxOngoing, random) ??
    (patient ? undefined : chooseBut(avoid, withFewestModels(slots, maxOngoing, nowMs, models), maxOngoing, random));
  if (free !== undefined) return { slot: free, park: false };
  const full = patient ? holders : slots;
  for (const slot of full) slot.refreshToPark();
  const fewest = patient ? holders : withFewestModels(full, maxOngoing, nowMs, models);
  const parked = chooseBut(avoid, fewest, maxOngoing, random);
  return parked && { slot: parked, park: true };
}

/** Of those that are open those with the fewest models. */
function withFewestModels(slots: readonly Slot[], maxOngoing: number, nowMs: number, models: Models): Slot[] {
  const open = slots.filter(({ ongoing }) => ongoing < maxOngoing);
  const counts = open.map(({ id }) => models.count(id, nowMs));
  const fewest = Math.min(...counts);
  return open.filter((_, index) => counts[index] === fewest);
}

/** Chooses by `ongoing`; the one to avoid only where there is no other. */
function chooseBut(
  avoid: Slot | undefined,
  slots: readonly Slot[],
  maxOngoing: number,
  random: Random,
): Slot | undefined {
  if (avoid === undefined) return chooseReplica(slots, maxOngoing, random);
  const spare = avoid.ongoing;
  avoid.ongoing = Number.POSITIVE_INFINITY;
  const slot = chooseReplica(slots, maxOngoing, random);
  if (slot !== undefined) return slot;
  avoid.ongoing = spare;
  return spare < maxOngoing && slots.includes(avoid) ? avoid : undefined;
}

/** For each revision its own replicas and those that serve every one. */
function byRevision(slots: readonly Slot[]): Map<number, Slot[]> | undefined {
  const revisions = new Set(slots.map(({ revision }) => revision));
  if (revisions.size < 2) return undefined;
  revisions.delete(0);
  return new Map(
    [...revisions].map((wanted) => [wanted, slots.filter(({ revision }) => revision === wanted || revision === 0)]),
  );
}
