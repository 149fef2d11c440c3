import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A fresh folder that is removed when the test ends, or when `atEnd` runs what it is given. */
export function tempDir(atEnd: (remove: () => void) => void = onTestFinished): string {
  const path = mkdtempSync(join(tmpdir(), "wl-"));
  atEnd(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
