import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { crc32 } from "node:zlib";
import { type Entry, getFileNameLowLevel, openPromise, type ZipFile } from "yauzl";
import { errorText } from "../core/errors.ts";
import { showBytes, type ZipLimits } from "./limits.ts";
import { BuildError } from "./resolve.ts";

/** One thing in a zip and where it goes. */
interface Item {
  readonly entry: Entry;
  /** Parts of its path, each a plain name. */
  readonly parts: readonly string[];
  readonly folder: boolean;
}

/** macOS puts what its own file system knows besides here. */
const MAC_FOLDER = "__MACOSX";

/**
 * Unpacks the zip at `path` into the folder `target`, which it makes. A folder that holds everything else, as in
 * archives of repositories, is left out. Throws a BuildError; what was unpacked until then stays.
 */
export async function unzip(path: string, target: string, limits: ZipLimits): Promise<void> {
  const zip = await openPromise(path, { autoClose: false, decodeStrings: false, validateEntrySizes: true }).catch(
    (error: unknown) => {
      throw damaged(error);
    },
  );
  try {
    const items = withoutOuterFolder(await list(zip, limits));
    if (!items.some(({ folder }) => !folder)) throw new BuildError("is a zip without files");
    await mkdir(target, { recursive: true });
    for (const item of items) await unpack(zip, item, target);
  } finally {
    zip.close();
  }
}

/** Reads what the zip says it holds, and refuses what must not be unpacked before anything is. */
async function list(zip: ZipFile, limits: ZipLimits): Promise<Item[]> {
  const items: Item[] = [];
  let bytes = 0;
  try {
    for await (const entry of zip.eachEntry()) {
      if (items.length === limits.entries) throw new BuildError(`holds more than ${limits.entries} files and folders`);
      bytes += entry.uncompressedSize;
      if (bytes > limits.unpackedBytes) {
        throw new BuildError(
          `unpacks to more than the limit of ${showBytes(limits.unpackedBytes)}: leave out what the application does not need`,
        );
      }
      const item = itemOf(entry);
      if (item.parts[0] !== MAC_FOLDER) items.push(item);
    }
  } catch (error) {
    throw error instanceof BuildError ? error : damaged(error);
  }
  return items;
}

function itemOf(entry: Entry): Item {
  const name = getFileNameLowLevel(
    entry.generalPurposeBitFlag,
    entry.fileNameRaw,
    entry.extraFields,
    true, // backslashes are not turned into slashes
  );
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  const refused = (why: string): BuildError => new BuildError(`holds ${JSON.stringify(name)}, ${why}`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\\\u0000-\u001f]/.test(name)) throw refused("a name with a backslash or control character; zip it anew");
  if (name.startsWith("/") || /^[a-z]:/i.test(name) || parts.includes("..")) {
    throw refused("which would lie outside of it");
  }
  const type = (entry.externalFileAttributes >>> 16) & 0o170000;
  if (type === 0o120000) throw refused("a symbolic link; put the file itself in");
  if (type !== 0 && type !== 0o100000 && type !== 0o040000) throw refused("which is neither a file nor a folder");
  if (entry.isEncrypted()) throw refused("which is encrypted");
  return { entry, parts, folder: name.endsWith("/") };
}

function withoutOuterFolder(items: readonly Item[]): readonly Item[] {
  const outer = items[0]?.parts[0];
  const inside = items.every(({ parts, folder }) => parts[0] === outer && (folder || parts.length > 1));
  return inside ? items.map((item) => ({ ...item, parts: item.parts.slice(1) })) : items;
}

async function unpack(zip: ZipFile, { entry, parts, folder }: Item, target: string): Promise<void> {
  const path = join(target, ...parts);
  const name = JSON.stringify(parts.join("/"));
  try {
    if (folder) {
      await mkdir(path, { recursive: true });
      return;
    }
    await mkdir(dirname(path), { recursive: true });
    const executable = ((entry.externalFileAttributes >>> 16) & 0o100) !== 0;
    let sum = 0;
    await pipeline(
      await zip.openReadStreamPromise(entry),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          sum = crc32(chunk, sum);
          yield chunk;
        }
      },
      createWriteStream(path, { flags: "wx", mode: executable ? 0o755 : 0o644 }),
    );
    if (sum !== entry.crc32) throw damaged(`the checksum of ${name} differs`);
  } catch (error) {
    throw error instanceof BuildError ? error : unpackError(error, name);
  }
}

function unpackError(error: unknown, name: string): BuildError {
  const { code = "", syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return damaged(error);
  if (["EEXIST", "EISDIR", "ENOTDIR"].includes(code)) return new BuildError(`holds ${name} twice`);
  return new BuildError(`cannot be unpacked: ${name}: ${code}`);
}

function damaged(error: unknown): BuildError {
  const text = typeof error === "string" ? error : errorText(error);
  return new BuildError(`is not a zip, or a damaged one: ${text}`);
}
