/** What all watches have in common: what is, then `synced`, then each change, and progress while nothing changes. */
import type { Clock } from "../core/clock.ts";
import { WindlassError } from "../core/errors.ts";
import { type Change, CompactedError, type Store } from "../store/store.ts";
import { within } from "./within.ts";

/** How long a watch stays silent before it says which revision it has reached, unless its request says; also the most. */
export const PROGRESS_INTERVAL_MS = 20_000;
/** The least. */
export const MIN_PROGRESS_INTERVAL_MS = 100;

/** One message of a watch. Without an event it is progress. */
export interface WatchMessage<E> {
  readonly revision: number;
  /** Whether nothing more of this revision follows, so that a watch may be resumed after it without losing any. */
  readonly complete: boolean;
  readonly event?: E | { readonly case: "synced"; readonly value: true };
}

/** What a watch reads, and from where. */
export interface Watched<E> {
  readonly store: Store;
  readonly clock: Clock;
  /** Keys below it are all that the watch is about. */
  readonly prefix: string;
  /** Resume after this revision; 0 sends what is first. */
  readonly startRevision: number;
  /** How long to stay silent before progress is told. Default {@link PROGRESS_INTERVAL_MS}. */
  readonly progressIntervalMs: number | undefined;
  /** What is, in order. Not asked where the watch is resumed. */
  snapshot(): readonly E[];
  /** What changes of one revision are to the watcher. */
  newsOf(changes: readonly Change[]): readonly E[];
}

/**
 * Runs a watch. Ends quietly when `left` aborts. Throws INVALID_REQUEST for a negative revision or an interval out of
 * bounds, HISTORY_COMPACTED for one that cannot be resumed from, and INSTANCE_UNAVAILABLE when `closing` aborts.
 */
export async function* watchMessages<E>(
  watched: Watched<E>,
  left: AbortSignal,
  closing: AbortSignal,
): AsyncGenerator<WatchMessage<E>> {
  const { store, clock, startRevision, progressIntervalMs = PROGRESS_INTERVAL_MS } = watched;
  checkStart(store, startRevision);
  checkInterval(progressIntervalMs);
  const ended = new AbortController();
  let reached: number = startRevision === 0 ? store.revision : startRevision;
  const current = startRevision === 0 ? watched.snapshot() : [];
  const until = AbortSignal.any([left, closing, ended.signal]);
  const batches = store.watch(watched.prefix, reached, until)[Symbol.asyncIterator]();
  try {
    for (const event of current) {
      yield { revision: reached, complete: false, event };
      if (left.aborted) return;
    }
    if (startRevision === 0) yield { revision: reached, complete: true, event: { case: "synced", value: true } };
    else yield { revision: reached, complete: true };
    let saidMs = clock.monotonic();
    let next = batches.next();
    while (!left.aborted) {
      const before = store.revision;
      // Changes that are none to this watcher do not make up for silence.
      const waitMs = Math.max(0, saidMs + progressIntervalMs - clock.monotonic());
      const result = await within(next, waitMs, clock);
      if (result?.done) {
        if (left.aborted) return;
        throw new WindlassError("INSTANCE_UNAVAILABLE", "the controller is stopping: watch again");
      }
      // What was written before a long wait came long ago; or it was quiet, and who resumes need not ask for it.
      if (result === undefined) reached = waitMs >= MIN_PROGRESS_INTERVAL_MS / 2 ? Math.max(reached, before) : reached;
      else reached = result.value.revision;
      const news = result === undefined ? [] : watched.newsOf(result.value.changes);
      for (const [i, event] of news.entries()) {
        yield { revision: reached, complete: i === news.length - 1, event };
        if (left.aborted) return;
      }
      const silent = news.length === 0 && saidMs + progressIntervalMs <= clock.monotonic();
      if (silent) yield { revision: reached, complete: true };
      if (silent || news.length > 0) saidMs = clock.monotonic();
      if (result !== undefined) next = batches.next();
    }
  } finally {
    ended.abort();
  }
}

function checkStart(store: Store, startRevision: number): void {
  if (startRevision < 0) {
    throw new WindlassError("INVALID_REQUEST", `start_revision ${startRevision} must be >= 0`);
  }
  if (startRevision > 0 && startRevision < store.compactedRevision) throw new CompactedError(store.compactedRevision);
  if (startRevision > store.revision) {
    // Revisions never go back, so this one belongs to another store.
    throw new WindlassError(
      "HISTORY_COMPACTED",
      `start_revision ${startRevision} is above the present revision ${store.revision}: watch again from 0`,
    );
  }
}

function checkInterval(progressIntervalMs: number): void {
  if (progressIntervalMs >= MIN_PROGRESS_INTERVAL_MS && progressIntervalMs <= PROGRESS_INTERVAL_MS) return;
  const [least, most] = [MIN_PROGRESS_INTERVAL_MS / 1_000, PROGRESS_INTERVAL_MS / 1_000];
  throw new WindlassError(
    "INVALID_REQUEST",
    `progress_interval must be from ${least} to ${most} seconds, not ${progressIntervalMs / 1_000}`,
  );
}
