/**
 * One proxied request. Hot: one routing lookup, one choice, no JSON, nothing allocated for a chunk
 * (bench: proxied no-op requests against bare node:http, budget 0.6 of its throughput).
 */
import { assertNever } from "../core/assert-never.ts";
import type { Clock, Timer } from "../core/clock.ts";
import type { Logger } from "../observability/logger.ts";
import { PRIORITY_HEADER } from "../routing/priority.ts";
import type { ResponseHead, Router, RouterCall, RouterFailure, RouterReceiver } from "../routing/router.ts";
import { type Answer, answer, INTERNAL_ERROR } from "./answers.ts";
import { bodyKind, RequestBody, readSmall } from "./body.ts";
import type { ProxyRequest, ProxyResponse } from "./message.ts";
import { forwardedHeaders, pushSecure } from "./request-headers.ts";
import type { RevisionTraffic } from "./revision-traffic.ts";
import type { CompiledRoute } from "./routes.ts";
import { timeoutText } from "./timeout.ts";
import { type Handshake, Tunnel } from "./websocket.ts";

/** Up to this size, copying a body into the head's write is cheaper than a second buffer. */
const ONE_WRITE_BYTES = 16_384;

/** What all exchanges of a proxy share. */
export interface ExchangeContext {
  readonly router: Router;
  readonly clock: Clock;
  /** Set while the proxy drains: every answer then closes its connection. */
  draining: boolean;
  readonly log: Logger;
  readonly traffic: RevisionTraffic;
  /** The websockets that are open. */
  readonly tunnels: Set<Tunnel>;
  /** Told of the bytes of bodies that go through. */
  readonly onBytes: (bytes: number) => void;
  /** Requests come over TLS. */
  readonly secure: boolean;
}

/** A request that has a route. */
export interface ExchangeRequest {
  readonly req: ProxyRequest;
  readonly res: ProxyResponse;
  readonly requestId: string;
  readonly route: CompiledRoute;
  /** For the replica: starts with "/", with root path and query. */
  readonly path: string;
  /** Seconds; 0: no limit. */
  readonly timeoutS: number;
  /** How urgent it is (routing/priority.ts). */
  readonly priority: number;
  /** The client waits for 100-continue before it sends the body. */
  readonly expectsContinue: boolean;
  /** The revision of the application it goes to, while two share the requests; 0: there is one. */
  readonly revision: number;
  /** Where the client asks for a websocket. */
  readonly handshake?: Handshake | undefined;
  /** Told how the websocket ended, if it became one. */
  readonly onWebsocketOver?: (code: number) => void;
}

/** The way of one request from its head to the end of its answer; whoever ends it, everything else is let go. */
export class Exchange implements RouterReceiver {
  readonly #context: ExchangeContext;
  readonly #request: ExchangeRequest;
  readonly #res: ProxyResponse;
  #call: RouterCall | undefined;
  #timer: Timer | undefined;
  #tunnel: Tunnel | undefined;
  #answered = false;
  /** The client sends its body without being asked to, or was. */
  #continued = true;
  /** The head came in this turn and was not sent yet. */
  #fresh = false;
  /** The first piece of the body, while `#fresh`. */
  #held: Uint8Array | undefined;
  #watchesDrain = false;
  #clientGone = false;
  /** For the count of its revision: "own" is the status of the answer. */
  #counts: "own" | "failed" | "no" = "own";
  #startedMs = 0;
  /** When its time is over; undefined: never. Monotonic. */
  #dueMs: number | undefined;

  constructor(context: ExchangeContext, request: ExchangeRequest) {
    this.#context = context;
    this.#request = request;
    this.#res = request.res;
  }

