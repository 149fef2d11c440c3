import { type FileHandle, open, stat } from "node:fs/promises";

const BLOCK_BYTES = 64 * 1024;
/** A longer line is sent in pieces, so that a file without line ends takes no more memory than this. */
const LONGEST_LINE_BYTES = 1024 * 1024;
/** Older parts of a log that are looked for. */
const MOST_BACKUPS = 1_000;
const NEWLINE = 0x0a;

/**
 * Reads a growing file of lines from some place on, as often as asked, over its rotations: a log that is full is
 * copied to `<path>.1`, which is a new file then, and emptied. A file that is not there yet is empty.
 */
export class LogCursor {
  readonly #path: string;
  readonly #prefix: string;
  #offset: number;
  /** Which file the first backup was when the offset was right. */
  #backup: string;
  /** The file was shorter than what was read of it, and no new backup says why yet. */
  #shrank = false;
  #partial: Buffer = Buffer.alloc(0);

  private constructor(path: string, prefix: string, offset: number, backup: string) {
    this.#path = path;
    this.#prefix = prefix;
    this.#offset = offset;
    this.#backup = backup;
  }

  /** Stands before the last `lines` lines; those in older parts count. `prefix` is put before each line. */
  static async open(path: string, prefix: string, lines: number): Promise<LogCursor> {
    const backup = await identity(backupOf(path, 1));
    if (lines === Number.POSITIVE_INFINITY) {
      // Everything, from the oldest part on: as after rotations of which none was seen.
      return new LogCursor(path, prefix, 0, "");
    }
    const tail = await withFile(path, { offset: 0, missing: lines }, (file) => tailOffset(file, lines));
    if (tail.missing === 0 || backup === "") return new LogCursor(path, prefix, tail.offset, backup);
    const before = await withFile(backupOf(path, 1), { offset: 0, missing: 0 }, (file) =>
      tailOffset(file, tail.missing),
    );
    // As if the log had been read up to there when it was rotated.
    return new LogCursor(path, prefix, before.offset, await identity(backupOf(path, 2)));
  }

  /** Whole lines that were not read before, some at a time. */
  async *read(): AsyncGenerator<string> {
    for (;;) {
      const block = await withFile(this.#path, undefined, (file) => this.#block(file));
      // What was read counts only if it comes right after what was read before.
      const rotated = await this.#rotatedSince();
      if (rotated.length > 0) yield* this.#readAll(rotated);
      else if (block === undefined || block.length === 0) return;
      else yield* this.#lines(block);
    }
  }

  /** The last line, which has no line end and will not get one. */
  *rest(): Generator<string> {
    if (this.#partial.length === 0) return;
    const text = this.#line(this.#partial);
    this.#partial = Buffer.alloc(0);
    yield text;
  }

  /** Reads backups to their ends: the oldest from where the log was left, the others whole. */
  async *#readAll(files: readonly FileHandle[]): AsyncGenerator<string> {
    try {
      for (const file of files) {
        for (;;) {
          const block = await readAt(file, this.#offset, BLOCK_BYTES);
          if (block.length === 0) break;
          yield* this.#lines(block);
        }
        this.#offset = 0;
      }
    } finally {
      await Promise.all(files.map((file) => file.close()));
    }
  }

  /** The backups that are newer than the last look, open, oldest first. */
  async #rotatedSince(): Promise<FileHandle[]> {
    const first = await identity(backupOf(this.#path, 1));
    if (first === this.#backup || first === "") return [];
    const newer: FileHandle[] = [];
    let known = this.#backup === "";
    for (let index = 1; index <= MOST_BACKUPS; index++) {
      const path = backupOf(this.#path, index);
      known ||= (await identity(path)) === this.#backup;
      if (known && this.#backup !== "") break;
      const file = await open(path, "r").catch(() => undefined);
      if (file === undefined) break;
      newer.unshift(file);
    }
    // Another rotation came in between and moved the names.
    if ((await identity(backupOf(this.#path, 1))) !== first) {
      await Promise.all(newer.map((file) => file.close()));
      return this.#rotatedSince();
    }
    // What the log was rotated into is gone already, and the rest of it is lost.
    if (!known) this.#offset = 0;
    this.#backup = first;
    this.#shrank = false;
    return newer;
  }

  async #block(file: FileHandle): Promise<Buffer> {
    const { size } = await file.stat();
    if (size < this.#offset) {
      // Emptied by a rotation whose backup has no name yet, or, when the next look finds none either, by hand.
      if (!this.#shrank) {
        this.#shrank = true;
        return Buffer.alloc(0);
      }
      this.#offset = 0;
    }
    this.#shrank = false;
    return readAt(file, this.#offset, Math.min(BLOCK_BYTES, size - this.#offset));
  }

  *#lines(block: Buffer): Generator<string> {
    this.#offset += block.length;
    const text = this.#take(block);
    if (text !== "") yield text;
  }

  #take(block: Buffer): string {
    const bytes = this.#partial.length === 0 ? block : Buffer.concat([this.#partial, block]);
    const lines: string[] = [];
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      lines.push(this.#line(bytes.subarray(start, end)));
      start = end + 1;
    }
    if (bytes.length - start > LONGEST_LINE_BYTES) {
      lines.push(this.#line(bytes.subarray(start)));
      start = bytes.length;
    }
    this.#partial = Buffer.from(bytes.subarray(start));
    return lines.join("");
  }

  #line(bytes: Buffer): string {
    return `${this.#prefix}${bytes.toString("utf8").replace(/\r$/, "")}\n`;
  }
}

function backupOf(path: string, index: number): string {
  return `${path}.${index}`;
}

/** Tells a file from another of the same name; "" where there is none. */
async function identity(path: string): Promise<string> {
  try {
    const { ino, birthtimeMs } = await stat(path);
    return `${ino} ${birthtimeMs}`;
  } catch {
    return "";
  }
}

/** Where the last `lines` lines of a file begin, and how many it has not. */
async function tailOffset(file: FileHandle, lines: number): Promise<{ offset: number; missing: number }> {
  const { size } = await file.stat();
  if (lines === 0) return { offset: size, missing: 0 };
  // The line end at the very end of the file ends the last line, it begins none.
  let missing = lines + 1;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const block = await readAt(file, start, end - start);
    if (end === size && block.at(-1) !== NEWLINE) missing -= 1;
    for (let at = block.lastIndexOf(NEWLINE); at >= 0; at = at === 0 ? -1 : block.lastIndexOf(NEWLINE, at - 1)) {
      missing -= 1;
      if (missing === 0) return { offset: start + at + 1, missing: 0 };
    }
    end = start;
  }
  return { offset: 0, missing: missing - 1 };
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  if (length <= 0) return Buffer.alloc(0);
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

async function withFile<T>(path: string, missing: T, use: (file: FileHandle) => Promise<T>): Promise<T> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return missing;
    throw error;
  }
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
