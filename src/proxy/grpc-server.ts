import { randomUUID } from "node:crypto";
import {
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Server as NetServer } from "node:net";
import type { Server as TlsServer } from "node:tls";
import type { RoutingTable } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import type { Clock } from "../core/clock.ts";
import { KEPT_ALIVE } from "../core/keep-alive.ts";
import { closeLingering } from "../core/linger.ts";
import type { Random } from "../core/random.ts";
import type { ProcessLog } from "../observability/process-log.ts";
import {
  grantedPriority,
  NORMAL_PRIORITY,
  PRIORITY_HEADER,
  parsePriority,
  priorityProblem,
} from "../routing/priority.ts";
import { chooseRevision, namedRevision, type SplitRule } from "../routing/split.ts";
import { createTlsListener, renewListener } from "../tls/listener.ts";
import type { TlsMaterial } from "../tls/material.ts";
import { drainSessions, endSession } from "./draining.ts";
import { compileGrpc, type GrpcTable, NO_TABLE } from "./grpc-applications.ts";
import { BuiltinServices } from "./grpc-builtin.ts";
import { type GrpcContext, GrpcExchange } from "./grpc-exchange.ts";
import { parseTimeout } from "./grpc-metadata.ts";
import { isReflection } from "./grpc-reflection.ts";
import { routeByMetadata } from "./grpc-route.ts";
import { fail, GRPC_STATUS, type GrpcCall, isGrpc, statusName } from "./grpc-wire.ts";
import type { IngressMetrics } from "./ingress-metrics.ts";

/** Calls that one connection may have under way; clients hold the others back, or open another connection. */
const MAX_CALLS_PER_CONNECTION = 1_000;

/** Megabytes of a connection's messages that may be under way; more would refuse new calls. Node's default is 10. */
const MAX_CONNECTION_MB = 256;

/**
 * Calls a second that clients may cancel on one connection. One that carries the calls of many cancels thousands when
 * deadlines pass; with Node's default of 33 all others on it would fail then.
 */
const MAX_RESETS_PER_S = 10_000;

/** What a proxy's gRPC side needs. */
export interface GrpcProxyOptions extends GrpcContext {
  readonly random: Random;
  /** Writes the lines of calls. */
  readonly access?: Pick<ProcessLog, "accessLog" | "access">;
  /** Counts calls of applications. */
  readonly metrics?: IngressMetrics;
  /** Whether clients may ask what there is to call, here and in applications that they name. Default: true. */
  readonly reflection?: boolean;
  /** Serves over TLS. Default: HTTP/2 without it, by prior knowledge. */
  readonly tls?: TlsMaterial | undefined;
}

/**
 * The gRPC side of a proxy: HTTP/2, over TLS or by prior knowledge. Bare streams instead of a gRPC library: the proxy
 * knows no message types but those of its own services, and an idle connection costs little.
 */
export class GrpcProxy {
  readonly server: Http2Server;
  /** What is to listen: `server` itself, or what hands its connections on once they are secure. */
  readonly listener: NetServer | Http2Server;
  readonly #tls: TlsServer | undefined;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #builtin: BuiltinServices;
  readonly #options: GrpcProxyOptions;
  #table: GrpcTable = NO_TABLE;
  #populated = false;
  #draining = false;

