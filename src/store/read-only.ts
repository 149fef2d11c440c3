/** Reads the file of an embedded store that nobody has open, without writing to it. */
import { existsSync } from "node:fs";
import { checkSchema, storeErrorOf } from "./embedded-file.ts";
import { loadSqlite } from "./load-sqlite.ts";
import { type KeyValue, type Store, StoreError } from "./store.ts";

/** A store that is read. */
export interface ReadOnlyStore extends Pick<Store, "range"> {
  close(): void;
}

/**
 * Opens the file at `path`, which one that was killed may have left as well. Throws StoreError where there is none, it is
 * in use, or it cannot be read. One that wants to write waits until it is closed.
 */
export function readStore(path: string): ReadOnlyStore {
  if (!existsSync(path)) {
    throw new StoreError("unwritable", `there is no store ${path}: give the state folder of an instance`);
  }
  const db = opened(path);
  const select = db.prepare(
    "SELECT key, value, create_revision, mod_revision FROM kv WHERE substr(key, 1, ?) = ? ORDER BY key",
  );
  return {
    range(prefix) {
      return select.all([...prefix].length, prefix).map(
        (row): KeyValue => ({
          key: String(row["key"]),
          value: String(row["value"]),
          createRevision: Number(row["create_revision"]),
          modRevision: Number(row["mod_revision"]),
        }),
      );
    },
    close: () => db.close(),
  };
}

function opened(path: string) {
  const { DatabaseSync } = loadSqlite();
  let db: InstanceType<typeof DatabaseSync> | undefined;
  try {
    // Not in exclusive mode: a log that a killed process left could not be read then.
    db = new DatabaseSync(path, { readOnly: true });
    if (checkSchema(db, path)) return db;
    throw new StoreError("corrupt", `the store ${path} is empty: give the state folder of an instance`);
  } catch (error) {
    db?.close();
    throw storeErrorOf(path, error);
  }
}
