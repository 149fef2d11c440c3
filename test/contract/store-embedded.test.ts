import { spawnSync } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openEmbeddedStore } from "../../src/store/embedded.ts";
import type { Store } from "../../src/store/store.ts";
import { closing, contents, del, historyOf, put, watching, write } from "../support/store-drivers.ts";
import { tempDir } from "../support/temp-dir.ts";

describe("embedded store: reopening", () => {
  it("has the values, the revision, the compacted revision and the history of before", async () => {
    const path = join(tempDir(), "s.db");
    const first = await openEmbeddedStore({ path });
    const keys = ["b", "\uffff", "\u{10000}", "a"];
    for (const key of keys) await write(first, key, `of ${key}`);
    await first.txn([], [put("a", "new"), del("b")]);
    await first.compact(2);
    const before = { revision: first.revision, range: first.range(""), history: await historyOf(first, "", 2) };
    await first.close();

    const second = await openEmbeddedStore({ path }).then(closing);
    // Reading the history wrote and removed a marker: two revisions.
    expect([second.revision, second.compactedRevision]).toEqual([before.revision + 2, 2]);
    expect(second.range("")).toEqual(before.range);
    expect((await watching(second, "", 2).take(before.history.length)).slice()).toEqual(before.history);
    await expect(watching(second, "", 1).next()).rejects.toMatchObject({
      name: "CompactedError",
      compactedRevision: 2,
    });
    expect(await write(second, "c", "1")).toBe(before.revision + 3);
  });

  it("never takes a revision again, also when all keys and all history are gone", async () => {
    const path = join(tempDir(), "s.db");
    const first = await openEmbeddedStore({ path });
    for (let i = 0; i < 10; i++) await write(first, "a", String(i));
    await first.txn([], [del("a")]);
    await first.compact(11);
    await first.close();
    const second = await openEmbeddedStore({ path }).then(closing);
    expect([second.revision, second.compactedRevision, second.range("")]).toEqual([11, 11, []]);
    expect(await write(second, "a", "1")).toBe(12);
  });

  it("reads history of large values in small pages, all of it", async () => {
    const path = join(tempDir(), "s.db");
    const store = await openEmbeddedStore({ path }).then(closing);
    for (let i = 0; i < 7; i++) await write(store, "big", String(i).repeat(600_000));
    const seen = await watching(store, "", 0).take(7);
    expect(seen.map((batch) => batch.changes[0]?.value?.slice(0, 2))).toEqual(seen.map((_, i) => `${i}${i}`));
  });

  it("keeps the write-ahead log small under steady writing, and leaves none after close", async () => {
    const path = join(tempDir(), "s.db");
    const store = await openEmbeddedStore({ path });
    let largest = 0;
    for (let i = 0; i < 60; i++) {
      await store.txn([], [put("big", "x".repeat(300_000))]);
      largest = Math.max(largest, statSync(`${path}-wal`).size);
      // A turn without a writer.
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(largest).toBeGreaterThan(1_000_000);
    expect(largest).toBeLessThan(8_000_000);
    await store.close();
    expect(statSync(`${path}-wal`, { throwIfNoEntry: false })).toBeUndefined();
  });
});

describe("embedded store: opening", () => {
  it("makes the file for its owner alone", async () => {
    const path = join(tempDir(), "s.db");
    await openEmbeddedStore({ path }).then(closing);
    expect([path, `${path}-wal`].map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600]);
  });

  it("syncs every commit to the disk", async () => {
    const { db } = await openWithConnection(join(tempDir(), "s.db"));
    const settings = ["journal_mode", "synchronous", "fullfsync"].map(
      (name) => db.prepare(`PRAGMA ${name}`).get()?.[name],
    );
    expect(settings).toEqual(["wal", 2, 1]);
  });

  it("refuses a file that is in use, in this process or another, until it is closed", async () => {
    const path = join(tempDir(), "s.db");
    const first = await openEmbeddedStore({ path });
    const error = await failure(path);
    expect(error.kind).toBe("locked");
    expect(error.message).toContain(`the store ${path} is in use by another process: stop`);
    // The refusal has not freed the lock of the first.
    const module = JSON.stringify(fileURLToPath(new URL("../../src/store/embedded.ts", import.meta.url)));
    const script = `const { openEmbeddedStore } = await import(${module});
      await openEmbeddedStore({ path: ${JSON.stringify(path)} }).then(() => console.log("opened"), (e) => console.log(e.kind));`;
    const run = (): { stdout: string; stderr: string } =>
      spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    expect(run().stdout).toBe("locked\n");
    await first.close();
    const { stdout, stderr } = run();
    expect({ stdout, stderr }).toEqual({ stdout: "opened\n", stderr: "" });
  });

  it.each([
    { what: "a missing folder", kind: "unwritable", prepare: (dir: string) => join(dir, "none", "s.db") },
    {
      what: "a folder that is a file",
      kind: "unwritable",
      prepare: (dir: string) => {
        writeFileSync(join(dir, "f"), "");
        return join(dir, "f", "s.db");
      },
    },
    {
      what: "a path that is a folder",
      kind: "unwritable",
      prepare: (dir: string) => {
        mkdirSync(join(dir, "s.db"));
        return join(dir, "s.db");
      },
    },
    {
      what: "a file that is not a database",
      kind: "corrupt",
      prepare: (dir: string) => fileWith(dir, "windlass: 1\n".repeat(500)),
    },
    { what: "a short file that is not a database", kind: "corrupt", prepare: (dir: string) => fileWith(dir, "hello") },
    {
      what: "a database of another program",
      kind: "corrupt",
      prepare: (dir: string) => database(dir, "CREATE TABLE notes (text TEXT)"),
    },
    {
      what: "a store of a later version",
      kind: "corrupt",
      prepare: (dir: string) => database(dir, `PRAGMA application_id = ${0x574e444c}; PRAGMA user_version = 2`),
    },
  ])("says in one line that $what is $kind", async ({ kind, prepare }) => {
    const path = prepare(tempDir());
    const error = await failure(path);
    expect(error.kind).toBe(kind);
    expect(error.message).toContain(path);
    expect(error.message).toMatch(/^[^\n]+: [^\n]+$/);
  });

  it.each([
    { what: "history that ends too early", sql: "DELETE FROM log WHERE revision = 3" },
    { what: "missing revisions", sql: "DELETE FROM state" },
    { what: "a missing table", sql: "DROP TABLE kv" },
  ])("refuses a store with $what", async ({ sql }) => {
    const dir = tempDir();
    const path = join(dir, "s.db");
    const store = await openEmbeddedStore({ path });
    for (let i = 0; i < 3; i++) await write(store, "a", String(i));
    await store.close();
    database(dir, sql);
    const error = await failure(path);
    expect(error.kind).toBe("corrupt");
    expect(error.message).toContain(`the store ${path} is damaged (`);
    // The refusal holds no lock.
    expect(() => database(dir, "CREATE TABLE free (x)")).not.toThrow();
  });

  it("tells a watcher of a hole in the history instead of skipping it", async () => {
    const path = join(tempDir(), "s.db");
    const { store, db } = await openWithConnection(path);
    for (let i = 1; i <= 5; i++) await write(store, "a", String(i));
    db.exec("DELETE FROM log WHERE revision = 3");
    await expect(watching(store, "", 0).take(5)).rejects.toMatchObject({ name: "StoreError", kind: "corrupt" });
  });
});

