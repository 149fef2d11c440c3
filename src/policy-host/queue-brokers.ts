/** Asks brokers how many messages wait. Connections live for one poll: one that hangs or goes stale costs one poll. */
import { isRedis, type QueueKwargs } from "../config/queue-kwargs.ts";
import type { Clock } from "../core/clock.ts";
import type { QueueReading } from "./queue.ts";
import { rabbitmqLength } from "./queue-rabbitmq.ts";
import { redisLength } from "./queue-redis.ts";

/** A poll that takes longer has failed. */
const TIMEOUT_MS = 5_000;

/** The messages that are ready to be taken from the queue; those that a consumer has taken do not count. Never throws. */
export async function readQueue(kwargs: QueueKwargs, clock: Clock): Promise<QueueReading> {
  const abort = new AbortController();
  const timer = clock.timer(TIMEOUT_MS, () => abort.abort());
  const url = new URL(kwargs.broker_url);
  const place = `queue ${JSON.stringify(kwargs.queue_name)} at ${url.protocol}//${url.host}`;
  try {
    const length = isRedis(kwargs.broker_url)
      ? await redisLength(kwargs, abort.signal)
      : await rabbitmqLength(kwargs, abort.signal);
    return { length };
  } catch (error) {
    const why = abort.signal.aborted ? `no answer within ${TIMEOUT_MS / 1000} s` : reason(error, kwargs);
    return { problem: `${place} cannot be read: ${why}` };
  } finally {
    timer.cancel();
  }
}

/** What lies behind an error, in one short line without a password of the arguments. */
function reason(error: unknown, kwargs: QueueKwargs): string {
  const { cause } = error as { cause?: unknown };
  const from = cause instanceof Error ? cause : error;
  const { code } = from as { code?: unknown };
  if (typeof code === "string" && code !== "") return code;
  // Several addresses were tried: each error has the code.
  const [inner] = (from as { errors?: readonly unknown[] }).errors ?? [];
  if (inner !== undefined) return reason(inner, kwargs);
  let text = (from instanceof Error ? from.message : String(from)).replace(/\s+/g, " ").trim().slice(0, 200);
  for (const secret of secretsOf(kwargs)) text = text.replaceAll(secret, "<redacted>");
  return text === "" ? "the connection broke" : text;
}

function secretsOf({ broker_url, rabbitmq_management_url }: QueueKwargs): string[] {
  return [broker_url, rabbitmq_management_url].flatMap((text) => {
    if (text === null) return [];
    const { password } = new URL(text);
    return password === "" ? [] : [password, decodeURIComponent(password)];
  });
}
