/** Structured logs on stderr: one line an event, as text for people or JSON for machines. */
import type { Clock } from "../core/clock.ts";

/** From most to least talkative. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Facts of an event, by name. Errors are printed with their stack, which never leaves the process otherwise. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes events. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to each event. */
  with(fields: LogFields): Logger;
}

/** Options of {@link createLogger}. */
export interface LoggerOptions {
  readonly clock: Clock;
  /** Default: "text". */
  readonly format?: "text" | "json";
  /** Events below it are dropped. Default: "info". */
  readonly level?: LogLevel;
  /** Takes each finished line. Default: process.stderr. */
  readonly write?: (line: string) => void;
}

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Makes a {@link Logger}. */
export function createLogger(options: LoggerOptions): Logger {
  const lowest = RANK[options.level ?? "info"];
  const format = options.format === "json" ? formatJson : formatText;
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  const make = (base: LogFields): Logger => {
    const log = (level: LogLevel) => (message: string, fields?: LogFields) => {
      if (RANK[level] < lowest) return;
      write(format(new Date(options.clock.now()).toISOString(), level, message, { ...base, ...fields }));
    };
    return {
      debug: log("debug"),
      info: log("info"),
      warn: log("warn"),
      error: log("error"),
      with: (fields) => make({ ...base, ...fields }),
    };
  };
  return make({});
}

/** Drops every event. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLogger,
};

function formatText(time: string, level: LogLevel, message: string, fields: LogFields): string {
  let line = `${time} ${level} ${oneLine(message)}`;
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) line += ` ${name}=${textValue(value)}`;
  }
  return `${line}\n`;
}

function formatJson(time: string, level: LogLevel, message: string, fields: LogFields): string {
  const plain = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plainValue(value)]));
  try {
    return `${JSON.stringify({ ...plain, time, level, message })}\n`;
  } catch {
    // Cyclic or bigint facts must not cost the event.
    return `${JSON.stringify({ time, level, message })}\n`;
  }
}

function textValue(value: unknown): string {
  const plain = plainValue(value);
  if (typeof plain === "string") return /^[\w./:@+-]+$/.test(plain) ? plain : JSON.stringify(plain);
  try {
    return JSON.stringify(plain) ?? String(plain);
  } catch {
    return String(plain);
  }
}

function plainValue(value: unknown): unknown {
  return value instanceof Error ? (value.stack ?? value.message) : value;
}

function oneLine(text: string): string {
  return text.replaceAll("\n", "\\n");
}
