/**
 * Where requests for one deployment wait and are given replicas: admission, order, choice. Woken by capacity, tables
 * and back-off ends; nothing polls.
 */
import type { Clock, Timer } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import type { ReplicaChannel } from "./channel.ts";
import { chooseReplica } from "./choose.ts";
import type { RouterFailure } from "./outcome.ts";
import type { RetryBudget } from "./retry-budget.ts";
import { Slot } from "./slot.ts";

/** What a routing table says about a deployment (windlass.runtime.v1.DeploymentTargets). */
export interface Targets {
  readonly application: string;
  readonly deployment: string;
  readonly replicas: readonly { readonly id: string; readonly address: string }[];
  readonly maxOngoingRequests: number;
  readonly maxQueuedRequests: number;
  readonly backpressureStatusCode: number;
  readonly backpressureRetryAfterS?: number | undefined;
  readonly unavailable: string;
}

/** What the queue needs of a request. Links and sequence belong to the queue. */
export interface Waiter {
  previous: Waiter | undefined;
  next: Waiter | undefined;
  waiting: boolean;
  /** Order of arrival at the router. */
  readonly sequence: number;
  /** A replica that just failed it: taken only if no other is free. */
  readonly avoid: Slot | undefined;
  start(slot: Slot): void;
  fail(failure: RouterFailure): void;
}

/** What all queues of a router share. */
export interface RouterContext {
  readonly channel: ReplicaChannel;
  readonly clock: Clock;
  readonly random: Random;
  readonly budget: RetryBudget;
}

/** The line of requests for one deployment, and the replicas it is served by. */
export class DeploymentQueue {
  readonly application: string;
  readonly deployment: string;
  readonly context: RouterContext;
  /** undefined: no table has come yet, requests wait. null: the table does not have it. */
  #targets: Targets | null | undefined;
  #slots: Slot[] = [];
  #head: Waiter | undefined;
  #tail: Waiter | undefined;
  #queued = 0;
  #ongoing = 0;
  #pumping = false;
  #timer: Timer | undefined;

  constructor(application: string, deployment: string, context: RouterContext) {
    this.application = application;
    this.deployment = deployment;
    this.context = context;
  }

  /** Requests that wait for a replica. */
  get queued(): number {
    return this.#queued;
  }

  /** Requests given to replicas and not ended. */
  get ongoing(): number {
    return this.#ongoing;
  }

  get absent(): boolean {
    return this.#targets === null;
  }

