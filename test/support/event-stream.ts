/** Reads server-sent events as a browser does: by the rules of the HTML standard, over HTTP/1.1 or h2c. */
import * as http from "node:http";
import * as http2 from "node:http2";
import type { Readable } from "node:stream";

/** One event as it is dispatched. `id` is what the event itself carried. */
export interface SentEvent {
  readonly event: string;
  readonly data: string;
  readonly id?: string;
}

/** Takes text in pieces of any size and hands on each complete event and comment. */
export function createEventParser(on: { event(event: SentEvent): void; comment?(text: string): void }) {
  let rest = "";
  let fields: { event?: string; data?: string; id?: string } = {};
  return (text: string): void => {
    rest += text;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      const line = rest.slice(0, end);
      rest = rest.slice(end + 1);
      if (line === "") {
        const { event = "message", data, id } = fields;
        if (data !== undefined) on.event({ event, data, ...(id === undefined ? {} : { id }) });
        fields = {};
      } else if (line.startsWith(":")) on.comment?.(line.slice(1).trim());
      else {
        const match = /^(event|data|id): ?(.*)$/.exec(line);
        if (match !== null) fields = { ...fields, [match[1]!]: match[2] };
      }
    }
  };
}

/** An open answer. */
export interface OpenStream {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: Readable;
  /** Breaks the connection at once. */
  cut(): void;
}

/** Sends a GET and resolves at its headers. */
export function openStream(
  port: number,
  path: string,
  headers: Record<string, string>,
  overHttp2 = false,
): Promise<OpenStream> {
  return new Promise((resolve, reject) => {
    if (overHttp2) {
      const session = http2.connect(`http://127.0.0.1:${port}`);
      session.on("error", reject);
      const stream = session.request({ ":path": path, ...headers });
      stream.on("error", reject);
      stream.on("response", (head) => {
        stream.on("close", () => session.close());
        resolve({ status: Number(head[":status"]), headers: head, body: stream, cut: () => session.destroy() });
      });
      return;
    }
    const request = http.get({ host: "127.0.0.1", port, path, headers, agent: false }, (response) => {
      response.on("error", () => {}); // cut by ourselves
      const { statusCode = 0, headers: head } = response;
      resolve({ status: statusCode, headers: head, body: response, cut: () => request.destroy() });
    });
    request.on("error", reject);
  });
}
