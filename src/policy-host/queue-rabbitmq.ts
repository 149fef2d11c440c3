/** The length of a queue of RabbitMQ, as its management API tells it. */
import type { QueueKwargs } from "../config/queue-kwargs.ts";

/** A queue's description has a few KiB. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** Messages that are ready. Throws what the network says, or one line on an answer that has no length. */
export async function rabbitmqLength(kwargs: QueueKwargs, signal: AbortSignal): Promise<number> {
  const { url, authorization } = queueUrl(kwargs);
  const response = await fetch(url, {
    signal,
    headers: { accept: "application/json", authorization },
    // The password is for this server alone.
    redirect: "error",
  });
  const text = await readBounded(response);
  if (response.status === 401 || response.status === 403) {
    throw new Error(
      `the management API refuses the user (${response.status}); it needs the tag "monitoring" or "management"`,
    );
  }
  if (response.status === 404) {
    throw new Error(`the management API knows no such queue in the virtual host ${JSON.stringify(vhostOf(kwargs))}`);
  }
  if (!response.ok) throw new Error(`the management API answered ${response.status}`);
  const ready = readyIn(text);
  if (ready === undefined) throw new Error("the management API's answer has no messages_ready");
  return ready;
}

/** `http://host:15672`, with or without `/api`; user and password of the broker's URL stand in where it has none. */
function queueUrl(kwargs: QueueKwargs): { readonly url: URL; readonly authorization: string } {
  const url = new URL(kwargs.rabbitmq_management_url ?? "");
  const broker = new URL(kwargs.broker_url);
  const { username, password } = url.username === "" ? broker : url;
  const login = username === "" ? "guest:guest" : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const base = url.pathname.replace(/\/+$/, "").replace(/\/api$/, "");
  url.pathname = `${base}/api/queues/${encodeURIComponent(vhostOf(kwargs))}/${encodeURIComponent(kwargs.queue_name)}`;
  url.username = "";
  url.password = "";
  url.search = "";
  url.hash = "";
  return { url, authorization: `Basic ${Buffer.from(login).toString("base64")}` };
}

/** What follows the first slash, as in Celery's URLs; nothing is the default one, "/". */
function vhostOf({ broker_url }: QueueKwargs): string {
  const name = new URL(broker_url).pathname.slice(1);
  return name === "" ? "/" : decodeURIComponent(name);
}

async function readBounded(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > MAX_ANSWER_BYTES) throw new Error("the management API's answer is larger than 1 MiB");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function readyIn(text: string): number | undefined {
  try {
    const { messages_ready: ready } = JSON.parse(text) as { messages_ready?: unknown };
    return typeof ready === "number" && Number.isFinite(ready) && ready >= 0 ? ready : undefined;
  } catch {
    return undefined;
  }
}
