/**
 * Where requests for one deployment wait and are given replicas: admission, order, choice. Woken by capacity, tables
 * and back-off ends; nothing polls.
 */
import type { Clock, Timer } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import { routerVersion } from "../core/router-faults.ts";
import type { ReplicaChannel, WaitAtReplica } from "./channel.ts";
import { type ColdStart, ColdWatch, type Held, limitMs, NO_TABLE, refusalOf } from "./cold-start.ts";
import type { FaultReason } from "./custom-router.ts";
import { Ejection } from "./ejection.ts";
import { type InLine, Lines } from "./lines.ts";
import { makePolicy, type RouterSpec } from "./make-policy.ts";
import type { Models } from "./models.ts";
import type { RouterFailure } from "./outcome.ts";
import { PRIORITY_STEP_MS } from "./priority.ts";
import { type Picked, ReplicaSet, type Seeker } from "./replica-set.ts";
import { RetryBudget } from "./retry-budget.ts";
import type { RouterEvents } from "./router-events.ts";
import type { QueueMetrics, RouterMetrics } from "./router-metrics.ts";
import { Shedding, type TooLate } from "./shedding.ts";
import { DEFAULT_BACKOFF, type Slot } from "./slot.ts";
import { chooseRevision, type SplitRule } from "./split.ts";
import { backpressureBy, isFull, lateBy, refusalBy, splitRule, type Targets } from "./targets.ts";

/** A client told to try again is told so in seconds, at most. */
const MAX_RETRY_AFTER_S = 300;

const NO_ROUTER: RouterSpec = { router: "", kwargsJson: "", bundlePath: "", exportName: "" };

/** A timer may fire this much before the time it was set for. */
const GRAIN_MS = 5;

/** What the queue needs of a request. */
export interface Waiter extends InLine, Held, Seeker {
  waiting: boolean;
  /** The revision it is for; 0: any, until the queue draws one. */
  revision: number;
  readonly model: string;
  /** What it is counted under. */
  readonly route: string;
  /** Monotonic ms at which it came to wait; undefined: it has not. */
  waitingSinceMs: number | undefined;
  /** Monotonic ms at which nobody wants its answer any more; Infinity: never. */
  readonly dueMs: number;
  /** See {@link InLine}. */
  group?: string | number | undefined;
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
  readonly watcher?: LoadWatcher | undefined;
  readonly events?: RouterEvents | undefined;
  readonly models: Models;
  /** How long a request waits for a replica that has its model. */
  readonly modelWaitMs: number;
  /** What replicas told of themselves for request routers, by id. */
  readonly stats: Map<string, Readonly<Record<string, unknown>>>;
  /** The header that names a request's session. */
  readonly sessionHeader: string;
  readonly metrics?: RouterMetrics | undefined;
  readonly onRouterFault?: ((fault: RouterFault) => void) | undefined;
}

/** A request router of the user's that failed; the power of two choices stood in for it. */
export interface RouterFault {
  readonly application: string;
  readonly deployment: string;
  /** `request_router_class`. */
  readonly router: string;
  /** Tells one version of its code and arguments from the next. */
  readonly version: string;
  readonly reason: FaultReason;
  /** One line. */
  readonly error: string;
}

/** The line of requests for one deployment, and the replicas it is served by. */
export class DeploymentQueue {
  readonly application: string;
  readonly deployment: string;
  readonly context: RouterContext;
  readonly metrics: QueueMetrics | undefined;
  /** Slots that replicas hold, or are asked to hold, for requests that are not sent yet. */
  reserved = 0;
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
  readonly #budget: RetryBudget;
  readonly #shedding = new Shedding();
  /** The request router as the table names it, and whether it was made. */
  #router: { readonly spec: RouterSpec; readonly made: boolean } = { spec: NO_ROUTER, made: false };

  constructor(application: string, deployment: string, context: RouterContext) {
    this.application = application;
    this.deployment = deployment;
    this.context = context;
    this.metrics = context.metrics?.of(application, deployment);
    this.#replicas = new ReplicaSet(
      (address) => context.channel.release(address),
      (id) => {
        context.models.forget(id);
        context.stats.delete(id);
      },
    );
    this.#cold = new ColdWatch(context.clock, () => this.#refuseOverdue());
    this.#budget = new RetryBudget(context.clock.monotonic());
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

