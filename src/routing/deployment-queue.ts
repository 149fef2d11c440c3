/**
 * Where requests for one deployment wait and are given replicas: admission, order, choice. Woken by capacity, tables
 * and back-off ends; nothing polls.
 */
import type { Clock, Timer } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import type { ReplicaChannel, WaitAtReplica } from "./channel.ts";
import { type ColdStart, ColdWatch, type Held, limitMs, NO_TABLE, refusalOf } from "./cold-start.ts";
import { type InLine, Lines } from "./lines.ts";
import type { Models } from "./models.ts";
import type { RouterFailure } from "./outcome.ts";
import { type Picked, ReplicaSet, type Seeker } from "./replica-set.ts";
import type { RetryBudget } from "./retry-budget.ts";
import type { Slot } from "./slot.ts";
import { chooseRevision, type SplitRule } from "./split.ts";
import { backpressureBy, refusalBy, splitRule, type Targets } from "./targets.ts";

/** What the queue needs of a request. */
export interface Waiter extends InLine, Held, Seeker {
  waiting: boolean;
  /** The revision it is for; 0: any, until the queue draws one. */
  revision: number;
  readonly model: string;
  /** Monotonic ms at which it came to wait; undefined: it has not. */
  waitingSinceMs: number | undefined;
  /** `wait`: the replica is full, and the request is to wait there until it is told to have entered. */
  start(slot: Slot, wait: WaitAtReplica | undefined): void;
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
  readonly models: Models;
  /** How long a request waits for a replica that has its model. */
  readonly modelWaitMs: number;
}

/** The line of requests for one deployment, and the replicas it is served by. */
export class DeploymentQueue {
  readonly application: string;
  readonly deployment: string;
  readonly context: RouterContext;
  /** undefined: no table has come yet, requests wait. null: the table does not have it. */
  #targets: Targets | null | undefined;
  readonly #replicas: ReplicaSet;
  #split: SplitRule | undefined;
  readonly #lines = new Lines<Waiter>();
  #ongoing = 0;
  /** Of those given to replicas, those that wait there. */
  #parked = 0;
  #used = false;
  #pumping = false;
  #timer: Timer | undefined;
  readonly #cold: ColdWatch;

