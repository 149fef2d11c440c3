/**
 * The server that routers send requests to (docs/wire.md). Hot: per request one scope, one header array, and the web
 * Request that user code asked for.
 */
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../observability/logger.ts";
import { runtime } from "../sdk/runtime.ts";
import type { Admission } from "./admission.ts";
import type { ReplicaLog } from "./replica-log.ts";
import { RequestScope } from "./request-scope.ts";
import { closed, convertError, sendResult } from "./send-response.ts";
import type { Servable } from "./servable.ts";
import { serveCall } from "./serve-call.ts";
import { discardBody, toWebRequest } from "./web-request.ts";

/** What {@link serveData} needs. */
export interface DataServerOptions {
  /** Path of the unix socket; a stale file there is removed. */
  readonly socketPath: string;
  readonly servable: Servable;
  readonly admission: Admission;
  readonly log: ReplicaLog;
  readonly clock: Clock;
  /** Of the application, where this is its ingress; else empty. */
  readonly routePrefix: string;
  /** Answers close their connection while true. */
  readonly draining: () => boolean;
}

/** Serves requests; resolves once it listens. */
export async function serveData(options: DataServerOptions): Promise<Server> {
  const server = createServer({ maxHeaderSize: 65_536 }, (message, response) => handle(options, message, response));
  // Routers close idle connections, not we: a request must never meet a connection that is being closed.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  rmSync(options.socketPath, { force: true });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ path: options.socketPath, backlog: 4096 }, resolve);
  await promise;
  return server;
}

function handle(options: DataServerOptions, message: IncomingMessage, response: ServerResponse): void {
  const { admission } = options;
  if (options.draining()) response.shouldKeepAlive = false;
  const patienceMs = Number(header(message, "x-windlass-wait") ?? 0);
  if (admission.enter(header(message, "x-windlass-reservation"))) {
    enter(options, message, response, patienceMs > 0);
    return;
  }
  const reject = (): void => {
    response.writeHead(503, ["x-windlass-rejected", String(admission.ongoing), "content-length", "0"]);
    response.end();
  };
  const leave =
    patienceMs > 0
      ? admission.wait({
          waitedMs: Number(header(message, "x-windlass-waited") ?? 0),
          patienceMs,
          onEntered: () => enter(options, message, response, true),
          onRefused: reject,
        })
      : undefined;
  if (leave === undefined) reject();
  else response.on("close", leave);
}

/** Answers a request that has a slot. `tell`: its router waits for that word. */
function enter(options: DataServerOptions, message: IncomingMessage, response: ServerResponse, tell: boolean): void {
  const { admission } = options;
  // Before user code runs: a router that has not heard it may send the request elsewhere.
  if (tell && message.headers["x-windlass-kind"] !== "reserve") tellEntered(response, admission.waiting);
  const startedMs = options.clock.monotonic();
  const headers = ["x-windlass-ongoing", String(admission.ongoing)];
  if (admission.waiting > 0) headers.push("x-windlass-waiting", String(admission.waiting));
  if (message.headers["x-windlass-kind"] === "reserve") {
    response.writeHead(204, [...headers, "x-windlass-reservation", admission.reserve()]);
    response.end();
    return;
  }
  const modelId = header(message, "serve_multiplexed_model_id") ?? header(message, "serve-multiplexed-model-id") ?? "";
  const revision = Number(header(message, "x-windlass-revision") ?? 0);
  const scope = new RequestScope(header(message, "x-request-id") ?? randomUUID(), modelId, revision);
  let cancelled = false;
  response.on("close", () => {
    if (!response.writableFinished) {
      cancelled = !response.headersSent;
      scope.abort();
    }
    // What user code left unread would block the connection.
    if (!message.complete) discardBody(message);
  });
  void runtime()
    .requests.run(scope, () => work(options, message, response, scope, headers))
    .catch((error: unknown) => {
      response.destroy();
      logFailure(options.log.logger, scope, error);
      return true;
    })
    .then((failed) => {
      admission.leave();
      if (!options.log.accessLog) return;
      const call = message.headers["x-windlass-kind"] === "call";
      const outcome = cancelled ? "CANCELLED" : call ? (failed ? "ERROR" : "OK") : String(response.statusCode);
      logAccess(options, message, scope, startedMs, outcome);
    });
}

/** 102, with the number of those that still wait. Before Node 24.18 it goes without that. */
function tellEntered(response: ServerResponse, waiting: number): void {
  if (waiting > 0 && "writeInformation" in response) {
    response.writeInformation(102, ["x-windlass-waiting", String(waiting)]);
  } else (response as ServerResponse).writeProcessing();
}

function logAccess(
  { log, clock, routePrefix }: DataServerOptions,
  message: IncomingMessage,
  { requestId }: RequestScope,
  startedMs: number,
  status: string,
): void {
  const call = message.headers["x-windlass-kind"] === "call";
  log.access({
    method: call ? "CALL" : (message.method ?? "GET"),
    route: call ? (message.url ?? "/").slice(1) : routePrefix,
    status,
    durationMs: clock.monotonic() - startedMs,
    requestId,
  });
}

/** Ends when user code has ended and the response is sent: the request counts until both. Whether a call failed. */
async function work(
  { servable, log: { logger } }: DataServerOptions,
  message: IncomingMessage,
  response: ServerResponse,
  scope: RequestScope,
  headers: string[],
): Promise<boolean> {
  let error: unknown;
  if (message.headers["x-windlass-kind"] === "call") {
    error = await serveCall(servable, message, response, scope, headers);
    if (error !== undefined && !scope.aborted) logFailure(logger, scope, error);
  } else await serveHttp(servable, message, response, scope, headers, logger);
  await closed(response);
  return error !== undefined;
}

async function serveHttp(
  servable: Servable,
  message: IncomingMessage,
  response: ServerResponse,
  scope: RequestScope,
  headers: string[],
  logger: Logger,
): Promise<void> {
  let request: Request;
  try {
    request = toWebRequest(message, scope);
  } catch (error) {
    const body = `Bad Request: ${(error as Error).message}`;
    response.writeHead(400, [...headers, "content-type", "text/plain; charset=utf-8"]).end(body);
    return;
  }
  try {
    await sendResult(response, await servable.http(request), headers.slice());
  } catch (error) {
    if (response.headersSent || response.destroyed) {
      // What was written is sent first: corked bytes would be lost, and the answer look as if it had never begun.
      setImmediate(() => response.destroy());
      // A client that left makes user code fail in ways that are nobody's news.
      if (!scope.aborted) logFailure(logger, scope, error);
      return;
    }
    const answer = convertError(error);
    if (answer.status === 500) logFailure(logger, scope, error);
    const length = String(Buffer.byteLength(answer.body));
    response.writeHead(answer.status, [...headers, ...answer.headers, "content-length", length]).end(answer.body);
  }
}

function logFailure(logger: Logger, { requestId }: RequestScope, error: unknown): void {
  logger.error("request failed", { request_id: requestId, error });
}

function header(message: IncomingMessage, name: string): string | undefined {
  const value = message.headers[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}
