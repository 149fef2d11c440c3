/**
 * The embedded store's file: its lock, its schema and the SQL. Knows nothing of queues, watchers or transactions of
 * the store; everything here is synchronous and throws StoreError.
 *
 * Version 1 of the schema:
 *   state  one row: newest revision, compacted revision
 *   kv     present values
 *   log    one row for each revision above the compacted one, without gaps; `changes` is a JSON array that
 *          alternates keys and values (null for a deletion). Rows at or below the compacted revision are rubbish
 *          that an interrupted compaction left.
 */
import { closeSync, fsyncSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { errorText } from "../core/errors.ts";
import { loadSqlite } from "./load-sqlite.ts";
import { type Change, type ChangeBatch, type KeyValue, StoreError } from "./store.ts";

/** What is loaded when a file is opened. */
export interface StoredState {
  readonly revision: number;
  readonly compactedRevision: number;
  /** In no particular order. */
  readonly values: readonly KeyValue[];
}

/** An open, locked file. */
export interface StoreFile {
  load(): StoredState;
  /** Writes a group of revisions and syncs it to disk. When it throws, the file is as before. */
  commit(writes: ReadonlyMap<string, KeyValue | undefined>, batches: readonly ChangeBatch[], revision: number): void;
  /** Consecutive batches after `fromRevision`: `limit` at most, fewer when they are large. */
  read(fromRevision: number, limit: number): ChangeBatch[];
  /** Durably marks history up to `revision` as gone and removes some of it; false when more rows are left. */
  compact(revision: number): boolean;
  /** Bytes of the write-ahead log that are not in the main file yet, at most. */
  pendingBytes(): number;
  /** Moves the write-ahead log into the main file. */
  checkpoint(): void;
  /** Checkpoints and gives the lock back. */
  close(): void;
}

const APPLICATION_ID = 0x574e444c; // "WNDL"
const SCHEMA_VERSION = 1;
/** History is read until it exceeds this many characters, so that large values cost no large pages. */
const PAGE_CHARS = 1 << 20;
/** Log rows removed in one go: some milliseconds of the loop. */
const COMPACT_ROWS = 2000;

const SCHEMA = `
  CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL,
    compacted_revision INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE kv (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    create_revision INTEGER NOT NULL,
    mod_revision INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE log (revision INTEGER PRIMARY KEY, changes TEXT NOT NULL) STRICT;
  INSERT INTO state VALUES (1, 0, 0);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** Opens or creates the file at `path` and locks it until {@link StoreFile.close} or the end of the process. */
export function openStoreFile(path: string, busyTimeoutMs: number, onOpen?: (db: DatabaseSync) => void): StoreFile {
  createPrivate(path);
  let db: DatabaseSync | undefined;
  try {
    db = new (loadSqlite().DatabaseSync)(path, { timeout: busyTimeoutMs });
    // First of all, so that no statement ever runs without the single-writer lock.
    db.exec("PRAGMA locking_mode = EXCLUSIVE");
    const mode = db.prepare("PRAGMA journal_mode = WAL").get()?.journal_mode;
    if (mode !== "wal") throw new StoreError("unwritable", `the store ${path} cannot have a write-ahead log (${mode})`);
    // fullfsync: on macOS a plain sync does not reach the disk. No effect elsewhere.
    db.exec("PRAGMA synchronous = FULL; PRAGMA fullfsync = 1; PRAGMA wal_autocheckpoint = 0");
    prepareSchema(db, path);
    const file = storeFile(db, path);
    onOpen?.(db);
    return file;
  } catch (error) {
    db?.close();
    throw storeErrorOf(path, error);
  }
}

/**
 * A new file is made for its owner alone; SQLite gives its companions the same mode. An existing one is not opened
 * here: closing any second descriptor of it would free a lock that this process holds.
 */
function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
    const folder = openSync(dirname(path), "r");
    fsyncSync(folder);
    closeSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    const advice = "make its folder exist and writable, or choose another state folder";
    throw new StoreError("unwritable", `the store ${path} cannot be created (${errnoOf(error)}): ${advice}`, error);
  }
}

function prepareSchema(db: DatabaseSync, path: string): void {
  if (!checkSchema(db, path)) inTransaction(db, () => db.exec(SCHEMA));
}

/** Whether the file is a store of this version; false: it is empty. Throws StoreError for anything else. */
export function checkSchema(db: DatabaseSync, path: string): boolean {
  const id = db.prepare("PRAGMA application_id").get()?.application_id;
  const version = Number(db.prepare("PRAGMA user_version").get()?.user_version);
  if (id === APPLICATION_ID && version === SCHEMA_VERSION) return true;
  if (id === APPLICATION_ID) {
    const advice = "start the version that wrote it, or choose another state folder";
    throw new StoreError(
      "corrupt",
      `the store ${path} has schema ${version}, this version reads ${SCHEMA_VERSION}: ${advice}`,
    );
  }
  if (db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() !== undefined) {
    const advice = "choose another state folder, or move the file away";
    throw new StoreError("corrupt", `${path} is a database of another program: ${advice}`);
  }
  return false;
}

function storeFile(db: DatabaseSync, path: string): StoreFile {
  const put = db.prepare("INSERT OR REPLACE INTO kv VALUES (?, ?, ?, ?)");
  const remove = db.prepare("DELETE FROM kv WHERE key = ?");
  const append = db.prepare("INSERT INTO log VALUES (?, ?)");
  const setRevision = db.prepare("UPDATE state SET revision = ?");
  const setCompacted = db.prepare("UPDATE state SET compacted_revision = ?");
  const select = db.prepare("SELECT revision, changes FROM log WHERE revision > ? ORDER BY revision LIMIT ?");
  const trim = db.prepare(
    "DELETE FROM log WHERE revision IN (SELECT revision FROM log WHERE revision <= ? ORDER BY revision LIMIT ?)",
  );

  return {
    load() {
      try {
        return loadState(db, path);
      } catch (error) {
        throw storeErrorOf(path, error);
      }
    },
    commit(writes, batches, revision) {
      writing(path, () =>
        inTransaction(db, () => {
          for (const [key, value] of writes) {
            if (value === undefined) remove.run(key);
            else put.run(key, value.value, value.createRevision, value.modRevision);
          }
          for (const batch of batches) append.run(batch.revision, encodeChanges(batch.changes));
          setRevision.run(revision);
        }),
      );
    },
    read(fromRevision, limit) {
      try {
        return readLog(select.iterate(fromRevision, limit), fromRevision, path);
      } catch (error) {
        throw storeErrorOf(path, error);
      }
    },
    compact(revision) {
      const result = writing(path, () =>
        inTransaction(db, () => {
          setCompacted.run(revision);
          return trim.run(revision, COMPACT_ROWS);
        }),
      );
      return Number(result.changes) < COMPACT_ROWS;
    },
    pendingBytes: () => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0,
    checkpoint() {
      writing(path, () => db.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
    },
    close: () => db.close(),
  };
}

function loadState(db: DatabaseSync, path: string): StoredState {
  const state = db.prepare("SELECT revision, compacted_revision FROM state").get();
  const revision = Number(state?.revision);
  const compactedRevision = Number(state?.compacted_revision);
  if (!(revision >= compactedRevision)) throw damaged(path, "its revisions are missing");
  const newest = db.prepare("SELECT max(revision) AS newest FROM log").get()?.newest ?? compactedRevision;
  if (newest !== revision) throw damaged(path, `its history ends at revision ${newest}, its values at ${revision}`);
  const values: KeyValue[] = [];
  for (const row of db.prepare("SELECT key, value, create_revision, mod_revision FROM kv").iterate()) {
    values.push({
      key: String(row.key),
      value: String(row.value),
      createRevision: Number(row.create_revision),
      modRevision: Number(row.mod_revision),
    });
  }
  return { revision, compactedRevision, values };
}

function readLog(rows: Iterable<Record<string, unknown>>, fromRevision: number, path: string): ChangeBatch[] {
  const batches: ChangeBatch[] = [];
  let chars = 0;
  for (const row of rows) {
    const revision = Number(row.revision);
    const text = String(row.changes);
    if (revision !== fromRevision + batches.length + 1) throw damaged(path, `history skips to revision ${revision}`);
    batches.push({ revision, changes: decodeChanges(path, revision, text) });
    chars += text.length;
    if (chars > PAGE_CHARS) break;
  }
  return batches;
}

function encodeChanges(changes: readonly Change[]): string {
  return JSON.stringify(changes.flatMap((change) => [change.key, change.value ?? null]));
}

function decodeChanges(path: string, revision: number, text: string): Change[] {
  try {
    const cells = JSON.parse(text) as (string | null)[];
    const changes: Change[] = [];
    for (let i = 0; i < cells.length; i += 2) changes.push({ key: cells[i]!, value: cells[i + 1] ?? undefined });
    return changes;
  } catch (error) {
    throw damaged(path, `the history of revision ${revision} cannot be read`, error);
  }
}

/** Runs `work` between BEGIN and COMMIT; whatever fails, none of it stays. */
function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  // A rollback that failed earlier must not fail every later write too.
  if (db.isTransaction) db.exec("ROLLBACK");
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    // SQLite has rolled back by itself after some errors (disk full), not after others.
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

function writing<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const advice = "free space on its disk and check its folder's permissions";
    throw new StoreError("unwritable", `the store ${path} took no write (${errorText(error)}): ${advice}`, error);
  }
}

/** What went wrong with a file, as a line for users. */
export function storeErrorOf(path: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const text = errorText(error);
  // The low byte is the primary result code.
  switch (Number((error as { errcode?: unknown }).errcode) & 0xff) {
    case 5: // SQLITE_BUSY
    case 6: {
      // SQLITE_LOCKED
      const advice = "stop the Windlass that runs on it, or choose another state folder";
      return new StoreError("locked", `the store ${path} is in use by another process: ${advice}`, error);
    }
    case 1: // SQLITE_ERROR: a table or column is missing
    case 11: // SQLITE_CORRUPT
    case 26: // SQLITE_NOTADB
      return damaged(path, text, error);
    default: {
      const advice = "check its folder's permissions and disk, or choose another state folder";
      return new StoreError("unwritable", `the store ${path} cannot be used (${text}): ${advice}`, error);
    }
  }
}

function damaged(path: string, what: string, cause?: unknown): StoreError {
  const advice = "restore it from a copy, or move it away to start empty";
  return new StoreError("corrupt", `the store ${path} is damaged (${what}): ${advice}`, cause);
}

function errnoOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? errorText(error);
}
