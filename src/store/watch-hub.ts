/**
 * Brings committed changes to watchers, so that a slow one costs nothing but its own bounded queue.
 *
 *   | State       | Event                          | Becomes                                    |
 *   | synced      | batch, queue has room          | synced, batch queued                       |
 *   | synced      | batch, queue is full           | catching-up from before the batch          |
 *   | catching-up | batch                          | catching-up (the batch waits in history)   |
 *   | catching-up | queue read empty, page is last | synced, page queued                        |
 *   | catching-up | queue read empty, page is not  | catching-up from the page's end, queued    |
 *   | catching-up | queue read empty, compacted    | ended with CompactedError                  |
 *   | any         | abort, close, reader leaves    | ended, queue dropped                       |
 *
 * Only synced watchers cost a writer anything: one prefix test for each distinct prefix, one reference for each match.
 * Taps are told within the commit, and have no state here.
 */
import { type ChangeBatch, CompactedError, StoreError, type StoreTap } from "./store.ts";
import { narrow, weigh } from "./transaction.ts";

/** What a driver keeps of the past. */
export interface History {
  /** Newest committed revision. */
  readonly revision: number;
  /** Nothing up to and including this revision can be read. */
  readonly compactedRevision: number;
  /**
   * Changes under `prefix` after `fromRevision`, looking at `limit` revisions at most. May look at fewer, but at one
   * at least where there is one.
   */
  read(prefix: string, fromRevision: number, limit: number): HistoryPage;
}

/** Consecutive history. All revisions up to and including `through` were looked at. */
export interface HistoryPage {
  readonly batches: readonly ChangeBatch[];
  readonly through: number;
}

/** Bounds of each watcher's queue and of each read of history. */
export interface WatchLimits {
  /** Batches that wait for a reader before it counts as slow. Default 256. */
  readonly queuedBatches: number;
  /** Characters that wait; one batch always fits. Default 1,048,576. */
  readonly queuedChars: number;
  /** Revisions a read of history looks at. Default 256. */
  readonly pageRevisions: number;
}

/** Gauges. */
export interface WatchStats {
  readonly watchers: number;
  /** Watchers that fell behind, or have not caught up yet. */
  readonly catchingUp: number;
  readonly queuedBatches: number;
}

/** The hub of one store. */
export interface WatchHub {
  /** See Store.watch. Failures arrive at the first or a later step of the iteration, never from the call. */
  watch(prefix: string, fromRevision: number, signal: AbortSignal): AsyncIterable<ChangeBatch>;
  /** See Store.onCommit. */
  tap(tap: StoreTap): () => void;
  /** Hands on a committed batch; `history` must have it already. Never waits. */
  publish(batch: ChangeBatch): void;
  /** Ends all watches; later ones fail with StoreError("closed"). */
  close(): void;
  stats(): WatchStats;
}

const DEFAULT_LIMITS: WatchLimits = { queuedBatches: 256, queuedChars: 1 << 20, pageRevisions: 256 };

/** `after`: batches up to it are not wanted. `position`: all up to it was queued or did not match. */
type WatcherState =
  | { readonly kind: "synced"; readonly after: number }
  | { readonly kind: "catching-up"; readonly position: number }
  | { readonly kind: "ended" };

interface Watcher {
  readonly prefix: string;
  state: WatcherState;
  queue: ChangeBatch[];
  queuedChars: number;
  /** Resumes a reader that waits. */
  wake: () => void;
}

