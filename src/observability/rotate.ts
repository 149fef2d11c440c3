/**
 * Bounds log files. A log that somebody holds open as standard output cannot be renamed: it is copied and emptied.
 * When the process that writes it does so itself no line can come in between, so none is lost.
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { copyFile } from "node:fs/promises";
import type { Clock } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import type { LogLimits } from "./log-limits.ts";

/** Between looks at the size of a log. */
const LOOK_MS = 1_000;
const BLOCK_BYTES = 256 * 1024;

/** The name of an older part of a log: 1 is the newest. */
export function backupPath(path: string, index: number): string {
  return `${path}.${index}`;
}

/** Moves a log that nobody holds open out of the way when it is too large. Does nothing when that is impossible. */
export function rotateClosed(path: string, limits: LogLimits): void {
  if (limits.maxBytes === 0 || sizeOf(path) < limits.maxBytes) return;
  try {
    if (limits.backups === 0) rmSync(path, { force: true });
    else {
      shift(path, limits.backups);
      renameSync(path, backupPath(path, 1));
    }
  } catch {
    // It grows on; the next time may succeed.
  }
}

/**
 * Copies a log that is held open to its first backup and empties it, when it is too large. Most is copied beside the
 * event loop; the rest, and the emptying, happen in one go. Lines that another process or thread writes between the
 * last read and the emptying, some microseconds, are lost.
 */
export async function rotateOpen(path: string, limits: LogLimits): Promise<void> {
  if (limits.maxBytes === 0 || sizeOf(path) < limits.maxBytes) return;
  if (limits.backups === 0) {
    truncateSync(path);
    return;
  }
  const draft = `${path}.0`;
  try {
    await copyFile(path, draft, constants.COPYFILE_FICLONE);
    appendRest(path, draft);
    // Emptied before the backup has its name: who follows the log takes a new first backup for the sign.
    truncateSync(path);
    shift(path, limits.backups);
    renameSync(draft, backupPath(path, 1));
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Keeps the log at `path` within its limits for as long as the process runs; trouble is told once. */
export function keepBounded(
  path: string,
  limits: LogLimits,
  clock: Clock,
  onError: (error: string) => void,
): { stop(): void } {
  let stopped = false;
  let told = false;
  const look = async (): Promise<void> => {
    try {
      await rotateOpen(path, limits);
    } catch (error) {
      if (!told) onError(errorText(error));
      told = true;
    }
    if (!stopped) timer = next();
  };
  const next = () => clock.timer(LOOK_MS, () => void look(), { unref: true });
  let timer = next();
  return {
    stop() {
      stopped = true;
      timer.cancel();
    },
  };
}

/**
 * The same for this process's own standard error, when the supervisor said in WINDLASS_LOG_FILE where it goes and it
 * really goes there.
 */
export function keepOwnLogBounded(
  env: Readonly<Record<string, string | undefined>>,
  limits: LogLimits,
  clock: Clock,
  onError: (error: string) => void,
): void {
  const path = env["WINDLASS_LOG_FILE"];
  if (path !== undefined && isFile(process.stderr.fd, path)) keepBounded(path, limits, clock, onError);
}

/** Appends what was written to `path` since `draft` was copied from it. */
function appendRest(path: string, draft: string): void {
  const from = openSync(path, "r");
  try {
    const to = openSync(draft, "a");
    try {
      const block = Buffer.allocUnsafe(BLOCK_BYTES);
      let at = fstatSync(to).size;
      for (;;) {
        const bytes = readSync(from, block, 0, block.length, at);
        if (bytes === 0) return;
        writeSync(to, block, 0, bytes);
        at += bytes;
      }
    } finally {
      closeSync(to);
    }
  } finally {
    closeSync(from);
  }
}

/** Makes room for a new first backup. */
export function shift(path: string, backups: number): void {
  rmSync(backupPath(path, backups), { force: true });
  for (let index = backups - 1; index >= 1; index--) {
    try {
      renameSync(backupPath(path, index), backupPath(path, index + 1));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function isFile(fd: number, path: string): boolean {
  try {
    const open = fstatSync(fd);
    const named = statSync(path, { throwIfNoEntry: false });
    return open.isFile() && named !== undefined && open.dev === named.dev && open.ino === named.ino;
  } catch {
    return false;
  }
}
