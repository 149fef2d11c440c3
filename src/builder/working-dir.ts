import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withoutSecrets } from "../core/uri.ts";
import type { WorkingDir } from "../engine/engine.ts";
import { type FetchContext, fetchZip, type KnownZip } from "./fetch-zip.ts";
import { BuildError } from "./resolve.ts";
import { unzip } from "./unzip.ts";

/**
 * Fetches the zips of `runtime_env.working_dir` and unpacks each into `<folder>/<sha256 of the zip>`, whole or not at
 * all; one that lies there already is used again. Throws a BuildError that names the URI, without its secrets.
 */
export async function fetchWorkingDirs(
  uris: readonly string[],
  folder: string,
  context: FetchContext,
): Promise<Record<string, WorkingDir>> {
  const ends = await Promise.allSettled(
    uris.map(async (uri) => [uri, await fetchWorkingDir(uri, folder, context)] as const),
  );
  const failed = ends.find((end) => end.status === "rejected");
  if (failed) throw failed.reason;
  return Object.fromEntries(ends.flatMap((end) => (end.status === "fulfilled" ? [end.value] : [])));
}

async function fetchWorkingDir(uri: string, folder: string, context: FetchContext): Promise<WorkingDir> {
  const draft = join(folder, `.draft-${randomBytes(6).toString("hex")}`);
  await mkdir(draft, { recursive: true });
  try {
    const before = await readKnown(folder, uri);
    const fetched = await fetchZip(uri, join(draft, "zip"), before, context);
    const path = join(folder, fetched.hash);
    if (existsSync(path)) {
      // Its age is what keeps an unused one from being removed: it is used again from now on.
      const now = context.clock.now() / 1000;
      await utimes(path, now, now);
    } else {
      await unzip(join(draft, "zip"), join(draft, "files"), context.limits);
      await rename(join(draft, "files"), path).catch((error: unknown) => {
        // Another builder may have been faster.
        if (!existsSync(path)) throw error;
      });
    }
    if (fetched.kind === "written") await writeKnown(folder, uri, draft, fetched.known);
    return { path, hash: fetched.hash };
  } catch (error) {
    const place = `runtime_env.working_dir ${withoutSecrets(uri)}`;
    throw error instanceof BuildError ? new BuildError(`${place}: ${error.message}`) : error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** What is known of a URI lies beside the folders; its name says nothing of the URI. */
function knownPath(folder: string, uri: string): string {
  return join(folder, `${createHash("sha256").update(uri).digest("hex")}.etag`);
}

async function readKnown(folder: string, uri: string): Promise<KnownZip | null> {
  try {
    const known = JSON.parse(await readFile(knownPath(folder, uri), "utf8")) as KnownZip;
    return existsSync(join(folder, known.hash)) ? known : null;
  } catch {
    return null;
  }
}

async function writeKnown(folder: string, uri: string, draft: string, known: KnownZip | null): Promise<void> {
  const path = knownPath(folder, uri);
  if (known === null) return await rm(path, { force: true });
  await writeFile(join(draft, "etag"), JSON.stringify(known));
  await rename(join(draft, "etag"), path);
}
