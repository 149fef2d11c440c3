import type { WorkingDir } from "../engine/engine.ts";
import type { FetchContext } from "./fetch-zip.ts";
import type { BuilderRequest } from "./protocol.ts";
import { fetchWorkingDirs } from "./working-dir.ts";

/** Where an application's code lies once what it needs was fetched. */
export interface BuildPlace {
  /** Absolute folder that the import path starts from. */
  readonly codeDir: string;
  /** Whether that folder is an unpacked zip, which holds all of the code. */
  readonly unpacked: boolean;
  /** What was fetched, by URI; absent without any. */
  readonly workingDirs?: Readonly<Record<string, WorkingDir>>;
}

/** Fetches the zips of a request. Throws a BuildError for one that cannot be had. */
export async function preparePlace(request: BuilderRequest, context: FetchContext): Promise<BuildPlace> {
  const { workingDirs: wanted, baseDir } = request;
  if (wanted === undefined || wanted.uris.length === 0) return { codeDir: baseDir, unpacked: false };
  const workingDirs = await fetchWorkingDirs(wanted.uris, wanted.folder, context);
  const code = wanted.code === null ? undefined : workingDirs[wanted.code];
  return { codeDir: code?.path ?? baseDir, unpacked: code !== undefined, workingDirs };
}
