/** Feed items with revisions as the wire has them. */

import type { Feed, FeedItem } from "../feed.ts";
import type { FeedScope } from "../feed-scope.ts";

/** Runs a watch for an RPC. */
export async function* watchOf(
  feed: Feed,
  startRevision: bigint,
  scope: FeedScope,
  revealEnv: boolean,
  signal: AbortSignal,
): AsyncGenerator<{ revision: bigint; event?: NonNullable<FeedItem["event"]> }> {
  const items = feed.watch({ scope, startRevision: Number(startRevision), revealEnv }, signal);
  for await (const { revision, event } of items) {
    yield { revision: BigInt(revision), ...(event === undefined ? {} : { event }) };
  }
}
