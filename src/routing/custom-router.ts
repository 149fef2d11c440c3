/** A user's request router, at arm's length: whatever it does, each request gets a replica. */
import { assertNever } from "../core/assert-never.ts";
import { type PolicyChoice, pickByRanks, type RoutingPolicy } from "./policy.ts";
import type { Seeker } from "./replica-set.ts";
import type { RequestRouter, RoutableReplica } from "./request-router.ts";
import { Pending, ReplicaView, type ViewContext } from "./router-views.ts";
import { type Backoff, pauseMs, type Slot } from "./slot.ts";

/** A choice that takes longer is not waited for. */
const DEADLINE_MS = 1_000;
/** So long, from when that began, is waited for its code, which has to be loaded by the process that carries requests. */
const LOAD_DEADLINE_MS = 10_000;
const LOADS_TOO_LONG = `loading it took longer than ${LOAD_DEADLINE_MS} ms`;
/** For so long after one was late the router is not asked: requests would queue up behind one that hangs. */
const SPARED_MS = 5_000;
const TOO_LONG = `chooseReplicas took longer than ${DEADLINE_MS} ms`;
const SPARED = `${TOO_LONG} a moment ago, and is left alone for ${SPARED_MS} ms`;
/** Characters of an error that are told. */
const MAX_ERROR = 300;
/** So many kinds of requests wait beside each other. */
const GROUPS = 64;

/**
 * What went wrong with a router: it could not be loaded, threw, took too long, answered what is no choice, or threw in a
 * hook, which concerns no request.
 */
export type FaultReason = "load" | "error" | "late" | "nonsense" | "hook";

/** What a {@link CustomRouter} needs. */
export interface CustomRouterOptions extends Omit<ViewContext, "maxOngoing"> {
  /** Makes the router; rejects with why not. */
  readonly load: () => Promise<RequestRouter>;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly backoff: Backoff;
  /** Requests that waited for the router may be looked at again. Called from a turn of its own. */
  readonly wake: () => void;
  /** Hears of each request that the router failed, and of hooks that did. */
  readonly onFault: (reason: FaultReason, error: string) => void;
}

type Code =
  | { readonly kind: "loading"; readonly router: Promise<RequestRouter> }
  | { readonly kind: "ready"; readonly router: RequestRouter }
  | { readonly kind: "broken"; readonly error: string };

/** What the router says of a request that waits. */
type Asked =
  | { readonly kind: "asking" }
  /** Good until then; in monotonic ms. */
  | {
      readonly kind: "told";
      readonly ranks: readonly (readonly Slot[])[];
      /** Of these it was told; once there are others, it is asked anew. */
      readonly among: readonly Slot[];
      readonly untilMs: number;
    }
  /** It failed: the power of two choices is to decide. */
  | { readonly kind: "failed" };

/** What becomes of a request that waited for something; undefined: it is asked anew. */
interface Settled<T> {
  readonly onAnswer: (answer: T) => Asked | undefined;
  readonly onError: (error: unknown) => Asked;
  readonly onLate: () => Asked;
}

interface Request {
  readonly pending: Pending;
  asked: Asked | undefined;
  /** How often it was asked since the request last was somewhere. */
  asks: number;
  /** Where it was sent, until that is over. */
  sentTo: Slot | undefined;
}

/** See the file's comment. */
export class CustomRouter implements RoutingPolicy {
  readonly #o: CustomRouterOptions;
  readonly #context: ViewContext;
  #code: Code;
  #slots: readonly Slot[] = [];
  readonly #requests = new WeakMap<Seeker, Request>();
  readonly #views = new WeakMap<Slot, ReplicaView>();
  readonly #slotOf = new WeakMap<object, Slot>();
  /** Until then it is not asked. Monotonic ms. */
  #sparedUntilMs = 0;
  /** Until then requests wait for its code. */
  readonly #loadUntilMs: number;
  #closed = false;

  constructor(options: CustomRouterOptions) {
    const { clock, models, stats } = options;
    this.#o = options;
    this.#context = { clock, models, stats, maxOngoing: 0 };
    this.#loadUntilMs = clock.monotonic() + LOAD_DEADLINE_MS;
    const router = this.#load();
    // Those who wait for it hear of that, if there are any.
    router.catch(() => {});
    this.#code = { kind: "loading", router };
  }

