import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/core/system-clock.ts";
import { openEmbeddedStore } from "../../src/store/embedded.ts";
import { closing, historyOf } from "../support/store-drivers.ts";
import { tempDir } from "../support/temp-dir.ts";

const WRITER = fileURLToPath(new URL("../support/store-writer.ts", import.meta.url));

it("keeps every acknowledged write, frees the lock and has no gap after each kill -9 in the middle of writing", async () => {
  const folder = tempDir();
  const path = join(folder, "s.db");
  const acknowledgements = join(folder, "acknowledged");
  let before = 0;
  for (let round = 0; round < 5; round++) {
    const child = startWriter(path, acknowledgements);
    // Rounds end at different places of the writer's work, some before and some after a compaction.
    await acknowledgedLines(child.process, acknowledgements, before + 50 + round * 333);
    await expect(openEmbeddedStore({ path, busyTimeoutMs: 0 })).rejects.toMatchObject({ kind: "locked" });
    child.process.kill("SIGKILL");
    await child.exited;

    const acknowledged = readAcknowledged(acknowledgements);
    before = acknowledged.length;
    const store = await openEmbeddedStore({ path, busyTimeoutMs: 0 });
    expect(store.revision).toBeGreaterThanOrEqual(Math.max(...acknowledged.map((line) => line.revision)));
    expect(new Set(acknowledged.map((line) => line.revision)).size).toBe(acknowledged.length);

    const history = await historyOf(store, "", store.compactedRevision);
    history.forEach((batch, i) => {
      expect(batch.revision).toBe(store.compactedRevision + i + 1);
    });
    const byRevision = new Map(history.map((batch) => [batch.revision, batch]));
    for (const { revision, writer, count } of acknowledged) {
      expect(Number(store.get(`writer/${writer}`)?.value)).toBeGreaterThanOrEqual(count);
      if (revision <= store.compactedRevision) continue;
      const change = byRevision.get(revision)?.changes[0];
      expect(change).toEqual({ key: `writer/${writer}`, value: String(count) });
    }
    // Both writes of a transaction, or neither.
    for (const { key, value, modRevision } of store.range("writer/")) {
      const trail = store.get(`trail/${key.slice("writer/".length)}/${Number(value) % 50}`);
      expect(trail).toMatchObject({ value: `${value} `.repeat(40), modRevision });
    }
    await store.close();
  }
  expect((await openEmbeddedStore({ path }).then(closing)).compactedRevision).toBeGreaterThan(0);
}, 60_000);

function startWriter(path: string, acknowledgements: string): { process: ChildProcess; exited: Promise<void> } {
  const child = spawn(process.execPath, [WRITER, path, acknowledgements], { stdio: ["ignore", "ignore", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return { process: child, exited: new Promise((resolve) => child.once("exit", () => resolve())) };
}

async function acknowledgedLines(child: ChildProcess, path: string, count: number): Promise<void> {
  const deadline = systemClock.monotonic() + 20_000;
  while (readAcknowledged(path).length < count) {
    if (child.exitCode !== null) throw new Error(`the writer exited with ${child.exitCode}`);
    if (systemClock.monotonic() > deadline) throw new Error(`fewer than ${count} writes in 20 s`);
    await systemClock.sleep(5);
  }
}

function readAcknowledged(path: string): { revision: number; writer: number; count: number }[] {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return []; // not begun
  }
  // What follows the last line end was cut by the kill.
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const [revision, writer, count] = line.split(" ").map(Number);
      return { revision: revision!, writer: writer!, count: count! };
    });
}
