import { connect as connectSocket } from "node:net";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import {
  ControllerRuntimeService,
  type ReplicaModels,
  type RevisionTrafficSchema,
} from "../../gen/windlass/runtime/v1/controller_runtime_service_pb.ts";
import type { ProcessMetricsSchema } from "../../gen/windlass/runtime/v1/metrics_pb.ts";
import type { RoutingTable } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import type { RouterFaultSum } from "../core/router-faults.ts";
import { reconnectDelayMs } from "./backoff.ts";
import type { LoadReport } from "./load-reporter.ts";

/** A stream that lived this long was a good one: the next reconnection begins at once again. */
const GOOD_STREAM_MS = 1_000;
/** A report that was not taken by then is given up: the next one has all of it. */
const REPORT_TIMEOUT_MS = 10_000;

/** Options of {@link followTable}. */
export interface TableClientOptions {
  /** The controller's runtime socket. */
  readonly socketPath: string;
  /** Unique among routers: "proxy/0", "replica/<id>". */
  readonly routerId: string;
  /** Only the deployments of this application. Default: all. */
  readonly application?: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Applies a table; it is acknowledged once this has returned. */
  readonly onTable: (table: RoutingTable, revision: bigint) => void;
  /** Takes what replicas told of their models; `whole`: all that is known, as each stream begins with it. */
  readonly onModels?: (models: readonly ReplicaModels[], whole: boolean) => void;
  /** The stream is up (the controller answered), or was lost. The last table stays in force meanwhile. */
  readonly onConnected?: (connected: boolean) => void;
}

/** Follows the routing table until closed. */
export interface TableClient {
  readonly connected: boolean;
  /** Of the last table applied; 0 before the first. */
  readonly revision: bigint;
  /** Tells the controller how requests of split applications ended; rejects where it is away. */
  reportTraffic(traffic: readonly MessageInitShape<typeof RevisionTrafficSchema>[]): Promise<void>;
  /** Tells the controller how many requests wait and run; rejects where it is away. */
  reportLoad(report: LoadReport): Promise<void>;
  /** Tells the controller what this process counts; rejects where it is away. */
  reportMetrics(metrics: MessageInitShape<typeof ProcessMetricsSchema>): Promise<void>;
  /** Tells the controller how users' request routers failed; rejects where it is away. */
  reportRouterFaults(faults: readonly RouterFaultSum[]): Promise<void>;
  /** Resolves when the stream has ended. */
  close(): Promise<void>;
}

/**
 * Starts to follow the controller's routing table. A table is applied whatever its revision is: within a stream they
 * only rise, and what a new stream begins with is the controller's present word.
 */
export function followTable(options: TableClientOptions): TableClient {
  const { clock, random } = options;
  const stop = new AbortController();
  let connected = false;
  let revision = 0n;

  const baseUrl = "http://windlass";
  const sessions = new Http2SessionManager(baseUrl, undefined, {
    createConnection: () => connectSocket(options.socketPath),
  });
  const transport = createConnectTransport({ baseUrl, httpVersion: "2", sessionManager: sessions });
  const client = createClient(ControllerRuntimeService, transport);

  const setConnected = (value: boolean): void => {
    if (connected === value) return;
    connected = value;
    options.onConnected?.(value);
  };

  /** One stream, from its opening to its end. */
  async function follow(): Promise<void> {
    // Leaving the loop does not end a stream of Connect's; aborting does.
    const stream = new AbortController();
    const abort = (): void => stream.abort();
    const up = (): void => setConnected(true);
    if (stop.signal.aborted) return;
    stop.signal.addEventListener("abort", abort, { once: true });
    try {
      const request = { routerId: options.routerId, application: options.application ?? "" };
      let first = true;
      for await (const message of client.watchRoutes(request, { signal: stream.signal, onHeader: up })) {
        if (stop.signal.aborted) return;
        if (message.table !== undefined) {
          options.onTable(message.table, message.revision);
          revision = message.revision;
          // Without its acknowledgement the controller would wait; a new stream brings a table to acknowledge.
          client.acknowledgeRoutes({ routerId: options.routerId, revision }, { signal: stream.signal }).catch(abort);
        }
        if (first || message.models.length > 0) options.onModels?.(message.models, first);
        first = false;
      }
    } finally {
      stop.signal.removeEventListener("abort", abort);
      stream.abort();
      setConnected(false);
    }
  }

  async function run(): Promise<void> {
    for (let attempt = 0; !stop.signal.aborted; attempt++) {
      const startedMs = clock.monotonic();
      // Why it ended makes no difference: the controller is away, and we go on with what we have.
      await follow().catch(() => {});
      if (clock.monotonic() - startedMs >= GOOD_STREAM_MS) attempt = 0;
      await clock.sleep(reconnectDelayMs(attempt, random), stop.signal);
    }
  }

  const running = run();
  return {
    get connected() {
      return connected;
    },
    get revision() {
      return revision;
    },
    async reportTraffic(traffic) {
      await client.reportTraffic({ routerId: options.routerId, traffic: [...traffic] }, { signal: stop.signal });
    },
    async reportLoad({ timestampS, deployments }) {
      const request = { routerId: options.routerId, timestampS, deployments: [...deployments] };
      await client.reportLoad(request, { signal: stop.signal, timeoutMs: REPORT_TIMEOUT_MS });
    },
    async reportMetrics(metrics) {
      const request = { routerId: options.routerId, metrics };
      await client.reportMetrics(request, { signal: stop.signal, timeoutMs: REPORT_TIMEOUT_MS });
    },
    async reportRouterFaults(faults) {
      const request = { routerId: options.routerId, faults: [...faults] };
      await client.reportRouterFaults(request, { signal: stop.signal, timeoutMs: REPORT_TIMEOUT_MS });
    },
    async close() {
      stop.abort();
      await running;
      sessions.abort();
    },
  };
}
