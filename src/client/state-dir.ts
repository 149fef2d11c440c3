import { homedir } from "node:os";
import { join, resolve } from "node:path";

/**
 * The folder that holds the state where no flag names one: WINDLASS_STATE_DIR, else `windlass` in $XDG_STATE_HOME,
 * else ~/.local/state/windlass. Absolute.
 */
export function stateDir(env: Readonly<Record<string, string | undefined>>, cwd: string): string {
  if (env.WINDLASS_STATE_DIR) return resolve(cwd, env.WINDLASS_STATE_DIR);
  // The XDG rules: a relative path is to be ignored.
  if (env.XDG_STATE_HOME?.startsWith("/")) return join(env.XDG_STATE_HOME, "windlass");
  return join(env.HOME || homedir(), ".local", "state", "windlass");
}
