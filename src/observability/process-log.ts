/** The log of a controller or a proxy: what the command line said, until a `logging_config` says otherwise. */
import type { Clock } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import type { LogLimits } from "./log-limits.ts";
import type { LogSettings } from "./log-settings.ts";
import { createLogSink } from "./log-sink.ts";
import { createLogger, type LogFields, type LogStyle, type StyledLogger } from "./logger.ts";

/** See {@link createProcessLog}. */
export interface ProcessLog {
  readonly logger: StyledLogger;
  /** Whether requests are lines; false until a `logging_config` says so. */
  readonly accessLog: boolean;
  /** Writes the line of a request, soon; `facts` stand in it as fields where it is JSON. */
  access(message: string, fields: LogFields, facts: LogFields): void;
  /** Takes settings over. A folder that cannot be written to is told of, and the rest holds. */
  apply(settings: LogSettings): void;
}

/** Options of {@link createProcessLog}. */
export interface ProcessLogOptions {
  readonly clock: Clock;
  readonly limits: LogLimits;
  /** Of its file in a `logs_dir`: "controller.log". */
  readonly fileName: string;
  readonly style: Pick<LogStyle, "format" | "level">;
  /** Default: process.stderr. */
  readonly write?: (text: string) => void;
}

/** Makes a log that writes to standard error. */
export function createProcessLog({ clock, limits, fileName, style, write }: ProcessLogOptions): ProcessLog {
  const sink = createLogSink({ clock, limits, ...(write === undefined ? {} : { write }) });
  const logger = createLogger({ clock, ...style, write: sink.write });
  let accessLog = false;
  return {
    logger,
    get accessLog() {
      return accessLog && logger.writes("info");
    },
    access(message, fields, facts) {
      const all = logger.style.format === "text" ? fields : { ...fields, ...facts };
      sink.writeLater(logger.line("info", message, all));
    },
    apply(settings) {
      logger.restyle(settings.style);
      accessLog = settings.accessLog;
      try {
        sink.useFolder(settings.logsDir, fileName);
      } catch (error) {
        logger.warn("logs go to the state dir only", { error: errorText(error) });
      }
    },
  };
}

/** What the command line said, as settings. */
export function startSettings(style: Pick<LogStyle, "format" | "level">): LogSettings {
  return { style: { ...style, attributes: [] }, logsDir: null, accessLog: false };
}
