import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openEmbeddedStore } from "../../src/store/embedded.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Change, ChangeBatch, KeyValue, Op, Store } from "../../src/store/store.ts";
import type { WatchLimits } from "../../src/store/watch-hub.ts";
import { tempDir } from "./temp-dir.ts";

/** Makes an empty store that is closed when the test ends. */
export type MakeStore = (watchLimits?: Partial<WatchLimits>) => Promise<Store>;

/** Every driver of the store port. */
export const STORE_DRIVERS: readonly { readonly name: string; readonly make: MakeStore }[] = [
  { name: "memory", make: async (watchLimits = {}) => closing(createMemoryStore({ watchLimits })) },
  {
    name: "embedded",
    make: async (watchLimits = {}) => closing(await openEmbeddedStore({ path: join(tempDir(), "s.db"), watchLimits })),
  },
];

/** Closes the store when the test ends. */
export function closing(store: Store): Store {
  onTestFinished(() => store.close());
  return store;
}

export const put = (key: string, value: string): Op => ({ kind: "put", key, value });
export const del = (key: string): Op => ({ kind: "delete", key });

/** Writes one key without a condition; its revision. */
export async function write(store: Store, key: string, value: string): Promise<number> {
  return (await store.txn([], [put(key, value)])).revision;
}

/** Reads a watch step by step. */
export interface Watching {
  /** The next `count` batches. */
  take(count: number): Promise<ChangeBatch[]>;
  next(): Promise<IteratorResult<ChangeBatch>>;
  abort(): void;
}

/** Starts a watch that is aborted when the test ends. */
export function watching(store: Pick<Store, "watch">, prefix: string, fromRevision: number): Watching {
  const controller = new AbortController();
  onTestFinished(() => controller.abort());
  const iterator = store.watch(prefix, fromRevision, controller.signal)[Symbol.asyncIterator]();
  return {
    async take(count) {
      const batches: ChangeBatch[] = [];
      while (batches.length < count) {
        const step = await iterator.next();
        if (step.done) throw new Error(`the watch ended after ${batches.length} of ${count} batches`);
        batches.push(step.value);
      }
      return batches;
    },
    next: () => iterator.next(),
    abort: () => controller.abort(),
  };
}

/** All that happened under `prefix` after `fromRevision` up to the present. Every test key may be in it. */
export async function historyOf(store: Store, prefix: string, fromRevision: number): Promise<ChangeBatch[]> {
  const end = store.revision;
  const batches: ChangeBatch[] = [];
  if (fromRevision >= end) return batches;
  // The marker shows where the present ends even when the last revisions have nothing under the prefix.
  const marker = `${prefix}~end`;
  const { revision } = await store.txn([], [put(marker, "")]);
  const controller = new AbortController();
  for await (const batch of store.watch(prefix, fromRevision, controller.signal)) {
    if (batch.revision === revision) break;
    batches.push(batch);
  }
  await store.txn([], [del(marker)]);
  return batches;
}

/** What a reader who applies `batches` to `values` holds then. */
export function replay(batches: readonly ChangeBatch[], values = new Map<string, string>()): Map<string, string> {
  for (const { changes } of batches) for (const change of changes) applyChange(values, change);
  return values;
}

function applyChange(values: Map<string, string>, change: Change): void {
  if (change.value === undefined) values.delete(change.key);
  else values.set(change.key, change.value);
}

/** The store's present values as a plain map. */
export function contents(entries: readonly KeyValue[]): Map<string, string> {
  return new Map(entries.map((entry) => [entry.key, entry.value]));
}
