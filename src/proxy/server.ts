import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { Server as NetServer, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Server as TlsServer } from "node:tls";
import type { RoutingTable } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import type { Clock } from "../core/clock.ts";
import { KEPT_ALIVE } from "../core/keep-alive.ts";
import { endWith } from "../core/linger.ts";
import type { Random } from "../core/random.ts";
import type { Logger } from "../observability/logger.ts";
import type { ProcessLog } from "../observability/process-log.ts";
import { decodePath } from "../routing/match.ts";
import {
  grantedPriority,
  NORMAL_PRIORITY,
  PRIORITY_HEADER,
  parsePriority,
  priorityProblem,
} from "../routing/priority.ts";
import type { Router } from "../routing/router.ts";
import { chooseRevision, namedRevision, type SplitRule } from "../routing/split.ts";
import { createTlsListener, renewListener } from "../tls/listener.ts";
import type { TlsMaterial } from "../tls/material.ts";
import { answer, rawAnswer } from "./answers.ts";
import { drainServer } from "./draining.ts";
import { Exchange, type ExchangeContext } from "./exchange.ts";
import { unhealthyText } from "./health.ts";
import { Http2Side } from "./http2-side.ts";
import type { IngressMetrics } from "./ingress-metrics.ts";
import type { ProxyRequest, ProxyResponse } from "./message.ts";
import { RequestEnds } from "./request-ends.ts";
import type { RevisionTraffic } from "./revision-traffic.ts";
import { type CompiledTable, compileTable } from "./routes.ts";
import { requestTimeoutS } from "./timeout.ts";
import { forwardWebhook, isScaleWebhook } from "./webhook.ts";
import { type Handshake, responseTo, upgrade, wantsWebsocket } from "./websocket.ts";

/** What a proxy's HTTP side needs. */
export interface HttpProxyOptions {
  readonly router: Router;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Told how requests of split applications end. */
  readonly traffic: RevisionTraffic;
  /** Writes the lines of requests. */
  readonly access?: Pick<ProcessLog, "accessLog" | "access">;
  /** Counts requests. Default: nobody does. */
  readonly metrics?: IngressMetrics;
  /** Path prefix that a fronting proxy strips, without "/" at its end; empty: none. */
  readonly rootPath: string;
  /** Seconds, where the table says nothing; 0: no limit. */
  readonly requestTimeoutS: number;
  /** Told of the bytes of bodies that go through. Default: nobody is. */
  readonly onBytes?: (bytes: number) => void;
  /** Seconds an idle connection is kept. */
  readonly keepAliveTimeoutS: number;
  /** The controller's runtime socket; undefined: the webhook is not answered here. */
  readonly webhookSocket: string | undefined;
  /** Serves over TLS, with HTTP/2 for clients that can. Default: plain HTTP/1.1. */
  readonly tls?: TlsMaterial | undefined;
}

/** Time for a request's head; bodies may take any time. */
const HEADERS_TIMEOUT_MS = 60_000;

/** The HTTP side of a proxy: what each request is, and who answers it. */
export class HttpProxy {
  /** HTTP/1.1. */
  readonly server: Server;
  /** What is to listen: `server` itself, or what hands its connections on once they are secure. */
  readonly listener: NetServer;
  readonly #tls: TlsServer | undefined;
  readonly #http2: Http2Side | undefined;
  readonly #options: HttpProxyOptions;
  readonly #context: ExchangeContext;
  readonly #ends: RequestEnds;
  /** Connections of `server`. */
  readonly #sockets = new Set<Socket>();
  #table: CompiledTable | undefined;
  /** A table with routes was seen; later empty ones do not take that back. */
  #populated = false;

