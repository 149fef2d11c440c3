import type { Change, ChangeBatch, Compare, KeyValue, Op } from "./store.ts";

/** What a transaction comes to. `writes` holds the new state of each key it changes, undefined for a deleted one. */
export type Outcome =
  | { readonly ok: true; readonly batch: ChangeBatch; readonly writes: ReadonlyMap<string, KeyValue | undefined> }
  | { readonly ok: false; readonly conflict: string };

/**
 * Decides one transaction against the state that `get` shows; `revision` is the one it would take. Changes nothing.
 * Deleting a key that does not exist is no change; the transaction takes its revision all the same.
 */
export function evaluate(
  get: (key: string) => KeyValue | undefined,
  revision: number,
  compares: readonly Compare[],
  ops: readonly Op[],
): Outcome {
  for (const compare of compares) {
    if ((get(compare.key)?.modRevision ?? 0) !== compare.modRevision) return { ok: false, conflict: compare.key };
  }
  const writes = new Map<string, KeyValue | undefined>();
  const changes: Change[] = [];
  for (const op of ops) {
    const before = get(op.key);
    if (op.kind === "put") {
      const createRevision = before?.createRevision ?? revision;
      writes.set(op.key, { key: op.key, value: op.value, createRevision, modRevision: revision });
      if (!op.quiet) changes.push({ key: op.key, value: op.value });
    } else if (before !== undefined) {
      writes.set(op.key, undefined);
      if (!op.quiet) changes.push({ key: op.key, value: undefined });
    }
  }
  return { ok: true, batch: { revision, changes }, writes };
}

/**
 * Throws an Error (a bug of the caller) for what no driver can keep: a key named twice, or text with a lone surrogate,
 * which has no UTF-8 form and would come back changed.
 */
export function checkOps(ops: readonly Op[]): void {
  const seen = new Set<string>();
  for (const op of ops) {
    const name = JSON.stringify(op.key);
    if (seen.has(op.key)) throw new Error(`key ${name} occurs twice in one transaction; name each key once`);
    seen.add(op.key);
    if (!op.key.isWellFormed()) throw new Error(`key ${name} holds a lone surrogate; escape it`);
    if (op.kind === "put" && !op.value.isWellFormed()) {
      throw new Error(`the value of key ${name} holds a lone surrogate; escape it`);
    }
  }
}

/** The part of a batch under `prefix`; the same object when that is all of it, undefined when it is nothing. */
export function narrow(batch: ChangeBatch, prefix: string): ChangeBatch | undefined {
  const changes = batch.changes.filter((change) => change.key.startsWith(prefix));
  if (changes.length === 0) return undefined;
  return changes.length === batch.changes.length ? batch : { revision: batch.revision, changes };
}

/** Size of a batch in memory, roughly, in characters. */
export function weigh(batch: ChangeBatch): number {
  let chars = 0;
  for (const change of batch.changes) chars += change.key.length + (change.value?.length ?? 0);
  return chars;
}
