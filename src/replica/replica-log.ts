/** What a replica logs: its own lines, what user code writes to the console, and a line a request. */
import { resolve } from "node:path";
import type { ReplicaSpec } from "../../gen/windlass/runtime/v1/replica_runtime_service_pb.ts";
import type { Clock } from "../core/clock.ts";
import { replicaLogName } from "../core/names.ts";
import type { LogLimits } from "../observability/log-limits.ts";
import { DEFAULT_LOG_SETTINGS, type LogSettings } from "../observability/log-settings.ts";
import { createLogSink } from "../observability/log-sink.ts";
import { createLogger, type LogFields, type Logger, type LogLevel } from "../observability/logger.ts";

/** A request that ended, in the reference's words. */
export interface AccessEntry {
  /** HTTP method, or CALL. */
  readonly method: string;
  /** The application's route of an HTTP request, the method's name of a call. */
  readonly route: string;
  /** HTTP status, else OK, ERROR or CANCELLED. */
  readonly status: string;
  readonly durationMs: number;
  readonly requestId: string;
}

/** The request that code works on which writes. */
export interface LoggedRequest {
  readonly requestId: string;
  /** The prefix that it came by; empty or absent: none. */
  readonly route?: string;
}

/** The log of a replica. */
export interface ReplicaLog {
  /** For the replica's own events. */
  readonly logger: Logger;
  /** Whether {@link access} is to be called. */
  readonly accessLog: boolean;
  access(entry: AccessEntry): void;
  /** The last words of the process. */
  critical(message: string, fields?: LogFields): void;
  /** Takes settings over. Throws one line for a folder that cannot be written to, and changes nothing then. */
  apply(settings: LogSettings, spec: ReplicaSpec): void;
  /** Writes a line of the console's; `plain` writes it where it went without us. */
  console(level: LogLevel, text: () => string, plain: () => void, request: LoggedRequest | undefined): void;
}

/** Makes a {@link ReplicaLog} with the default settings. */
export function createReplicaLog(
  clock: Clock,
  limits: LogLimits,
  write: (text: string) => void = (text) => void process.stderr.write(text),
): ReplicaLog {
  const sink = createLogSink({ clock, limits, write });
  const logger = createLogger({ clock, write: sink.write });
  let accessLog = DEFAULT_LOG_SETTINGS.accessLog;
  /** Which replica it is, on each line of JSON: lines of several are read as one stream. */
  let names: LogFields = {};

  return {
    logger,
    get accessLog() {
      return accessLog && logger.writes("info");
    },
    access({ method, route, status, durationMs, requestId }) {
      const latency = durationMs.toFixed(1);
      const message = `${method} ${route} ${status} ${latency}ms`;
      const fields =
        logger.style.format === "text"
          ? { request_id: requestId }
          : { ...names, request_id: requestId, method, route, status, latency_ms: Number(latency) };
      sink.writeLater(logger.line("info", message, fields));
    },
    critical: (message, fields) => logger.critical(message, fields),
    apply(settings, spec) {
      const { application, deployment, replicaId, baseDir } = spec;
      const folder = settings.logsDir === null ? null : resolve(baseDir, settings.logsDir);
      sink.useFolder(folder, replicaLogName(application, deployment, replicaId));
      logger.restyle(settings.style);
      accessLog = settings.accessLog;
      names = { application, deployment, replica: replicaId };
    },
    console(level, text, plain, request) {
      if (!logger.writes(level)) return;
      if (logger.style.format === "text") {
        sink.flush();
        plain();
        if (sink.hasFile) sink.writeToFile(`${text()}\n`);
      } else {
        const { requestId, route } = request ?? {};
        const of = { ...(requestId === undefined ? {} : { request_id: requestId }), ...(route ? { route } : {}) };
        sink.write(logger.line(level, text(), { ...names, ...of }));
      }
    },
  };
}
