/** The control API on one port: Connect, gRPC, gRPC-web and REST over HTTP/1.1 and h2c. */
import { hostname } from "node:os";
import type { Controller, Snapshot } from "../controller/controller.ts";
import type { Clock } from "../core/clock.ts";
import { type Logger, silentLogger } from "../observability/logger.ts";
import type { MetricFamily } from "../observability/metric-set.ts";
import type { Store } from "../store/store.ts";
import { type AuthOptions, createAuthenticator } from "./authenticator.ts";
import { createConnectHandler } from "./connect/adapter.ts";
import type { ApiDeps } from "./connect/context.ts";
import { apiRoutes } from "./connect/routes.ts";
import { withCors } from "./cors.ts";
import { createDualServer } from "./dual-server.ts";
import { createFeed, type Feed } from "./feed.ts";
import { createGate, createHostGate } from "./gate.ts";
import { hostFacts } from "./host-facts.ts";
import type { NodeHandler } from "./http.ts";
import { apiMetrics } from "./rest/metrics.ts";
import { createRestHandler } from "./rest/router.ts";
import { ROUTES, WEBHOOK_ROUTES } from "./rest/routes.ts";
import { createStreamLimit, type StreamLimit } from "./stream-limit.ts";

/** What {@link createApi} is made of. */
export interface ApiOptions {
  readonly controller: Controller;
  readonly store: Store;
  readonly clock: Clock;
  readonly auth: AuthOptions;
  /** Absolute folder that import paths start from where a request names none. */
  readonly appDir: string;
  /** Absolute folder of the replicas' log files. Default: they have none. */
  readonly logsDir?: string;
  /** Address the port is bound to: always an allowed Host. */
  readonly host: string;
  /** Further Host names that may be asked for, any port. Default: none. */
  readonly allowedHosts?: readonly string[];
  /** Further origins that may ask. Default: none. */
  readonly allowedOrigins?: readonly string[];
  /** Default: logs nothing. */
  readonly logger?: Logger;
  /** Whether stored state is recovered and the API may be used. Default: always. */
  readonly isReady?: () => boolean;
  /** Streams that one token may have open at once. Default: 256. */
  readonly maxStreamsPerToken?: number;
  /** Loaded processes that wait to become replicas. Default: there are none. */
  readonly spareReplicas?: () => number;
  /** What the controller's process counts of its own work, for `/metrics`. Default: nothing. */
  readonly counted?: (now: Snapshot) => readonly MetricFamily[];
  /** Ends the processes of `windlass start`: `windlass shutdown --process`. Default: has no effect. */
  readonly endProcess?: () => void;
}

/** The API without a port. */
export interface Api {
  /** Answers everything. */
  readonly handler: NodeHandler;
  /** Answers only the scale webhook, with the same checks of Host and token; 404 for everything else. */
  readonly webhook: NodeHandler;
  /** The watches; close it before the server. */
  readonly feed: Feed;
  readonly streams: StreamLimit;
}

/** Builds the API's handlers. */
export function createApi(options: ApiOptions): Api {
  const { controller, store, clock } = options;
  const logger = options.logger ?? silentLogger;
  const feed = createFeed(store, clock);
  const streams = createStreamLimit(options.maxStreamsPerToken);
  const basics = {
    controller,
    store,
    clock,
    logger,
    feed,
    streams,
    instanceKey: options.auth.instanceKey,
    appDir: options.appDir,
    logsDir: options.logsDir,
    isReady: options.isReady ?? (() => true),
    spareReplicas: options.spareReplicas ?? (() => 0),
    endProcess: options.endProcess ?? (() => {}),
    startedAtMs: clock.now(),
    host: hostFacts(hostname()),
  };
  const deps: ApiDeps = { ...basics, metrics: apiMetrics(basics, options.counted) };
  const hostRules = {
    boundHost: options.host,
    allowedHosts: options.allowedHosts ?? [],
    allowedOrigins: options.allowedOrigins ?? [],
  };
  const hostGate = createHostGate(hostRules);
  const gate = createGate(hostGate, createAuthenticator({ controller, store, clock, auth: options.auth }));
  const rest = createRestHandler(ROUTES, deps, hostGate, gate);
  return {
    handler: withCors(
      hostRules,
      createConnectHandler({ routes: apiRoutes(deps), gate, streams, logger, fallback: rest }),
    ),
    webhook: createRestHandler(WEBHOOK_ROUTES, deps, hostGate, gate),
    feed,
    streams,
  };
}

/** A listening API. */
export interface ApiServer {
  readonly port: number;
  /** The parts, to be mounted elsewhere too. */
  readonly api: Api;
  /** Connections open now. */
  connections(): number;
  /** Ends watches with UNAVAILABLE, lets other calls finish for `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

/** Starts the API on `options.host:options.port`; port 0 is any free one. Rejects where it cannot listen there. */
export async function startApiServer(options: ApiOptions & { readonly port: number }): Promise<ApiServer> {
  const api = createApi(options);
  const server = createDualServer({ handler: api.handler, clock: options.clock });
  const { port } = await server.listen({ host: options.host, port: options.port });
  return {
    port,
    api,
    connections: () => server.connections(),
    close(graceMs) {
      api.feed.close();
      return server.close(graceMs);
    },
  };
}
