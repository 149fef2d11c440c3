/** Schemas and field rules that several schemas share: logging, runtime environments, labels, import paths. */
import * as z from "zod";
import { withoutSecrets } from "../core/uri.ts";
import { LOGGING_DEFAULTS } from "./defaults.ts";
import { show } from "./describe.ts";
import { choice, converted, laxBool, optional, strictObject } from "./schema-fields.ts";
import type { Fault } from "./schema-types.ts";
import { isRecord } from "./schema-types.ts";

const LOG_LEVELS: Readonly<Record<string, number>> = {
  CRITICAL: 50,
  FATAL: 50,
  ERROR: 40,
  WARN: 30,
  WARNING: 30,
  INFO: 20,
  DEBUG: 10,
  NOTSET: 0,
};
const LEVEL_NAMES: Readonly<Record<number, string>> = {
  50: "CRITICAL",
  40: "ERROR",
  30: "WARNING",
  20: "INFO",
  10: "DEBUG",
  0: "NOTSET",
};

const LOG_ATTRIBUTES = (
  "args asctime created exc_info exc_text filename funcName levelname levelno lineno message module msecs msg name " +
  "pathname process processName relativeCreated stack_info taskName thread threadName"
).split(" ");

const LOG_LEVEL_LABEL = `${Object.keys(LOG_LEVELS).join(", ")} or one of 50, 40, 30, 20, 10, 0`;

function readLogLevel(value: unknown): { value: string } | Fault {
  const fault = (kind: Fault["kind"]): Fault => ({ kind, message: `must be ${LOG_LEVEL_LABEL}, got ${show(value)}` });
  if (typeof value === "string") return Object.hasOwn(LOG_LEVELS, value) ? { value } : fault("unknown_enum_value");
  if (typeof value !== "number" && typeof value !== "boolean") return fault("not_an_integer");
  const level = Number(value);
  if (!Number.isFinite(level)) return fault("not_finite");
  if (!Number.isInteger(level)) return fault("fractional_integer");
  const name = LEVEL_NAMES[level];
  return name === undefined ? fault("unknown_enum_value") : { value: name };
}

/** What a component logs and how. */
export const LOGGING_SCHEMA = strictObject("LoggingConfig", {
  encoding: optional(choice(["TEXT", "JSON"]), { doc: "Form of a log line.", default: LOGGING_DEFAULTS.encoding }),
  log_level: optional(converted({ label: LOG_LEVEL_LABEL }, readLogLevel), {
    doc: "The least severe level that is written; a number is turned into its name.",
    default: LOGGING_DEFAULTS.log_level,
  }),
  logs_dir: optional(z.string().nullable(), { doc: "Folder for log files.", default: null }),
  enable_access_log: optional(laxBool(), { doc: "Writes a line for each request.", default: true }),
  additional_log_standard_attrs: optional(
    converted({ label: `a list out of ${LOG_ATTRIBUTES.join(", ")}` }, readLogAttributes),
    { doc: "Extra attributes on each record; repeated ones count once.", default: [] },
  ),
});

function readLogAttributes(value: unknown): { value: string[] } | Fault {
  if (!Array.isArray(value)) return { kind: "not_an_array", message: `must be a list, got ${show(value)}` };
  const wrong = value.find((item) => !LOG_ATTRIBUTES.includes(item as string));
  if (wrong === undefined && !value.includes(undefined)) return { value: [...new Set(value)] };
  return {
    kind: typeof wrong === "string" ? "unknown_enum_value" : "not_a_string",
    message: `must be a list out of ${LOG_ATTRIBUTES.join(", ")}, got ${show(wrong)}`,
  };
}

const REMOTE_SCHEMES = "gcs conda pip uv http https s3 gs azure abfss file local".split(" ");

function isRemoteUri(uri: unknown): boolean {
  if (typeof uri !== "string") return false;
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri.trimStart());
  return scheme !== null && REMOTE_SCHEMES.includes(scheme[1]!.toLowerCase());
}

/** A runtime environment's packages must be URIs that another machine can reach. */
export function remoteUrisOnly(value: unknown): Fault | undefined {
  if (!isRecord(value)) return undefined;
  const modules = Object.hasOwn(value, "py_modules") ? value.py_modules : [];
  // Text and objects are looked through like lists, as the reference does.
  const uris = Array.isArray(modules) ? modules : typeof modules === "string" ? [...modules] : keysOf(modules);
  const wrong = (key: string, uri: unknown): Fault => ({
    kind: "runtime_env_uri_not_remote",
    message: `${key} must be a URI with one of the schemes ${REMOTE_SCHEMES.join(", ")}, got ${show(typeof uri === "string" ? withoutSecrets(uri) : uri)}`,
  });
  if (uris === undefined) return { kind: "not_an_array", message: `py_modules must be a list, got ${show(modules)}` };
  for (const uri of uris) if (uri !== null && !isRemoteUri(uri)) return wrong("py_modules", uri);
  const folder = value.working_dir ?? null;
  return folder === null || isRemoteUri(folder) ? undefined : wrong("working_dir", folder);
}

function keysOf(value: unknown): string[] | undefined {
  return isRecord(value) ? Object.keys(value) : undefined;
}

const LABEL = /^[a-z0-9](?:[a-z0-9_.-]{0,61}[a-z0-9])?$/i;
const LABEL_PREFIX = /^[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?)*$/i;

function isLabelKey(key: string): boolean {
  const parts = key.split("/");
  if (parts.length > 2 || !LABEL.test(parts.at(-1)!)) return false;
  return parts.length === 1 || (parts[0]!.length <= 253 && LABEL_PREFIX.test(parts[0]!));
}

function isLabelCondition(text: string): boolean {
  if (text === "") return true;
  const condition = text.startsWith("!") ? text.slice(1) : text;
  const list = /^in\((.*)\)$/.exec(condition);
  return list ? list[1]!.split(",").every((item) => LABEL.test(item.trim())) : LABEL.test(condition);
}

/** Keys are `name` or `prefix/name`; values are `v`, `!v`, `in(a, b)` or `!in(a, b)`. */
export function labelSelector(value: unknown): Fault | undefined {
  if (!isRecord(value)) return undefined;
  for (const [key, condition] of Object.entries(value)) {
    const bad = isLabelKey(key) ? (isLabelCondition(String(condition)) ? undefined : condition) : key;
    if (bad === undefined) continue;
    return {
      kind: "bad_label_selector",
      message: `has the key or condition ${show(bad)}; write name: v, !v, in(a, b) or !in(a, b) with labels of at most 63 letters, digits, "-", "_" and "."`,
    };
  }
  return undefined;
}

/** `module:export`, or `module.export` as the reference also allows. */
export function importPath(path: string): Fault | undefined {
  const fault = (kind: Fault["kind"]): Fault => ({ kind, message: `must be MODULE:EXPORT, got ${show(path)}` });
  if (path.includes(":")) {
    if (path.indexOf(":") !== path.lastIndexOf(":")) return fault("import_path_many_colons");
    return path.startsWith(":") || path.endsWith(":") ? fault("import_path_edge_colon") : undefined;
  }
  const dot = path.lastIndexOf(".");
  if (dot < 0) return fault("import_path_no_separator");
  return dot === 0 || dot === path.length - 1 ? fault("import_path_edge_dot") : undefined;
}