  /** Takes a table's word; `undefined`: the table does not have the deployment. */
  apply(targets: Targets | undefined): void {
    const known = new Map(this.#slots.map((slot) => [slot.id, slot]));
    this.#targets = targets ?? null;
    this.#slots = (targets?.replicas ?? []).map(({ id, address }) => {
      const slot = known.get(id);
      if (slot === undefined || slot.address !== address) return new Slot(id, address);
      known.delete(id);
      slot.dropped = false;
      return slot;
    });
    for (const slot of known.values()) {
      slot.retired = true;
      this.context.channel.release(slot.address);
    }
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      while (this.#head !== undefined) {
        const waiter = this.#head;
        this.remove(waiter);
        waiter.fail(refusal);
      }
    } else this.pump();
  }

  /**
   * A new request. Idle capacity means no wait and no count: the limit is for requests that would really wait, so a
   * burst is not refused while replicas are free.
   */
  admit(waiter: Waiter): void {
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      waiter.fail(refusal);
      return;
    }
    const slot = this.#queued === 0 ? this.#pick(undefined) : undefined;
    if (slot !== undefined) {
      this.#give(waiter, slot);
      return;
    }
    const limit = this.#targets?.maxQueuedRequests ?? -1;
    if (limit !== -1 && this.#queued >= limit) {
      waiter.fail({
        kind: "backpressure",
        statusCode: this.#targets?.backpressureStatusCode === 429 ? 429 : 503,
        retryAfterS: this.#targets?.backpressureRetryAfterS,
        message: `Request dropped due to backpressure (num_queued_requests=${this.#queued}, max_queued_requests=${limit}).`,
      });
      return;
    }
    this.#insertAfter(this.#tail, waiter);
    this.pump();
  }

  /** A request that some replica did not take: back to its place, whatever the limit says. */
  readmit(waiter: Waiter): void {
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      waiter.fail(refusal);
      return;
    }
    // Those that come back are the oldest, so the walk from the head is short.
    let after: Waiter | undefined;
    for (let at = this.#head; at !== undefined && at.sequence < waiter.sequence; at = at.next) after = at;
    this.#insertAfter(after, waiter);
    this.pump();
  }

  /** A request ended at a replica, in whatever way. */
  release(slot: Slot): void {
    slot.own -= 1;
    this.#ongoing -= 1;
    // A reserved stream may have opened a connection after the table dropped the replica.
    if (slot.retired && slot.own === 0) this.context.channel.release(slot.address);
  }

  /** Takes a waiting request out of the line. */
  remove(waiter: Waiter): void {
    if (!waiter.waiting) return;
    waiter.waiting = false;
    this.#queued -= 1;
    if (waiter.previous === undefined) this.#head = waiter.next;
    else waiter.previous.next = waiter.next;
    if (waiter.next === undefined) this.#tail = waiter.previous;
    else waiter.next.previous = waiter.previous;
    waiter.previous = undefined;
    waiter.next = undefined;
  }

  /** Gives replicas to the head of the line while there are any. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#head !== undefined) {
        const waiter = this.#head;
        const slot = this.#pick(waiter.avoid);
        if (slot === undefined) {
          this.#wakeAfterBackoff();
          return;
        }
        this.remove(waiter);
        this.#give(waiter, slot);
      }
    } finally {
      this.#pumping = false;
    }
  }

  close(): void {
    this.#timer?.cancel();
    for (const slot of this.#slots) this.context.channel.release(slot.address);
    this.#slots = [];
    while (this.#head !== undefined) {
      const waiter = this.#head;
      this.remove(waiter);
      waiter.fail({ kind: "cancelled", responseStarted: false });
    }
  }

  #give(waiter: Waiter, slot: Slot): void {
    slot.own += 1;
    this.#ongoing += 1;
    waiter.start(slot);
  }

  #pick(avoid: Slot | undefined): Slot | undefined {
    const maxOngoing = this.#targets?.maxOngoingRequests ?? 0;
    const nowMs = this.context.clock.monotonic();
    for (const slot of this.#slots) slot.refresh(nowMs, maxOngoing);
    if (avoid === undefined) return chooseReplica(this.#slots, maxOngoing, this.context.random);
    const spare = avoid.ongoing;
    avoid.ongoing = Number.POSITIVE_INFINITY;
    const slot = chooseReplica(this.#slots, maxOngoing, this.context.random);
    if (slot !== undefined) return slot;
    avoid.ongoing = spare;
    return spare < maxOngoing && this.#slots.includes(avoid) ? avoid : undefined;
  }

  #refusal(): RouterFailure | undefined {
    if (this.#targets === null) return { kind: "absent" };
    if (this.#targets === undefined || this.#targets.unavailable === "") return undefined;
    return { kind: "unavailable", message: this.#targets.unavailable };
  }

  #insertAfter(after: Waiter | undefined, waiter: Waiter): void {
    const before = after === undefined ? this.#head : after.next;
    waiter.previous = after;
    waiter.next = before;
    if (after === undefined) this.#head = waiter;
    else after.next = waiter;
    if (before === undefined) this.#tail = waiter;
    else before.previous = waiter;
    waiter.waiting = true;
    this.#queued += 1;
  }

  /** Replicas that other callers keep full tell us nothing when they get room, so they are asked again. */
  #wakeAfterBackoff(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const maxOngoing = this.#targets?.maxOngoingRequests ?? 0;
    const nowMs = this.context.clock.monotonic();
    let wakeMs = Number.POSITIVE_INFINITY;
    for (const slot of this.#slots) {
      if (!slot.dropped && slot.own < maxOngoing) wakeMs = Math.min(wakeMs, slot.blockedUntilMs);
    }
    if (wakeMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.context.clock.timer(wakeMs - nowMs, () => {
      this.#timer = undefined;
      this.pump();
    });
  }
}
