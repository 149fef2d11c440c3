/** Replicas and requests as users' request routers see them. */
import type { Clock } from "../core/clock.ts";
import type { Models } from "./models.ts";
import type { Seeker } from "./replica-set.ts";
import type { PendingRequest, RoutableReplica } from "./request-router.ts";
import type { Slot } from "./slot.ts";

/** What a view looks things up in. */
export interface ViewContext {
  readonly clock: Clock;
  readonly models: Models;
  /** What replicas told of themselves, by id. */
  readonly stats: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  maxOngoing: number;
}

const NO_STATS: Readonly<Record<string, unknown>> = Object.freeze({});

/** Everything is looked up when it is asked for. */
export class ReplicaView implements RoutableReplica {
  readonly #slot: Slot;
  readonly #context: ViewContext;

  constructor(slot: Slot, context: ViewContext) {
    this.#slot = slot;
    this.#context = context;
  }

  get id(): string {
    return this.#slot.id;
  }

  get queueLength(): number {
    return this.#slot.queueLength(this.#context.clock.monotonic());
  }

  get maxOngoingRequests(): number {
    return this.#context.maxOngoing;
  }

  get hasRoom(): boolean {
    this.#slot.refresh(this.#context.clock.monotonic(), this.#context.maxOngoing);
    return this.#slot.ongoing < this.#context.maxOngoing;
  }

  get modelIds(): readonly string[] {
    return this.#context.models.told(this.#slot.id);
  }

  get routingStats(): Readonly<Record<string, unknown>> {
    return this.#context.stats.get(this.#slot.id) ?? NO_STATS;
  }
}

/** See {@link PendingRequest}. */
export class Pending implements PendingRequest {
  attempt = 0;
  readonly #seeker: Seeker;

  constructor(seeker: Seeker) {
    this.#seeker = seeker;
  }

  get requestId(): string {
    return this.#seeker.requestId;
  }

  get kind(): PendingRequest["kind"] {
    return this.#seeker.request.kind;
  }

  get method(): string {
    return this.#seeker.request.method;
  }

  get path(): string {
    return this.#seeker.request.path;
  }

  get modelId(): string {
    return this.#seeker.model;
  }

  get sessionId(): string {
    return this.#seeker.session;
  }

  get args(): readonly unknown[] {
    return this.#seeker.request.args ?? [];
  }

  get body(): Uint8Array | undefined {
    const { kind, body } = this.#seeker.request;
    return kind === "http" && body instanceof Uint8Array ? body : undefined;
  }

  header(name: string): string | undefined {
    return headerIn(this.#seeker.request.headers, name);
  }
}

/** The value of a header among names and values; undefined: there is none. */
export function headerIn(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return headers[i + 1];
  return undefined;
}