describe("embedded store: a disk that takes no more", () => {
  it.each([
    {
      what: "a full disk",
      break: (db: DatabaseSync) => db.exec("PRAGMA max_page_count = 1"),
      mend: (db: DatabaseSync) => db.exec("PRAGMA max_page_count = 1000000"),
    },
    {
      // A deferred constraint fails at COMMIT itself and leaves the transaction open.
      what: "a commit that fails",
      break: (db: DatabaseSync) =>
        db.exec(`PRAGMA foreign_keys = ON; CREATE TABLE parent (x PRIMARY KEY);
          CREATE TABLE child (x REFERENCES parent (x) DEFERRABLE INITIALLY DEFERRED);
          CREATE TRIGGER fail AFTER INSERT ON log BEGIN INSERT INTO child VALUES (1); END`),
      mend: (db: DatabaseSync) => db.exec("DROP TRIGGER fail"),
    },
  ])(
    "rejects every writer of the group on $what, changes nothing, and takes writes once it is mended",
    async (disk) => {
      const path = join(tempDir(), "s.db");
      const { store, db } = await openWithConnection(path);
      for (let i = 0; i < 20; i++) await write(store, `k${i}`, "1");
      const values = store.range("");
      const watch = watching(store, "", 20);
      const next = watch.next();

      disk.break(db);
      const group = Array.from({ length: 10 }, (_, i) =>
        store.txn([], [put(`k${i}`, "x".repeat(50_000)), del(`k1${i}`)]),
      );
      // Would hold only on what the failed ones left.
      group.push(store.txn([{ key: "k0", modRevision: 21 }], []));
      for (const result of await Promise.allSettled(group)) {
        expect(result).toMatchObject({ status: "rejected", reason: { name: "StoreError", kind: "unwritable" } });
        const message = (result as PromiseRejectedResult).reason.message;
        expect(message).toMatch(/^the store \S+ took no write \([^\n]+\): [^\n]+$/);
      }
      expect([store.revision, store.range("")]).toEqual([20, values]);
      expect(onDisk(db)).toEqual({ revision: 20, logged: 20, values: contents(values) });

      disk.mend(db);
      expect(await write(store, "k0", "2")).toBe(21);
      expect((await next).value).toEqual({ revision: 21, changes: [{ key: "k0", value: "2" }] });
      expect(onDisk(db)).toEqual({ revision: 21, logged: 21, values: contents(store.range("")) });
      const after = store.range("");
      await store.close();
      const reopened = await openEmbeddedStore({ path }).then(closing);
      expect([reopened.revision, reopened.range("")]).toEqual([21, after]);
    },
  );

  it("leaves history as it is when a compaction cannot be written", async () => {
    const path = join(tempDir(), "s.db");
    const { store, db } = await openWithConnection(path);
    for (let i = 1; i <= 5; i++) await write(store, "a", String(i));
    db.exec("CREATE TRIGGER fail BEFORE DELETE ON log BEGIN SELECT RAISE(FAIL, 'no'); END");
    await expect(store.compact(3)).rejects.toMatchObject({ kind: "unwritable" });
    expect([store.compactedRevision, (await watching(store, "", 0).take(5)).length]).toEqual([0, 5]);
    db.exec("DROP TRIGGER fail");
    await store.compact(3);
    expect(store.compactedRevision).toBe(3);
  });
});

