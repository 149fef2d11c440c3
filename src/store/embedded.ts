/**
 * The durable store: one SQLite file, one process. Writers queue; once a turn of the event loop the queue is decided
 * in order, written as one synced commit, and only then shown to readers, watchers and the writers themselves.
 */
import type { DatabaseSync } from "node:sqlite";
import { openStoreFile, type StoreFile } from "./embedded-file.ts";
import { OrderedMap } from "./ordered-map.ts";
import {
  type ChangeBatch,
  type Compare,
  type KeyValue,
  type Op,
  type Store,
  StoreError,
  type StoreTap,
  type TxnResult,
} from "./store.ts";
import { checkOps, evaluate, narrow } from "./transaction.ts";
import { createWatchHub, type WatchHub, type WatchLimits } from "./watch-hub.ts";

/** Options of {@link openEmbeddedStore}. */
export interface EmbeddedStoreOptions {
  /** The database file; made with mode 0600 when missing. Its folder must exist. `<path>-wal` lies beside it. */
  readonly path: string;
  /** How long opening waits for another process to release the file. Blocks the event loop. Default 100. */
  readonly busyTimeoutMs?: number;
  /** Bounds of each watcher's queue; see the defaults there. */
  readonly watchLimits?: Partial<WatchLimits>;
  /** For tests that induce failures: receives the connection once the file is ready. */
  readonly onOpen?: (db: DatabaseSync) => void;
}

