/**
 * ReplicaChannel to programs of the user's, which speak plain HTTP/1.1: they reject nothing, hold no reservations and
 * are sent none of our headers.
 */
import type { Readable } from "node:stream";
import { type Dispatcher, Pool } from "undici";
import { errorText } from "../core/errors.ts";
import type { ChannelCall, ChannelFailure, ChannelReceiver, ReplicaChannel, ResponseHead } from "./channel.ts";
import { isHopByHop, namedByConnection, trailerFields } from "./hop-by-hop.ts";
import { openPlainWebsocket, type PlainWebsocket } from "./plain-websocket.ts";

/** Nobody listens: waiting for this address helps no one. */
const GONE = new Set(["ECONNREFUSED", "ENOENT", "ENOTSOCK", "ENOTDIR", "UND_ERR_CLOSED", "UND_ERR_DESTROYED"]);
const INVALID = new Set(["UND_ERR_INVALID_ARG", "UND_ERR_NOT_SUPPORTED"]);

/** A channel with connections of its own: one pool for each address, one request at a time on a connection. */
export function createHttpChannel(): ReplicaChannel {
  const pools = new Map<string, Pool>();
  const websockets = new Set<PlainWebsocket>();
  const poolOf = (address: string): Pool => {
    let pool = pools.get(address);
    if (pool === undefined) {
      // Connections have no limit of their own: the router keeps at most max_ongoing_requests of them busy, and a
      // request that waited here for a connection could go elsewhere meanwhile.
      const at = address.slice("plain:".length);
      const unix = at.startsWith("/");
      pool = new Pool(unix ? "http://replica" : `http://${at}`, {
        ...(unix ? { socketPath: at } : {}),
        pipelining: 1,
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      pools.set(address, pool);
    }
    return pool;
  };
  return {
    open(address, request, receiver) {
      if (request.kind === "grpc") return refuseGrpc(receiver);
      if (request.kind === "websocket") {
        const websocket = openPlainWebsocket(address.slice("plain:".length), request, receiver, () => {
          websockets.delete(websocket);
        });
        websockets.add(websocket);
        return websocket;
      }
      const call = new HttpCall(receiver);
      poolOf(address).dispatch(
        {
          method: request.method as Dispatcher.HttpMethod,
          path: request.path,
          headers: [...request.headers],
          body: request.body as Buffer | null,
        },
        call,
      );
      call.opened();
      return call;
    },
    release(address) {
      const pool = pools.get(address);
      pools.delete(address);
      pool?.close().catch(() => {});
    },
    async close() {
      const all = [...pools.values()];
      pools.clear();
      for (const websocket of websockets) websocket.destroy();
      await Promise.all(all.map((pool) => pool.destroy().catch(() => {})));
    },
  };
}

/** Says that a program speaks no gRPC, once `open` has returned. */
function refuseGrpc(receiver: ChannelReceiver): ChannelCall {
  let cancelled = false;
  queueMicrotask(() => {
    if (!cancelled)
      receiver.onFailed({ kind: "invalid", error: "a program is spoken to in HTTP/1.1", unsupported: true });
  });
  return {
    resume() {},
    upload: (bytes) => void bytes.destroy(),
    cancel() {
      cancelled = true;
    },
  };
}

class HttpCall implements ChannelCall, Dispatcher.DispatchHandler {
  readonly #receiver: ChannelReceiver;
  #controller: Dispatcher.DispatchController | undefined;
  #accepted = false;
  #done = false;
  #opening = true;
  #early: ChannelFailure | undefined;

  constructor(receiver: ChannelReceiver) {
    this.#receiver = receiver;
  }

  /** Failures found while dispatching are told once `open` has returned. */
  opened(): void {
    this.#opening = false;
    if (this.#early !== undefined) queueMicrotask(() => this.#fail(this.#early!));
  }

  resume(): void {
    if (!this.#done) this.#controller?.resume();
  }

  upload(bytes: Readable): void {
    bytes.destroy();
  }

  cancel(): void {
    if (this.#done) return;
    this.#done = true;
    // Without a controller nothing was sent yet; onRequestStart then aborts.
    this.#controller?.abort(new Error("cancelled"));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#done) controller.abort(new Error("cancelled"));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (this.#done || status < 200) return;
    this.#accepted = true;
    this.#receiver.onAccepted(responseHead(status, headers));
    // The receiver may have cancelled, or be full already.
    if (this.#done && !controller.aborted) controller.abort(new Error("cancelled"));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#done && !this.#receiver.onData(chunk) && !this.#done) controller.pause();
  }

  onResponseEnd(
    _controller: Dispatcher.DispatchController,
    trailers: Record<string, string | string[] | undefined>,
  ): void {
    if (this.#done) return;
    if (!this.#accepted) {
      this.#fail({ kind: "broken", responseStarted: false, error: "the answer has a status that HTTP does not have" });
      return;
    }
    this.#done = true;
    const fields = trailerFields(flatFields(trailers));
    if (fields.length > 0) this.#receiver.onTrailers?.(fields);
    this.#receiver.onEnd();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#done) return;
    const failure = this.#failureOf(error);
    if (this.#opening) this.#early = failure;
    else this.#fail(failure);
  }

  #fail(failure: ChannelFailure): void {
    if (this.#done) return;
    this.#done = true;
    this.#receiver.onFailed(failure);
  }

  #failureOf(error: Error): ChannelFailure {
    const code = String((error as { code?: unknown }).code ?? "");
    if (INVALID.has(code)) return { kind: "invalid", error: errorText(error) };
    if (this.#controller !== undefined) {
      return { kind: "broken", responseStarted: this.#accepted, error: errorText(error) };
    }
    return { kind: "unreachable", gone: GONE.has(code), error: errorText(error) };
  }
}

function responseHead(status: number, headers: Record<string, string | string[] | undefined>): ResponseHead {
  const named = namedByConnection(headers.connection);
  const passed = (name: string): boolean => !isHopByHop(name) && !name.startsWith("x-windlass-") && !named?.has(name);
  return { status, headers: flatFields(headers, passed), ongoing: -1, result: "", reservation: "" };
}

function flatFields(
  headers: Record<string, string | string[] | undefined>,
  passed: (name: string) => boolean = () => true,
): string[] {
  const flat: string[] = [];
  for (const name in headers) {
    if (!passed(name)) continue;
    const value = headers[name];
    if (typeof value === "string") flat.push(name, value);
    else if (value !== undefined) for (const one of value) flat.push(name, one);
  }
  return flat;
}