  /** Replicas that are left out because they failed. */
  get ejected(): number {
    return this.#replicas.ejected;
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
    this.#followRouter(targets?.requestRouting);
    this.#replicas.apply(targets?.replicas ?? [], targets?.maxOngoingRequests);
    this.#pardon();
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
      this.#makeRouter();
    }
    const refusal = refusalBy(this.#targets);
    if (refusal !== undefined) {
      waiter.fail(refusal);
      return;
    }
    if (this.#split !== undefined && waiter.revision === 0) {
      waiter.revision = chooseRevision(this.#split, undefined, this.context.random);
    }
    waiter.group = this.#replicas.policy?.groupOf?.(waiter);
    const picked = this.#lines.has(waiter) ? undefined : this.#pick(waiter);
    if (picked !== undefined && !picked.park) {
      this.metrics?.routed(waiter.route);
      this.#give(waiter, picked);
      return;
    }
    const tooLate = waiter.dueMs === Number.POSITIVE_INFINITY ? undefined : this.#tooLate(waiter);
    if (tooLate !== undefined) {
      this.#refuseLate(waiter, tooLate);
      return;
    }
    if (!isFull(this.#targets, this.queued)) {
      this.metrics?.routed(waiter.route);
      this.#lines.append(waiter);
      this.#waits(waiter);
      return;
    }
    const displaced = this.#lines.displacedBy(waiter);
    if (displaced === undefined) {
      this.#refuseFull(waiter, "full");
      return;
    }
    this.remove(displaced);
    this.metrics?.routed(waiter.route);
    this.#lines.append(waiter);
    this.#waits(waiter);
    this.#refuseFull(displaced, "displaced");
  }

  /** Counts a request. */
  counts(nowMs: number): void {
    this.#budget.request(nowMs);
  }

  /** Whether a request that may have reached user code may be sent again; takes it from the budget. */
  mayRetry(): boolean {
    const granted = this.#budget.take(this.context.clock.monotonic());
    this.context.events?.retried(this, granted);
    return granted;
  }

  /** A replica failed a request by itself: it may be left out for a time. */
  failed(slot: Slot, error: string): void {
    const nowMs = this.context.clock.monotonic();
    slot.ejection ??= new Ejection();
    if (!slot.ejection.failed(nowMs) || !this.#replicas.mayEject(slot)) return;
    const forMs = slot.ejection.eject(nowMs);
    this.context.events?.ejected(this, { id: slot.id, failures: slot.ejection.failures, forMs, error });
  }

  /** A replica answered a request, or refused it in good order. */
  worked(slot: Slot): void {
    if (slot.ejection?.succeeded(this.context.clock.monotonic())) this.context.events?.readmitted(this, slot.id);
  }

  /** Nobody listens at a replica any more. */
  died(slot: Slot): void {
    // Each request that was there says so.
    if (slot.dropped) return;
    slot.dropped = true;
    this.#replicas.policy?.died?.(slot);
    this.#pardon();
  }

  /** A request that a replica had ended. `answered`: with a whole answer. */
  ended(waiter: Waiter, answered: boolean): void {
    const due = waiter.dueMs !== Number.POSITIVE_INFINITY && waiter.waitingSinceMs !== undefined;
    if (this.#lines.size === 0 && !due) return;
    const nowMs = this.context.clock.monotonic();
    this.#shedding.drain.ended(nowMs);
    if (due && (answered || nowMs >= waiter.dueMs - GRAIN_MS)) this.#shedding.learn(!answered, this.#ongoing, nowMs);
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
  release(waiter: Waiter, slot: Slot): void {
    this.#ongoing -= 1;
    this.#replicas.policy?.completed?.(waiter, slot);
    this.#replicas.left(slot);
  }

  /** A replica took a request in. */
  accepted(waiter: Waiter, slot: Slot): void {
    this.#replicas.policy?.accepted?.(waiter, slot);
  }

  /** A replica said how many requests it has; -1: it did not. */
  reported(slot: Slot, ongoing: number): void {
    if (ongoing >= 0) this.#replicas.policy?.reported?.(slot, ongoing);
  }

  /** Takes a waiting request out of the line. */
  remove(waiter: Waiter): void {
    if (!waiter.waiting) return;
    waiter.waiting = false;
    this.#cold.leave(waiter);
    this.#lines.remove(waiter);
    if (this.#lines.size > 0) return;
    this.#cold.stop();
    this.#shedding.drain.idle(this.context.clock.monotonic());
  }

  /** Gives replicas to the heads of the lines while there are any, in the order of their ranks. */
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
        const hopeless = this.#hopeless(next.waiter);
        if (hopeless === undefined) this.#give(next.waiter, next.found);
        else this.#refuseLate(next.waiter, hopeless);
      }
    } finally {
      this.#pumping = false;
      this.#followCold();
    }
  }

  close(): void {
    this.#timer?.cancel();
    this.#cold.stop();
    this.#router = { spec: NO_ROUTER, made: false };
    this.#replicas.close();
    this.#failAll({ kind: "cancelled", responseStarted: false });
  }

  #give(waiter: Waiter, { slot, park }: Picked): void {
    slot.own += 1;
    this.#ongoing += 1;
    this.#replicas.policy?.sent?.(waiter, slot);
    if (waiter.model !== "") this.context.models.sent(slot.id, waiter.model, this.context.clock.monotonic());
    const { waitingSinceMs } = waiter;
    const waitedMs = waitingSinceMs === undefined ? 0 : this.context.clock.monotonic() - waitingSinceMs;
    this.metrics?.given(waitedMs);
    if (!park) {
      waiter.start(slot, undefined);
      return;
    }
    slot.parked += 1;
    this.#parked += 1;
    // What ranks before others in line does so at the replica, too.
    const ranked = waitedMs + waiter.priority * PRIORITY_STEP_MS;
    waiter.start(slot, { waitedMs: ranked, patienceMs: slot.patienceMs });
  }

  /** Lets replicas in again that were left out, where no others are. */
  #pardon(): void {
    if (this.#replicas.ejected === 0) return;
    for (const id of this.#replicas.pardon(this.context.clock.monotonic())) this.context.events?.readmitted(this, id);
  }

  #tooLate(waiter: Waiter): TooLate | undefined {
    // Who waits for a replica to start is not held up by those before him.
    if (this.#replicas.starved) return undefined;
    const ahead = this.#lines.ahead(waiter);
    const nowMs = this.context.clock.monotonic();
    return this.#shedding.tooLate({ nowMs, dueMs: waiter.dueMs, ahead, running: this.#ongoing });
  }

  /** Whether another makes better use of the slot that a request got at last. */
  #hopeless(waiter: Waiter): TooLate | undefined {
    if (this.#lines.size === 0 || waiter.dueMs === Number.POSITIVE_INFINITY) return undefined;
    const nowMs = this.context.clock.monotonic();
    const hopeless = this.#shedding.hopeless(nowMs, waiter.dueMs, this.#ongoing + 1);
    return hopeless ? { waitMs: 0, leftMs: waiter.dueMs - nowMs } : undefined;
  }

  #refuseLate(waiter: Waiter, tooLate: TooLate): void {
    this.context.events?.refused(this, "late");
    waiter.fail(lateBy(tooLate, this.queued, this.#retryAfterS()));
  }

  #refuseFull(waiter: Waiter, reason: "full" | "displaced"): void {
    this.context.events?.refused(this, reason);
    waiter.fail(backpressureBy(this.#targets, reason, this.queued, this.#retryAfterS()));
  }

  /** When those who wait now will have been served, as far as known. */
  #retryAfterS(): number {
    if (this.#replicas.starved) return Math.max(1, this.#coldStart().retryAfterS);
    const waitMs = this.#shedding.waitMs(this.queued, this.context.clock.monotonic()) ?? 0;
    return Math.min(Math.max(1, Math.ceil(waitMs / 1_000)), MAX_RETRY_AFTER_S);
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

  /** Has the router that the table names choose; one that stays the same keeps what it knows. */
  #followRouter(routing: Targets["requestRouting"]): void {
    const { backoff } = this.#replicas;
    backoff.initialMs = routing === undefined ? DEFAULT_BACKOFF.initialMs : routing.initialBackoffS * 1_000;
    backoff.multiplier = routing === undefined ? DEFAULT_BACKOFF.multiplier : routing.backoffMultiplier;
    backoff.maxMs = routing === undefined ? DEFAULT_BACKOFF.maxMs : routing.maxBackoffS * 1_000;
    const { router = "", kwargsJson = "", bundlePath = "", exportName = "" } = routing ?? {};
    const { spec } = this.#router;
    const parts = [spec.router, spec.kwargsJson, spec.bundlePath, spec.exportName];
    const same = [router, kwargsJson, bundlePath, exportName].every((part, index) => part === parts[index]);
    if (same) return;
    this.#router = { spec: { router, kwargsJson, bundlePath, exportName }, made: false };
    this.#replicas.follow(undefined);
    if (this.#used) this.#makeRouter();
  }

  /** Makes the router that the table names. Not before the first request: tables name deployments that are never called. */
  #makeRouter(): void {
    const { spec, made } = this.#router;
    if (made || spec.router === "") return;
    this.#router = { spec, made: true };
    const { application, deployment, context } = this;
    const { router, bundlePath, kwargsJson } = spec;
    const version = routerVersion(bundlePath, kwargsJson);
    const policy = makePolicy(spec, {
      ...context,
      backoff: this.#replicas.backoff,
      wake: () => this.pump(),
      onFault: (reason, error) => context.onRouterFault?.({ application, deployment, router, version, reason, error }),
    });
    this.#replicas.follow(policy, this.#targets?.maxOngoingRequests);
  }

  /** Until when a request waits for a replica that has its model. */
  #modelUntilMs({ waitingSinceMs }: Waiter, nowMs: number): number {
    return (waitingSinceMs ?? nowMs) + this.context.modelWaitMs;
  }

  #waits(waiter: Waiter): void {
    waiter.waiting = true;
    const nowMs = this.context.clock.monotonic();
    waiter.waitingSinceMs ??= nowMs;
    this.#shedding.drain.busy(nowMs);
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
    const { policy } = this.#replicas;
    for (const head of this.#lines.heads()) {
      if (policy !== undefined) wakeMs = Math.min(wakeMs, policy.askAgainMs?.(head) ?? Number.POSITIVE_INFINITY);
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