  pick(seeker: Seeker, slots: readonly Slot[], maxOngoing: number, nowMs: number): PolicyChoice {
    this.#context.maxOngoing = maxOngoing;
    if (slots.length === 0) return "none";
    const request = this.#requestOf(seeker);
    if (request.asked === undefined || isStale(request.asked, slots, nowMs)) {
      request.asked = this.#ask(request, slots, nowMs);
      request.asks += 1;
    }
    const { asked } = request;
    switch (asked.kind) {
      case "asking":
        return "none";
      case "failed":
        return "default";
      case "told":
        return pickByRanks(asked.ranks, seeker.avoid, maxOngoing) ?? "none";
      default:
        return assertNever(asked);
    }
  }

  groupOf({ sequence }: Seeker): number {
    return sequence % GROUPS;
  }

  askAgainMs(seeker: Seeker): number {
    const asked = this.#requests.get(seeker)?.asked;
    return asked?.kind === "told" ? asked.untilMs : Number.POSITIVE_INFINITY;
  }

  update(slots: readonly Slot[], maxOngoing: number): void {
    const same = slots.length === this.#slots.length && slots.every((slot, index) => slot === this.#slots[index]);
    this.#slots = slots;
    this.#context.maxOngoing = maxOngoing;
    // A table that changes something else is no news.
    if (!same) this.#tellReplicas();
  }

  sent(seeker: Seeker, slot: Slot): void {
    const request = this.#requestOf(seeker);
    request.asked = undefined;
    request.asks = 0;
    request.sentTo = slot;
    request.pending.attempt += 1;
  }

  accepted(seeker: Seeker, slot: Slot): void {
    const request = this.#requests.get(seeker);
    if (request?.sentTo === slot) this.#hook("onRequestRouted", request.pending, this.#viewOf(slot));
  }

  completed(seeker: Seeker, slot: Slot): void {
    const request = this.#requests.get(seeker);
    if (request?.sentTo !== slot) return;
    request.sentTo = undefined;
    this.#hook("onRequestCompleted", this.#viewOf(slot), request.pending);
  }

  died(slot: Slot): void {
    this.#hook("onReplicaDied", this.#viewOf(slot));
  }

  reported(slot: Slot, ongoing: number): void {
    this.#hook("onNewQueueLength", this.#viewOf(slot), ongoing);
  }

  close(): void {
    this.#closed = true;
  }

  async #load(): Promise<RequestRouter> {
    const { load, kwargs, onFault } = this.#o;
    try {
      const router = await load();
      await router.initializeState?.(kwargs);
      this.#code = { kind: "ready", router };
      this.#tellReplicas();
      return router;
    } catch (error) {
      const text = oneLine(error);
      this.#code = { kind: "broken", error: text };
      if (!this.#closed) onFault("load", text);
      throw error;
    }
  }

