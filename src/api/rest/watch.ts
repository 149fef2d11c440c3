/** `GET /api/v1/watch`: the feed as server-sent events. docs/rest.md tells clients how to read it. */
import { create, toJson } from "@bufbuild/protobuf";
import { WatchInstanceResponseSchema } from "../../../gen/windlass/v1/instance_service_pb.ts";
import type { Clock } from "../../core/clock.ts";
import { WindlassError } from "../../core/errors.ts";
import { authorize } from "../auth.ts";
import { toWindlassError } from "../errors.ts";
import { type FeedItem, PROGRESS_INTERVAL_MS } from "../feed.ts";
import { instanceScope } from "../feed-scope.ts";
import { header, type NodeRequest, type Reply, type StreamReply } from "../http.ts";
import { within } from "../within.ts";
import type { RestRequest } from "./router.ts";

/** How often a comment is sent while nothing else is. */
export const HEARTBEAT_MS = 15_000;

/** How long clients wait before they come back, milliseconds. */
const RETRY_MS = 1_000;

const CONTENT_TYPE = "text/event-stream";

/** Failures before the first event are plain REST answers, 410 for history that is gone among them. */
export async function watch({
  request,
  deps,
  query,
  identity,
  revealEnv,
  left,
}: RestRequest): Promise<Reply | StreamReply> {
  const { scope, permission } = instanceScope(query.get("name") ?? "");
  authorize(identity, permission);
  const startRevision = resumeAfter(request, query);
  const progress = query.get("progress_interval_s");
  const progressIntervalMs = progress === null ? PROGRESS_INTERVAL_MS : Number(progress || "x") * 1_000;
  if (request.method === "HEAD") return { status: 200, contentType: CONTENT_TYPE };
  const signal = left();
  const items = deps.feed.watch({ scope, startRevision, revealEnv, progressIntervalMs }, signal);
  // The text below may never be begun, and then it ends nothing.
  signal.addEventListener("abort", () => void items.return(undefined), { once: true });
  const first = await items.next();
  const failed = (error: unknown): WindlassError => toWindlassError(error, deps.logger, "GET /api/v1/watch");
  return {
    status: 200,
    contentType: CONTENT_TYPE,
    // A proxy in between must not keep events back.
    headers: { "cache-control": "no-store", "x-accel-buffering": "no" },
    chunks: events(first, items, deps.clock, failed),
  };
}

/** `Last-Event-ID`, which browsers send when they come back, else `?since=`, else 0. Throws INVALID_REQUEST. */
function resumeAfter(request: NodeRequest, query: URLSearchParams): number {
  const lastEventId = header(request, "last-event-id");
  const [name, value] =
    lastEventId === undefined || lastEventId === ""
      ? ["since", query.get("since") ?? "0"]
      : ["Last-Event-ID", lastEventId];
  const revision = Number(value);
  if (/^\d+$/.test(value) && Number.isSafeInteger(revision)) return revision;
  throw new WindlassError(
    "INVALID_REQUEST",
    `${name} ${JSON.stringify(value)} is not a revision: send a whole number >= 0`,
  );
}

/** The feed as text. A failure is a last event; the feed's own end is the end. */
async function* events(
  first: IteratorResult<FeedItem>,
  items: AsyncGenerator<FeedItem>,
  clock: Clock,
  failed: (error: unknown) => WindlassError,
): AsyncGenerator<string> {
  try {
    yield `retry: ${RETRY_MS}\n\n`;
    for (let result = first; result.done !== true; ) {
      yield eventText(result.value);
      const next = items.next();
      // Handled below, however long the heartbeats take.
      next.catch(() => {});
      let arrived = await within(next, HEARTBEAT_MS, clock);
      for (; arrived === undefined; arrived = await within(next, HEARTBEAT_MS, clock)) yield ": heartbeat\n\n";
      result = arrived;
    }
  } catch (error) {
    const { reason, message } = failed(error);
    yield `event: error\ndata: ${JSON.stringify({ reason, message })}\n\n`;
  } finally {
    await items.return(undefined);
  }
}

/**
 * One event. Only the last of a revision has an `id`, so a client that is cut in the middle of one resumes after the
 * one before and is sent the whole revision again.
 */
function eventText({ revision, complete, event }: FeedItem): string {
  const message = create(WatchInstanceResponseSchema, {
    revision: BigInt(revision),
    ...(event === undefined ? {} : { event }),
  });
  const data = JSON.stringify(toJson(WatchInstanceResponseSchema, message));
  return `${complete ? `id: ${revision}\n` : ""}event: ${event?.case ?? "progress"}\ndata: ${data}\n\n`;
}
