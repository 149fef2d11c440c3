/** A reader of the feed in memory that can be slow, stuck, cut and resumed, and keeps what it was told. */
import type { FeedSink } from "../../src/api/fan-out.ts";
import type { Feed, FeedItem, FeedRequest } from "../../src/api/feed.ts";
import type { FeedBatch } from "../../src/api/feed-encoding.ts";
import type { Received, Segment } from "./history-checker.ts";

/** One connection of a reader. */
export interface Reading {
  readonly startRevision: number;
  readonly batches: readonly FeedBatch[];
  readonly items: readonly FeedItem[];
  /** What it was told, for the checker. */
  segment(): Segment;
  /** From now on it is full after each batch; `take` lets the next one come. */
  stall(): void;
  take(): void;
  /** Whether it is full now. */
  readonly full: boolean;
  /** Takes all there is from now on. */
  flow(): void;
  cut(): void;
  /** What the watch came to, once it is over. */
  readonly ended: Promise<unknown>;
  readonly failure: unknown;
}

/** Opens a watch whose messages are kept; `stalledAtFirst`: as after `stall`. */
export function readFeed(feed: Feed, request: FeedRequest, stalledAtFirst = false): Reading {
  const batches: FeedBatch[] = [];
  const leave = new AbortController();
  let stalled = stalledAtFirst;
  let go: (() => void) | undefined;
  let failure: unknown;
  let full = false;
  const sink: FeedSink = {
    write(batch) {
      if (full) throw new Error("a full sink was written to");
      if (!leave.signal.aborted) batches.push(batch);
      full = stalled;
      return !full;
    },
    whenReady(next) {
      go = next;
    },
  };
  const ended = feed.pipe(request, sink, leave.signal).catch((error: unknown) => {
    failure = error;
    return error;
  });
  const take = (): void => {
    const next = go;
    go = undefined;
    full = false;
    next?.();
  };
  return {
    startRevision: request.startRevision,
    batches,
    get items() {
      return batches.flatMap((batch) => batch.items);
    },
    segment: () => ({
      startRevision: request.startRevision,
      messages: batches.flatMap((batch) => batch.items.map(received)),
    }),
    stall() {
      stalled = true;
    },
    take,
    get full() {
      return full;
    },
    flow() {
      stalled = false;
      take();
    },
    cut: () => leave.abort(),
    ended,
    get failure() {
      return failure;
    },
  };
}

function received({ revision, event }: FeedItem): Received {
  if (event === undefined) return { kind: "progress", revision };
  switch (event.case) {
    case "synced":
      return { kind: "synced", revision };
    case "deleted":
      return { kind: "event", revision, name: event.value, content: undefined };
    case "instance":
      return { kind: "event", revision, name: "instance", content: "" };
    case "replica":
      return { kind: "event", revision, name: event.value.name, content: String(event.value.pid) };
    case "application":
    case "deployment":
      return { kind: "event", revision, name: event.value.name, content: event.value.message };
  }
}
