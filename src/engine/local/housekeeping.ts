import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** Replica logs kept, newest first: enough to look into what failed. */
const KEPT_LOGS = 500;
/** What a build made and nothing names is kept this long: the build may have made it a moment ago. */
const BUILT_GRACE_MS = 3_600_000;
/** What servers said of zips that were fetched is kept this long after it was said. */
const ETAG_KEPT_MS = 30 * 24 * 3_600_000;

/**
 * Removes what piles up in a state dir: bundles and unpacked working dirs that no application and no replica names any
 * more, and the oldest replica logs. `used`: paths of what is named. What cannot be removed stays; the next run tries
 * again.
 */
export function tidy(stateDir: string, used: ReadonlySet<string>, now: number): void {
  const named = [...used].map((path) => `${path}/`);
  for (const { path, changedAt } of [
    ...entries(join(stateDir, "bundles")),
    ...entries(join(stateDir, "working-dirs")),
  ]) {
    const graceMs = path.endsWith(".etag") ? ETAG_KEPT_MS : BUILT_GRACE_MS;
    if (!named.some((each) => each.startsWith(`${path}/`)) && now - changedAt > graceMs) remove(path);
  }
  const logs = entries(join(stateDir, "logs")).filter(({ path }) => /_[a-z0-9]{8}\.log(\.\d+)?$/.test(path));
  const kept = new Set(
    logs
      .filter(({ path }) => path.endsWith(".log"))
      .sort((a, b) => b.changedAt - a.changedAt)
      .slice(0, KEPT_LOGS)
      .map(({ path }) => path),
  );
  // The older parts of a log go with it.
  for (const { path } of logs) if (!kept.has(path.replace(/\.\d+$/, ""))) remove(path);
}

function entries(folder: string): { path: string; changedAt: number }[] {
  try {
    return readdirSync(folder).map((name) => {
      const path = join(folder, name);
      return { path, changedAt: statSync(path).mtimeMs };
    });
  } catch {
    return [];
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // It is tried again with the next run.
  }
}
