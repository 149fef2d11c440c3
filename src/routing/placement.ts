import type { Readable } from "node:stream";
import type { Timer } from "../core/clock.ts";
import type {
  ChannelCall,
  ChannelFailure,
  ChannelReceiver,
  ChannelRequest,
  ResponseHead,
  WaitAtReplica,
} from "./channel.ts";
import { isPlain } from "./channel.ts";
import type { DeploymentQueue, Waiter } from "./deployment-queue.ts";
import type { Waiting } from "./line.ts";
import { modelOf, textOf } from "./models.ts";
import type { RouterCall, RouterFailure, RouterReceiver } from "./outcome.ts";
import { rankOf } from "./priority.ts";
import { headerIn } from "./router-views.ts";
import { sessionOf } from "./session.ts";
import type { Slot } from "./slot.ts";

/** A request for a deployment. */
export interface RouterRequest {
  /** A `websocket` has no body. */
  readonly kind: "http" | "call" | "websocket" | "grpc";
  readonly method: string;
  /** Starts with "/"; with the query. */
  readonly path: string;
  /** Name, value, name, value, …; neither hop-by-hop headers nor `x-windlass-*`. */
  readonly headers: readonly string[];
  /**
   * Bytes can be sent twice; a stream cannot, so a slot is reserved for it first, but for a `grpc`, whose body waits
   * until a replica has taken it. A stream is never destroyed by the router before it was given to a replica.
   */
  readonly body: Uint8Array | Readable | null;
  /** Whether a streamed body is left alone until user code reads it. Default: false. */
  readonly lazy?: boolean | undefined;
  /** Cancels the request at any point; the receiver hears `cancelled`. */
  readonly signal?: AbortSignal | undefined;
  /** The clock's monotonic ms at which it times out; absent: never. */
  readonly deadlineMs?: number | undefined;
  /** The same where the caller looks at the clock himself and cancels. */
  readonly dueMs?: number | undefined;
  /** How urgent it is (priority.ts). Default: 0. */
  readonly priority?: number | undefined;
  /** The revision of the application it is for, where there are two; 0 or absent: any. */
  readonly revision?: number | undefined;
  /** The model it is for; empty: none. Default: as its headers say. */
  readonly model?: string | undefined;
  /** The session it belongs to; empty: none. Default: as its headers say. */
  readonly session?: string | undefined;
  /** Arguments of a call, for request routers. */
  readonly args?: readonly unknown[] | undefined;
  /** What it is counted under: the route that it came by. Default: none. */
  readonly route?: string | undefined;
}

/** A request that may have reached user code is sent again at most this often: it may be what kills replicas. */
const MAX_BROKEN_RETRIES = 2;

/** A replica's timer may fire this much before ours would. */
const GRAIN_MS = 20;

const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);

/**
 * One request's way to a replica:
 *
 *   queued → (reserving →) sent → answering → done
 *      ↑__________|__________|   refused, unreachable, broken but repeatable: back to its place in the line
 */
export class Placement implements RouterCall, ChannelReceiver, Waiter {
  previous: Waiting | undefined;
  next: Waiting | undefined;
  waiting = false;
  heldMs = 0;
  heldFromMs = 0;
  waitingSinceMs: number | undefined;
  revision: number;
  readonly model: string;
  readonly route: string;
  readonly sequence: number;
  readonly priority: number;
  readonly rank: number;
  readonly dueMs: number;
  avoid: Slot | undefined;
  group: string | number | undefined;
  readonly request: RouterRequest;

  readonly #queue: DeploymentQueue;
  readonly #receiver: RouterReceiver;
  readonly #streamed: boolean;
  #state: "queued" | "reserving" | "sent" | "answering" | "done" = "queued";
  #slot: Slot | undefined;
  #call: ChannelCall | undefined;
  /** Monotonic ms until which it waits at the replica; undefined: it does not. */
  #parkedUntilMs: number | undefined;
  /** The replica said that it has it: code may have seen it. */
  #entered = false;
  #retries = 0;
  #timer: Timer | undefined;
  #onAbort: (() => void) | undefined;

  /** `nowMs`: monotonic. */
  constructor(
    queue: DeploymentQueue,
    request: RouterRequest,
    receiver: RouterReceiver,
    sequence: number,
    nowMs: number,
  ) {
    this.#queue = queue;
    this.request = request;
    this.#receiver = receiver;
    this.sequence = sequence;
    this.priority = request.priority ?? 0;
    this.rank = rankOf(nowMs, this.priority);
    this.dueMs = request.deadlineMs ?? request.dueMs ?? Number.POSITIVE_INFINITY;
    this.revision = request.revision ?? 0;
    this.model = request.model ?? modelOf(request.headers);
    this.route = request.route ?? "";
    this.#streamed = request.kind !== "grpc" && request.body !== null && !(request.body instanceof Uint8Array);
  }

