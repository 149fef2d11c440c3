import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** Replica logs kept, newest first: enough to look into what failed. */
const KEPT_LOGS = 500;
/** A bundle that nothing names is kept this long: a build may have made it a moment ago. */
const BUNDLE_GRACE_MS = 3_600_000;

/**
 * Removes what piles up in a state dir: bundles that no application and no replica names any more, and the oldest
 * replica logs. What cannot be removed stays; the next run tries again.
 */
export function tidy(stateDir: string, bundlePaths: ReadonlySet<string>, now: number): void {
  const bundles = join(stateDir, "bundles");
  for (const { path, changedAt } of entries(bundles)) {
    const used = [...bundlePaths].some((bundle) => bundle.startsWith(`${path}/`));
    if (!used && now - changedAt > BUNDLE_GRACE_MS) remove(path);
  }
  const logs = entries(join(stateDir, "logs")).filter(({ path }) => /_[a-z0-9]{8}\.log$/.test(path));
  for (const { path } of logs.sort((a, b) => b.changedAt - a.changedAt).slice(KEPT_LOGS)) remove(path);
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
