/**
 * Where requests for one deployment wait and are given replicas: admission, order, choice. Woken by capacity, tables
 * and back-off ends; nothing polls.
 */
import type { Clock, Timer } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import type { ReplicaChannel } from "./channel.ts";
import { chooseReplica } from "./choose.ts";
import { type ColdStart, ColdWatch, type Held, limitMs, NO_TABLE, refusalOf } from "./cold-start.ts";
import { Line, type Waiting } from "./line.ts";
import type { RouterFailure } from "./outcome.ts";
import type { RetryBudget } from "./retry-budget.ts";
import { Slot } from "./slot.ts";
import { chooseRevision, type SplitRule } from "./split.ts";

/** What a routing table says about a deployment (windlass.runtime.v1.DeploymentTargets). */
export interface Targets {
  readonly application: string;
  readonly deployment: string;
  readonly replicas: readonly { readonly id: string; readonly address: string; readonly revision?: bigint }[];
  readonly maxOngoingRequests: number;
  readonly maxQueuedRequests: number;
  readonly backpressureStatusCode: number;
  readonly backpressureRetryAfterS?: number | undefined;
  readonly unavailable: string;
  /** Absent: requests wait for a replica without end. */
  readonly coldStart?: ColdStart | undefined;
  readonly split?:
    | {
        readonly stableRevision: bigint;
        readonly canaryRevision: bigint;
        readonly weight: number;
        readonly stickyHeader: string;
      }
    | undefined;
}

/** What the queue needs of a request. */
export interface Waiter extends Waiting, Held {
  waiting: boolean;
  /** The revision it is for; 0: any, until the queue draws one. */
  revision: number;
  /** A replica that just failed it: taken only if no other is free. */
  readonly avoid: Slot | undefined;
  start(slot: Slot): void;
  fail(failure: RouterFailure): void;
}

/** Hears of deployments; calls come in the middle of placing a request and must not throw. */
export interface LoadWatcher {
  /** A request was sent to it for the first time. */
  used(queue: DeploymentQueue): void;
  /** A request waits, and it has no replica. */
  starved(queue: DeploymentQueue): void;
}

/** What all queues of a router share. */
export interface RouterContext {
  readonly channel: ReplicaChannel;
  readonly clock: Clock;
  readonly random: Random;
  readonly budget: RetryBudget;
  readonly watcher?: LoadWatcher | undefined;
}

/** The line of requests for one deployment, and the replicas it is served by. */
export class DeploymentQueue {
  readonly application: string;
  readonly deployment: string;
  readonly context: RouterContext;
  /** undefined: no table has come yet, requests wait. null: the table does not have it. */
  #targets: Targets | null | undefined;
  #slots: Slot[] = [];
  /** Those that the table dropped while they had requests. */
  readonly #retired = new Set<Slot>();
  #split: SplitRule | undefined;
  /** Those of each revision that has any; absent while one kind of replica serves all. */
  #slotsOf: Map<number, Slot[]> | undefined;
  /** By revision, so that a revision without room keeps none of the other waiting. */
  readonly #lines = new Map<number, Line<Waiter>>();
  #queued = 0;
  #ongoing = 0;
  #used = false;
  #pumping = false;
  #timer: Timer | undefined;
  readonly #cold: ColdWatch;

  constructor(application: string, deployment: string, context: RouterContext) {
    this.application = application;
    this.deployment = deployment;
    this.context = context;
    this.#cold = new ColdWatch(context.clock, () => this.#refuseOverdue());
  }

  /** Requests that wait for a replica. */
  get queued(): number {
    return this.#queued;
  }

  /** Requests given to replicas and not ended. */
  get ongoing(): number {
    return this.#ongoing;
  }

  /** Whether a request was ever sent to it. */
  get used(): boolean {
    return this.#used;
  }

  /** Replicas that the table has. */
  get replicas(): number {
    return this.#slots.length;
  }

