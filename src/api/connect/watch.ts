/** Feed items with revisions as the wire has them. */

import { type Duration, durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { heldSink, responseSink } from "../fan-out-sink.ts";
import type { FeedItem, FeedRequest } from "../feed.ts";
import { type ApiDeps, responseKey } from "./context.ts";

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

/**
 * Runs a watch for an RPC: the first message goes the way of all messages, which sends the head and says how a failure
 * is told; what follows is written straight into the answer, and the end goes Connect's way again.
 */
export async function* watchOf(
  { feed, clock }: Pick<ApiDeps, "feed" | "clock">,
  response: "instance" | "application" | "deployment" | "replica",
  request: WatchRequest,
  about: Pick<FeedRequest, "scope" | "revealEnv">,
  context: HandlerContext,
): AsyncGenerator<WatchItem> {
  const { signal } = context;
  const from = { ...about, startRevision: Number(request.startRevision), ...progressOf(request.progressInterval) };
  const answer = context.values.get(responseKey);
  if (answer === undefined) {
    for await (const item of feed.watch(from, signal)) yield wireItem(item);
    return;
  }
  const held = heldSink();
  const running = feed.pipe(from, held, signal);
  // Whoever leaves while the first message is sent hears of no failure.
  running.catch(() => {});
  const first = await Promise.race([held.first, running]);
  if (first === undefined) return;
  yield wireItem(first.items[0]!);
  const sink = responseSink(answer, `${response}/${/\bjson\b/i.test(contentType(context)) ? "json" : "proto"}`);
  held.release(sink, 1);
  try {
    await running;
  } catch (error) {
    sink.cut(clock);
    throw error;
  }
  // A deadline is told as one; who has left is told nothing.
  if (signal.reason instanceof ConnectError && signal.reason.code === Code.DeadlineExceeded) throw signal.reason;
}

function contentType(context: HandlerContext): string {
  return context.requestHeader.get("content-type") ?? "";
}

function wireItem({ revision, event }: FeedItem): WatchItem {
  return { revision: BigInt(revision), ...(event === undefined ? {} : { event }) };
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
