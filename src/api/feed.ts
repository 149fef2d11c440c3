/**
 * Watches: what is, then `synced`, then each change, ordered by revision and resumable.
 *
 * A watch reads on only when its client has taken what was read, so every change is sent once and in order, and a slow
 * client holds no memory and delays no writer: the store catches it up from the log. One that falls behind what the
 * log still has is cut with HISTORY_COMPACTED.
 */
import type { Clock } from "../core/clock.ts";
import { type Change, CompactedError, type Store } from "../store/store.ts";
import { type DecisionEvent, type DecisionScope, decisionReader, watchedDecisions } from "./decision-feed.ts";
import { createFanOut, type FanOutLimits, type FeedSink, type Topic } from "./fan-out.ts";
import { batchOf } from "./feed-encoding.ts";
import type { ResourceEvent } from "./feed-event.ts";
import { PROGRESS_INTERVAL_MS, type WatchMessage, watchMessages } from "./feed-loop.ts";
import { type FeedScope, inScope } from "./feed-scope.ts";
import { createViews, isNews, type Shown, type View } from "./feed-views.ts";

export { MIN_PROGRESS_INTERVAL_MS, PROGRESS_INTERVAL_MS } from "./feed-loop.ts";

/** One message of a watch of resources. Without an event it is progress. */
export type FeedItem = WatchMessage<ResourceEvent>;

/** One message of a watch of scaling decisions. */
export type DecisionItem = WatchMessage<DecisionEvent>;

/** What to watch, and from where. */
export interface FeedRequest {
  readonly scope: FeedScope;
  /** Resume after this revision; 0 sends what is first. */
  readonly startRevision: number;
  readonly revealEnv: boolean;
  /** How long to stay silent before progress is told. Default: 20 s. */
  readonly progressIntervalMs?: number;
}

/** The same of scaling decisions. */
export interface DecisionFeedRequest {
  readonly scope: DecisionScope;
  readonly startRevision: number;
  readonly progressIntervalMs?: number;
}

/** All watches of a server. */
export interface Feed {
  /**
   * Ends quietly when `signal` aborts. Throws INVALID_REQUEST for a negative revision or an interval out of bounds, HISTORY_COMPACTED for one that
   * cannot be resumed from, and INSTANCE_UNAVAILABLE when the feed closes, so that clients come back.
   */
  watch(request: FeedRequest, signal: AbortSignal): AsyncGenerator<FeedItem>;
  /**
   * The same, written to a sink as it comes, without a step of its own for each message: for many watchers. Resolves
   * when `signal` aborts; rejects as {@link watch} throws.
   */
  pipe(request: FeedRequest, sink: FeedSink, signal: AbortSignal): Promise<void>;
  /** The newest decision of each deployment, then each as it is stored; else as {@link watch}. */
  watchDecisions(request: DecisionFeedRequest, signal: AbortSignal): AsyncGenerator<DecisionItem>;
  /** Watches open now. */
  readonly active: number;
  /** Aborts when the feed closes. */
  readonly closed: AbortSignal;
  /** Ends every watch. */
  close(): void;
}

/** Messages of a snapshot or of history that are written at once. */
const WRITTEN_AT_ONCE = 32;

/** Makes a {@link Feed} over a store. */
export function createFeed(store: Store, clock: Clock, limits: Partial<FanOutLimits> = {}): Feed {
  const views = { hidden: createViews(store, false), revealed: createViews(store, true) };
  const fanOut = createFanOut(store, clock, views, limits);
  const readDecisions = decisionReader();
  const closing = new AbortController();
  let active = 0;

  async function* counted<T>(items: AsyncGenerator<T>): AsyncGenerator<T> {
    active++;
    try {
      yield* items;
    } finally {
      active--;
    }
  }

  function messages(request: FeedRequest, signal: AbortSignal): AsyncGenerator<FeedItem> {
    const { scope, startRevision, progressIntervalMs } = request;
    const { viewOf, snapshot } = request.revealEnv ? views.revealed : views.hidden;
    const sent: Shown = new Map();
    const eventsOf = (all: readonly (View | undefined)[]): ResourceEvent[] =>
      all.flatMap((view) =>
        view !== undefined && inScope(scope, view.resource) && isNews(sent, view) ? [view.event] : [],
      );
    const watched = {
      store,
      clock,
      prefix: "",
      startRevision,
      progressIntervalMs,
      snapshot: () => eventsOf(snapshot(scope)),
      newsOf: (changes: readonly Change[]) => eventsOf(changes.map(({ key, value }) => viewOf(key, value))),
    };
    return watchMessages<ResourceEvent>(watched, signal, closing.signal);
  }

  async function pipe(request: FeedRequest, sink: FeedSink, signal: AbortSignal): Promise<void> {
    const { scope, revealEnv, progressIntervalMs = PROGRESS_INTERVAL_MS } = request;
    active++;
    const topic = fanOut.open(scope, revealEnv);
    try {
      for (let startRevision = request.startRevision, again = false; ; again = true) {
        const position = await replay({ ...request, startRevision }, topic, sink, signal, again);
        if (position === undefined) return;
        const end = await topic.follow({ position, sink, progressIntervalMs, left: signal });
        if (end.kind === "left") return;
        // From 0 it would be told everything once more.
        if (end.position === 0) throw new CompactedError(store.compactedRevision);
        startRevision = end.position;
      }
    } finally {
      topic.close();
      active--;
    }
  }

  /** Writes the snapshot and history until the topic can go on; returns where. Undefined when the client has left. */
  async function replay(
    request: FeedRequest,
    topic: Topic,
    sink: FeedSink,
    signal: AbortSignal,
    again: boolean,
  ): Promise<number | undefined> {
    let items: FeedItem[] = [];
    let position = request.startRevision;
    let known = again;
    for await (const item of messages(request, signal)) {
      // Of a watch that goes on the first message says only where it began.
      if (known) known = false;
      else items.push(item);
      if (!item.complete && items.length < WRITTEN_AT_ONCE) continue;
      const full = items.length > 0 && !sink.write(batchOf(items));
      items = [];
      if (item.complete) position = item.revision;
      if (item.complete && topic.holds(position)) return full ? ready(topic, sink, position, signal) : position;
      if (full) await topic.ready(sink, position, signal);
    }
    return undefined;
  }

  async function ready(topic: Topic, sink: FeedSink, position: number, signal: AbortSignal) {
    await topic.ready(sink, position, signal);
    return position;
  }

  function watchDecisions(request: DecisionFeedRequest, signal: AbortSignal): AsyncGenerator<DecisionItem> {
    const { scope, startRevision, progressIntervalMs } = request;
    const watched = {
      ...watchedDecisions(store, scope, readDecisions),
      store,
      clock,
      startRevision,
      progressIntervalMs,
    };
    return counted(watchMessages<DecisionEvent>(watched, signal, closing.signal));
  }

  return {
    watch: (request, signal) => counted(messages(request, signal)),
    pipe,
    watchDecisions,
    get active() {
      return active;
    },
    closed: closing.signal,
    close() {
      closing.abort();
      fanOut.close();
    },
  };
}