  #ask(request: Request, slots: readonly Slot[], nowMs: number): Asked {
    const code = this.#code;
    if (code.kind === "broken") return this.#failed("load", code.error);
    if (code.kind === "loading" && nowMs >= this.#loadUntilMs) return this.#failed("late", LOADS_TOO_LONG);
    if (nowMs < this.#sparedUntilMs) return this.#failed("late", SPARED);
    if (code.kind === "loading") return this.#awaitCode(request, code.router, nowMs);
    try {
      const candidates = slots.filter(({ dropped, retired }) => !dropped && !retired);
      const views = candidates.map((slot) => this.#viewOf(slot));
      const answer: unknown = code.router.chooseReplicas(views, request.pending);
      return isThenable(answer)
        ? this.#awaitAnswer(request, slots, Promise.resolve(answer))
        : this.#read(request, slots, answer);
    } catch (error) {
      return this.#failed("error", oneLine(error));
    }
  }

  /** Once the code is there, the request is looked at anew. */
  #awaitCode(request: Request, router: Promise<RequestRouter>, nowMs: number): Asked {
    return this.#await(request, router, this.#loadUntilMs - nowMs, {
      onAnswer: () => {
        request.asks = 0;
        return undefined;
      },
      onError: (error) => this.#failed("load", oneLine(error)),
      onLate: () => this.#failed("late", LOADS_TOO_LONG),
    });
  }

  #awaitAnswer(request: Request, slots: readonly Slot[], answer: Promise<unknown>): Asked {
    return this.#await(request, answer, DEADLINE_MS, {
      onAnswer: (ranks) => this.#read(request, slots, ranks),
      onError: (error) => this.#failed("error", oneLine(error)),
      onLate: () => {
        this.#sparedUntilMs = this.#o.clock.monotonic() + SPARED_MS;
        return this.#failed("late", TOO_LONG);
      },
    });
  }

  #await<T>(request: Request, promise: Promise<T>, limitMs: number, { onAnswer, onError, onLate }: Settled<T>): Asked {
    const { clock, wake } = this.#o;
    const asking: Asked = { kind: "asking" };
    const settle = (asked: () => Asked | undefined): void => {
      timer.cancel();
      // It was late, or the request is gone.
      if (request.asked !== asking || this.#closed) return;
      request.asked = asked();
      wake();
    };
    const timer = clock.timer(limitMs, () => settle(onLate));
    promise.then(
      (answer) => settle(() => onAnswer(answer)),
      (error: unknown) => settle(() => onError(error)),
    );
    return asking;
  }

  #read(request: Request, among: readonly Slot[], answer: unknown): Asked {
    let ranks: Slot[][] | undefined;
    try {
      ranks = this.#ranksIn(answer);
    } catch (error) {
      return this.#failed("error", oneLine(error));
    }
    if (ranks === undefined) {
      return this.#failed("nonsense", "chooseReplicas must return a list of lists of its candidates");
    }
    const { clock, backoff } = this.#o;
    return { kind: "told", ranks, among, untilMs: clock.monotonic() + pauseMs(backoff, request.asks) };
  }

  #ranksIn(answer: unknown): Slot[][] | undefined {
    if (!Array.isArray(answer)) return undefined;
    const ranks: Slot[][] = [];
    for (const rank of answer as unknown[]) {
      if (!Array.isArray(rank)) return undefined;
      const slots: Slot[] = [];
      for (const view of rank as unknown[]) {
        const slot = typeof view === "object" && view !== null ? this.#slotOf.get(view) : undefined;
        if (slot === undefined) return undefined;
        // It may have kept one that has left.
        if (!slot.retired && !slot.dropped) slots.push(slot);
      }
      ranks.push(slots);
    }
    return ranks;
  }

  #failed(reason: FaultReason, error: string): Asked {
    this.#o.onFault(reason, error);
    return { kind: "failed" };
  }

  #tellReplicas(): void {
    this.#hook(
      "updateReplicas",
      this.#slots.map((slot) => this.#viewOf(slot)),
    );
  }

  #hook<H extends Exclude<keyof RequestRouter, "initializeState" | "chooseReplicas">>(
    name: H,
    ...args: Parameters<NonNullable<RequestRouter[H]>>
  ): void {
    if (this.#code.kind !== "ready" || this.#closed) return;
    const { router } = this.#code;
    const failed = (error: unknown): void => this.#o.onFault("hook", `${name}: ${oneLine(error)}`);
    try {
      const hook = router[name] as ((...given: unknown[]) => unknown) | undefined;
      const result = hook?.apply(router, args);
      if (isThenable(result)) Promise.resolve(result).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #requestOf(seeker: Seeker): Request {
    let request = this.#requests.get(seeker);
    if (request === undefined) {
      request = { pending: new Pending(seeker), asked: undefined, asks: 0, sentTo: undefined };
      this.#requests.set(seeker, request);
    }
    return request;
  }

  #viewOf(slot: Slot): RoutableReplica {
    let view = this.#views.get(slot);
    if (view === undefined) {
      view = new ReplicaView(slot, this.#context);
      this.#views.set(slot, view);
      this.#slotOf.set(view, slot);
    }
    return view;
  }
}

function isStale(asked: Asked, slots: readonly Slot[], nowMs: number): boolean {
  return asked.kind === "told" && (asked.untilMs <= nowMs || asked.among !== slots);
}

/** The first line of whatever was thrown. */
function oneLine(error: unknown): string {
  try {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return text.split("\n", 1)[0]!.slice(0, MAX_ERROR);
  } catch {
    return "an error that cannot be shown";
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
