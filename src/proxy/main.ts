import type { Http2Server } from "node:http2";
import type { Server } from "node:net";
import type { RoutingTable } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import type { Clock, Timer } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import { TLS_PASSWORDS } from "../core/tls-files.ts";
import { logLimits } from "../observability/log-limits.ts";
import { logSettings } from "../observability/log-settings.ts";
import type { Logger } from "../observability/logger.ts";
import { watchEventLoop } from "../observability/loop-monitor.ts";
import { metricsMessage } from "../observability/metric-message.ts";
import { MetricSet } from "../observability/metric-set.ts";
import { createProcessLog, startSettings } from "../observability/process-log.ts";
import { keepOwnLogBounded } from "../observability/rotate.ts";
import { countDecisions } from "../observability/router-decisions.ts";
import { looseErrors, routerFaults } from "../observability/router-faults.ts";
import { FaultReporter } from "../routing/fault-reporter.ts";
import { LoadReporter } from "../routing/load-reporter.ts";
import { modelWaitMs } from "../routing/models.ts";
import { createReplicaChannel } from "../routing/replica-channel.ts";
import { Router } from "../routing/router.ts";
import { createRouterMetrics } from "../routing/router-metrics.ts";
import { sessionHeader } from "../routing/session.ts";
import { followTable } from "../routing/table-client.ts";
import { countBodies } from "./body-garbage.ts";
import { GrpcProxy } from "./grpc-server.ts";
import { createIngressMetrics } from "./ingress-metrics.ts";
import { MetricsReporter } from "./metrics-reporter.ts";
import { parseProxyArguments } from "./options.ts";
import { RevisionTraffic } from "./revision-traffic.ts";
import { HttpProxy } from "./server.ts";
import { createTableCache } from "./table-cache.ts";
import { serveTls } from "./tls.ts";

/** A controller that has not sent a table by then is away, and the cached table is served. */
const CACHE_AFTER_MS = 300;

/** What a proxy tells the process that started it. */
export type FromProxy =
  /** It listens on all its ports and has a table. `grpcPort` is absent where gRPC is not served. */
  | { readonly kind: "ready"; readonly port: number; readonly grpcPort?: number }
  /** It cannot listen, and exits with 1. One line that names the port. */
  | { readonly kind: "listen-failed"; readonly error: string };

/** What a proxy is told. */
export type ToProxy = {
  /** Finish what was begun, then exit with 0; as SIGTERM. */
  readonly kind: "drain";
};

/**
 * Runs a proxy process and resolves with its exit code: 0 after a drain, 1 when it cannot listen, 2 for arguments
 * that make no sense. The table comes first and the port after it, so no request meets a proxy that knows no route.
 */
