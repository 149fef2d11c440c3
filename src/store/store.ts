/**
 * The store port. One revisioned key-value space with atomic compare-and-swap transactions and watches.
 * Every accepted transaction gets the next revision of one counter and is durable when its promise resolves.
 * Reads come from memory. Drivers: memory.ts, embedded.ts; all pass test/contract/store.test.ts.
 */
export interface Store {
  /** Revision of the newest committed transaction; 0 for an empty store. Survives restarts, never goes back. */
  readonly revision: number;
  /** History up to and including this revision is gone; watches must start at or after it. */
  readonly compactedRevision: number;
  /** The present value of a key. */
  get(key: string): KeyValue | undefined;
  /** All keys that begin with `prefix`, ordered by key (code units). */
  range(prefix: string): KeyValue[];
  /**
   * Commits all `ops` under one new revision if every compare holds, else nothing.
   * Rejects with {@link StoreError} when the write could not be made durable; then nothing was changed.
   */
  txn(compares: readonly Compare[], ops: readonly Op[]): Promise<TxnResult>;
  /**
   * Changes after `fromRevision`, one batch a revision, in order, without gaps. Only keys with `prefix`;
   * revisions that touch none are skipped. Ends when `signal` aborts or the store closes.
   * Throws {@link CompactedError} when `fromRevision` < `compactedRevision`, at the start or (for a watcher that
   * fell behind a compaction) later. A slow reader never delays a writer.
   * `fromRevision` above `revision` waits for it.
   */
  watch(prefix: string, fromRevision: number, signal: AbortSignal): AsyncIterable<ChangeBatch>;
  /**
   * Tells `tap` of each revision the moment it is committed, before its writer is answered, and of the store's end.
   * What it does is part of every write: it must be quick, and must not throw. Returns what ends that.
   */
  onCommit(tap: StoreTap): () => void;
  /** Forgets history up to `revision` (inclusive). Present values stay. */
  compact(revision: number): Promise<void>;
  /** Waits for pending writes, then releases the lock. Later calls reject. */
  close(): Promise<void>;
}

/** What is told of every commit; see {@link Store.onCommit}. */
export interface StoreTap {
  /** A revision, quiet ones with no changes among them. */
  committed(batch: ChangeBatch): void;
  /** The store is closed: no more will come. */
  closed(): void;
}

/** A key with its present value. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** Revision that created the key (since its last deletion). */
  readonly createRevision: number;
  /** Revision that last wrote the key. */
  readonly modRevision: number;
}

/** Holds when the key's modRevision equals `modRevision`; 0 means the key must not exist. */
export interface Compare {
  readonly key: string;
  readonly modRevision: number;
}

/**
 * One write of a transaction. A transaction names a key at most once. `quiet`: watches are not told, and history does not
 * hold it; for what is written all the time and read by its writer alone.
 */
export type Op =
  | { readonly kind: "put"; readonly key: string; readonly value: string; readonly quiet?: boolean }
  | { readonly kind: "delete"; readonly key: string; readonly quiet?: boolean };

/** `conflict` names the first key whose compare did not hold. */
export type TxnResult =
  | { readonly ok: true; readonly revision: number }
  | { readonly ok: false; readonly revision: number; readonly conflict: string };

/** What one revision changed under a watch's prefix. */
export interface ChangeBatch {
  readonly revision: number;
  readonly changes: readonly Change[];
}

/** `value` is undefined when the key was deleted. */
export interface Change {
  readonly key: string;
  readonly value: string | undefined;
}

/** The store could not do what was asked: locked by another process, disk full, closed. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly kind: "locked" | "unwritable" | "closed" | "corrupt";
  constructor(kind: StoreError["kind"], message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.kind = kind;
  }
}

/** A watch asked for history that was compacted. */
export class CompactedError extends Error {
  override readonly name = "CompactedError";
  readonly compactedRevision: number;
  constructor(compactedRevision: number) {
    super(`history up to revision ${compactedRevision} was compacted`);
    this.compactedRevision = compactedRevision;
  }
}