/** A transaction that waits for its group. */
interface Pending {
  readonly compares: readonly Compare[];
  readonly ops: readonly Op[];
  readonly resolve: (result: TxnResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Transactions in one commit: bounds the time that the event loop is held. */
const MAX_GROUP = 1024;
/** From this size the log is moved into the main file as soon as no writer waits. */
const CHECKPOINT_BYTES = 4 << 20;
/** From this size it is moved although writers wait. */
const CHECKPOINT_AT_ONCE_BYTES = 64 << 20;

/**
 * Opens the store at `path` and holds its lock. Rejects with StoreError: "locked" while another process has it,
 * "unwritable" when the file cannot be made or written, "corrupt" when it is damaged or no store of this version.
 */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<Store> {
  const file = openStoreFile(options.path, options.busyTimeoutMs ?? 100, options.onOpen);
  try {
    return new EmbeddedStore(file, options);
  } catch (error) {
    file.close();
    throw error;
  }
}

class EmbeddedStore implements Store {
  readonly #file: StoreFile;
  readonly #path: string;
  readonly #values = new OrderedMap<KeyValue>();
  readonly #hub: WatchHub;
  #revision: number;
  #compactedRevision: number;
  #queue: Pending[] = [];
  #flushScheduled = false;
  #closing: Promise<void> | undefined;
  /** Set while close() waits for the queue. */
  #drained: (() => void) | undefined;

  constructor(file: StoreFile, options: EmbeddedStoreOptions) {
    this.#file = file;
    this.#path = options.path;
    const state = file.load();
    this.#revision = state.revision;
    this.#compactedRevision = state.compactedRevision;
    // SQLite orders text by code points; the map takes it in its own order, where each insert is an append.
    const ordered = [...state.values].sort((a, b) => (a.key < b.key ? -1 : 1));
    for (const value of ordered) this.#values.set(value.key, value);
    this.#hub = createWatchHub(this.#history(), options.watchLimits);
  }

  get revision(): number {
    return this.#revision;
  }

  get compactedRevision(): number {
    return this.#compactedRevision;
  }

  get(key: string): KeyValue | undefined {
    return this.#values.get(key);
  }

  range(prefix: string): KeyValue[] {
    return this.#values.range(prefix);
  }

  async txn(compares: readonly Compare[], ops: readonly Op[]): Promise<TxnResult> {
    this.#checkOpen();
    checkOps(ops);
    return new Promise((resolve, reject) => {
      this.#queue.push({ compares, ops, resolve, reject });
      this.#schedule();
    });
  }

  watch(prefix: string, fromRevision: number, signal: AbortSignal): AsyncIterable<ChangeBatch> {
    return this.#hub.watch(prefix, fromRevision, signal);
  }

  onCommit(tap: StoreTap): () => void {
    return this.#hub.tap(tap);
  }

  async compact(revision: number): Promise<void> {
    this.#checkOpen();
    const target = Math.min(revision, this.#revision);
    if (!(target > this.#compactedRevision)) return;
    for (;;) {
      const done = this.#file.compact(Math.max(target, this.#compactedRevision));
      this.#compactedRevision = Math.max(target, this.#compactedRevision);
      if (done) return;
      // Rows that are left are never read again; writers go first, and a later compaction takes what close() leaves.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#closing) return;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#flushScheduled) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    this.#hub.close();
    this.#file.close();
  }

  #checkOpen(): void {
    if (this.#closing) throw new StoreError("closed", `the store ${this.#path} is closed`);
  }

  #schedule(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    const group = this.#queue.splice(0, MAX_GROUP);
    // One turn later, so that writers who are answered now can queue again before the log is moved.
    setImmediate(() => this.#afterFlush());
    let committed: { results: TxnResult[]; batches: ChangeBatch[] };
    try {
      committed = this.#commit(group);
    } catch (error) {
      for (const pending of group) pending.reject(error);
      return;
    }
    for (const batch of committed.batches) this.#hub.publish(batch);
    group.forEach((pending, i) => {
      pending.resolve(committed.results[i]!);
    });
  }

  #afterFlush(): void {
    const idle = this.#queue.length === 0;
    if (this.#file.pendingBytes() >= (idle ? CHECKPOINT_BYTES : CHECKPOINT_AT_ONCE_BYTES)) this.#checkpoint();
    if (idle) {
      this.#flushScheduled = false;
      this.#drained?.();
    } else {
      this.#flush();
    }
  }

  #checkpoint(): void {
    try {
      this.#file.checkpoint();
    } catch {
      // Every write is safe in the log; the next commit tries again, and reports a disk that takes nothing.
    }
  }

  /** Decides, writes and shows one group; when it throws, nothing has changed. */
  #commit(group: readonly Pending[]): { results: TxnResult[]; batches: ChangeBatch[] } {
    const writes = new Map<string, KeyValue | undefined>();
    const read = (key: string): KeyValue | undefined => (writes.has(key) ? writes.get(key) : this.#values.get(key));
    const results: TxnResult[] = [];
    const batches: ChangeBatch[] = [];
    let revision = this.#revision;
    for (const { compares, ops } of group) {
      const outcome = evaluate(read, revision + 1, compares, ops);
      if (!outcome.ok) {
        results.push({ ok: false, revision, conflict: outcome.conflict });
        continue;
      }
      revision = outcome.batch.revision;
      for (const [key, value] of outcome.writes) writes.set(key, value);
      batches.push(outcome.batch);
      results.push({ ok: true, revision });
    }
    if (batches.length > 0) this.#file.commit(writes, batches, revision);
    for (const [key, value] of writes) {
      if (value === undefined) this.#values.delete(key);
      else this.#values.set(key, value);
    }
    this.#revision = revision;
    return { results, batches };
  }

  #history(): Parameters<typeof createWatchHub>[0] {
    const revision = (): number => this.#revision;
    const compactedRevision = (): number => this.#compactedRevision;
    return {
      get revision() {
        return revision();
      },
      get compactedRevision() {
        return compactedRevision();
      },
      read: (prefix, fromRevision, limit) => {
        const seen = this.#file.read(fromRevision, limit);
        return {
          batches: seen.map((batch) => narrow(batch, prefix)).filter((batch) => batch !== undefined),
          through: fromRevision + seen.length,
        };
      },
    };
  }
}
