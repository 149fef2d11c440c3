import { rmSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { createDualServer } from "../api/dual-server.ts";
import { hostFacts } from "../api/host-facts.ts";
import { createRuntimeHandler } from "../api/runtime.ts";
import { createApi } from "../api/server.ts";
import { tlsOf } from "../config/tls-options.ts";
import { createControllerMetrics } from "../controller/controller-metrics.ts";
import { pathsInUse } from "../controller/paths-in-use.ts";
import { Reconciler } from "../controller/reconciler.ts";
import { RouteHub } from "../controller/route-hub.ts";
import { errorText } from "../core/errors.ts";
import { systemClock } from "../core/system-clock.ts";
import { systemRandom } from "../core/system-random.ts";
import { tidy } from "../engine/local/housekeeping.ts";
import { createLocalEngine } from "../engine/local/local-engine.ts";
import { createLocalPolicies } from "../engine/local/local-policies.ts";
import { LocalProxies } from "../engine/local/local-proxies.ts";
import { SparePool } from "../engine/local/spare-pool.ts";
import { SupervisorClient } from "../engine/local/supervisor-client.ts";
import { logLimits } from "../observability/log-limits.ts";
import { logSettings } from "../observability/log-settings.ts";
import { surviveLostOutput } from "../observability/output.ts";
import { createProcessLog, startSettings } from "../observability/process-log.ts";
import { keepOwnLogBounded } from "../observability/rotate.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import { readControllerOptions } from "../supervisor/controller-options.ts";
import type { FromSupervisor, ToSupervisor } from "../supervisor/protocol.ts";
import { loadSecrets } from "../supervisor/secrets.ts";
import { readTls, type TlsMaterial } from "../tls/material.ts";
import { followTls } from "../tls/renewal.ts";

/** Seconds that replicas and proxies serve on without a controller. */
const ORPHAN_TTL_S = 300;
/** Between looks for files that nobody needs any more. */
const TIDY_MS = 3_600_000;
/** How long routers that ran before this controller may take to come back before they are not waited for. */
const ROUTERS_RETURN_MS = 3_000;

surviveLostOutput();
const options = readControllerOptions(process.argv[2]!, process.env);
const clock = systemClock;
const logStyle = { format: options.logFormat, level: options.logLevel };
const limits = logLimits(process.env);
const log = createProcessLog({ clock, limits, fileName: "controller.log", style: logStyle });
const { logger } = log;
keepOwnLogBounded(process.env, limits, clock, (error) => logger.warn("the log grows beyond its limit", { error }));
const supervisor = new SupervisorClient({
  send: (message: ToSupervisor) => void process.send?.(message),
  onMessage: (listener) => void process.on("message", (message) => listener(message as FromSupervisor)),
});

// Without its supervisor nobody would restart or stop this process; all writes are on disk already.
process.on("disconnect", () => process.exit(0));
// Ctrl-C and SIGTERM are the supervisor's to hear.
process.on("SIGINT", () => {});

try {
  await main();
} catch (error) {
  logger.error("the controller cannot start", { error });
  supervisor.send({ kind: "failed", error: errorText(error) });
  await clock.sleep(50);
  process.exit(1);
}

async function main(): Promise<void> {
  const { runDir, stateDir } = options;
  const controllerSocket = join(runDir, "controller.sock");
  const store = await openEmbeddedStore({ path: join(stateDir, "state.db"), busyTimeoutMs: 2_000 });
  const secrets = loadSecrets(stateDir);
  await supervisor.connect();

  const runtime = { supervisor, runDir, stateDir, controllerSocket, orphanTtlS: ORPHAN_TTL_S };
  const proxies = new LocalProxies({ ...runtime, webhook: options.webhookOnProxy, logStyle });
  let logging = "null";
  const routes = new RouteHub(clock);
  const spares = new SparePool({ ...runtime, clock, size: options.spareReplicas });
  const counts = createControllerMetrics(clock, { actorId: "controller", ...hostFacts(hostname()) });
  const controller = new Reconciler({
    store,
    engine: counts.engine(createLocalEngine({ ...runtime, clock, load: routes.load, words: routes.words, spares })),
    proxies: counts.proxies(proxies),
    onTurn: counts.turn,
    policies: createLocalPolicies({ ...runtime, clock }),
    routes,
    clock,
    random: systemRandom,
    logger,
    sockets: (id) => ({ dataSocket: join(runDir, "r", `${id}.sock`), controlSocket: join(runDir, "r", `${id}.ctl`) }),
    bind: {
      host: options.host,
      httpPort: options.httpPort,
      grpcPort: options.grpcPort,
      httpTls: options.tls.http ?? undefined,
      grpcTls: options.tls.grpc ?? undefined,
    },
    proxyWorkers: options.proxyWorkers,
    proxyLocation: options.proxyLocation,
    watchHistory: options.watchHistory,
    capacity: options.capacity,
    onLogging(next) {
      const text = JSON.stringify(next);
      if (text !== logging) log.apply(logSettings(absolute(next), startSettings(logStyle)));
      logging = text;
    },
  });

  let ready = false;
  const api = createApi({
    controller,
    store,
    clock,
    logger,
    appDir: options.appDir,
    logsDir: join(stateDir, "logs"),
    host: options.host,
    allowedHosts: options.allowedHosts,
    allowedOrigins: options.allowedOrigins,
    auth: options.auth ? { kind: "on", ...secrets } : { kind: "off", instanceKey: secrets.instanceKey },
    isReady: () => ready,
    spareReplicas: () => spares.idle,
    counted: counts.families,
    endProcess: () => supervisor.send({ kind: "end-process" }),
  });
  const { control } = options.tls;
  const tls = control === null ? undefined : readTls(control);
  const servers = options.controlPorts.map((port) => ({
    port,
    server: createDualServer({ handler: api.handler, clock, tls }),
  }));
  if (control !== null && tls !== undefined) {
    const onRenewed = (material: TlsMaterial): void => {
      for (const { server } of servers) server.renew(material);
    };
    followTls({ files: control, current: tls, clock, log: logger, onRenewed });
  }
  const runtimeServer = createDualServer({ handler: createRuntimeHandler(routes, api.webhook, logger), clock });

  routes.expect(proxies.inherited);
  clock.timer(ROUTERS_RETURN_MS, () => routes.expect([]), { unref: true });
  await controller.recover({ makeInstance: !options.noInstance, ...options.instance });
  rmSync(controllerSocket, { force: true });
  await runtimeServer.listen({ path: controllerSocket });
  for (const { port, server } of servers) await server.listen({ host: options.host, port });
  ready = true;
  await controller.proxiesReady();
  const { proxies: running, instance } = controller.snapshot();
  const httpTls = options.tls.http !== null || tlsOf(instance.httpOptions) !== null;
  supervisor.send({ kind: "ready", proxies: running.map(({ pid }) => pid), httpTls });

  supervisor.onStop(() => void stop());

  const housekeeping = (): void => {
    tidy(stateDir, pathsInUse(controller), clock.now());
    clock.timer(TIDY_MS, housekeeping, { unref: true });
  };
  clock.timer(60_000, housekeeping, { unref: true });

  /** Proxies finish what they have begun, then the replicas; what is desired stays stored. */
  async function stop(): Promise<void> {
    try {
      api.feed.close();
      const proxiesGone = controller.proxiesGone();
      proxies.stop();
      await proxiesGone;
      await controller.stopReplicas();
      await Promise.all([...servers.map(({ server }) => server.close(1_000)), runtimeServer.close(500)]);
      await store.close();
      process.exit(0);
    } catch (error) {
      logger.error("stopping failed", { error });
      process.exit(1);
    }
  }
}

/** A relative `logs_dir` begins at the state dir, for proxies too. */
function absolute<T extends { readonly logsDir: string }>(logging: T | null): T | undefined {
  if (logging === null) return undefined;
  return { ...logging, logsDir: logging.logsDir === "" ? "" : resolve(options.stateDir, logging.logsDir) };
}
