import { createHash } from "node:crypto";
import { accessSync, chmodSync, constants, lstatSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFolder } from "../observability/make-folder.ts";

/** Longest socket path that fits every platform (macOS: 103 bytes), less the longest name we put below. */
const LONGEST_ROOT = 103 - "/r/abcdefgh.ctl".length;

/** A user's mistake in how `windlass start` was called; the message is the one line to print. */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** Makes the state folder (0700) or says why it cannot be used. */
export function prepareStateDir(stateDir: string): void {
  try {
    for (const folder of [stateDir, join(stateDir, "logs"), join(stateDir, "bundles")]) makeFolder(folder, 0o700);
    accessSync(stateDir, constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    throw new StartError(
      `cannot write to the state dir ${stateDir} (${code}): make it writable or choose another with --state-dir`,
    );
  }
}

/** Where the folder for sockets may be, the best place first. */
export function runDirs(stateDir: string, env: NodeJS.ProcessEnv): string[] {
  const hash = createHash("sha256").update(stateDir).digest("hex").slice(0, 12);
  const uid = process.getuid?.() ?? 0;
  return [
    ...(env["XDG_RUNTIME_DIR"] ? [join(env["XDG_RUNTIME_DIR"], "windlass", hash)] : []),
    join(tmpdir(), `windlass-${uid}-${hash}`),
    `/tmp/windlass-${uid}-${hash}`,
  ];
}

/**
 * The folder for sockets of the Windlass on this state dir: short, private, the same at every start, and independent of
 * the state dir's length. Made with mode 0700; one that belongs to someone else is refused.
 */
export function prepareRunDir(stateDir: string, env: NodeJS.ProcessEnv): string {
  const uid = process.getuid?.() ?? 0;
  const reasons: string[] = [];
  for (const path of runDirs(stateDir, env)) {
    if (Buffer.byteLength(path) > LONGEST_ROOT) {
      reasons.push(`${path} is too long for a socket path`);
      continue;
    }
    try {
      makeFolder(path, 0o700);
      const stat = lstatSync(path);
      if (!stat.isDirectory() || stat.uid !== uid) throw new Error("belongs to another user");
      chmodSync(path, 0o700);
      makeFolder(join(path, "r"));
      return path;
    } catch (error) {
      reasons.push(`${path}: ${(error as Error).message}`);
    }
  }
  throw new StartError(`no folder for sockets: ${reasons.join("; ")}`);
}
