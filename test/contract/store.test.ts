import { describe, expect, it } from "vitest";
import { CompactedError, StoreError } from "../../src/store/store.ts";
import {
  contents,
  del,
  historyOf,
  type MakeStore,
  put,
  replay,
  STORE_DRIVERS,
  watching,
  write,
} from "../support/store-drivers.ts";

for (const { name, make } of STORE_DRIVERS) describeStore(name, make);

function describeStore(name: string, make: MakeStore): void {
  describe(`${name} store: transactions`, () => {
    it("starts empty at revision 0", async () => {
      const store = await make();
      expect([store.revision, store.compactedRevision, store.range(""), store.get("a")]).toEqual([0, 0, [], undefined]);
    });

    it("gives every accepted transaction the next revision, also one that changes nothing", async () => {
      const store = await make();
      expect(await store.txn([], [put("a", "1")])).toEqual({ ok: true, revision: 1 });
      expect(await store.txn([], [del("none")])).toEqual({ ok: true, revision: 2 });
      expect(await store.txn([], [])).toEqual({ ok: true, revision: 3 });
      expect(store.revision).toBe(3);
    });

    it("keeps the revision of creation and of the last write", async () => {
      const store = await make();
      await write(store, "a", "1");
      await write(store, "b", "1");
      await write(store, "a", "2");
      expect(store.get("a")).toEqual({ key: "a", value: "2", createRevision: 1, modRevision: 3 });
      await store.txn([], [del("a")]);
      await write(store, "a", "3");
      expect(store.get("a")).toEqual({ key: "a", value: "3", createRevision: 5, modRevision: 5 });
    });

    it("creates a key only where there is none", async () => {
      const store = await make();
      const compare = [{ key: "a", modRevision: 0 }];
      expect(await store.txn(compare, [put("a", "1")])).toEqual({ ok: true, revision: 1 });
      expect(await store.txn(compare, [put("a", "2")])).toEqual({ ok: false, revision: 1, conflict: "a" });
      await store.txn([], [del("a")]);
      expect(await store.txn(compare, [put("a", "3")])).toEqual({ ok: true, revision: 3 });
    });

    it("updates a key only at the revision that was read", async () => {
      const store = await make();
      await write(store, "a", "1");
      await write(store, "a", "2");
      const stale = await store.txn([{ key: "a", modRevision: 1 }], [put("a", "x")]);
      expect(stale).toEqual({ ok: false, revision: 2, conflict: "a" });
      expect(await store.txn([{ key: "a", modRevision: 2 }], [put("a", "3")])).toEqual({ ok: true, revision: 3 });
    });

    it("leaves nothing behind after a conflict and names the first key that did not hold", async () => {
      const store = await make();
      await write(store, "a", "1");
      const compares = [
        { key: "a", modRevision: 1 },
        { key: "b", modRevision: 7 },
        { key: "c", modRevision: 7 },
      ];
      const result = await store.txn(compares, [put("a", "2"), put("d", "1")]);
      expect(result).toEqual({ ok: false, revision: 1, conflict: "b" });
      expect([...contents(store.range(""))]).toEqual([["a", "1"]]);
      expect(await historyOf(store, "", 0)).toEqual([{ revision: 1, changes: [{ key: "a", value: "1" }] }]);
    });

    it("commits several writes under one revision", async () => {
      const store = await make();
      await write(store, "old", "1");
      await store.txn([], [put("a", "1"), del("old"), put("b", "2")]);
      expect(store.range("").map((entry) => [entry.key, entry.modRevision])).toEqual([
        ["a", 2],
        ["b", 2],
      ]);
    });

    it("lets exactly one of many writers at the same revision win", async () => {
      const store = await make();
      await write(store, "a", "0");
      const tries = Array.from({ length: 50 }, (_, i) =>
        store.txn([{ key: "a", modRevision: 1 }], [put("a", String(i))]),
      );
      const results = await Promise.all(tries);
      expect(results.map((result) => result.ok)).toEqual(results.map((_, i) => i === 0));
      expect(store.get("a")).toMatchObject({ value: "0", modRevision: 2 });
    });

    it("decides transactions that wait together in order, each on the state that the earlier ones left", async () => {
      const store = await make();
      const results = await Promise.all([
        store.txn([{ key: "a", modRevision: 0 }], [put("a", "1")]),
        store.txn([{ key: "a", modRevision: 1 }], [del("a")]),
        store.txn([{ key: "a", modRevision: 1 }], [put("b", "never")]),
        store.txn([{ key: "a", modRevision: 0 }], [put("a", "2")]),
      ]);
      expect(results).toEqual([
        { ok: true, revision: 1 },
        { ok: true, revision: 2 },
        { ok: false, revision: 2, conflict: "a" },
        { ok: true, revision: 3 },
      ]);
      expect(store.range("")).toEqual([{ key: "a", value: "2", createRevision: 3, modRevision: 3 }]);
    });

    it("shows a write when its promise resolves and not before the call returns", async () => {
      const store = await make();
      const written = store.txn([], [put("a", "1")]);
      expect([store.revision, store.get("a")]).toEqual([0, undefined]);
      await written;
      expect([store.revision, store.get("a")?.value]).toEqual([1, "1"]);
    });

    it.each([
      { what: "a key named twice", ops: [put("a", "1"), del("a")] },
      { what: "a key that has no UTF-8 form", ops: [put("\ud800", "1")] },
      { what: "a value that has no UTF-8 form", ops: [put("b", "x\udc00")] },
    ])("refuses $what and changes nothing", async ({ ops }) => {
      const store = await make();
      await expect(store.txn([], ops)).rejects.toThrow(/^(key|the value of key) "/);
      expect(store.revision).toBe(0);
    });

    it("keeps any text as it is", async () => {
      const store = await make();
      const texts = ["", "\u0000", "a\u0000b", "\u{1f600}", "\uffff", '"\\\n', "x".repeat(100_000)];
      for (const text of texts) await write(store, `k${text}`, text);
      for (const text of texts) expect(store.get(`k${text}`)?.value).toBe(text);
      const seen = await historyOf(store, "", 0);
      expect(seen.map((batch) => batch.changes[0]?.value)).toEqual(texts);
    });
  });

  describe(`${name} store: range`, () => {
    it("lists the keys with a prefix in the order of code units", async () => {
      const store = await make();
      // U+10000 is a pair of surrogates, below U+FFFF in code units and above it in code points and UTF-8.
      const keys = ["p/", "p/\uffff", "p/\u{10000}", "p/b", "p/a", "p", "q", "o/z", "p/a/1", "p0"];
      await Promise.all(keys.map((key) => write(store, key, "1")));
      expect(store.range("p/").map((entry) => entry.key)).toEqual([
        "p/",
        "p/a",
        "p/a/1",
        "p/b",
        "p/\u{10000}",
        "p/\uffff",
      ]);
      expect(store.range("").map((entry) => entry.key)).toEqual([...keys].sort());
      expect(store.range("zz")).toEqual([]);
    });

    it("stays ordered through thousands of inserts and deletions", async () => {
      const store = await make();
      const keys = Array.from({ length: 3000 }, (_, i) => `k/${(i * 7919) % 3000}`);
      await store.txn(
        [],
        keys.map((key) => put(key, "1")),
      );
      await store.txn(
        [],
        keys.filter((_, i) => i % 3 !== 0).map((key) => del(key)),
      );
      const left = keys.filter((_, i) => i % 3 === 0).sort();
      expect(store.range("").map((entry) => entry.key)).toEqual(left);
      const some = store.range("k/29").map((entry) => entry.key);
      expect(some).toEqual(left.filter((key) => key.startsWith("k/29")));
    });
  });

  describe(`${name} store: watch`, () => {
    it("brings what is written after the present revision, one batch a revision", async () => {
      const store = await make();
      await write(store, "a", "0");
      const watch = watching(store, "", store.revision);
      const first = watch.next();
      await store.txn([], [put("a", "1"), put("b", "1")]);
      await store.txn([], [del("a")]);
      expect((await first).value).toEqual({
        revision: 2,
        changes: [
          { key: "a", value: "1" },
          { key: "b", value: "1" },
        ],
      });
      expect(await watch.take(1)).toEqual([{ revision: 3, changes: [{ key: "a", value: undefined }] }]);
    });

    it("brings history after an old revision and goes on with what is new", async () => {
      const store = await make({ pageRevisions: 3 });
      for (let i = 1; i <= 10; i++) await write(store, "a", String(i));
      const watch = watching(store, "", 4);
      const old = await watch.take(6);
      const next = watch.next();
      await write(store, "a", "11");
      expect([...old, (await next).value].map((batch) => batch.revision)).toEqual([5, 6, 7, 8, 9, 10, 11]);
    });

    it("waits for a revision that is still to come", async () => {
      const store = await make();
      const watch = watching(store, "", 2);
      const first = watch.next();
      for (let i = 1; i <= 3; i++) await write(store, "a", String(i));
      expect((await first).value).toEqual({ revision: 3, changes: [{ key: "a", value: "3" }] });
    });

    it("skips revisions without the prefix and narrows the others to it", async () => {
      const store = await make({ pageRevisions: 2 });
      const live = watching(store, "p/", 0);
      const first = live.next();
      for (let i = 0; i < 9; i++) await write(store, "other", String(i));
      await store.txn([], [put("p/a", "1"), put("other", "x")]);
      await store.txn([], [del("p/a"), del("p/none")]);
      const wanted = [
        { revision: 10, changes: [{ key: "p/a", value: "1" }] },
        { revision: 11, changes: [{ key: "p/a", value: undefined }] },
      ];
      expect([(await first).value, ...(await live.take(1))]).toEqual(wanted);
      expect(await watching(store, "p/", 0).take(2)).toEqual(wanted);
    });

    it("keeps quiet writes, tells no watch of them, and holds none in history", async () => {
      const store = await make();
      await store.txn([], [put("a/1", "1"), { ...put("quiet", "1"), quiet: true }]);
      await store.txn([], [{ ...put("quiet", "2"), quiet: true }]);
      await store.txn([], [{ ...del("quiet"), quiet: true }, put("a/2", "2")]);
      expect(store.revision).toBe(3);
      expect(await watching(store, "", 0).take(2)).toEqual([
        { revision: 1, changes: [{ key: "a/1", value: "1" }] },
        { revision: 3, changes: [{ key: "a/2", value: "2" }] },
      ]);
      await store.txn([], [{ ...put("quiet", "3"), quiet: true }]);
      expect(store.get("quiet")).toMatchObject({ value: "3", createRevision: 4, modRevision: 4 });
    });

    it("has no gap, no duplicate and no disorder for watchers that join while many write", async () => {
      const store = await make({ queuedBatches: 5, pageRevisions: 7 });
      const writers = Array.from({ length: 8 }, async (_, w) => {
        for (let i = 0; i < 40; i++) await write(store, `k/${w}/${i % 3}`, String(i));
      });
      const joins = Array.from({ length: 20 }, async (_, i) => {
        await write(store, "join", String(i));
        const from = i % 2 === 0 ? store.revision : Math.floor(store.revision / 2);
        const before = replay((await watching(store, "", 0).take(from)).slice(0, from));
        const batches = await watching(store, "", from).take(340 - from);
        return { from, before, batches };
      });
      await Promise.all(writers);
      for (const { from, before, batches } of await Promise.all(joins)) {
        expect(batches.map((batch) => batch.revision)).toEqual(
          Array.from({ length: 340 - from }, (_, i) => from + i + 1),
        );
        expect(replay(batches, before)).toEqual(contents(store.range("")));
      }
    });

    it("never delays a writer for a reader that does not read, and brings that reader all of it later", async () => {
      const store = await make({ queuedBatches: 4, queuedChars: 100 });
      const slow = watching(store, "", 0);
      const first = slow.next();
      await write(store, "a", "1");
      await first;
      for (let i = 2; i <= 600; i++) await write(store, "a", String(i));
      const rest = await slow.take(599);
      expect(rest.map((batch) => batch.changes[0]?.value)).toEqual(rest.map((_, i) => String(i + 2)));
      const next = slow.next();
      await write(store, "b", "live");
      expect((await next).value).toEqual({ revision: 601, changes: [{ key: "b", value: "live" }] });
    });

    it("brings each of a thousand watchers on one signal the same batches", async () => {
      const store = await make();
      const controller = new AbortController();
      const warnings: Error[] = [];
      const listen = (warning: Error): number => warnings.push(warning);
      process.on("warning", listen);
      const readers = Array.from({ length: 1000 }, async (_, i) => {
        const seen: number[] = [];
        for await (const batch of store.watch(`k/${i % 10}/`, 0, controller.signal)) {
          seen.push(batch.revision);
          if (seen.length === 5) break;
        }
        return seen;
      });
      for (let i = 0; i < 50; i++) await write(store, `k/${i % 10}/x`, String(i));
      const seen = await Promise.all(readers);
      seen.forEach((revisions, i) => {
        expect(revisions).toEqual([1, 11, 21, 31, 41].map((revision) => revision + (i % 10)));
      });
      process.off("warning", listen);
      expect(warnings).toEqual([]);
    });

    it("ends at once when the signal aborts, whether the reader waits, holds a batch or has not begun", async () => {
      const store = await make();
      const [waiting, holding, fresh] = [watching(store, "", 0), watching(store, "", 0), watching(store, "", 0)];
      const held = holding.next();
      const pending = waiting.next();
      await write(store, "a", "1");
      await Promise.all([held, pending]);
      const more = waiting.next();
      await write(store, "a", "2");
      await more;
      const blocked = waiting.next();
      for (const watch of [waiting, holding, fresh]) watch.abort();
      const ended = { done: true, value: undefined };
      expect(await Promise.all([blocked, holding.next(), fresh.next()])).toEqual([ended, ended, ended]);
    });

    it("ends when the store closes, and cannot be started after", async () => {
      const store = await make();
      const blocked = watching(store, "", 0).next();
      await store.close();
      expect(await blocked).toEqual({ done: true, value: undefined });
      await expect(watching(store, "", 0).next()).rejects.toMatchObject({ name: "StoreError", kind: "closed" });
    });
  });

  describe(`${name} store: onCommit`, () => {
    it("tells of each revision once it can be read and before its writer goes on, quiet ones without their changes", async () => {
      const store = await make();
      const heard: unknown[] = [];
      const end = store.onCommit({
        committed: ({ revision, changes }) => heard.push([revision, store.revision >= revision, changes.length]),
        closed: () => heard.push("closed"),
      });
      const first = write(store, "a", "1").then(() => heard.push("answered"));
      await first;
      expect(heard).toEqual([[1, true, 1], "answered"]);
      await store.txn([], [{ kind: "put", key: "q", value: "1", quiet: true }]);
      await store.txn([{ key: "a", modRevision: 7 }], [put("a", "no")]);
      expect(heard.slice(2)).toEqual([[2, true, 0]]);
      end();
      await write(store, "a", "2");
      expect(heard.length).toBe(3);
    });

    it("tells in the order of revisions, with all there is, while many write", async () => {
      const store = await make();
      const heard: number[] = [];
      store.onCommit({ committed: ({ revision }) => void heard.push(revision), closed() {} });
      await Promise.all(Array.from({ length: 100 }, (_, n) => write(store, `k${n % 7}`, String(n))));
      expect(heard).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
    });

    it("tells that the store closes, also who asks after that", async () => {
      const store = await make();
      const heard: string[] = [];
      store.onCommit({ committed() {}, closed: () => heard.push("one") });
      await store.close();
      store.onCommit({ committed() {}, closed: () => heard.push("two") });
      expect(heard).toEqual(["one", "two"]);
    });
  });

  describe(`${name} store: compact`, () => {
    it("forgets history and keeps values", async () => {
      const store = await make();
      for (let i = 1; i <= 5; i++) await write(store, `k${i}`, String(i));
      await store.compact(3);
      expect([store.revision, store.compactedRevision, store.range("").length]).toEqual([5, 3, 5]);
      await expect(watching(store, "", 2).next()).rejects.toEqual(new CompactedError(3));
      expect((await watching(store, "", 3).take(2)).map((batch) => batch.revision)).toEqual([4, 5]);
    });

    it("never goes back and never goes past the present", async () => {
      const store = await make();
      for (let i = 1; i <= 5; i++) await write(store, "a", String(i));
      await store.compact(4);
      await store.compact(2);
      expect(store.compactedRevision).toBe(4);
      await store.compact(99);
      expect(store.compactedRevision).toBe(5);
      const next = watching(store, "", 5).next();
      expect(await write(store, "a", "6")).toBe(6);
      expect((await next).value).toMatchObject({ revision: 6 });
    });

    it("does not trouble a watcher that is up to date", async () => {
      const store = await make();
      const watch = watching(store, "", 0);
      const first = watch.next();
      await write(store, "a", "1");
      await first;
      await store.compact(1);
      const second = watch.next();
      await write(store, "a", "2");
      expect((await second).value).toMatchObject({ revision: 2 });
    });

    it("tells a watcher that fell behind, after what it still had, and skips nothing in silence", async () => {
      const store = await make({ queuedBatches: 3 });
      const slow = watching(store, "", 0);
      const first = slow.next();
      for (let i = 1; i <= 20; i++) await write(store, "a", String(i));
      await store.compact(10);
      const queued = [(await first).value, ...(await slow.take(3))];
      expect(queued.map((batch) => batch.revision)).toEqual([1, 2, 3, 4]);
      await expect(slow.next()).rejects.toEqual(new CompactedError(10));
    });

    it("removes thousands of revisions while others write", async () => {
      const store = await make();
      await Promise.all(Array.from({ length: 5000 }, (_, i) => write(store, `k${i % 10}`, String(i))));
      const [, revision] = await Promise.all([store.compact(4990), write(store, "a", "1")]);
      expect([revision, store.compactedRevision]).toEqual([5001, 4990]);
      expect((await watching(store, "", 4990).take(11)).at(-1)?.revision).toBe(5001);
    });
  });

  describe(`${name} store: close`, () => {
    it("waits for pending writes, then rejects every later call", async () => {
      const store = await make();
      const pending = Array.from({ length: 20 }, (_, i) => write(store, `k${i}`, "1"));
      const closed = store.close();
      const late = store.txn([], [put("late", "1")]);
      await expect(late).rejects.toBeInstanceOf(StoreError);
      await closed;
      expect(await Promise.all(pending)).toEqual(pending.map((_, i) => i + 1));
      await expect(store.compact(1)).rejects.toMatchObject({ kind: "closed" });
      expect([store.get("late"), store.range("").length]).toEqual([undefined, 20]);
    });

    it("may be called again", async () => {
      const store = await make();
      await Promise.all([store.close(), store.close()]);
      await expect(store.close()).resolves.toBeUndefined();
    });
  });
}
