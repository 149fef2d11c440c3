/** `logging_config`, as processes are told it, in the words of the logger. */
import type { LoggingSettings } from "../../gen/windlass/runtime/v1/logging_pb.ts";
import type { LogStyle, LogThreshold } from "./logger.ts";

/** What a process logs and how. */
export interface LogSettings {
  readonly style: LogStyle;
  /** Folder that lines are written to as well; null: none. */
  readonly logsDir: string | null;
  /** Whether each request is a line. */
  readonly accessLog: boolean;
}

/** What holds where nothing was said. */
export const DEFAULT_LOG_SETTINGS: LogSettings = {
  style: { format: "text", level: "info", attributes: [] },
  logsDir: null,
  accessLog: true,
};

/** By the reference's names; none of our own lines is CRITICAL but the last words of a process. */
const THRESHOLDS: Readonly<Record<string, LogThreshold>> = {
  CRITICAL: "critical",
  FATAL: "critical",
  ERROR: "error",
  WARN: "warn",
  WARNING: "warn",
  INFO: "info",
  DEBUG: "debug",
  NOTSET: "debug",
};

/** Reads a message; undefined: `otherwise`. */
export function logSettings(
  message: Omit<LoggingSettings, "$typeName" | "$unknown"> | undefined,
  otherwise: LogSettings = DEFAULT_LOG_SETTINGS,
): LogSettings {
  if (message === undefined) return otherwise;
  return {
    style: {
      format: message.encoding === "JSON" ? "json" : "text",
      level: THRESHOLDS[message.logLevel] ?? "info",
      attributes: message.additionalLogStandardAttrs,
    },
    logsDir: message.logsDir === "" ? null : message.logsDir,
    accessLog: message.enableAccessLog,
  };
}