/** Makes the hub that a driver publishes to; `limits` replaces single defaults. */
export function createWatchHub(history: History, limits: Partial<WatchLimits> = {}): WatchHub {
  const { queuedBatches, queuedChars, pageRevisions } = { ...DEFAULT_LIMITS, ...limits };
  const watchers = new Set<Watcher>();
  /** Synced watchers by prefix, so that each batch is narrowed once a prefix. */
  const synced = new Map<string, Set<Watcher>>();
  const taps = new Set<StoreTap>();
  let closed = false;

  function enter(watcher: Watcher, state: WatcherState): void {
    if (watcher.state.kind === "synced") {
      const peers = synced.get(watcher.prefix);
      peers?.delete(watcher);
      if (peers?.size === 0) synced.delete(watcher.prefix);
    }
    watcher.state = state;
    if (state.kind === "synced") {
      const peers = synced.get(watcher.prefix);
      if (peers) peers.add(watcher);
      else synced.set(watcher.prefix, new Set([watcher]));
    } else if (state.kind === "ended") {
      watchers.delete(watcher);
      watcher.queue = [];
      watcher.queuedChars = 0;
      watcher.wake();
    }
  }

  function follow(watcher: Watcher, revision: number): void {
    if (revision >= history.revision) enter(watcher, { kind: "synced", after: revision });
    else enter(watcher, { kind: "catching-up", position: revision });
  }

  function readPage(watcher: Watcher, position: number): void {
    if (position < history.compactedRevision) throw new CompactedError(history.compactedRevision);
    const page = history.read(watcher.prefix, position, pageRevisions);
    for (const batch of page.batches) {
      watcher.queue.push(batch);
      watcher.queuedChars += weigh(batch);
    }
    follow(watcher, page.through);
  }

  function offer(watcher: Watcher, batch: ChangeBatch, chars: number): void {
    if (watcher.state.kind !== "synced" || batch.revision <= watcher.state.after) return;
    const { queue } = watcher;
    const full = queue.length >= queuedBatches || watcher.queuedChars + chars > queuedChars;
    if (full && queue.length > 0) {
      enter(watcher, { kind: "catching-up", position: batch.revision - 1 });
      return;
    }
    queue.push(batch);
    watcher.queuedChars += chars;
    watcher.wake();
  }

  async function* watch(prefix: string, fromRevision: number, signal: AbortSignal): AsyncGenerator<ChangeBatch> {
    if (signal.aborted) return;
    if (closed) throw new StoreError("closed", "the store is closed and cannot be watched");
    if (!(fromRevision >= history.compactedRevision)) throw new CompactedError(history.compactedRevision);
    const watcher: Watcher = { prefix, state: { kind: "ended" }, queue: [], queuedChars: 0, wake: () => {} };
    // Ends the watcher even when its reader never takes another step: nothing may stay queued for it.
    const end = (): void => enter(watcher, { kind: "ended" });
    signal.addEventListener("abort", end, { once: true });
    watchers.add(watcher);
    follow(watcher, fromRevision);
    try {
      for (let pages = 0; ; ) {
        const batch = watcher.queue.shift();
        if (batch !== undefined) {
          watcher.queuedChars -= weigh(batch);
          yield batch;
          continue;
        }
        // A copy, because the state changes while this waits.
        const state: WatcherState = watcher.state;
        if (state.kind === "ended") return;
        if (state.kind === "catching-up") {
          // A long history must not keep the loop from its writers.
          if (pages++ > 0) await new Promise((resolve) => setImmediate(resolve));
          if (watcher.state === state) readPage(watcher, state.position);
        } else {
          pages = 0;
          await new Promise<void>((resolve) => {
            watcher.wake = resolve;
          });
        }
      }
    } finally {
      signal.removeEventListener("abort", end);
      end();
    }
  }

  return {
    watch,
    tap(tap) {
      if (closed) tap.closed();
      else taps.add(tap);
      return () => void taps.delete(tap);
    },
    publish(batch) {
      for (const tap of taps) tap.committed(batch);
      for (const [prefix, peers] of synced) {
        const part = narrow(batch, prefix);
        if (part === undefined) continue;
        const chars = weigh(part);
        for (const watcher of peers) offer(watcher, part, chars);
      }
    },
    close() {
      closed = true;
      for (const watcher of [...watchers]) enter(watcher, { kind: "ended" });
      for (const tap of [...taps]) tap.closed();
      taps.clear();
    },
    stats() {
      let catchingUp = 0;
      let queued = 0;
      for (const watcher of watchers) {
        if (watcher.state.kind === "catching-up") catchingUp++;
        queued += watcher.queue.length;
      }
      return { watchers: watchers.size, catchingUp, queuedBatches: queued };
    },
  };
}
