/** Feed items with revisions as the wire has them. */

import { type Duration, durationMs } from "@bufbuild/protobuf/wkt";
import type { Feed, FeedItem } from "../feed.ts";
import type { FeedScope } from "../feed-scope.ts";

/** What requests of watches have in common. */
export interface WatchRequest {
  readonly startRevision: bigint;
  readonly progressInterval?: Duration | undefined;
}

/** An item as the wire has it. */
export interface WatchItem {
  readonly revision: bigint;
  readonly event?: NonNullable<FeedItem["event"]>;
}

/** The interval as a feed takes it. */
export function progressOf(interval: Duration | undefined): { readonly progressIntervalMs?: number } {
  return interval === undefined ? {} : { progressIntervalMs: durationMs(interval) };
}

/** Runs a watch for an RPC. */
export async function* watchOf(
  feed: Feed,
  request: WatchRequest,
  scope: FeedScope,
  revealEnv: boolean,
  signal: AbortSignal,
): AsyncGenerator<WatchItem> {
  const { startRevision, progressInterval } = request;
  const progress = progressOf(progressInterval);
  const items = feed.watch({ scope, startRevision: Number(startRevision), revealEnv, ...progress }, signal);
  for await (const { revision, event } of items) {
    yield { revision: BigInt(revision), ...(event === undefined ? {} : { event }) };
  }
}

/** The items of a watch of one kind of resources, as its response message has them. */
export async function* updatesOf<K extends "application" | "deployment" | "replica">(
  kind: K,
  items: AsyncIterable<WatchItem>,
) {
  type Message = Extract<NonNullable<WatchItem["event"]>, { readonly case: K }>["value"];
  for await (const { revision, event } of items) {
    if (event?.case === kind) yield { revision, event: { case: "updated" as const, value: event.value as Message } };
    else if (event?.case === "deleted" || event?.case === "synced") yield { revision, event };
    else yield { revision };
  }
}