  constructor(application: string, deployment: string, context: RouterContext) {
    this.application = application;
    this.deployment = deployment;
    this.context = context;
    this.#replicas = new ReplicaSet(
      (address) => context.channel.release(address),
      (id) => context.models.forget(id),
    );
    this.#cold = new ColdWatch(context.clock, () => this.#refuseOverdue());
  }

  /** Requests that wait for a replica, here or at a full one. */
  get queued(): number {
    return this.#lines.size + this.#parked;
  }

  /** Requests that replicas took, as far as known, and that have not ended. */
  get ongoing(): number {
    return this.#ongoing - this.#parked;
  }

  /** Whether a request was ever sent to it. */
  get used(): boolean {
    return this.#used;
  }

  /** Replicas that the table has. */
  get replicas(): number {
    return this.#replicas.size;
  }

  /**
   * Requests given to each replica by id and not ended: of those the table has, and of those it has no more while they
   * have any.
   */
  running(): ReadonlyMap<string, number> {
    return this.#replicas.running();
  }

  /** Ids of the replicas that the table has. */
  replicaIds(): string[] {
    return this.#replicas.ids();
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
    this.#targets = targets ?? null;
    this.#split = targets && splitRule(targets);
    this.#replicas.apply(targets?.replicas ?? []);
    const refusal = refusalBy(this.#targets);
    if (refusal !== undefined) this.#failAll(refusal);
    else {
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
    const refusal = refusalBy(this.#targets);
    if (refusal !== undefined) {
      waiter.fail(refusal);
      return;
    }
    if (this.#split !== undefined && waiter.revision === 0) {
      waiter.revision = chooseRevision(this.#split, undefined, this.context.random);
    }
    const picked = this.#lines.has(waiter) ? undefined : this.#pick(waiter);
    if (picked !== undefined && !picked.park) {
      this.#give(waiter, picked);
      return;
    }
    const full = backpressureBy(this.#targets, this.queued);
    if (full !== undefined) {
      waiter.fail(full);
      return;
    }
    this.#lines.append(waiter);
    this.#waits(waiter);
  }

  /** A request that some replica did not take: back to its place, whatever the limit says. */
  readmit(waiter: Waiter): void {
    const refusal = refusalBy(this.#targets);
    if (refusal !== undefined) {
      waiter.fail(refusal);
      return;
    }
    this.#lines.insertInOrder(waiter);
    this.#waits(waiter);
  }

  /** A request waits at a replica no more. */
  unpark(slot: Slot): void {
    slot.parked -= 1;
    this.#parked -= 1;
  }

  /** A request ended at a replica, in whatever way. */
  release(slot: Slot): void {
    this.#ongoing -= 1;
    this.#replicas.left(slot);
  }

  /** Takes a waiting request out of the line. */
  remove(waiter: Waiter): void {
    if (!waiter.waiting) return;
    waiter.waiting = false;
    this.#cold.leave(waiter);
    this.#lines.remove(waiter);
    if (this.#lines.size === 0) this.#cold.stop();
  }

  /** Gives replicas to the heads of the lines while there are any, the oldest first. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#lines.size > 0) {
        const next = this.#lines.oldest((head) => this.#pick(head));
        if (next === undefined) {
          this.#wakeAfterBackoff();
          return;
        }
        this.remove(next.waiter);
        this.#give(next.waiter, next.found);
      }
    } finally {
      this.#pumping = false;
      this.#followCold();
    }
  }

  close(): void {
    this.#timer?.cancel();
    this.#cold.stop();
    this.#replicas.close();
    this.#failAll({ kind: "cancelled", responseStarted: false });
  }

  #give(waiter: Waiter, { slot, park }: Picked): void {
    slot.own += 1;
    this.#ongoing += 1;
    if (waiter.model !== "") this.context.models.sent(slot.id, waiter.model, this.context.clock.monotonic());
    if (!park) {
      waiter.start(slot, undefined);
      return;
    }
    slot.parked += 1;
    this.#parked += 1;
    const nowMs = this.context.clock.monotonic();
    waiter.start(slot, { waitedMs: nowMs - (waiter.waitingSinceMs ?? nowMs), patienceMs: slot.patienceMs });
  }

  #pick(waiter: Waiter): Picked | undefined {
    const { clock, random, models } = this.context;
    const maxOngoing = this.#targets?.maxOngoingRequests ?? 0;
    const nowMs = clock.monotonic();
    return this.#replicas.pick(waiter, maxOngoing, nowMs, random, {
      models,
      untilMs: this.#modelUntilMs(waiter, nowMs),
    });
  }

  /** Until when a request waits for a replica that has its model. */
  #modelUntilMs({ waitingSinceMs }: Waiter, nowMs: number): number {
    return (waitingSinceMs ?? nowMs) + this.context.modelWaitMs;
  }

  #waits(waiter: Waiter): void {
    waiter.waiting = true;
    waiter.waitingSinceMs ??= this.context.clock.monotonic();
    this.#cold.enter(waiter);
    if (this.#replicas.size === 0) this.context.watcher?.starved(this);
    this.pump();
    // The alarm is set for those that wait longest; one that came back may have waited longer.
    if (waiter.waiting && this.#cold.running) this.#cold.alarmIn(this.#leftMs(waiter));
  }

  /** Lets the time run that requests may wait without a replica, while they do. */
  #followCold(): void {
    const starved = this.#lines.size > 0 && this.#replicas.starved;
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
    for (const waiter of this.#lines.all()) {
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

  #failAll(failure: RouterFailure): void {
    for (const waiter of this.#lines.inOrder()) {
      this.remove(waiter);
      waiter.fail(failure);
    }
  }

  /** Replicas that refused tell us nothing when they get room, so they are asked again. */
  #wakeAfterBackoff(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const { clock } = this.context;
    const nowMs = clock.monotonic();
    let wakeMs = this.#replicas.wakeMs(this.#targets?.maxOngoingRequests ?? 0, nowMs);
    for (const head of this.#lines.heads()) {
      const untilMs = head.model === "" ? 0 : this.#modelUntilMs(head, nowMs);
      if (untilMs > nowMs) wakeMs = Math.min(wakeMs, untilMs);
    }
    if (wakeMs === Number.POSITIVE_INFINITY) return;
    this.#timer = clock.timer(wakeMs - nowMs, () => {
      this.#timer = undefined;
      this.pump();
    });
  }
}
