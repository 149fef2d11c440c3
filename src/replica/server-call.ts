import { randomUUID } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../observability/logger.ts";
import { modelOf, textOf } from "../routing/models.ts";
import type { WireConnection } from "../routing/wire-connection.ts";
import { runtime } from "../sdk/runtime.ts";
import { FrameType, numberOf, WireError } from "../wire/frame.ts";
import type { RequestHead } from "../wire/head.ts";
import type { Admission } from "./admission.ts";
import { serveGrpc } from "./grpc-call.ts";
import { GRPC_NAMES } from "./grpc-status.ts";
import { headerOf, type Inbound, InboundBody } from "./inbound.ts";
import type { OpenWebsockets } from "./open-websockets.ts";
import { Outbound } from "./outbound.ts";
import type { ReplicaLog } from "./replica-log.ts";
import { errorType, type RequestMetrics } from "./request-metrics.ts";
import { RequestScope } from "./request-scope.ts";
import { convertError, sendResult } from "./send-response.ts";
import type { Servable } from "./servable.ts";
import { serveCall } from "./serve-call.ts";
import { toWebRequest } from "./web-request.ts";
import { Upgrade } from "./websocket-upgrade.ts";

/** What calls of a replica share. */
export interface CallHost {
  readonly servable: Servable;
  readonly admission: Admission;
  readonly log: ReplicaLog;
  readonly clock: Clock;
  /** Of the application, where this is its ingress; else empty. */
  readonly routePrefix: string;
  /** Hears of each websocket. */
  readonly websockets: OpenWebsockets;
  readonly requests: RequestMetrics;
}

/** A request that was taken, from its first frame until its answer was sent. */
export class ServerCall {
  readonly #host: CallHost;
  readonly #in: Inbound;
  readonly #out: Outbound;
  readonly #scope: RequestScope;
  readonly #connection: WireConnection;
  readonly #id: number;
  /** Where it asks for a websocket. */
  readonly #upgrade: Upgrade | undefined;
  /** Of a `reserve`: the slot it holds, until `over`. */
  #reservation: { readonly id: string; readonly over: Promise<void> } | undefined;
  #startedMs = 0;
  #toRun = false;
  #cancelled = false;
  /** Name of what user code threw; undefined: nothing. */
  #error: string | undefined;