  get session(): string {
    return this.request.session ?? textOf(sessionOf(this.request.headers, this.#queue.context.sessionHeader));
  }

  get requestId(): string {
    return headerIn(this.request.headers, "x-request-id") ?? String(this.sequence);
  }

  /** Begins; the receiver may hear of a refusal before this returns. */
  begin(): void {
    const { signal, deadlineMs } = this.request;
    if (signal?.aborted) {
      this.fail({ kind: "cancelled", responseStarted: false });
      return;
    }
    if (signal !== undefined) {
      this.#onAbort = () => this.#stop("cancelled");
      signal.addEventListener("abort", this.#onAbort, { once: true });
    }
    if (deadlineMs !== undefined) {
      const { clock } = this.#queue.context;
      this.#timer = clock.timer(deadlineMs - clock.monotonic(), () => this.#stop("timed-out"));
    }
    this.#queue.admit(this);
  }

  start(slot: Slot, wait: WaitAtReplica | undefined): void {
    this.#slot = slot;
    this.avoid = undefined;
    if (wait !== undefined) this.#parkedUntilMs = this.#queue.context.clock.monotonic() + wait.patienceMs;
    if (this.#streamed && !isPlain(slot.address)) {
      this.#state = "reserving";
      this.#queue.reserved += 1;
      const reserve: ChannelRequest = { kind: "reserve", method: "POST", path: "/", headers: [], body: null };
      this.#open(slot, wait === undefined ? reserve : { ...reserve, wait }, new Reservation(this));
    } else this.#send(slot, this.request, wait);
  }

  /** The replica holds a slot for the stream, which may flow now. */
  reserved({ reservation, contended = false, ongoing }: ResponseHead): void {
    if (this.#state !== "reserving") return;
    this.onEntered(contended, ongoing);
    const { kind, method, path, headers, body, lazy } = this.request;
    this.#send(this.#slot!, { kind, method, path, headers, body, lazy, reservation }, undefined);
  }

  onEntered(contended: boolean, ongoing: number): void {
    this.#hasEntered(ongoing);
    if (!this.#unpark()) return;
    this.#slot!.accepted(this.#queue.context.clock.monotonic(), contended);
    // Another may wait there now.
    this.#queue.pump();
  }

  fail(failure: RouterFailure): void {
    if (this.#state === "done") return;
    this.#end(false);
    this.#receiver.onFailed(failure);
  }

  resume(): void {
    this.#call?.resume();
  }

  upload(bytes: Readable): void {
    if (this.#state === "answering") this.#call!.upload(bytes);
    else bytes.destroy();
  }

  cancel(): void {
    if (this.#state === "done") return;
    this.#call?.cancel();
    this.#end(false);
  }

  onAccepted(head: ResponseHead): void {
    this.#state = "answering";
    this.#unpark();
    this.#queue.worked(this.#slot!);
    const nowMs = this.#queue.context.clock.monotonic();
    this.#slot!.accepted(nowMs, head.contended ?? false);
    this.#hasEntered(head.ongoing);
    this.#receiver.onHead(head);
  }

  onData(chunk: Uint8Array): boolean {
    return this.#receiver.onData(chunk);
  }

  onTrailers(trailers: string[]): void {
    this.#receiver.onTrailers?.(trailers);
  }

  onEnd(): void {
    this.#slot!.ended();
    this.#end(true);
    this.#receiver.onEnd();
  }

  onFailed(failure: ChannelFailure): void {
    const final = this.#judge(failure);
    if (final === undefined) this.#again();
    else this.fail(final);
  }

  /** The replica took it in, and had so many requests then: what it says later of that is not news. */
  #hasEntered(ongoing: number): void {
    if (this.#entered) return;
    this.#entered = true;
    this.#slot!.reported(ongoing, this.#queue.context.clock.monotonic());
    this.#queue.reported(this.#slot!, ongoing);
    this.#queue.accepted(this, this.#slot!);
  }

  /** The request's end, or `undefined`: it may be tried again. Marks what the replica showed of itself. */
  #judge(failure: ChannelFailure): RouterFailure | undefined {
    const slot = this.#slot!;
    const nowMs = this.#queue.context.clock.monotonic();
    const sentStream = this.#streamed && this.#state !== "reserving";
    switch (failure.kind) {
      case "rejected":
        this.#queue.worked(slot);
        slot.reported(failure.ongoing, nowMs);
        this.#queue.reported(slot, failure.ongoing);
        slot.rejected(nowMs, this.#askedToWait(nowMs));
        // A stream comes here only when its reservation lapsed; what was read of it is gone.
        return sentStream ? { kind: "broken", responseStarted: false, error: "the reservation lapsed" } : undefined;
      case "unreachable":
        if (failure.gone) this.#queue.died(slot);
        else {
          slot.unreachable(nowMs);
          this.#queue.failed(slot, failure.error);
        }
        // Nothing was sent, so even a stream is whole, unless the driver destroyed it.
        if (!sentStream || !(this.request.body as Readable).destroyed) return undefined;
        return { kind: "broken", responseStarted: false, error: failure.error };
      case "broken":
        if (!failure.responseStarted && !this.#brokeItself()) this.#queue.failed(slot, failure.error);
        if (this.#parkedUntilMs !== undefined || (this.request.kind === "grpc" && !this.#entered)) {
          // It had not entered: no code has seen it.
          slot.unreachable(nowMs);
          return undefined;
        }
        return !failure.responseStarted && this.#repeatable() ? undefined : failure;
      case "invalid":
        return failure;
    }
  }

  /** Whether its own body broke off: no fault of the replica's. */
  #brokeItself(): boolean {
    const { body } = this.request;
    return body !== null && !(body instanceof Uint8Array) && body.errored != null;
  }

  /** Whether a request that user code may have seen is sent once more; takes it from the budget. */
  #repeatable(): boolean {
    const { kind, method } = this.request;
    const harmless = this.#state === "reserving" || (kind !== "call" && !this.#streamed && IDEMPOTENT.has(method));
    if (!harmless || this.#retries >= MAX_BROKEN_RETRIES || !this.#queue.mayRetry()) return false;
    this.#retries += 1;
    return true;
  }

  #send(slot: Slot, request: ChannelRequest, wait: WaitAtReplica | undefined): void {
    this.#leaveReservation();
    this.#state = "sent";
    this.#open(slot, wait === undefined ? request : withWait(request, wait), this);
  }

  #leaveReservation(): void {
    if (this.#state === "reserving") this.#queue.reserved -= 1;
  }

  #open(slot: Slot, request: ChannelRequest, receiver: ChannelReceiver): void {
    this.#call = this.#queue.context.channel.open(slot.address, request, receiver);
  }

  #askedToWait(nowMs: number): "no" | "refused" | "waited" {
    if (this.#parkedUntilMs === undefined) return "no";
    return nowMs < this.#parkedUntilMs - GRAIN_MS ? "refused" : "waited";
  }

  /** Whether it waited at the replica until now. */
  #unpark(): boolean {
    if (this.#parkedUntilMs === undefined) return false;
    this.#parkedUntilMs = undefined;
    this.#queue.unpark(this.#slot!);
    return true;
  }

  /** Back into the line, at its old place; the replica that failed it is the last resort. */
  #again(): void {
    const slot = this.#slot!;
    this.avoid = slot;
    this.#unpark();
    this.#slot = undefined;
    this.#call = undefined;
    this.#entered = false;
    this.#leaveReservation();
    this.#state = "queued";
    this.#queue.release(this, slot);
    this.#queue.readmit(this);
  }

  #stop(kind: "cancelled" | "timed-out"): void {
    const responseStarted = this.#state === "answering";
    this.#call?.cancel();
    this.fail({ kind, responseStarted });
  }

  #end(answered: boolean): void {
    this.#leaveReservation();
    this.#state = "done";
    this.#timer?.cancel();
    if (this.#onAbort !== undefined) this.request.signal?.removeEventListener("abort", this.#onAbort);
    this.#queue.remove(this);
    if (this.#slot !== undefined) {
      if (!this.#unpark()) this.#queue.ended(this, answered);
      this.#queue.release(this, this.#slot);
      this.#slot = undefined;
      this.#queue.pump();
    }
  }
}

function withWait(request: ChannelRequest, wait: WaitAtReplica): ChannelRequest {
  const { kind, method, path, headers, body } = request;
  return { kind, method, path, headers, body, wait };
}

/** Hears the answer to a `reserve`. */
class Reservation implements ChannelReceiver {
  readonly #placement: Placement;
  #head: ResponseHead | undefined;

  constructor(placement: Placement) {
    this.#placement = placement;
  }

  onAccepted(head: ResponseHead): void {
    this.#head = head;
  }

  onData(): boolean {
    return true;
  }

  onEnd(): void {
    if (this.#head!.reservation === "") {
      const error = `the replica answered a reservation with status ${this.#head!.status} and no slot`;
      this.#placement.fail({ kind: "broken", responseStarted: false, error });
    } else this.#placement.reserved(this.#head!);
  }

  onFailed(failure: ChannelFailure): void {
    this.#placement.onFailed(failure);
  }
}
