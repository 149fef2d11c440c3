/** Making a draft durable, and real. */
import { errorText } from "../core/errors.ts";
import type { Logger } from "../observability/logger.ts";
import type { Op, Store } from "../store/store.ts";
import type { Draft, Write } from "./world.ts";

/** Revisions of history that watches can resume from, unless told otherwise. */
const HISTORY_REVISIONS = 10_000;

/** Kinds of records that concern no router and no watch: what the autoscaler remembers and records. */
const QUIET = new Set(["autoscaling", "shadow", "trace", "shadow-trace"]);
/** What changes nothing but what people are told. */
const TOLD = new Set(["decision", "shadow-decision"]);

/** Where drafts are made durable. */
export interface Durability {
  readonly store: Store;
  readonly logger: Logger;
  /** Revisions of history that watches can resume from. Default: 10,000. */
  readonly watchHistory?: number;
}

/** What a turn has written. */
export interface Committed {
  /** The store's, after it. */
  readonly revision: number;
  /** Without those that concern the autoscaler and people alone. */
  readonly writes: readonly Write[];
}

/** Writes a draft in one transaction. When it throws, nothing has changed. */
export async function commitDraft(
  draft: Draft,
  { store, logger, watchHistory = HISTORY_REVISIONS }: Durability,
): Promise<Committed> {
  const ops: Op[] = [];
  const writes: Write[] = [];
  for (const write of draft.writes()) {
    const { key, value } = write;
    const kind = kindOf(key);
    const quiet = QUIET.has(kind);
    if (!quiet && !TOLD.has(kind)) writes.push(write);
    ops.push(
      value === null ? { kind: "delete", key, quiet } : { kind: "put", key, value: JSON.stringify(value), quiet },
    );
  }
  if (ops.length > 0) {
    await store.txn([], ops);
    draft.commit();
  }
  // More are kept for a while, as compacting costs a sync.
  if (store.revision - store.compactedRevision > 2 * watchHistory) {
    store.compact(store.revision - watchHistory).catch((error: unknown) => {
      logger.warn("history was not compacted", { error: errorText(error) });
    });
  }
  return { revision: store.revision, writes };
}

/** What stands before the first "/" of a store key. */
function kindOf(key: string): string {
  const end = key.indexOf("/");
  return end === -1 ? key : key.slice(0, end);
}
