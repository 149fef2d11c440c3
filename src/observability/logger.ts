/** Structured logs: one line an event, as text for people or JSON for machines. */
import type { Clock } from "../core/clock.ts";

/** From most to least talkative. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** The least severe level that is written; "critical" leaves only the last words of a process. */
export type LogThreshold = LogLevel | "critical";

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

/** How events are written. */
export interface LogStyle {
  readonly format: "text" | "json";
  /** Events below it are dropped. */
  readonly level: LogThreshold;
  /** Attributes added to each event, by the reference's names; see {@link LOG_ATTRIBUTES}. */
  readonly attributes: readonly string[];
}

/** Options of {@link createLogger}. */
export interface LoggerOptions {
  readonly clock: Clock;
  /** Default: "text". */
  readonly format?: LogStyle["format"];
  /** Default: "info". */
  readonly level?: LogThreshold;
  /** Takes each finished line. Default: process.stderr. */
  readonly write?: (line: string) => void;
}

/** A logger whose style can change while it is used; loggers made of it by `with` change too. */
export interface StyledLogger extends Logger {
  readonly style: LogStyle;
  restyle(style: LogStyle): void;
  /** Whether events of a level are written. */
  writes(level: LogThreshold): boolean;
  /** The line of an event; for those who write it themselves, later. */
  line(level: LogThreshold, message: string, fields: LogFields): string;
  /** The last words of a process: written whatever the level is. */
  critical(message: string, fields?: LogFields): void;
}

const RANK: Record<LogThreshold, number> = { debug: 0, info: 1, warn: 2, error: 3, critical: 4 };

/** What an attribute of the reference's is here, of one event. */
interface LogEvent {
  readonly now: number;
  readonly time: string;
  readonly level: LogThreshold;
  readonly startedAt: number;
}

const NAMES: Record<LogThreshold, string> = {
  debug: "DEBUG",
  info: "INFO",
  warn: "WARNING",
  error: "ERROR",
  critical: "CRITICAL",
};

/** The attributes that have a meaning here, and their values. */
const LOG_ATTRIBUTES: Readonly<Record<string, (event: LogEvent) => unknown>> = {
  asctime: ({ time }) => time,
  created: ({ now }) => now / 1_000,
  levelname: ({ level }) => NAMES[level],
  levelno: ({ level }) => (RANK[level] + 1) * 10,
  msecs: ({ now }) => now % 1_000,
  name: () => "windlass",
  process: () => process.pid,
  relativeCreated: ({ now, startedAt }) => now - startedAt,
};

/** Makes a {@link Logger}. */
export function createLogger(options: LoggerOptions): StyledLogger {
  const { clock } = options;
  const startedAt = clock.now();
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  let style: LogStyle = { format: options.format ?? "text", level: options.level ?? "info", attributes: [] };
  const timeText = isoTimes();

  const writes = (level: LogThreshold): boolean => RANK[level] >= RANK[style.level];
  const line = (level: LogThreshold, message: string, fields: LogFields): string => {
    const now = clock.now();
    const time = timeText(now);
    const all = style.attributes.length === 0 ? fields : { ...fields, ...extra({ now, time, level, startedAt }) };
    return style.format === "json" ? formatJson(time, level, message, all) : formatText(time, level, message, all);
  };
  const extra = (event: LogEvent): LogFields =>
    Object.fromEntries(style.attributes.map((name) => [name, LOG_ATTRIBUTES[name]?.(event)]));

  const make = (base: LogFields): Logger => {
    const log = (level: LogLevel) => (message: string, fields?: LogFields) => {
      if (writes(level)) write(line(level, message, { ...base, ...fields }));
    };
    return {
      debug: log("debug"),
      info: log("info"),
      warn: log("warn"),
      error: log("error"),
      with: (fields) => make({ ...base, ...fields }),
    };
  };
  return {
    ...make({}),
    get style() {
      return style;
    },
    restyle(next) {
      style = next;
    },
    writes,
    line,
    critical: (message, fields) => write(line("critical", message, fields ?? {})),
  };
}

/** Drops every event. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLogger,
};

/** Writing a time costs more than the rest of a line, and many lines share their millisecond. */
function isoTimes(): (now: number) => string {
  let last = Number.NaN;
  let text = "";
  return (now) => {
    if (now !== last) text = new Date(now).toISOString();
    last = now;
    return text;
  };
}

function formatText(time: string, level: LogThreshold, message: string, fields: LogFields): string {
  let line = `${time} ${level} ${oneLine(message)}`;
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined) line += ` ${name}=${textValue(value)}`;
  }
  return `${line}\n`;
}

function formatJson(time: string, level: LogThreshold, message: string, fields: LogFields): string {
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