export async function runProxy(
  args: readonly string[],
  clock: Clock,
  random: Random,
  collectYoung: () => void,
): Promise<number> {
  let options: ReturnType<typeof parseProxyArguments>;
  try {
    options = parseProxyArguments(args, process.env);
    // Read by now, and nothing for users' request routers, which run in this process.
    delete process.env[TLS_PASSWORDS];
  } catch (error) {
    process.stderr.write(`proxy: ${errorText(error)}\n`);
    return 2;
  }
  const limits = logLimits(process.env);
  const fileName = `${options.id.replace("/", "-")}.log`;
  const processLog = createProcessLog({ clock, limits, fileName, style: options.logStyle });
  const log = processLog.logger.with({ proxy: options.id });
  keepOwnLogBounded(process.env, limits, clock, (error) => log.warn("the log grows beyond its limit", { error }));
  let tls: ReturnType<typeof serveTls>;
  try {
    tls = serveTls(options, clock, log);
  } catch (error) {
    log.error(errorText(error));
    await tell({ kind: "listen-failed", error: errorText(error) });
    return 1;
  }
  const cache = createTableCache(options.cacheFile, clock, log);
  const load = new LoadReporter({
    load: () => router.load(),
    send: (report) => client.reportLoad(report),
    clock,
    fronts: true,
  });
  const counts = new MetricSet();
  const countFault = routerFaults(counts, clock, options.id, (message, fields) => log.warn(message, fields));
  const faults = new FaultReporter(clock, (sums) => client.reportRouterFaults(sums));
  const router = new Router({
    channel: createReplicaChannel(),
    clock,
    random,
    watcher: load,
    events: countDecisions(counts, log, () => ({ load: () => router.load() })),
    modelWaitMs: modelWaitMs(process.env),
    sessionHeader: sessionHeader(process.env),
    onRouterFault(fault) {
      countFault(fault);
      faults.fault(fault);
    },
    metrics: createRouterMetrics(counts, { actorId: options.id, source: "PROXY" }),
  });
  const traffic = new RevisionTraffic(clock, (deltas) => client.reportTraffic(deltas));
  watchEventLoop(counts, clock, { component: "proxy", actorId: options.id });
  const reporter = new MetricsReporter(counts, clock, (families) => client.reportMetrics(metricsMessage(families)));
  const proxy = new HttpProxy({
    metrics: createIngressMetrics(counts, "http"),
    router,
    clock,
    random,
    traffic,
    log,
    access: processLog,
    rootPath: options.rootPath,
    requestTimeoutS: options.requestTimeoutS,
    keepAliveTimeoutS: options.keepAliveTimeoutS,
    webhookSocket: options.webhook ? options.controllerSocket : undefined,
    tls: tls.http,
    onBytes: countBodies(collectYoung),
  });
  const grpc =
    options.grpcPort === undefined
      ? undefined
      : new GrpcProxy({
          router,
          clock,
          random,
          traffic,
          log,
          access: processLog,
          metrics: createIngressMetrics(counts, "grpc"),
          reflection: options.grpcReflection,
          tls: tls.grpc,
        });
  tls.follow(proxy, grpc);
  let logging = "";
  let guarded = false;
  const apply = (table: RoutingTable): void => {
    if (!guarded && table.deployments.some(({ requestRouting }) => requestRouting?.bundlePath)) {
      guarded = true;
      surviveRouters(clock, log);
    }
    const text = JSON.stringify(table.logging);
    if (text !== logging) processLog.apply(logSettings(table.logging, startSettings(options.logStyle)));
    logging = text;
    proxy.apply(table);
    grpc?.apply(table);
    load.apply(table);
  };

  const drain = Promise.withResolvers<void>();
  process.on("SIGTERM", () => drain.resolve());
  // Ctrl-C reaches every process of the terminal; when to stop is the supervisor's to say.
  process.on("SIGINT", () => {});
  process.on("message", (message: ToProxy) => {
    if (message?.kind === "drain") drain.resolve();
  });

  let orphaned: Timer | undefined;
  const watchLease = (): void => {
    orphaned?.cancel();
    orphaned = undefined;
    if (client.connected || process.connected) return;
    orphaned = clock.timer(options.orphanTtlS * 1_000, () => {
      log.warn("neither a controller nor a supervisor for too long", { orphanTtlS: options.orphanTtlS });
      drain.resolve();
    });
  };
  const firstTable = Promise.withResolvers<void>();
  const client = followTable({
    socketPath: options.controllerSocket,
    routerId: options.id,
    clock,
    random,
    onTable(table) {
      apply(table);
      cache.write(table);
      firstTable.resolve();
    },
    onModels: (models, whole) => router.applyModels(models, whole),
    onConnected: (connected) => {
      if (connected) {
        load.connected();
        reporter.connected();
      } else {
        reporter.disconnected();
        router.withoutModels();
      }
      log.info(connected ? "follows the controller" : "the controller is away; goes on with its last table");
      watchLease();
    },
  });
  process.on("disconnect", watchLease);
  watchLease();

  const fromCache = clock.timer(CACHE_AFTER_MS, async () => {
    const table = await cache.read();
    if (table === undefined || client.revision > 0n) return;
    log.info("starts with the table of its last run: the controller is away");
    apply(table);
    firstTable.resolve();
  });
  await Promise.race([firstTable.promise, drain.promise]);
  fromCache.cancel();

  const { host, port, grpcPort, listenFd, grpcListenFd } = options;
  const listening = Promise.all([
    listen(proxy.listener, host, port, listenFd),
    ...(grpc === undefined ? [] : [listen(grpc.listener, host, grpcPort!, grpcListenFd)]),
  ]);
  const stopping = await Promise.race([drain.promise.then(() => true), listening.then(() => false)]).catch(
    async (error: unknown) => {
      const line = errorText(error);
      log.error(line);
      await tell({ kind: "listen-failed", error: line });
      return undefined;
    },
  );
  if (stopping === undefined) return 1;
  if (!stopping) {
    await tell({ kind: "ready", port, ...(grpcPort === undefined ? {} : { grpcPort }) });
    await drain.promise;
  }

  log.info("drains");
  proxy.startDraining();
  const drainTimeoutMs = options.drainTimeoutS * 1_000;
  const drained = await Promise.all([proxy.drain(drainTimeoutMs), grpc?.drain(clock, drainTimeoutMs) ?? true]);
  if (drained.includes(false))
    log.warn("cut what was left after the drain timeout", { drainTimeoutS: options.drainTimeoutS });
  return 0;
}

/** What users' request routers throw outside of their methods, from a timer say, must not end the proxy. */
function surviveRouters(clock: Clock, log: Logger): void {
  const outside = looseErrors(clock, (message, fields) => log.error(message, fields));
  process.on("uncaughtException", outside);
  process.on("unhandledRejection", outside);
}

/** Rejects with one line that names the port. */
function listen(server: Server | Http2Server, host: string, port: number, fd: number | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      reject(new Error(`cannot listen on ${host}:${port}: ${errorText(error)}`, { cause: error }));
    };
    server.once("error", failed);
    // Workers share the socket that was handed down: one that ends resets no connection that waits in its queue.
    // Without one they share the port, and the kernel spreads connections over them.
    server.listen(fd === undefined ? { host, port, reusePort: true } : { fd }, () => {
      server.off("error", failed);
      resolve();
    });
  });
}

/** Resolves once it was said, or there is nobody to say it to. */
function tell(message: FromProxy): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, () => resolve());
  });
}