/** A store, closed when the test ends, and its own connection, to break things with. */
async function openWithConnection(path: string): Promise<{ store: Store; db: DatabaseSync }> {
  const connections: DatabaseSync[] = [];
  const store = await openEmbeddedStore({ path, onOpen: (db) => connections.push(db) }).then(closing);
  return { store, db: connections[0]! };
}

async function failure(path: string): Promise<{ kind: string; message: string }> {
  const opened: Store | { kind: string; message: string } = await openEmbeddedStore({ path, busyTimeoutMs: 0 }).catch(
    (error: unknown) => error as { kind: string; message: string },
  );
  if ("txn" in opened) {
    await opened.close();
    throw new Error(`${path} was opened`);
  }
  return opened;
}

function fileWith(dir: string, text: string): string {
  writeFileSync(join(dir, "s.db"), text);
  return join(dir, "s.db");
}

function database(dir: string, sql: string): string {
  const db = new DatabaseSync(join(dir, "s.db"));
  db.exec(sql);
  db.close();
  return join(dir, "s.db");
}

function onDisk(db: DatabaseSync): { revision: unknown; logged: unknown; values: Map<string, string> } {
  const rows = db.prepare("SELECT key, value FROM kv").all();
  return {
    revision: db.prepare("SELECT revision FROM state").get()?.revision,
    logged: db.prepare("SELECT count(*) AS n FROM log").get()?.n,
    values: new Map(rows.map((row) => [String(row.key), String(row.value)] as const).sort()),
  };
}
