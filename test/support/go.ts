/** Programs in Go, built once and kept in $XDG_CACHE_HOME/windlass-test, or in a private folder for temporary files. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "./python.ts";

/** Where what tests build once is kept; the same folder as test/support/make-venv.py's. */
export function cacheFolder(): string {
  const given = process.env["XDG_CACHE_HOME"];
  const uid = process.getuid?.() ?? 0;
  const path = given ? join(given, "windlass-test") : join(tmpdir(), `windlass-test-${uid}`);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (statSync(path).uid !== uid) throw new Error(`${path} belongs to another user: set XDG_CACHE_HOME`);
  return path;
}

/** Path of a published program, `connectrpc.com/conformance/cmd/connectconformance` at "v1.0.7". */
export async function goProgram(path: string, version: string): Promise<string> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return built(`${name}-${version}`, name, async (folder) => {
    await go(["install", `${path}@${version}`], { env: { GOBIN: folder } });
  });
}

/**
 * Path of what `build` leaves as `name` in the folder it is given. It is built once for each `key`, beside its place and
 * moved there whole, so that two suites that start at once do not meet.
 */
export async function built(key: string, name: string, build: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cacheFolder(), key);
  const program = join(folder, name);
  if (existsSync(program)) return program;
  const fresh = mkdtempSync(`${folder}.`);
  try {
    await build(fresh);
    renameSync(fresh, folder);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(program)) throw error;
  }
  return program;
}

/** Runs the Go tool; rejects with what it printed where it fails. */
export async function go(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<void> {
  const { code, err } = await runProgram("go", args, options);
  if (code !== 0) throw new Error(`go ${args.join(" ")} ended with ${code}: ${err || "is Go installed?"}`);
}
