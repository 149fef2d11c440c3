/** A watch by server-sent events, read by `fetch`: a browser's EventSource cannot send a token. */
import { create, type DescMessage, fromJson, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import type { Connections } from "./client.ts";
import { type Feed, progressSeconds, type WatchRequest } from "./feeds.ts";
import type { Attempt } from "./watch.ts";

/** Attempts over `GET /api/v1/watch`. Throws where the feed is none of those that it has. */
export function eventAttempts<Request extends DescMessage, Response extends DescMessage, Resource>(
  connections: Pick<Connections, "address" | "token" | "fetch">,
  { query, response: schema }: Feed<Request, Response, Resource>,
): Attempt<Request, Response> {
  if (query === undefined)
    throw new TypeError(`${schema.typeName} does not come as server-sent events: use via: "rpc"`);
  const { address, token, fetch = globalThis.fetch } = connections;
  return async function* (request, signal) {
    const { startRevision = 0n, ...given }: WatchRequest = request as MessageInitShape<Request> & WatchRequest;
    const seconds = progressSeconds(given);
    const search = new URLSearchParams({
      ...query(request),
      since: String(startRevision),
      ...(seconds === undefined ? {} : { progress_interval_s: String(seconds) }),
    });
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    try {
      const response = await fetch(`${address}/api/v1/watch?${search}`, { headers, signal, cache: "no-store" });
      if (response.status !== 200 || response.body === null) throw refusal(response.status, await response.text());
      for await (const { event, data } of serverSentEvents(response.body)) {
        const json = JSON.parse(data) as never;
        if (event === "error") throw failure(json);
        yield fromJson(schema, json, { ignoreUnknownFields: true }) as MessageShape<Response>;
      }
    } catch (error) {
      throw ConnectError.from(error, Code.Unavailable);
    }
  };
}

/** One event of a stream of server-sent events. */
export interface ServerSentEvent {
  /** "message" where the server names none. */
  readonly event: string;
  readonly data: string;
  /** The last id that the server sent, with this event or before. */
  readonly id: string;
}

/** The events of a response's body. Those without data are none, and what is cut off at the end is dropped. */
export async function* serverSentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let event = "";
  let data: string[] = [];
  let id = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      // A carriage return at the end may be the first half of a line's end.
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "") {
          if (data.length > 0) yield { event: event || "message", data: data.join("\n"), id };
          event = "";
          data = [];
          continue;
        }
        const [, name = line, text = ""] = /^([^:]*): ?(.*)$/s.exec(line) ?? [];
        if (name === "event") event = text;
        else if (name === "data") data.push(text);
        else if (name === "id") id = text;
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

const CODES: Readonly<Record<number, Code>> = {
  400: Code.InvalidArgument,
  401: Code.Unauthenticated,
  403: Code.PermissionDenied,
  404: Code.NotFound,
  410: Code.OutOfRange,
  429: Code.ResourceExhausted,
};

/** Reasons that the status of an answer tells. */
const REASONS: Readonly<Record<number, string>> = {
  400: "INVALID_REQUEST",
  401: "UNAUTHENTICATED",
  404: "NOT_FOUND",
  410: "HISTORY_COMPACTED",
};

function refusal(status: number, body: string): ConnectError {
  const code = CODES[status] ?? (status >= 500 ? Code.Unavailable : Code.Unknown);
  return withReason(body.trim() || `the answer was ${status}`, code, REASONS[status]);
}

function failure({ reason, message }: { readonly reason: string; readonly message: string }): ConnectError {
  return withReason(message, reason === "HISTORY_COMPACTED" ? Code.OutOfRange : Code.Unavailable, reason);
}

function withReason(message: string, code: Code, reason: string | undefined): ConnectError {
  if (reason === undefined) return new ConnectError(message, code);
  const value = create(ErrorInfoSchema, { reason, domain: "windlass" });
  return new ConnectError(message, code, undefined, [{ desc: ErrorInfoSchema, value }]);
}
