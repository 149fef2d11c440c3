import { constants, copyFileSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProcessIdentity } from "../controller/records.ts";
import { errorText } from "../core/errors.ts";
import { stillRuns } from "./process-identity.ts";
import { StartError } from "./run-dir.ts";

/** How often a lock that was left behind is taken over before we give up. */
const ATTEMPTS = 5;

/**
 * Makes this process the only supervisor of a state dir until the returned function is called. One that ended without
 * cleaning up has its lock taken over. Throws a {@link StartError} that names the other one where it still runs.
 */
export function lockStateDir(stateDir: string, self: ProcessIdentity): () => void {
  const path = join(stateDir, "start.lock");
  const mine = `${path}.${self.pid}`;
  const text = JSON.stringify(self);
  try {
    writeFileSync(mine, text, { mode: 0o600 });
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      // A link is made or refused as a whole: nobody ever reads half a lock.
      if (madeLink(mine, path)) {
        return () => {
          if (read(path) === text) rmSync(path, { force: true });
        };
      }
      const found = read(path);
      const other = identityIn(found);
      if (other && stillRuns(other)) throw anotherRuns(other.pid, stateDir);
      if (found !== undefined) removeStale(path, found, `${mine}.stale`);
    }
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`cannot write to the state dir ${stateDir}: ${errorText(error)}; free space on its disk`);
  } finally {
    rmSync(mine, { force: true });
  }
  throw new StartError(`several Windlass are starting on the state dir ${stateDir} at once: try again`);
}

/** The one line that is said to whoever starts a second Windlass on a state dir. */
export function anotherRuns(pid: number, stateDir: string): StartError {
  return new StartError(
    `another Windlass (pid ${pid}) uses the state dir ${stateDir}: stop it or choose another with --state-dir`,
  );
}

function madeLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "ENOSYS") throw error;
    return madeCopy(from, to);
  }
}

/** For file systems without links. */
function madeCopy(from: string, to: string): boolean {
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Moves a lock aside that was left behind; one that somebody else took over meanwhile is put back. */
function removeStale(path: string, seen: string, aside: string): void {
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (read(aside) !== seen) madeLink(aside, path);
  rmSync(aside, { force: true });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Undefined where the text is no identity: a file that somebody damaged keeps nobody out. */
function identityIn(text: string | undefined): ProcessIdentity | undefined {
  try {
    const value = JSON.parse(text ?? "") as Partial<ProcessIdentity> | null;
    const { pid, startTime, bootId } = value ?? {};
    if (typeof pid !== "number" || typeof startTime !== "string" || typeof bootId !== "string") return undefined;
    return { pid, startTime, bootId };
  } catch {
    return undefined;
  }
}
