import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * As `mkdir -p`, one folder at a time: Node's own recursive mode never returns below /proc. Throws the system's error.
 * `mode`: of those that are made, default 0o777 less the umask.
 */
export function makeFolder(path: string, mode = 0o777): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent, mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
