/** Where finished lines go: standard error, and a file of their own beside it where one is set. */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import type { LogLimits } from "./log-limits.ts";
import { makeFolder } from "./make-folder.ts";
import { backupPath, shift } from "./rotate.ts";

/** The longest that a line of {@link LogSink.writeLater} waits. */
const WAIT_MS = 50;
/** More than this does not wait. */
const WAIT_CHARS = 32_768;

/** Takes lines, each with its line end. */
export interface LogSink {
  /** Writes at once, after what waits. */
  write(line: string): void;
  /** Writes soon, many lines at a time: for what happens with every request. */
  writeLater(line: string): void;
  /** Writes to the file only, at once: what already went to standard output. */
  writeToFile(line: string): void;
  /** Writes what waits. */
  flush(): void;
  /** Whether there is a file. */
  readonly hasFile: boolean;
  /**
   * Writes to `<folder>/<name>` as well from now on, null: to no file. Throws one line when that is impossible, and
   * changes nothing then.
   */
  useFolder(folder: string | null, name: string): void;
}

/** Options of {@link createLogSink}. */
export interface LogSinkOptions {
  readonly clock: Clock;
  /** Of the file; standard error has its own keeper. */
  readonly limits: LogLimits;
  /** Default: process.stderr. */
  readonly write?: (text: string) => void;
}

/** Makes a {@link LogSink}. What waits when the process exits is written. */
export function createLogSink({ clock, limits, write }: LogSinkOptions): LogSink {
  const out = write ?? ((text: string) => void process.stderr.write(text));
  let file: LogFile | undefined;
  let waiting = "";
  let due = false;

  const flush = (): void => {
    if (waiting === "") return;
    const text = waiting;
    waiting = "";
    out(text);
    file?.write(text);
  };
  process.on("exit", flush);
  return {
    write(line) {
      waiting += line;
      flush();
    },
    writeLater(line) {
      waiting += line;
      if (waiting.length > WAIT_CHARS) flush();
      if (due) return;
      due = true;
      const wake = (): void => {
        due = false;
        flush();
      };
      clock.timer(WAIT_MS, wake, { unref: true });
    },
    writeToFile(line) {
      flush();
      file?.write(line);
    },
    flush,
    get hasFile() {
      return file !== undefined;
    },
    useFolder(folder, name) {
      const path = folder === null ? undefined : join(folder, name);
      if (path === file?.path) return;
      const next = path === undefined ? undefined : openLogFile(folder!, path, limits);
      flush();
      file?.close();
      file = next;
    },
  };
}

interface LogFile {
  readonly path: string;
  write(text: string): void;
  close(): void;
}

/** A file with one writer, which moves it away itself when it is full. */
function openLogFile(folder: string, path: string, limits: LogLimits): LogFile {
  let fd: number;
  try {
    makeFolder(folder);
    fd = openSync(path, "a", 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`logs_dir ${folder} cannot be written to (${code}): make it writable or choose another`, {
      cause: error,
    });
  }
  let size = fstatSync(fd).size;
  const rotate = (): void => {
    shift(path, limits.backups);
    if (limits.backups > 0) renameSync(path, backupPath(path, 1));
    const next = openSync(path, limits.backups > 0 ? "a" : "w", 0o600);
    closeSync(fd);
    fd = next;
    size = 0;
  };
  return {
    path,
    write(text) {
      // A full disk costs lines, not the process.
      try {
        if (limits.maxBytes > 0 && size >= limits.maxBytes) rotate();
        size += writeSync(fd, text);
      } catch {}
    },
    close: () => closeSync(fd),
  };
}
