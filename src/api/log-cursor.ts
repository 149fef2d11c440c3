import { type FileHandle, open } from "node:fs/promises";

const BLOCK_BYTES = 64 * 1024;
/** A longer line is sent in pieces, so that a file without line ends takes no more memory than this. */
const LONGEST_LINE_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

/** Reads a growing file of lines from some place on, as often as asked. A file that is not there yet is empty. */
export class LogCursor {
  readonly #path: string;
  readonly #prefix: string;
  #offset: number;
  #partial: Buffer = Buffer.alloc(0);

  private constructor(path: string, prefix: string, offset: number) {
    this.#path = path;
    this.#prefix = prefix;
    this.#offset = offset;
  }

  /** Stands before the last `lines` lines. `prefix` is put before each line. */
  static async open(path: string, prefix: string, lines: number): Promise<LogCursor> {
    const offset = lines === Number.POSITIVE_INFINITY ? 0 : await withFile(path, 0, (file) => tailOffset(file, lines));
    return new LogCursor(path, prefix, offset);
  }

  /** Whole lines that were not read before, some at a time. */
  async *read(): AsyncGenerator<string> {
    for (;;) {
      const block = await withFile(this.#path, undefined, async (file) => {
        const { size } = await file.stat();
        if (size < this.#offset) this.#offset = 0; // it was emptied
        return readAt(file, this.#offset, Math.min(BLOCK_BYTES, size - this.#offset));
      });
      if (block === undefined || block.length === 0) return;
      this.#offset += block.length;
      const text = this.#take(block);
      if (text !== "") yield text;
    }
  }

  /** The last line, which has no line end and will not get one. */
  *rest(): Generator<string> {
    if (this.#partial.length === 0) return;
    const text = this.#line(this.#partial);
    this.#partial = Buffer.alloc(0);
    yield text;
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

/** Where the last `lines` lines of a file begin. */
async function tailOffset(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat();
  if (lines === 0) return size;
  // The line end at the very end of the file ends the last line, it begins none.
  let missing = lines + 1;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const block = await readAt(file, start, end - start);
    if (end === size && block.at(-1) !== NEWLINE) missing -= 1;
    for (let at = block.lastIndexOf(NEWLINE); at >= 0; at = at === 0 ? -1 : block.lastIndexOf(NEWLINE, at - 1)) {
      missing -= 1;
      if (missing === 0) return start + at + 1;
    }
    end = start;
  }
  return 0;
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