  /**
   * Requests given to each replica by id and not ended: of those the table has, and of those it has no more while they
   * have any.
   */
  running(): ReadonlyMap<string, number> {
    const running = new Map(this.#slots.map(({ id, own }) => [id, own]));
    for (const { id, own } of this.#retired) running.set(id, (running.get(id) ?? 0) + own);
    return running;
  }

  /** How requests are shared between two revisions of the application; undefined: there is one. */
  get split(): SplitRule | undefined {
    return this.#split;
  }

  get absent(): boolean {
    return this.#targets === null;
  }

  /** Takes a table's word; `undefined`: the table does not have the deployment. */
  apply(targets: Targets | undefined): void {
    const known = new Map(this.#slots.map((slot) => [slot.id, slot]));
    this.#targets = targets ?? null;
    this.#slots = (targets?.replicas ?? []).map(({ id, address, revision = 0n }) => {
      const slot = known.get(id);
      if (slot === undefined || slot.address !== address) return new Slot(id, address, Number(revision));
      known.delete(id);
      slot.dropped = false;
      slot.revision = Number(revision);
      return slot;
    });
    this.#split = targets?.split === undefined ? undefined : splitRule(targets.split);
    this.#slotsOf = byRevision(this.#slots);
    for (const slot of known.values()) {
      slot.retired = true;
      if (slot.own > 0) this.#retired.add(slot);
      this.context.channel.release(slot.address);
    }
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      for (const waiter of this.#waiters()) {
        this.remove(waiter);
        waiter.fail(refusal);
      }
    } else {
      this.pump();
      // The limit may be another one now.
      if (this.#cold.running) this.#refuseOverdue();
    }
  }

  /**
   * A new request. Idle capacity means no wait and no count: the limit is for requests that would really wait, so a
   * burst is not refused while replicas are free.
   */
  admit(waiter: Waiter): void {
    if (!this.#used) {
      this.#used = true;
      this.context.watcher?.used(this);
    }
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      waiter.fail(refusal);
      return;
    }
    if (this.#split !== undefined && waiter.revision === 0) {
      waiter.revision = chooseRevision(this.#split, undefined, this.context.random);
    }
    const slot = this.#lines.has(waiter.revision) ? undefined : this.#pick(waiter);
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
    this.#lineOf(waiter).append(waiter);
    this.#waits(waiter);
  }

  /** A request that some replica did not take: back to its place, whatever the limit says. */
  readmit(waiter: Waiter): void {
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      waiter.fail(refusal);
      return;
    }
    this.#lineOf(waiter).insertInOrder(waiter);
    this.#waits(waiter);
  }

  /** A request ended at a replica, in whatever way. */
  release(slot: Slot): void {
    slot.own -= 1;
    this.#ongoing -= 1;
    // A reserved stream may have opened a connection after the table dropped the replica.
    if (slot.retired && slot.own === 0) {
      this.#retired.delete(slot);
      this.context.channel.release(slot.address);
    }
  }

