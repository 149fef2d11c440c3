/** One gRPC call on its way to an application and back. Messages are bytes here, passed on as they came. */
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Clock, Timer } from "../core/clock.ts";
import type { Logger } from "../observability/logger.ts";
import type {
  ResponseHead,
  Router,
  RouterCall,
  RouterFailure,
  RouterReceiver,
  RouterTarget,
} from "../routing/router.ts";
import { GrpcBody } from "./grpc-body.ts";
import { grpcFailure, grpcTimeoutText } from "./grpc-failure.ts";
import { forwardedMetadata, outgoing, statusIn } from "./grpc-metadata.ts";
import { fail, failureTrailers, GRPC_STATUS, type GrpcCall, type GrpcFailure, stopUpload } from "./grpc-wire.ts";
import type { RevisionTraffic } from "./revision-traffic.ts";

/** What all calls of a proxy share. */
export interface GrpcContext {
  readonly router: Router;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told how calls of split applications end. */
  readonly traffic: RevisionTraffic;
}

/** A call that has an application. */
export interface GrpcRequest extends GrpcCall {
  /** `/pkg.Service/Method`. */
  readonly path: string;
  /** Metadata as it came, name and value alternating. */
  readonly raw: readonly string[];
  readonly host: string | undefined;
  readonly target: RouterTarget;
  /** How long it may take; undefined: as long as it likes. */
  readonly timeoutMs: number | undefined;
  /** The revision of the application it goes to, while two share the calls; 0: there is one. */
  readonly revision: number;
  /** The model it asks for; empty: none. */
  readonly model: string;
  /** The session it belongs to; empty: none. */
  readonly session: string;
  /** How urgent it is (routing/priority.ts). */
  readonly priority: number;
  /** Hears how it ended, once: a status code. */
  readonly onOver: (status: number) => void;
}

/** Ends that tell of a fault on our side, as a status of 500 and more does over HTTP. */
const FAULTS: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

/** The way of one call; whoever ends it, everything else is let go. */
export class GrpcExchange implements RouterReceiver {
  readonly #context: GrpcContext;
  readonly #request: GrpcRequest;
  readonly #stream: ServerHttp2Stream;
  readonly #body: GrpcBody;
  readonly #startedMs: number;
  #call: RouterCall | undefined;
  #timer: Timer | undefined;
  /** Came in and was not sent yet: what follows in this turn tells how. */
  #head: ResponseHead | undefined;
  #responded = false;
  #trailers: OutgoingHttpHeaders | undefined;
  /** How it ended; undefined: it has not. */
  #status: number | undefined;
  /** A full queue or a missing replica says nothing about the code behind it. */
  #counts = true;
  #watchesDrain = false;

  constructor(context: GrpcContext, request: GrpcRequest) {
    this.#context = context;
    this.#request = request;
    this.#stream = request.stream;
    this.#body = new GrpcBody(request.stream);
    this.#startedMs = context.clock.monotonic();
  }

  begin(): void {
    const { timeoutMs } = this.#request;
    this.#stream.once("close", () => this.#closed());
    // The clock starts here: time in the queue counts.
    if (timeoutMs !== undefined) this.#timer = this.#context.clock.timer(timeoutMs, () => this.#timedOut(timeoutMs));
    // A small request comes with its head, and is sent in one frame then.
    setImmediate(send, this);
  }