  begin(): void {
    const { req, res, timeoutS, expectsContinue } = this.#request;
    res.on("close", () => this.#closed());
    if (this.#request.revision !== 0) this.#startedMs = this.#context.clock.monotonic();
    // The clock starts here: time in the queue counts.
    if (timeoutS > 0) {
      this.#dueMs = this.#context.clock.monotonic() + timeoutS * 1_000;
      this.#timer = this.#context.clock.timer(timeoutS * 1_000, () => this.#timedOut());
    }
    const body = bodyKind(req);
    if (body.kind === "none" || this.#request.handshake !== undefined) this.#send(null, undefined);
    else if (body.kind === "small") {
      if (expectsContinue) res.writeContinue();
      readSmall(req, body.length, (bytes) => {
        if (!this.#answered && !this.#clientGone) this.#send(bytes, undefined);
      });
    } else {
      const onStart = (): void => {
        this.#continued = true;
        // After the head of an answer it would be taken for a part of the body.
        if (!this.#answered) res.writeContinue();
      };
      this.#continued = !expectsContinue;
      this.#send(new RequestBody(req, expectsContinue ? onStart : undefined, this.#context.onBytes), body.length);
    }
  }

  onHead(head: ResponseHead): void {
    this.#answered = true;
    if (this.#clientGone) return;
    const headers = head.headers;
    // The application's own would make two; the id the client knows the request by wins.
    for (let i = headers.length - 2; i >= 0; i -= 2) if (headers[i] === "x-request-id") headers.splice(i, 2);
    headers.push("x-request-id", this.#request.requestId);
    if (this.#request.revision !== 0) headers.push("x-windlass-revision", String(this.#request.revision));
    if (head.status === 101 && this.#request.handshake !== undefined) {
      this.#open(this.#request.handshake, headers);
      return;
    }
    // A client that was not asked for its body may send it or not: nobody knows what would follow.
    if (this.#context.draining || !this.#continued) headers.push("connection", "close");
    try {
      this.#res.writeHead(head.status, headers);
    } catch (error) {
      this.#unspeakable(error);
      return;
    }
    // Small bodies come within this turn and go out together with the head; a slow stream's head must not wait.
    this.#fresh = true;
    process.nextTick(flushHeld, this);
  }

  onData(chunk: Uint8Array): boolean {
    this.#context.onBytes(chunk.byteLength);
    if (this.#tunnel !== undefined) return this.#tunnel.onData(chunk);
    if (this.#fresh && this.#held === undefined && chunk.byteLength <= ONE_WRITE_BYTES) {
      this.#held = chunk;
      return true;
    }
    this.flushHeld();
    return this.#write(chunk);
  }

  onTrailers(trailers: string[]): void {
    // Who did not ask for them may take them for anything.
    const accepted = this.#request.req.headers.te?.toString().toLowerCase() ?? "";
    if (this.#clientGone || !/(?:^|[\s,])trailers(?:[\s,;]|$)/.test(accepted)) return;
    const pairs: [string, string][] = [];
    for (let i = 0; i < trailers.length; i += 2) pairs.push([trailers[i]!, trailers[i + 1]!]);
    try {
      this.#res.addTrailers(pairs);
    } catch (error) {
      // A program's; the answer is whole without them.
      this.#context.log.warn("an answer's trailers cannot be sent", { requestId: this.#request.requestId, error });
    }
  }

  onEnd(): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.onEnd();
      return;
    }
    this.#timer?.cancel();
    this.#fresh = false;
    if (this.#clientGone) return;
    // A string goes out in one write with the head, bytes in two.
    if (this.#held === undefined) this.#res.end();
    else this.#res.end(latin1(this.#held), "latin1");
    this.#held = undefined;
  }

  onFailed(failure: RouterFailure): void {
    this.#timer?.cancel();
    if (failure.kind === "broken" || failure.kind === "invalid") {
      const { application, deployment } = this.#request.route.target;
      const { requestId } = this.#request;
      this.#context.log.warn(`request ${failure.kind}`, { application, deployment, requestId, error: failure.error });
    }
    if (this.#tunnel !== undefined) {
      this.#tunnel.onFailed();
      return;
    }
    if (this.#clientGone) return;
    // Nothing says "broken" in HTTP/1.1 but a body that does not end.
    if (this.#answered) this.#cut();
    else this.#answer(this.#answerTo(failure));
  }

  /** A program answered with what HTTP does not have. Nothing of it was sent. */
  #unspeakable(error: unknown): void {
    const { application, deployment } = this.#request.route.target;
    this.#context.log.warn("an answer's head cannot be sent", {
      ...{ application, deployment },
      requestId: this.#request.requestId,
      error,
    });
    this.#timer?.cancel();
    this.#call?.cancel();
    this.#counts = "failed";
    this.#answer(INTERNAL_ERROR);
  }

  /** Sends the head, and what there is of the body, without waiting for the rest. */
  flushHeld(): void {
    if (!this.#fresh) return;
    this.#fresh = false;
    if (this.#held !== undefined) this.#write(this.#held);
    else if (!this.#clientGone) this.#res.flushHeaders();
    this.#held = undefined;
  }

  /** The replica took the websocket: from here on it is a tunnel, and no time-out ends it. */
  #open(handshake: Handshake, headers: string[]): void {
    const { clock, tunnels, draining } = this.#context;
    this.#timer?.cancel();
    const latencyMs = clock.monotonic() - this.#startedMs;
    const tunnel = new Tunnel(
      {
        handshake,
        call: this.#call!,
        clock,
        onOver: (code) => {
          tunnels.delete(tunnel);
          const { revision, route } = this.#request;
          if (revision !== 0) this.#context.traffic.ended(route.target.application, revision, code === 1011, latencyMs);
          this.#request.onWebsocketOver?.(code);
        },
      },
      headers,
    );
    this.#tunnel = tunnel;
    tunnels.add(tunnel);
    if (draining) tunnel.drain();
  }

  #write(chunk: Uint8Array): boolean {
    if (this.#clientGone || this.#res.write(chunk)) return true;
    if (!this.#watchesDrain) {
      this.#watchesDrain = true;
      this.#res.on("drain", () => this.#call?.resume());
    }
    return false;
  }

  /** Ends an answer that cannot be completed so that the client notices. */
  #cut(): void {
    this.#counts = "failed";
    this.flushHeld();
    this.#res.destroy();
  }

  #send(body: Buffer | RequestBody | null, length: string | undefined): void {
    const { req, requestId, route, path } = this.#request;
    const headers = forwardedHeaders(req, requestId, route.forwardedPrefix);
    const { revision, handshake, priority } = this.#request;
    const dueMs = this.#dueMs;
    if (priority !== 0) headers.push(PRIORITY_HEADER, String(priority));
    if (revision !== 0) headers.push("x-windlass-revision", String(revision));
    if (length !== undefined) headers.push("content-length", length);
    if (this.#context.secure) pushSecure(headers, req);
    const kind = handshake === undefined ? "http" : "websocket";
    const lazy = !this.#continued;
    const { method = "GET" } = req;
    const { prefix } = route;
    const request = { kind, method, path, headers, body, revision, priority, dueMs, lazy, route: prefix } as const;
    this.#call = this.#context.router.send(route.target, request, this);
  }

  #answer(value: Answer): void {
    this.#answered = true;
    // An upload that nobody waits for any more would keep the connection.
    const close = this.#context.draining || !this.#continued || (value.status === 408 && !this.#request.req.complete);
    answer(this.#res, this.#request.requestId, { ...value, close });
  }

  #answerTo(failure: RouterFailure): Answer {
    switch (failure.kind) {
      case "backpressure":
        // A full queue says nothing about the code behind it.
        this.#counts = "no";
        return { status: failure.statusCode, body: failure.message, retryAfterS: failure.retryAfterS };
      case "no-replica":
        // Nor does one that nobody was there for.
        this.#counts = "no";
        return { status: 503, body: failure.message, retryAfterS: failure.retryAfterS };
      case "unavailable":
        return { status: 503, body: failure.message };
      case "absent": {
        const { application, deployment } = this.#request.route.target;
        return { status: 503, body: `Deployment(name='${deployment}', app='${application}') was deleted.` };
      }
      case "invalid":
        return { status: 400, body: "Invalid HTTP request received." };
      case "broken":
        return INTERNAL_ERROR;
      case "timed-out":
      case "cancelled":
        this.#counts = "no";
        return { status: 503, body: "The proxy is stopping." };
      default:
        return assertNever(failure);
    }
  }

  #timedOut(): void {
    const answered = this.#answered;
    this.#call?.cancel();
    if (this.#clientGone) return;
    this.#counts = "failed";
    if (answered) this.#cut();
    else this.#answer({ status: 408, body: timeoutText(this.#request.requestId, this.#request.timeoutS) });
  }

  /** The response is over: sent, cut by us, or the client went away. */
  #closed(): void {
    if (this.#request.revision !== 0) this.#count();
    if (this.#res.writableFinished) return;
    this.#clientGone = true;
    // A client may ask that its going away changes nothing; an upload cannot go on without it.
    if (
      this.#request.req.headers["x-request-disconnect-disabled"] === "?1" &&
      this.#request.req.complete &&
      this.#request.handshake === undefined
    ) {
      this.#call?.resume();
      return;
    }
    this.#timer?.cancel();
    this.#call?.cancel();
  }

  /** Tells how it ended, unless its client left first. */
  #count(): void {
    const { revision, route } = this.#request;
    const { clock, traffic } = this.#context;
    if (this.#counts === "no" || (this.#counts === "own" && !this.#res.writableFinished)) return;
    const failed = this.#counts === "failed" || this.#res.statusCode >= 500;
    traffic.ended(route.target.application, revision, failed, clock.monotonic() - this.#startedMs);
  }
}

function flushHeld(exchange: Exchange): void {
  exchange.flushHeld();
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
