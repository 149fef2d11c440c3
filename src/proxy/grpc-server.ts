import { randomUUID } from "node:crypto";
import {
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { RoutingTable } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import type { Clock } from "../core/clock.ts";
import { drainSessions } from "./draining.ts";
import { BuiltinServices } from "./grpc-builtin.ts";
import { applicationsOf, routeByMetadata } from "./grpc-route.ts";
import { fail, GRPC_STATUS, isGrpc } from "./grpc-wire.ts";

/** Calls that one connection may have under way; clients hold the others back, or open another connection. */
const MAX_CALLS_PER_CONNECTION = 1_000;

/**
 * The gRPC side of a proxy: HTTP/2 without TLS by prior knowledge. Bare streams instead of a gRPC library: the proxy
 * knows no message types but those of its own services, and an idle connection costs little.
 */
export class GrpcProxy {
  readonly server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #builtin: BuiltinServices;
  #applications: ReadonlySet<string> = new Set();
  #populated = false;
  #draining = false;

  /** `reflection`: whether clients may ask what there is to call. Default: true. */
  constructor({ reflection = true }: { readonly reflection?: boolean } = {}) {
    const state = () => ({
      draining: this.#draining,
      populated: this.#populated,
      applications: this.#applications,
    });
    this.#builtin = new BuiltinServices(state, reflection);
    this.server = createServer({
      settings: { enablePush: false, maxConcurrentStreams: MAX_CALLS_PER_CONNECTION },
    });
    this.server.on("session", (session) => {
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
      // Peers that speak something else, or go away in the middle of a frame: their connection is closed, no more.
      session.on("error", () => {});
      // It was in the listener's queue when that closed.
      if (!this.server.listening) session.close();
    });
    this.server.on("stream", (stream, headers) => this.#handle(stream, headers));
  }

  /** Takes the applications of a table. */
  apply(table: RoutingTable): void {
    this.#applications = applicationsOf(table);
    if (this.#applications.size > 0) this.#populated = true;
    this.#builtin.changed();
  }

  /** From now on health says so, and watchers of it are sent away. */
  startDraining(): void {
    this.#draining = true;
    this.#builtin.changed();
  }

  /**
   * Accepts nothing more, tells every client by GOAWAY which calls will still be answered, and resolves when they were:
   * true, or false when `timeoutMs` passed first. A call that crosses a GOAWAY was not begun, and clients send it again.
   */
  drain(clock: Clock, timeoutMs: number): Promise<boolean> {
    this.startDraining();
    return drainSessions(this.server, this.#sessions, clock, timeoutMs);
  }

  #handle(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    // A client that resets its call; there is nobody to tell.
    stream.on("error", () => {});
    const path = headers[":path"] ?? "";
    if (headers[":method"] !== "POST" || !isGrpc(headers["content-type"])) {
      refuseHttp(stream, headers[":method"]);
      return;
    }
    const call = { stream, requestId: text(headers["request_id"]) ?? randomUUID() };
    const builtin = this.#builtin.method(path);
    if (builtin !== undefined) {
      builtin(call);
      return;
    }
    const route = routeByMetadata(this.#applications, text(headers["application"]));
    if (route.kind === "not-found") fail(call, { status: GRPC_STATUS.notFound, message: route.message });
    else {
      const message = `application "${route.name}" serves no gRPC method ${path}`;
      fail(call, { status: GRPC_STATUS.unimplemented, message });
    }
  }
}

/** Says to a browser or curl what this port is. */
function refuseHttp(stream: ServerHttp2Stream, method: string | undefined): void {
  const status =
    method === "POST" ? constants.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE : constants.HTTP_STATUS_METHOD_NOT_ALLOWED;
  stream.respond({ ":status": status, "content-type": "text/plain; charset=utf-8" });
  stream.end(method === "HEAD" ? undefined : "This port speaks gRPC: POST with content-type application/grpc.");
}

function text(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(",") : value;
}
