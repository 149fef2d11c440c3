/** Places the calls that handles make. Loaded only where there are handles. */
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import type { Logger } from "../observability/logger.ts";
import type { MetricSet } from "../observability/metric-set.ts";
import { countDecisions } from "../observability/router-decisions.ts";
import { routerFaults } from "../observability/router-faults.ts";
import { FaultReporter } from "../routing/fault-reporter.ts";
import { LoadReporter } from "../routing/load-reporter.ts";
import { modelHeader, modelWaitMs } from "../routing/models.ts";
import type { RouterFailure } from "../routing/outcome.ts";
import { PRIORITY_HEADER } from "../routing/priority.ts";
import { createReplicaChannel } from "../routing/replica-channel.ts";
import { type RouterAnswer, request } from "../routing/request.ts";
import { Router } from "../routing/router.ts";
import { createRouterMetrics, type RouterMetrics } from "../routing/router-metrics.ts";
import { sessionHeader } from "../routing/session.ts";
import { revisionOfCall } from "../routing/split.ts";
import { followTable } from "../routing/table-client.ts";
import { fromWireError, type WireError } from "../sdk/errors.ts";
import { type CallRouter, type HandleCall, runtime } from "../sdk/runtime.ts";
import { failureError, nameOf } from "./call-failure.ts";
import { decodeItems, decodeValue, encodeValue } from "./call-wire.ts";
import { Ingress } from "./ingress-of.ts";

/** What {@link createCallRouter} needs. */
export interface CallRouterOptions {
  /** The controller's runtime socket. */
  readonly controllerSocket: string;
  /** Only deployments of this application can be called. */
  readonly application: string;
  /** Unique among routers. */
  readonly routerId: string;
  /** The revision that calls go to which belong to no request; 0: whichever. */
  readonly revision: number;
  /** What it counts is shown with the process's; default: nobody looks. */
  readonly events?: { readonly metrics: MetricSet; readonly log: Pick<Logger, "warn" | "info"> } | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** A router for the handles of this process; follows the controller's routing table until it is closed. */
export function createCallRouter(options: CallRouterOptions): CallRouter & { close(): Promise<void> } {
  const { clock, random } = options;
  const load = new LoadReporter({
    load: () => router.load(),
    send: (report) => table.reportLoad(report),
    clock,
    fronts: false,
  });
  const events =
    options.events && countDecisions(options.events.metrics, options.events.log, () => ({ load: () => router.load() }));
  // There is no logger here; in a replica the console is one.
  const warn = (message: string, fields: object): void => console.warn(`${message} ${JSON.stringify(fields)}`);
  const countFault = routerFaults(runtime().metrics, clock, runtime().replica?.replicaId ?? "", warn);
  const faults = new FaultReporter(clock, (sums) => table.reportRouterFaults(sums));
  const router = new Router({
    channel: createReplicaChannel(),
    clock,
    random,
    watcher: load,
    events,
    modelWaitMs: modelWaitMs(process.env),
    sessionHeader: sessionHeader(process.env),
    onRouterFault(fault) {
      countFault(fault);
      faults.fault(fault);
    },
    metrics: metricsOfReplica(),
  });
  const ingress = new Ingress(clock);
  const table = followTable({
    socketPath: options.controllerSocket,
    routerId: options.routerId,
    application: options.application,
    clock,
    random,
    onTable: (table) => {
      router.apply(table);
      ingress.apply(table);
      load.apply(table);
    },
    onModels: (models, whole) => router.applyModels(models, whole),
    onConnected: (connected) => {
      if (connected) load.connected();
      else router.withoutModels();
    },
  });

  const send = (call: HandleCall): Promise<RouterAnswer> => {
    const target = router.target(call.application, call.deployment);
    // Decided once, so that what the callee calls stays with the same revision.
    const { split } = target;
    // Before the first table nothing is known of a split, and what is wanted holds should there be one.
    const wanted = call.revision || (split !== undefined || !router.ready ? options.revision : 0);
    const revision = split === undefined ? wanted : revisionOfCall(split, wanted, random);
    return request(router, target, {
      kind: "call",
      method: "POST",
      path: `/${encodeURIComponent(call.method)}`,
      headers: [
        ...["x-request-id", call.requestId, "content-type", "application/octet-stream"],
        ...(call.multiplexedModelId === "" ? [] : ["serve_multiplexed_model_id", modelHeader(call.multiplexedModelId)]),
        ...(call.sessionId ? [router.sessionHeader, modelHeader(call.sessionId)] : []),
        ...(revision === 0 ? [] : ["x-windlass-revision", String(revision)]),
        ...(call.route ? ["x-windlass-route", modelHeader(call.route)] : []),
        ...(call.priority ? [PRIORITY_HEADER, String(call.priority)] : []),
      ],
      body: encodeValue(call.args, `an argument of ${nameOf(call)}`),
      signal: call.signal,
      deadlineMs: call.timeoutMs === null ? undefined : clock.monotonic() + call.timeoutMs,
      revision,
      priority: call.priority,
      model: call.multiplexedModelId,
      session: call.sessionId ?? "",
      args: call.args,
      route: call.route,
    });
  };

  return {
    async unary(to) {
      const call = await ingress.addressed(to);
      const { head, body } = accepted(await send(call), call);
      if (head.result === "stream") {
        body.destroy();
        throw new TypeError(`${nameOf(call)} returns a stream: call it through handle.options({ stream: true })`);
      }
      const value = decodeValue(await whole(body, call));
      if (head.result === "value") return value;
      throw fromWireError(value as WireError);
    },
    async *stream(to) {
      const call = await ingress.addressed(to);
      const { head, body } = accepted(await send(call), call);
      if (head.result === "error") throw fromWireError(decodeValue(await whole(body, call)) as WireError);
      if (head.result !== "stream") {
        body.destroy();
        throw new TypeError(`${nameOf(call)} does not return a stream: call it through a handle without stream`);
      }
      try {
        for await (const item of decodeItems(body)) {
          if (item.kind === "error") throw fromWireError(item.error);
          yield item.value;
        }
      } catch (error) {
        throw brokenBody(error, call);
      } finally {
        body.destroy();
      }
    },
    async close() {
      events?.end();
      faults.close();
      load.apply({ routes: [], deployments: [] });
      await table.close();
      await router.close();
    },
  };
}

/** What a replica's router counts with; nobody asks a program for what it counted. */
function metricsOfReplica(): RouterMetrics | undefined {
  const { replica, metrics } = runtime();
  return replica === null ? undefined : createRouterMetrics(metrics, { actorId: replica.replicaId, source: "REPLICA" });
}

function accepted(answer: RouterAnswer, call: HandleCall): Extract<RouterAnswer, { ok: true }> {
  if (!answer.ok) throw failureError(answer.failure, call);
  return answer;
}

async function whole(body: AsyncIterable<Uint8Array>, call: HandleCall): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of body) chunks.push(chunk);
  } catch (error) {
    throw brokenBody(error, call);
  }
  return Buffer.concat(chunks);
}

/** A body that breaks off carries the router's failure as its cause. */
function brokenBody(error: unknown, call: HandleCall): unknown {
  const failure = error instanceof Error ? (error.cause as RouterFailure | undefined) : undefined;
  return typeof failure?.kind === "string" ? failureError(failure, call) : error;
}
