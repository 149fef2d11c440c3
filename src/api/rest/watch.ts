/** `GET /api/v1/watch`: the feed as server-sent events. docs/rest.md tells clients how to read it. */
import type { Clock, Timer } from "../../core/clock.ts";
import { WindlassError } from "../../core/errors.ts";
import { authorize } from "../auth.ts";
import { toWindlassError } from "../errors.ts";
import type { FeedSink } from "../fan-out.ts";
import { type HeldSink, heldSink, responseSink } from "../fan-out-sink.ts";
import { MIN_PROGRESS_INTERVAL_MS, PROGRESS_INTERVAL_MS } from "../feed.ts";
import { instanceScope } from "../feed-scope.ts";
import { header, type NodeRequest, type NodeResponse, type Reply, type StreamReply } from "../http.ts";
import type { RestRequest } from "./router.ts";
import { checkDecisionWatch, decisionEvents } from "./watch-decisions.ts";

/** How often a comment is sent while nothing else is. */
export const HEARTBEAT_MS = 15_000;

/** How long clients wait before they come back, milliseconds. */
const RETRY_MS = 1_000;

const CONTENT_TYPE = "text/event-stream";

/** Of every watch. A proxy in between must not keep events back. */
const HEAD = {
  status: 200,
  contentType: CONTENT_TYPE,
  headers: { "cache-control": "no-store", "x-accel-buffering": "no" },
} as const;

/** Failures before the first event are plain REST answers, 410 for history that is gone among them. */
export async function watch(asked: RestRequest): Promise<Reply | StreamReply> {
  const { request, deps, query, identity, revealEnv, left } = asked;
  const which = query.get("feed") ?? "resources";
  if (which === "decisions") return watchDecisions(asked);
  if (which !== "resources") {
    throw new WindlassError(
      "INVALID_REQUEST",
      `feed ${JSON.stringify(which)} is not known: send resources or decisions`,
    );
  }
  const { scope, permission } = instanceScope(query.get("name") ?? "");
  authorize(identity, permission);
  const startRevision = resumeAfter(request, query);
  const progressIntervalMs = progressIntervalOf(query);
  if (request.method === "HEAD") return { status: 200, contentType: CONTENT_TYPE };
  const signal = left();
  const held = heldSink();
  const running = deps.feed.pipe({ scope, startRevision, revealEnv, progressIntervalMs }, held, signal);
  // Where it fails later, `onward` tells.
  running.catch(() => {});
  await Promise.race([held.first, running]);
  const failed = (error: unknown): WindlassError => toWindlassError(error, deps.logger, "GET /api/v1/watch");
  return {
    ...HEAD,
    chunks: beginning(),
    onward: (response) => events(response, held, running, deps.clock, failed),
  };
}

async function* beginning(): AsyncGenerator<string> {
  yield `retry: ${RETRY_MS}\n\n`;
}

async function watchDecisions(asked: RestRequest): Promise<Reply | StreamReply> {
  const { request, query, deps } = asked;
  checkDecisionWatch(asked);
  const from = { startRevision: resumeAfter(request, query), progressIntervalMs: progressIntervalOf(query) };
  if (request.method === "HEAD") return { status: 200, contentType: CONTENT_TYPE };
  const failed = (error: unknown): WindlassError => toWindlassError(error, deps.logger, "GET /api/v1/watch");
  const events = await decisionEvents(asked, from, HEARTBEAT_MS, failed);
  return { ...HEAD, chunks: joined(beginning(), events) };
}

async function* joined(...parts: readonly AsyncGenerator<string>[]): AsyncGenerator<string> {
  for (const part of parts) yield* part;
}

function progressIntervalOf(query: URLSearchParams): number {
  const text = query.get("progress_interval_s");
  if (text === null) return PROGRESS_INTERVAL_MS;
  const intervalMs = Number(text || "none") * 1_000;
  if (intervalMs >= MIN_PROGRESS_INTERVAL_MS && intervalMs <= PROGRESS_INTERVAL_MS) return intervalMs;
  const [least, most] = [MIN_PROGRESS_INTERVAL_MS / 1_000, PROGRESS_INTERVAL_MS / 1_000];
  throw new WindlassError(
    "INVALID_REQUEST",
    `progress_interval_s ${JSON.stringify(text)} must be a number of seconds from ${least} to ${most}`,
  );
}

/** The feed as events, and comments while it is silent. A failure is a last event; the feed's own end is the end. */
async function events(
  response: NodeResponse,
  held: HeldSink,
  running: Promise<void>,
  clock: Clock,
  failed: (error: unknown) => WindlassError,
): Promise<void> {
  const sink = responseSink(response, "instance/events");
  let saidMs = clock.monotonic();
  let timer: Timer | undefined;
  const beat = (): void => {
    const dueMs = saidMs + HEARTBEAT_MS - clock.monotonic();
    timer = clock.timer(dueMs > 0 ? dueMs : HEARTBEAT_MS, beat, { unref: true });
    if (dueMs > 0) return;
    sink.writeRaw(": heartbeat\n\n");
    saidMs = clock.monotonic();
  };
  const noted: FeedSink = {
    write(batch) {
      saidMs = clock.monotonic();
      return sink.write(batch);
    },
    whenReady: sink.whenReady,
  };
  held.release(noted, 0);
  timer = clock.timer(HEARTBEAT_MS, beat, { unref: true });
  try {
    await running;
  } catch (error) {
    const { reason, message } = failed(error);
    response.write(`event: error\ndata: ${JSON.stringify({ reason, message })}\n\n`);
    sink.cut(clock);
  } finally {
    timer.cancel();
  }
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
