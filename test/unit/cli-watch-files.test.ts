import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { watchFiles } from "../../src/cli/watch-files.ts";
import type { Clock, Timer } from "../../src/core/clock.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { tempDir } from "../support/temp-dir.ts";
import { eventually } from "../support/windlass.ts";

/** Real time, with the delays of timers noted down. */
function watching(root: string, except: string[] = []) {
  let told = 0;
  const delays: number[] = [];
  const stop = new AbortController();
  const clock: Clock = {
    ...systemClock,
    timer(delayMs, fn): Timer {
      delays.push(delayMs);
      return systemClock.timer(Math.min(delayMs, 30), fn);
    },
  };
  const warnings: string[] = [];
  watchFiles({
    roots: [root],
    except,
    clock,
    signal: stop.signal,
    changed: () => void told++,
    warn: (text) => void warnings.push(text),
  });
  onTestFinished(() => stop.abort());
  return { told: () => told, delays, stop, warnings };
}

describe("watchFiles", () => {
  const counted: { name: string; change: (dir: string) => void }[] = [
    { name: "an edit", change: (dir) => writeFileSync(join(dir, "app.ts"), "2") },
    { name: "an edit in a folder below", change: (dir) => appendFileSync(join(dir, "lib", "a.ts"), "2") },
    { name: "a new file", change: (dir) => writeFileSync(join(dir, "lib", "b.json"), "{}") },
    { name: "a file that goes", change: (dir) => rmSync(join(dir, "lib", "a.ts")) },
    { name: "a rename over another file", change: (dir) => renameSync(join(dir, "lib", "a.ts"), join(dir, "app.ts")) },
  ];
  it.each(counted)("tells of $name", async ({ change }) => {
    const dir = tempDir();
    mkdirSync(join(dir, "lib"));
    writeFileSync(join(dir, "app.ts"), "1");
    writeFileSync(join(dir, "lib", "a.ts"), "1");
    const watched = watching(dir);
    change(dir);
    await eventually(() => watched.told() > 0);
    expect(watched.delays.every((delay) => delay <= 200)).toBe(true);
    expect(watched.delays[0]).toBe(200);
  });

  const ignored: { name: string; change: (dir: string) => void; except?: (dir: string) => string[] }[] = [
    { name: "packages", change: (dir) => writeFileSync(join(dir, "node_modules", "x", "i.js"), "1") },
    { name: "folders with a dot", change: (dir) => writeFileSync(join(dir, ".git", "HEAD"), "1") },
    { name: "files with a dot", change: (dir) => writeFileSync(join(dir, ".app.ts.swp"), "1") },
    { name: "backups", change: (dir) => writeFileSync(join(dir, "app.ts~"), "1") },
    { name: "bytecode", change: (dir) => writeFileSync(join(dir, "lib", "a.pyc"), "1") },
    { name: "logs", change: (dir) => writeFileSync(join(dir, "lib", "a.log"), "1") },
    { name: "databases", change: (dir) => writeFileSync(join(dir, "a.db-wal"), "1") },
    {
      name: "what is left out by name",
      change: (dir) => writeFileSync(join(dir, "state", "x.ts"), "1"),
      except: (dir) => [join(dir, "state")],
    },
  ];
  it.each(ignored)("does not tell of $name", async ({ change, except }) => {
    const [dir, other] = [tempDir(), tempDir()];
    for (const folder of ["lib", "node_modules/x", ".git", "state"]) mkdirSync(join(dir, folder), { recursive: true });
    const watched = watching(dir, except?.(dir));
    const sentinel = watching(other);
    change(dir);
    // The system tells of changes in their order: when this one has come, the one before it would have.
    writeFileSync(join(other, "last.ts"), "1");
    await eventually(() => sentinel.told() > 0);
    expect([watched.told(), watched.delays]).toEqual([0, []]);
  });

  it("sees into folders that are made, moved in and replaced", async () => {
    const dir = tempDir();
    const other = tempDir();
    const watched = watching(dir);
    const tells = async (change: () => void): Promise<void> => {
      const before = watched.told();
      change();
      await eventually(() => watched.told() > before);
    };
    await tells(() => void mkdirSync(join(dir, "new", "deep"), { recursive: true }));
    await tells(() => writeFileSync(join(dir, "new", "deep", "a.ts"), "1"));
    await tells(() => rmSync(join(dir, "new"), { recursive: true }));
    mkdirSync(join(other, "new", "deep"), { recursive: true });
    await tells(() => renameSync(join(other, "new"), join(dir, "new")));
    await tells(() => writeFileSync(join(dir, "new", "deep", "a.ts"), "2"));
    expect(watched.warnings).toEqual([]);
  });

  it("tells nothing after it was stopped, and says what cannot be watched", async () => {
    const dir = tempDir();
    const stopped = watching(dir);
    const other = watching(dir);
    stopped.stop.abort();
    writeFileSync(join(dir, "a.ts"), "1");
    await eventually(() => other.told() > 0);
    expect([stopped.told(), stopped.delays]).toEqual([0, []]);
    expect(watching(join(dir, "nope")).warnings).toEqual([]);
  });
});
