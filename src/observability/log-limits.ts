/** How large logs may grow. */

/** Bounds of one log: it is moved to `<name>.1` at `maxBytes`, `.1` to `.2`, …, and what is beyond `backups` goes. */
export interface LogLimits {
  /** 0: no bound. */
  readonly maxBytes: number;
  /** 0: what was written is dropped instead. */
  readonly backups: number;
}

/** 100 MB and five older files. */
export const DEFAULT_LOG_LIMITS: LogLimits = { maxBytes: 100 * 1024 * 1024, backups: 5 };

/** Reads WINDLASS_LOG_MAX_BYTES and WINDLASS_LOG_BACKUP_COUNT; what is no whole number counts as absent. */
export function logLimits(env: Readonly<Record<string, string | undefined>>): LogLimits {
  const read = (name: string, fallback: number): number => {
    const text = env[name] ?? "";
    return /^\d{1,15}$/.test(text) ? Number(text) : fallback;
  };
  return {
    maxBytes: read("WINDLASS_LOG_MAX_BYTES", DEFAULT_LOG_LIMITS.maxBytes),
    backups: Math.min(1_000, read("WINDLASS_LOG_BACKUP_COUNT", DEFAULT_LOG_LIMITS.backups)),
  };
}