  /** Takes a waiting request out of the line. */
  remove(waiter: Waiter): void {
    if (!waiter.waiting) return;
    waiter.waiting = false;
    this.#cold.leave(waiter);
    this.#queued -= 1;
    if (this.#queued === 0) this.#cold.stop();
    const line = this.#lines.get(waiter.revision)!;
    line.remove(waiter);
    if (line.head === undefined) this.#lines.delete(waiter.revision);
  }

  /** Gives replicas to the heads of the lines while there are any, the oldest first. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#queued > 0) {
        let waiter: Waiter | undefined;
        let slot: Slot | undefined;
        for (const { head } of this.#lines.values()) {
          if (head === undefined || (waiter !== undefined && waiter.sequence < head.sequence)) continue;
          const free = this.#pick(head);
          if (free === undefined) continue;
          waiter = head;
          slot = free;
        }
        if (waiter === undefined || slot === undefined) {
          this.#wakeAfterBackoff();
          return;
        }
        this.remove(waiter);
        this.#give(waiter, slot);
      }
    } finally {
      this.#pumping = false;
      this.#followCold();
    }
  }

  close(): void {
    this.#timer?.cancel();
    this.#cold.stop();
    for (const slot of this.#slots) this.context.channel.release(slot.address);
    this.#slots = [];
    this.#slotsOf = undefined;
    for (const waiter of this.#waiters()) {
      this.remove(waiter);
      waiter.fail({ kind: "cancelled", responseStarted: false });
    }
  }

  #give(waiter: Waiter, slot: Slot): void {
    slot.own += 1;
    this.#ongoing += 1;
    waiter.start(slot);
  }

  #pick({ revision, avoid }: Waiter): Slot | undefined {
    const maxOngoing = this.#targets?.maxOngoingRequests ?? 0;
    const nowMs = this.context.clock.monotonic();
    // A revision that has no replica (any more) is served by whatever there is.
    const slots = this.#slotsOf?.get(revision) ?? this.#slots;
    for (const slot of slots) slot.refresh(nowMs, maxOngoing);
    if (avoid === undefined) return chooseReplica(slots, maxOngoing, this.context.random);
    const spare = avoid.ongoing;
    avoid.ongoing = Number.POSITIVE_INFINITY;
    const slot = chooseReplica(slots, maxOngoing, this.context.random);
    if (slot !== undefined) return slot;
    avoid.ongoing = spare;
    return spare < maxOngoing && slots.includes(avoid) ? avoid : undefined;
  }

  #lineOf({ revision }: Waiter): Line<Waiter> {
    let line = this.#lines.get(revision);
    if (line === undefined) {
      line = new Line();
      this.#lines.set(revision, line);
    }
    return line;
  }

  #waits(waiter: Waiter): void {
    waiter.waiting = true;
    this.#cold.enter(waiter);
    this.#queued += 1;
    if (this.#slots.length === 0) this.context.watcher?.starved(this);
    this.pump();
    // The alarm is set for those that wait longest; one that came back may have waited longer.
    if (waiter.waiting && this.#cold.running) this.#cold.alarmIn(this.#leftMs(waiter));
  }

  /** Lets the time run that requests may wait without a replica, while they do. */
  #followCold(): void {
    const starved = this.#queued > 0 && this.#slots.every(({ dropped }) => dropped);
    if (starved === this.#cold.running) return;
    if (starved) {
      this.#cold.start();
      this.#refuseOverdue();
    } else this.#cold.stop();
  }

  #leftMs(waiter: Waiter): number {
    return limitMs(this.#coldStart()) - this.#cold.waitedMs(waiter);
  }

  #coldStart(): ColdStart {
    return this.#targets === undefined ? NO_TABLE : (this.#targets?.coldStart ?? { reason: "", retryAfterS: 1 });
  }

  /** Fails those that waited for a replica too long, and sets the alarm for the next. */
  #refuseOverdue(): void {
    const overdue: Waiter[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const waiter of this.#everyWaiter()) {
      const leftMs = this.#leftMs(waiter);
      if (leftMs <= 0) overdue.push(waiter);
      else nextMs = Math.min(nextMs, leftMs);
    }
    this.#cold.silence();
    this.#cold.alarmIn(nextMs);
    if (overdue.length === 0) return;
    const refusal = refusalOf(this.#coldStart(), this);
    for (const waiter of overdue) {
      // The end of another may have ended it, too.
      if (!waiter.waiting) continue;
      this.remove(waiter);
      waiter.fail(refusal);
    }
  }

  /** All that wait, oldest first; each may be removed while it is looked at. */
  #waiters(): Waiter[] {
    return [...this.#everyWaiter()].sort((a, b) => a.sequence - b.sequence);
  }

  *#everyWaiter(): Generator<Waiter> {
    for (const line of this.#lines.values()) {
      for (let at = line.head; at !== undefined; at = at.next as Waiter | undefined) yield at;
    }
  }

  #refusal(): RouterFailure | undefined {
    if (this.#targets === null) return { kind: "absent" };
    if (this.#targets === undefined || this.#targets.unavailable === "") return undefined;
    return { kind: "unavailable", message: this.#targets.unavailable };
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

function splitRule(split: NonNullable<Targets["split"]>): SplitRule {
  const { stableRevision, canaryRevision, weight, stickyHeader } = split;
  return {
    stableRevision: Number(stableRevision),
    canaryRevision: Number(canaryRevision),
    weight,
    stickyHeader: stickyHeader.toLowerCase(),
  };
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
