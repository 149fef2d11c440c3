import { describe, expect, it } from "vitest";
import type { ChangeBatch } from "../../src/store/store.ts";
import { createWatchHub, type History, type WatchHub, type WatchLimits } from "../../src/store/watch-hub.ts";
import { watching } from "../support/store-drivers.ts";

describe("watch hub", () => {
  it("holds no more than its bounds for a reader that never reads, and reads no history for it", async () => {
    const { hub, commit, reads } = setUp({ queuedBatches: 10 });
    const watch = watching(hub, "", 0);
    const first = watch.next();
    for (let i = 0; i < 1000; i++) commit("a", "x");
    await first;
    expect(hub.stats()).toEqual({ watchers: 1, catchingUp: 1, queuedBatches: 9 });
    expect(reads).toEqual([]);
  });

  it("bounds what waits by its size too, and always has room for one batch", async () => {
    const { hub, commit } = setUp({ queuedChars: 100 });
    const watch = watching(hub, "", 0);
    const first = watch.next();
    for (let i = 0; i < 5; i++) commit("a", "x".repeat(40));
    expect(hub.stats()).toEqual({ watchers: 1, catchingUp: 1, queuedBatches: 2 });
    await first;
    expect((await watch.take(4)).length).toBe(4);
    const next = watch.next();
    commit("a", "x".repeat(5000));
    expect((await next).value).toMatchObject({ revision: 6 });
    expect(hub.stats()).toEqual({ watchers: 1, catchingUp: 0, queuedBatches: 0 });
  });

  it("counts only what waits now: reading makes room, and pages of history take it", async () => {
    const { hub, commit } = setUp({ queuedChars: 100 });
    for (let i = 0; i < 3; i++) commit("a", "x".repeat(30));
    const watch = watching(hub, "", 0);
    await watch.take(1);
    // Two of the page wait, 62 characters: there is room for one more.
    commit("a", "x".repeat(30));
    expect(hub.stats()).toEqual({ watchers: 1, catchingUp: 0, queuedBatches: 3 });
    commit("a", "x".repeat(30));
    expect(hub.stats()).toEqual({ watchers: 1, catchingUp: 1, queuedBatches: 3 });
    await watch.take(4);
    for (let i = 0; i < 20; i++) {
      const next = watch.next();
      commit("a", "x".repeat(30));
      await next;
    }
    commit("a", "x".repeat(30));
    commit("a", "x".repeat(30));
    expect(hub.stats()).toEqual({ watchers: 1, catchingUp: 0, queuedBatches: 2 });
  });

  it("reads history in pages of bounded length, then follows without reading", async () => {
    const { hub, commit, reads } = setUp({ pageRevisions: 4 });
    for (let i = 0; i < 10; i++) commit("a", String(i));
    const watch = watching(hub, "", 0);
    await watch.take(10);
    const next = watch.next();
    commit("a", "live");
    await next;
    expect(reads).toEqual([
      { from: 0, limit: 4 },
      { from: 4, limit: 4 },
      { from: 8, limit: 4 },
    ]);
  });

  it("lets the event loop turn between pages of a long history that holds nothing for the watcher", async () => {
    const { hub, commit, reads } = setUp({ pageRevisions: 10 });
    for (let i = 0; i < 1000; i++) commit("other", "x");
    const next = watching(hub, "a", 0).next();
    let readsAtFirstTurn = 0;
    setImmediate(() => {
      readsAtFirstTurn = reads.length;
      commit("a", "written while the watcher catches up");
    });
    expect((await next).value).toMatchObject({ revision: 1001 });
    expect(readsAtFirstTurn).toBeLessThan(5);
    expect(reads.length).toBeGreaterThanOrEqual(100);
  });

  it("shares one batch among the watchers of a prefix", async () => {
    const { hub, commit } = setUp();
    const steps = [watching(hub, "a", 0).next(), watching(hub, "a", 0).next()];
    commit("a", "1");
    const [one, two] = await Promise.all(steps);
    expect(one?.value).toBe(two?.value);
  });

  it.each([
    { how: "abort", leave: (watch: Watching) => watch.abort() },
    { how: "close of the store", leave: (_: Watching, hub: WatchHub) => hub.close() },
  ])("drops what is queued at $how although the reader takes no further step", async ({ leave }) => {
    const { hub, commit } = setUp();
    const watch = watching(hub, "", 0);
    const first = watch.next();
    commit("a", "1");
    await first;
    commit("a", "2");
    expect(hub.stats()).toEqual({ watchers: 1, catchingUp: 0, queuedBatches: 1 });
    leave(watch, hub);
    expect(hub.stats()).toEqual({ watchers: 0, catchingUp: 0, queuedBatches: 0 });
  });

  it("forgets a reader that leaves its loop", async () => {
    const { hub, commit } = setUp();
    commit("a", "1");
    for await (const batch of hub.watch("", 0, new AbortController().signal)) {
      expect(batch.revision).toBe(1);
      break;
    }
    expect(hub.stats().watchers).toBe(0);
  });

  it("passes on a failure to read history and forgets the watcher", async () => {
    const { hub, commit } = setUp({ pageRevisions: 0 });
    commit("a", "1");
    await expect(watching(hub, "", 0).next()).rejects.toThrow("limit 0");
    expect(hub.stats().watchers).toBe(0);
  });
});

type Watching = ReturnType<typeof watching>;

/** A hub over a plain list, and a way to commit to it. */
function setUp(limits: Partial<WatchLimits> = {}): {
  hub: WatchHub;
  commit: (key: string, value: string) => void;
  reads: { from: number; limit: number }[];
} {
  const log: ChangeBatch[] = [];
  const reads: { from: number; limit: number }[] = [];
  const history: History = {
    get revision() {
      return log.length;
    },
    compactedRevision: 0,
    read(prefix, from, limit) {
      if (limit < 1) throw new Error(`limit ${limit}`);
      reads.push({ from, limit });
      const seen = log.slice(from, from + limit);
      return { batches: seen.filter((batch) => batch.changes[0]?.key.startsWith(prefix)), through: from + seen.length };
    },
  };
  const hub = createWatchHub(history, limits);
  return {
    hub,
    reads,
    commit(key, value) {
      const batch = { revision: log.length + 1, changes: [{ key, value }] };
      log.push(batch);
      hub.publish(batch);
    },
  };
}