  constructor(options: GrpcProxyOptions) {
    this.#options = options;
    const state = () => ({
      draining: this.#draining,
      populated: this.#populated,
      applications: this.#table.names,
    });
    this.#builtin = new BuiltinServices(state, options.reflection ?? true);
    this.server = createServer({
      ...KEPT_ALIVE,
      maxSessionMemory: MAX_CONNECTION_MB,
      streamResetBurst: MAX_RESETS_PER_S,
      streamResetRate: MAX_RESETS_PER_S,
      settings: { enablePush: false, maxConcurrentStreams: MAX_CALLS_PER_CONNECTION },
    });
    closeLingering(this.server, options.clock);
    this.server.on("session", (session) => {
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
      // Peers that speak something else, or go away in the middle of a frame: their connection is closed, no more.
      session.on("error", () => {});
      // It was in the listener's queue when that closed.
      if (!this.listener.listening) endSession(session, options.clock);
    });
    this.server.on("stream", (stream, headers, _flags, raw) => this.#handle(stream, headers, raw));
    this.#tls =
      options.tls === undefined
        ? undefined
        : createTlsListener({
            material: options.tls,
            protocols: ["h2"],
            onConnection: (socket) => this.server.emit("connection", socket),
          });
    this.listener = this.#tls ?? this.server;
  }

  /** Connections to come are served with another certificate. Without effect where there is no TLS. */
  renew(material: TlsMaterial): void {
    if (this.#tls !== undefined) renewListener(this.#tls, material);
  }

  /** Takes the applications of a table, which the router has applied. */
  apply(table: RoutingTable): void {
    this.#table = compileGrpc(table, this.#options.router);
    if (this.#table.names.size > 0) this.#populated = true;
    this.#builtin.changed();
  }

  /** From now on health says so, and watchers of it are sent away. */
  startDraining(): void {
    this.#draining = true;
    this.#builtin.changed();
  }

  /**
   * Accepts nothing more, tells every client by GOAWAY to begin no more calls here, and resolves when those that it has
   * begun were answered: true, or false when `timeoutMs` passed first.
   */
  drain(clock: Clock, timeoutMs: number): Promise<boolean> {
    this.startDraining();
    return drainSessions(this.listener, this.#sessions, clock, timeoutMs);
  }

  #handle(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: readonly string[]): void {
    // A client that resets its call; there is nobody to tell.
    stream.on("error", () => {});
    const path = headers[":path"] ?? "";
    if (headers[":method"] !== "POST" || !isGrpc(headers["content-type"])) {
      refuseHttp(stream, headers[":method"]);
      return;
    }
    const requestId = text(headers["request_id"] ?? headers["x-request-id"]) ?? randomUUID();
    const call: GrpcCall = { stream, requestId };
    const builtin = this.#builtin.method(path);
    if (builtin !== undefined && !this.#asksApplication(path, text(headers["application"]))) {
      builtin(call);
      return;
    }
    const route = routeByMetadata(this.#table.names, text(headers["application"]));
    const application = route.kind === "application" ? route.name : "";
    const found = this.#table.applications.get(application);
    const onOver = this.#began({ path, application, requestId, deployment: found?.target.deployment ?? "" });
    const refuse = (status: (typeof GRPC_STATUS)[keyof typeof GRPC_STATUS], message: string): void => {
      fail(call, { status, message });
      onOver(status);
    };
    if (route.kind === "not-found") {
      refuse(GRPC_STATUS.notFound, route.message);
      return;
    }
    if (found === undefined) {
      refuse(GRPC_STATUS.unavailable, `application "${application}" is still being built`);
      return;
    }
    const asked = text(headers["grpc-timeout"]);
    const askedMs = asked === undefined ? undefined : parseTimeout(asked);
    if (asked !== undefined && askedMs === undefined) {
      refuse(GRPC_STATUS.internal, `the grpc-timeout "${asked}" is not a number and a unit`);
      return;
    }
    const urgency = text(headers[PRIORITY_HEADER]);
    const priority = urgency === undefined ? NORMAL_PRIORITY : parsePriority(urgency);
    if (priority === undefined) {
      refuse(GRPC_STATUS.invalidArgument, priorityProblem(urgency!));
      return;
    }
    const { target, timeoutMs = Number.POSITIVE_INFINITY } = found;
    const limitMs = Math.min(askedMs ?? Number.POSITIVE_INFINITY, timeoutMs);
    const { split } = target;
    new GrpcExchange(this.#options, {
      ...call,
      path,
      raw,
      host: text(headers[":authority"]),
      target,
      timeoutMs: limitMs > MAX_TIMER_MS ? undefined : limitMs,
      revision: split === undefined ? 0 : this.#revisionOf(split, headers),
      model: text(headers["multiplexed_model_id"]) ?? "",
      session: text(headers["session_id"]) ?? "",
      priority: grantedPriority(priority, found.clientPriorities),
      onOver,
    }).begin();
  }

  /** Whether a call wants to know what an application serves, whose name it says, rather than the proxy. */
  #asksApplication(path: string, application: string | undefined): boolean {
    if (!isReflection(path) || this.#options.reflection === false) return false;
    return application !== undefined && this.#table.applications.has(application);
  }

  /** The revision a call goes to: the one it names, the one its sticky metadata's value has, or one that is drawn. */
  #revisionOf(split: SplitRule, headers: IncomingHttpHeaders): number {
    const named = namedRevision(split, text(headers["x-windlass-revision"]));
    if (named !== undefined) return named;
    const sticky = split.stickyHeader === "" ? undefined : text(headers[split.stickyHeader]);
    return chooseRevision(split, sticky, this.#options.random);
  }

  /** What counts a call at its end, and writes its line. */
  #began({ path, application, deployment, requestId }: Named): (status: number) => void {
    const { clock, access, metrics } = this.#options;
    const log = access?.accessLog === true;
    if (!log && metrics === undefined) return () => {};
    const startedMs = clock.monotonic();
    const over = metrics?.began();
    return (code) => {
      const latencyMs = clock.monotonic() - startedMs;
      const status = statusName(code);
      if (log) {
        const latency = latencyMs.toFixed(1);
        const facts = { application, method: path, route: application, status, latency_ms: Number(latency) };
        access.access(`${path} ${application} ${status} ${latency}ms`, { request_id: requestId }, facts);
      }
      over?.();
      // Clients may make up paths; of those that lead somewhere there are few.
      const method = UNKNOWN_METHOD.has(code) ? "OTHER" : path;
      const failed = code !== GRPC_STATUS.ok;
      metrics?.ended({ route: application, method, application, deployment, status, failed, latencyMs });
    };
  }
}

/** A call as it is logged and counted. */
interface Named {
  readonly path: string;
  readonly application: string;
  readonly deployment: string;
  readonly requestId: string;
}

const UNKNOWN_METHOD: ReadonlySet<number> = new Set([GRPC_STATUS.notFound, GRPC_STATUS.unimplemented]);

/** Longer than a timer can be set for: as if there were no limit. */
const MAX_TIMER_MS = 2 ** 31 - 1;

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