  private constructor(host: CallHost, inbound: Inbound, out: Outbound, connection: WireConnection, id: number) {
    const { head } = inbound;
    this.#host = host;
    this.#in = inbound;
    this.#out = out;
    this.#connection = connection;
    this.#id = id;
    this.#scope = new RequestScope(
      headerOf(head, "x-request-id") ?? randomUUID(),
      modelOf(head.headers),
      Number(headerOf(head, "x-windlass-revision") ?? 0),
      head.headers,
      routeOf(host, head),
    );
    if (head.kind !== "websocket") return;
    this.#upgrade = new Upgrade({
      inbound,
      out,
      clock: host.clock,
      open: host.websockets,
      onError: (error) => this.#logFailure(error),
      onClosed: () => this.#scope.outlive(),
    });
    this.#scope.upgradeWebSocket = this.#upgrade.begin;
  }

  /**
   * Takes a request, or refuses it: undefined. One that is {@link toRun} begins with {@link run}; one that has to wait
   * begins by itself.
   */
  static begin(
    host: CallHost,
    connection: WireConnection,
    id: number,
    head: RequestHead,
    firstPiece: Buffer,
    whole: boolean,
  ): ServerCall | undefined {
    const { admission } = host;
    const out = new Outbound(connection, id, head.kind === "http" && head.method === "HEAD");
    const body = new InboundBody(connection, id);
    body.received(firstPiece, whole);
    const call = new ServerCall(host, { head, body }, out, connection, id);
    const { wait } = head;
    if (admission.enter(head.reservation === "" ? undefined : head.reservation)) call.#toRun = call.#enter();
    else if (wait === undefined) call.#refuse();
    else {
      const leave = admission.wait({
        ...wait,
        onEntered: () => call.#enter() && call.run(),
        onRefused: () => call.#refuse(),
      });
      if (leave === undefined) call.#refuse();
      else void out.over.then(leave);
    }
    return out.closed && call.#reservation === undefined ? undefined : call;
  }

  #refuse(): void {
    this.#connection.writer.number(FrameType.rejected, this.#id, this.#host.admission.ongoing, true);
    this.#connection.soon();
    this.#out.abandon();
  }

  /** It has a slot: says so. Whether user code is to run. */
  #enter(): boolean {
    const { admission } = this.#host;
    const { head } = this.#in;
    if (this.#out.closed) {
      // Its caller left in this very moment.
      admission.leave();
      return false;
    }
    this.#connection.writer.pair(FrameType.taken, this.#id, admission.ongoing, admission.waiting);
    this.#connection.soon();
    if (head.kind === "reserve") {
      const { promise: over, resolve } = Promise.withResolvers<void>();
      this.#reservation = { id: admission.reserve(resolve), over };
      this.#out.head(204, [], { reservation: this.#reservation.id });
      this.#out.end();
      return false;
    }
    // A router that has not heard of it may send the request elsewhere, so it must leave before user code runs.
    // A gRPC call is sent elsewhere whenever its replica dies before that.
    if (head.wait !== undefined || head.kind === "grpc") this.#connection.flush();
    return true;
  }

  /** Whether it has a slot, and user code did not begin. */
  get toRun(): boolean {
    return this.#toRun;
  }

  /** Has user code work on it, unless its caller has left meanwhile. */
  run(): void {
    this.#toRun = false;
    const { admission, clock } = this.#host;
    if (this.#out.closed) {
      admission.leave();
      return;
    }
    this.#startedMs = clock.monotonic();
    void this.#run();
  }

  /** Resolves when its answer was sent or nobody waits for it any more, and it holds no slot for another. */
  get over(): Promise<void> {
    const { over } = this.#out;
    return this.#in.head.kind === "reserve" ? over.then(() => this.#reservation?.over) : over;
  }

  /** Whether its answer is still to come, or under way. */
  get answering(): boolean {
    return this.#reservation === undefined;
  }

  frame(type: FrameType, end: boolean, payload: Buffer): void {
    switch (type) {
      case FrameType.data:
        this.#in.body.received(payload, end);
        return;
      case FrameType.credit:
        this.#out.returned(numberOf(payload));
        return;
      case FrameType.cancel:
        // Its answer may have been under way: nobody will use what it reserved.
        if (this.#reservation !== undefined) this.#host.admission.giveUp(this.#reservation.id);
        this.abandon();
        return;
      default:
        throw new WireError(`a frame of type ${type} came from a router`);
    }
  }

  pump(): void {
    this.#out.pump();
  }

  /** The caller is gone. */
  abandon(): void {
    this.#cancelled = !this.#out.headSent;
    this.#in.body.broke();
    this.#out.abandon();
    this.#scope.abort();
  }

  /** The request counts until user code has ended and the answer is sent. */
  async #run(): Promise<void> {
    const { admission, log, clock, requests } = this.#host;
    try {
      await runtime().requests.run(this.#scope, () => this.#work());
    } catch (error) {
      this.#out.reset("the replica could not answer");
      this.#error = errorType(error);
      this.#logFailure(error);
    }
    // What user code left unread would go on coming in.
    this.#in.body.discard();
    await this.#out.over;
    try {
      this.#scope.end();
    } catch (error) {
      this.#logFailure(error);
    }
    admission.leave();
    const nowMs = clock.monotonic();
    const latencyMs = nowMs - this.#startedMs;
    requests.ended(this.#scope.route, this.#cancelled ? "RequestCancelledError" : this.#error, latencyMs, nowMs);
    if (log.accessLog) this.#logAccess(latencyMs);
  }

  async #work(): Promise<void> {
    const { servable } = this.#host;
    if (this.#in.head.kind === "grpc") {
      const application = runtime().replica?.appName ?? "";
      const status = await serveGrpc(servable.grpc, application, this.#in, this.#out, this.#scope);
      if (status !== 0) this.#error = GRPC_NAMES[status] ?? "UNKNOWN";
      return;
    }
    if (this.#in.head.kind !== "call") return this.#serveHttp();
    const error = await serveCall(servable, this.#in, this.#out, this.#scope);
    if (error === undefined) return;
    this.#error = errorType(error);
    if (!this.#scope.aborted) this.#logFailure(error);
  }

  async #serveHttp(): Promise<void> {
    const out = this.#out;
    let request: Request;
    try {
      // A websocket's request has one signal, though its scope outlives it.
      const scope = this.#upgrade === undefined ? this.#scope : { signal: this.#scope.signal };
      request = toWebRequest(this.#in, scope);
    } catch (error) {
      const body = Buffer.from(`Bad Request: ${(error as Error).message}`);
      out.head(400, ["content-type", "text/plain; charset=utf-8", "content-length", String(body.length)]);
      out.end(body);
      return;
    }
    try {
      const result = await this.#host.servable.http(request);
      if (this.#upgrade?.takenBy(result)) {
        await this.#upgrade.accept(result);
        return;
      }
      this.#upgrade?.refuse();
      await sendResult(out, result);
    } catch (error) {
      this.#error = errorType(error);
      this.#upgrade?.refuse();
      if (out.headSent || out.closed) {
        out.reset("the handler failed");
        // A client that left makes user code fail in ways that are nobody's news.
        if (!this.#scope.aborted) this.#logFailure(error);
        return;
      }
      const answer = convertError(error);
      if (answer.status === 500) this.#logFailure(error);
      const body = Buffer.from(answer.body);
      out.head(answer.status, [...answer.headers, "content-length", String(body.length)]);
      out.end(body);
    }
  }

  #logFailure(error: unknown): void {
    const logger: Logger = this.#host.log.logger;
    logger.error("request failed", { request_id: this.#scope.requestId, error });
  }

  #logAccess(durationMs: number): void {
    const { log, routePrefix } = this.#host;
    const { kind, method, path } = this.#in.head;
    const call = kind === "call" || kind === "grpc";
    const status = String(this.#upgrade?.closeCode ?? this.#out.status);
    log.access({
      method: call ? "CALL" : this.#upgrade === undefined ? method : "WS",
      route: call ? path.slice(1) : routePrefix,
      status: this.#cancelled ? "CANCELLED" : call ? (this.#error === undefined ? "OK" : "ERROR") : status,
      durationMs,
      requestId: this.#scope.requestId,
    });
  }
}

/** What a request is counted under: the prefix that it came by, also where it is a call made for such a request. */
function routeOf({ routePrefix }: CallHost, head: RequestHead): string {
  switch (head.kind) {
    case "call": {
      const route = headerOf(head, "x-windlass-route");
      return route === undefined ? "" : textOf(route);
    }
    case "grpc":
      return runtime().replica?.appName ?? "";
    default:
      return routePrefix;
  }
}
