/** `logging_config`: which one holds, and what of it has no meaning here. */
import { LOGGING_DEFAULTS } from "./defaults.ts";
import type { ApplicationConfig, EffectiveDeploymentConfig, LoggingConfig, LoggingInForce } from "./types.ts";

/** What processes are told; null where nothing was configured. */
export function loggingInForce(config: LoggingConfig | null | undefined): LoggingInForce | null {
  if (config === null || config === undefined) return null;
  const all = { ...LOGGING_DEFAULTS, ...config };
  return {
    encoding: all.encoding,
    logLevel: all.log_level,
    logsDir: all.logs_dir ?? "",
    enableAccessLog: all.enable_access_log,
    additionalLogStandardAttrs: all.additional_log_standard_attrs.filter((name) => MEANINGFUL.has(name)),
  };
}

/** A deployment without a logging config of its own has its application's, as a whole. */
export function withApplicationLogging(
  config: EffectiveDeploymentConfig,
  application: ApplicationConfig["logging_config"],
): EffectiveDeploymentConfig {
  if (application === null || application === undefined || (config.logging_config ?? null) !== null) return config;
  return { ...config, logging_config: application };
}

/** Attributes of a record that there are here; `message` is part of every line. */
const MEANINGFUL: ReadonlySet<string> = new Set(
  "asctime created levelname levelno message msecs name process relativeCreated".split(" "),
);

/** One warning for the attributes that tell of Python; undefined when there are none. */
export function attributesWarning(config: LoggingConfig | null | undefined): string | undefined {
  const names = (config?.additional_log_standard_attrs ?? []).filter((name) => !MEANINGFUL.has(name));
  if (names.length === 0) return undefined;
  return `${names.join(", ")}: left out, because no line of a log has it here; ${[...MEANINGFUL].join(", ")} are known`;
}
