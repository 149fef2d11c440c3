import { OrderedMap } from "./ordered-map.ts";
import { type ChangeBatch, type KeyValue, type Store, StoreError, type TxnResult } from "./store.ts";
import { checkOps, evaluate, narrow } from "./transaction.ts";
import { createWatchHub, type History, type WatchLimits } from "./watch-hub.ts";

/** Options of {@link createMemoryStore}. */
export interface MemoryStoreOptions {
  /** Bounds of each watcher's queue; see the defaults there. */
  readonly watchLimits?: Partial<WatchLimits>;
}

/**
 * A store that lives and dies with the process, for tests and simulations. Uses no timers and no turns of the event
 * loop to commit: a transaction is decided one microtask after its call, in the order of the calls.
 */
export function createMemoryStore(options: MemoryStoreOptions = {}): Store {
  const values = new OrderedMap<KeyValue>();
  /** log[i] has revision compactedRevision + 1 + i. */
  const log: ChangeBatch[] = [];
  let revision = 0;
  let compactedRevision = 0;
  let closed = false;

  const history: History = {
    get revision() {
      return revision;
    },
    get compactedRevision() {
      return compactedRevision;
    },
    read(prefix, fromRevision, limit) {
      const start = fromRevision - compactedRevision;
      const seen = log.slice(start, start + limit);
      return {
        batches: seen.map((batch) => narrow(batch, prefix)).filter((batch) => batch !== undefined),
        through: fromRevision + seen.length,
      };
    },
  };
  const hub = createWatchHub(history, options.watchLimits);

  function commit(...[compares, ops]: Parameters<Store["txn"]>): TxnResult {
    const outcome = evaluate((key) => values.get(key), revision + 1, compares, ops);
    if (!outcome.ok) return { ok: false, revision, conflict: outcome.conflict };
    for (const [key, value] of outcome.writes) {
      if (value === undefined) values.delete(key);
      else values.set(key, value);
    }
    log.push(outcome.batch);
    revision = outcome.batch.revision;
    hub.publish(outcome.batch);
    return { ok: true, revision };
  }

  function checkOpen(): void {
    if (closed) throw new StoreError("closed", "the store is closed");
  }

  return {
    get revision() {
      return revision;
    },
    get compactedRevision() {
      return compactedRevision;
    },
    get: (key) => values.get(key),
    range: (prefix) => values.range(prefix),
    async txn(compares, ops) {
      checkOpen();
      checkOps(ops);
      // As with a driver that writes to disk, nothing is visible before the caller has gone on.
      await null;
      return commit(compares, ops);
    },
    watch: hub.watch,
    onCommit: hub.tap,
    async compact(upTo) {
      checkOpen();
      const target = Math.min(upTo, revision);
      if (!(target > compactedRevision)) return;
      log.splice(0, target - compactedRevision);
      compactedRevision = target;
    },
    async close() {
      closed = true;
      // Transactions called before this one are decided by now.
      await null;
      hub.close();
    },
  };
}
