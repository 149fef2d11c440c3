/** `GET /api/v1/watch?feed=decisions`: what the autoscaler decides, as server-sent events. */
import { create, toJson } from "@bufbuild/protobuf";
import { WatchScalingDecisionsResponseSchema } from "../../../gen/windlass/v1/deployment_service_pb.ts";
import type { Clock } from "../../core/clock.ts";
import type { WindlassError } from "../../core/errors.ts";
import { authorize } from "../auth.ts";
import { decisionMessage } from "../connect/decisions.ts";
import { decisionScope } from "../decision-feed.ts";
import type { DecisionItem } from "../feed.ts";
import { flagOf } from "./flag.ts";
import type { RestRequest } from "./router.ts";

/** Where to begin, as `watch` reads it of a request. */
export interface Beginning {
  readonly startRevision: number;
  readonly progressIntervalMs: number;
}

/** Who may read them is checked at once. */
export function checkDecisionWatch({ query, identity }: RestRequest) {
  const { scope, permission } = decisionScope(
    query.get("name") || "applications/-",
    flagOf("shadow", query.get("shadow")),
  );
  authorize(identity, permission);
  return scope;
}

/**
 * The events as text, once the first has come; rejects where the watch fails before. Later failures are a last event.
 * After `heartbeatMs` of silence a comment is sent.
 */
export async function decisionEvents(
  request: RestRequest,
  from: Beginning,
  heartbeatMs: number,
  failed: (error: unknown) => WindlassError,
): Promise<AsyncGenerator<string>> {
  const { feed, clock } = request.deps;
  const items = feed.watchDecisions({ scope: checkDecisionWatch(request), ...from }, request.left());
  const first = await items.next();
  return withHeartbeats(texts(first, items, failed), heartbeatMs, clock);
}

async function* texts(
  first: IteratorResult<DecisionItem>,
  items: AsyncGenerator<DecisionItem>,
  failed: (error: unknown) => WindlassError,
): AsyncGenerator<string> {
  try {
    if (first.done === true) return;
    yield eventText(first.value);
    for await (const item of items) yield eventText(item);
  } catch (error) {
    const { reason, message } = failed(error);
    yield `event: error\ndata: ${JSON.stringify({ reason, message })}\n\n`;
  } finally {
    await items.return(undefined);
  }
}

function eventText({ revision, complete, event }: DecisionItem): string {
  const id = complete ? `id: ${revision}\n` : "";
  const message = create(WatchScalingDecisionsResponseSchema, {
    revision: BigInt(revision),
    ...decisionMessage(event),
  });
  const data = JSON.stringify(toJson(WatchScalingDecisionsResponseSchema, message));
  return `${id}event: ${event?.case ?? "progress"}\ndata: ${data}\n\n`;
}

async function* withHeartbeats(
  chunks: AsyncGenerator<string>,
  heartbeatMs: number,
  clock: Clock,
): AsyncGenerator<string> {
  try {
    for (let next = chunks.next(); ; ) {
      const come = new AbortController();
      const chunk = await Promise.race([next, clock.sleep(heartbeatMs, come.signal)]);
      come.abort();
      if (chunk === undefined) {
        yield ": heartbeat\n\n";
        continue;
      }
      if (chunk.done === true) return;
      yield chunk.value;
      next = chunks.next();
    }
  } finally {
    await chunks.return(undefined);
  }
}
