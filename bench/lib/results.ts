import { appendFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./windlass.ts";

/** Adds a run to the file of its day ("2026-11-22"). */
export function addToResults(day: string, text: string): void {
  const folder = join(ROOT, "bench", "results");
  const file = join(folder, `${day}.md`);
  mkdirSync(folder, { recursive: true });
  // Further runs of a day stand below the first.
  appendFileSync(file, existsSync(file) ? `\n${text}\n` : `# Bench\n\n${text}\n`);
}