  constructor(options: HttpProxyOptions) {
    this.#options = options;
    this.#ends = new RequestEnds(options);
    this.#context = {
      router: options.router,
      clock: options.clock,
      draining: false,
      log: options.log,
      traffic: options.traffic,
      tunnels: new Set(),
      onBytes: options.onBytes ?? (() => {}),
      secure: options.tls !== undefined,
    };
    this.server = createServer({
      ...KEPT_ALIVE,
      keepAliveTimeout: options.keepAliveTimeoutS * 1_000,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: 0,
      requireHostHeader: false,
      // Other upgrades are ordinary requests, which is right for h2c offers.
      shouldUpgradeCallback: wantsWebsocket,
    });
    this.server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.server.on("request", (req, res) => this.#handle(req, res, false));
    this.server.on("checkContinue", (req, res) => this.#handle(req, res, true));
    this.server.on("checkExpectation", refuseExpectation);
    this.server.on("upgrade", (req, socket: Duplex & { _httpMessage?: unknown }, first) => {
      // One that does not wait for the answers to its requests before it.
      if (socket._httpMessage != null) {
        socket.destroy();
        return;
      }
      const res = responseTo(req, socket as Socket);
      this.#handle(req, res, false, upgrade(socket as Socket, first, res));
    });
    this.server.on("connect", (_req, socket) => {
      endWith(socket, rawAnswer(501, "Not Implemented", REFUSALS[501], randomUUID()), options.clock);
    });
    this.server.on("clientError", (error, socket) => onClientError(error, socket, options.clock));
    this.listener = this.server;
    if (options.tls === undefined) return;
    const http2 = new Http2Side({
      clock: options.clock,
      keepAliveTimeoutS: options.keepAliveTimeoutS,
      onRequest: (req, res, handshake) => {
        const { expect } = req.headers;
        if (expect !== undefined && expect.toLowerCase() !== "100-continue") refuseExpectation(req, res);
        else this.#handle(req, res, expect !== undefined, handshake);
      },
      refuse: (req, res, status) => answer(res, requestIdOf(req), { status, body: REFUSALS[status] }),
    });
    // It never listens itself, and arms its timers only on this event.
    this.server.emit("listening");
    this.#http2 = http2;
    this.#tls = createTlsListener({
      material: options.tls,
      protocols: ["h2", "http/1.1"],
      onConnection: (socket, protocol) => (protocol === "h2" ? http2.server : this.server).emit("connection", socket),
    });
    this.listener = this.#tls;
  }

  /** Connections to come are served with another certificate. Without effect where there is no TLS. */
  renew(material: TlsMaterial): void {
    if (this.#tls !== undefined) renewListener(this.#tls, material);
  }

  /** Applies a table to the router and to the routes. */
  apply(table: RoutingTable): void {
    // The router first: routes must not name what it does not know.
    this.#options.router.apply(table);
    this.#table = compileTable(table, this.#options.router, this.#options.rootPath);
    if (!this.#table.empty) this.#populated = true;
  }

  /** From now on health says so, every answer closes its connection, and websockets are closed with 1001. */
  startDraining(): void {
    if (this.#context.draining) return;
    this.#context.draining = true;
    this.#http2?.startDraining();
    for (const tunnel of this.#context.tunnels) tunnel.drain();
  }

  /** Resolves when every connection has ended: true, or false when `timeoutMs` passed first. */
  drain(timeoutMs: number): Promise<boolean> {
    this.startDraining();
    const { server, listener } = this;
    return drainServer({ server, sockets: this.#sockets, listener }, this.#options.clock, timeoutMs);
  }

  #handle(req: ProxyRequest, res: ProxyResponse, expectsContinue: boolean, handshake?: Handshake): void {
    const requestId = requestIdOf(req);
    const url = originForm(req.url ?? "/");
    const queryAt = url.indexOf("?");
    const rawPath = queryAt === -1 ? url : url.slice(0, queryAt);
    const path = decodePath(rawPath);
    const close = this.#context.draining;

    if (path === "/-/healthz" || path === "/-/routes") {
      const { method = "GET" } = req;
      this.#ends.watch(res, { method, route: path, application: "", deployment: "", requestId, probe: true });
      this.#probe(path, res, requestId);
      return;
    }
    if (this.#options.webhookSocket !== undefined && isScaleWebhook(req.method, rawPath)) {
      if (expectsContinue) res.writeContinue();
      const { webhookSocket: socketPath, clock } = this.#options;
      forwardWebhook({ socketPath, clock, draining: close }, req, res, { requestId, path: url });
      return;
    }
    const route = path.startsWith("/") ? this.#table?.match(path) : undefined;
    const onWebsocketOver = this.#ends.watch(res, {
      method: handshake === undefined ? req.method! : "WS",
      route: route?.prefix ?? "",
      application: route?.target.application ?? "",
      deployment: route?.target.deployment ?? "",
      requestId,
    });
    if (route === undefined) {
      const body = `Path '${this.#options.rootPath}${path}' not found. Ping http://.../-/routes for available routes.`;
      answer(res, requestId, { status: 404, body, close });
      return;
    }
    const configuredS = route.requestTimeoutS ?? this.#table?.requestTimeoutS ?? this.#options.requestTimeoutS;
    const header = req.headers["x-request-timeout-seconds"];
    const asked = req.headers[PRIORITY_HEADER]?.toString();
    const priority = asked === undefined ? NORMAL_PRIORITY : parsePriority(asked);
    if (priority === undefined) {
      answer(res, requestId, { status: 400, body: priorityProblem(asked!), close: close || expectsContinue });
      return;
    }
    const { split } = route.target;
    new Exchange(this.#context, {
      revision: split === undefined ? 0 : this.#revisionOf(split, req),
      req,
      res,
      requestId,
      route,
      path: this.#options.rootPath + url,
      priority: grantedPriority(priority, route.clientPriorities),
      timeoutS: requestTimeoutS(header?.toString(), configuredS),
      expectsContinue,
      handshake,
      onWebsocketOver,
    }).begin();
  }

  /** The revision a request goes to: the one it names, the one its sticky header's value has, or one that is drawn. */
  #revisionOf(split: SplitRule, req: ProxyRequest): number {
    const named = namedRevision(split, req.headers["x-windlass-revision"]?.toString());
    if (named !== undefined) return named;
    const sticky = split.stickyHeader === "" ? undefined : req.headers[split.stickyHeader]?.toString();
    return chooseRevision(split, sticky, this.#options.random);
  }

  /** Health and routes: any method, no route can hide them. */
  #probe(path: string, res: ProxyResponse, requestId: string): void {
    const close = this.#context.draining;
    const unhealthy = unhealthyText({ draining: close, populated: this.#populated });
    if (unhealthy !== undefined) answer(res, requestId, { status: 503, body: unhealthy, close });
    else if (path === "/-/healthz") answer(res, requestId, { status: 200, body: "success", close });
    else {
      const body = this.#table?.routesJson ?? "{}";
      answer(res, requestId, { status: 200, body, contentType: "application/json", close });
    }
  }
}

const REFUSALS = {
  431: "The request's headers are too large.",
  501: "CONNECT is not supported.",
};

function refuseExpectation(req: ProxyRequest, res: ProxyResponse): void {
  answer(res, requestIdOf(req), { status: 417, body: "Only Expect: 100-continue is understood.", close: true });
}

/** The client's id, an empty one included, or a new one. */
function requestIdOf(req: ProxyRequest): string {
  return req.headers["x-request-id"]?.toString() ?? randomUUID();
}

/** Proxies are sent whole URLs; the path of one is what counts. */
function originForm(url: string): string {
  if (url.startsWith("/") || !/^https?:\/\//i.test(url)) return url;
  const slash = url.indexOf("/", url.indexOf("//") + 2);
  return slash === -1 ? "/" : url.slice(slash);
}

function onClientError(
  error: Error & { code?: string },
  socket: Duplex & { _httpMessage?: unknown },
  clock: Clock,
): void {
  // Half an answer may be out already; words in between would be taken for its body.
  if (error.code === "ECONNRESET" || !socket.writable || socket._httpMessage != null) {
    socket.destroy();
    return;
  }
  const id = randomUUID();
  if (error.code === "HPE_HEADER_OVERFLOW") {
    endWith(socket, rawAnswer(431, "Request Header Fields Too Large", REFUSALS[431], id), clock);
  } else if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") {
    endWith(socket, rawAnswer(408, "Request Timeout", "The request's head did not arrive in time.", id), clock);
  } else {
    endWith(socket, rawAnswer(400, "Bad Request", "Invalid HTTP request received.", id), clock);
  }
}