  send(): void {
    if (this.#status !== undefined || this.#stream.destroyed) return;
    const { raw, path, revision, target, priority, timeoutMs } = this.#request;
    const dueMs = timeoutMs === undefined ? undefined : this.#startedMs + timeoutMs;
    const headers = forwardedMetadata(raw, this.#request, this.#context.router.sessionHeader);
    const body = this.#body.whole ?? this.#body;
    this.#call = this.#context.router.send(
      target,
      { kind: "grpc", method: "POST", path, headers, body, revision, priority, dueMs, route: target.application },
      this,
    );
  }

  onHead(head: ResponseHead): void {
    this.#head = head;
    process.nextTick(respond, this);
  }

  onData(chunk: Uint8Array): boolean {
    this.respond();
    if (this.#stream.destroyed || this.#stream.write(chunk)) return true;
    if (!this.#watchesDrain) {
      this.#watchesDrain = true;
      this.#stream.on("drain", () => this.#call?.resume());
    }
    return false;
  }

  onTrailers(trailers: string[]): void {
    this.#status = statusIn(trailers) ?? GRPC_STATUS.unknown;
    this.#trailers = outgoing(trailers, this.#request.requestId);
  }

  onEnd(): void {
    this.#timer?.cancel();
    if (this.#trailers === undefined && !this.#responded) {
      this.#endWithHead();
      return;
    }
    this.respond();
    if (this.#trailers === undefined) this.#endWith(LOST);
    else if (!this.#stream.destroyed) this.#stream.end();
  }

  onFailed(failure: RouterFailure): void {
    this.#timer?.cancel();
    const { application, deployment } = this.#request.target;
    if (failure.kind === "broken" || (failure.kind === "invalid" && !failure.unsupported)) {
      const { requestId } = this.#request;
      this.#context.log.warn(`call ${failure.kind}`, { application, deployment, requestId, error: failure.error });
    }
    if (failure.kind === "timed-out") return;
    this.#counts = failure.kind === "broken" || failure.kind === "unavailable" || failure.kind === "absent";
    this.#endWith(grpcFailure(failure, application, deployment));
  }

  /** Sends the head that came, without waiting for the rest. */
  respond(): void {
    const head = this.#head;
    if (head === undefined || this.#responded) return;
    this.#responded = true;
    if (this.#stream.destroyed) return;
    this.#stream.on("wantTrailers", () => this.#sendTrailers());
    this.#begin(outgoing(head.headers), head.status, { waitForTrailers: true });
  }

  /** An answer that is a head and nothing else: a failure, or an answer in HTTP's own terms. */
  #endWithHead(): void {
    const { status, headers } = this.#head!;
    this.#responded = true;
    const ok = status === constants.HTTP_STATUS_OK;
    this.#status = ok ? (statusIn(headers) ?? GRPC_STATUS.unknown) : GRPC_STATUS.unknown;
    if (this.#stream.destroyed) return;
    this.#begin(outgoing(headers, this.#request.requestId), status, { endStream: true });
    stopUpload(this.#stream);
  }

  #begin(headers: OutgoingHttpHeaders, status: number, options: { endStream?: boolean; waitForTrailers?: boolean }) {
    try {
      this.#stream.respond({ ...headers, ":status": status }, options);
    } catch (error) {
      this.#unspeakable(error);
    }
  }

  #sendTrailers(): void {
    const stream = this.#stream;
    if (stream.destroyed) return;
    try {
      stream.sendTrailers(this.#trailers ?? {});
    } catch (error) {
      this.#unspeakable(error);
      return;
    }
    stopUpload(stream);
  }

  /** The application's metadata is nothing that HTTP/2 may carry. */
  #unspeakable(error: unknown): void {
    this.#context.log.warn("an answer's metadata cannot be sent", { requestId: this.#request.requestId, error });
    this.#status = GRPC_STATUS.internal;
    this.#call?.cancel();
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  /** Ends the call with a failure, in the head of its answer or, where that has gone out, in its trailers. */
  #endWith(failure: GrpcFailure): void {
    this.#status = failure.status;
    this.#body.destroy();
    if (!this.#responded) {
      this.#responded = true;
      fail(this.#request, failure);
      return;
    }
    if (this.#stream.destroyed) return;
    this.#trailers = failureTrailers(failure, this.#request.requestId);
    // A client that takes nothing would never come to the trailers.
    if (this.#stream.writableNeedDrain) this.#stream.close(constants.NGHTTP2_CANCEL);
    else this.#stream.end();
  }

  #timedOut(timeoutMs: number): void {
    this.#call?.cancel();
    this.#endWith({ status: GRPC_STATUS.deadlineExceeded, message: grpcTimeoutText(timeoutMs) });
  }

  /** All was sent, or the client is gone. */
  #closed(): void {
    this.#timer?.cancel();
    const left = this.#status === undefined;
    if (left) this.#call?.cancel();
    this.#body.destroy();
    this.#request.onOver(this.#status ?? GRPC_STATUS.cancelled);
    const { revision, target } = this.#request;
    if (revision === 0 || left || !this.#counts) return;
    const latencyMs = this.#context.clock.monotonic() - this.#startedMs;
    this.#context.traffic.ended(target.application, revision, FAULTS.has(this.#status!), latencyMs);
  }
}

const LOST: GrpcFailure = { status: GRPC_STATUS.unknown, message: "the application's answer has no grpc-status" };

function send(exchange: GrpcExchange): void {
  exchange.send();
}

function respond(exchange: GrpcExchange): void {
  exchange.respond();
}
