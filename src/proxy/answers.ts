import type { ProxyResponse } from "./message.ts";

const TEXT = "text/plain; charset=utf-8";

/** An answer of the proxy's own. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  /** Default: plain text. */
  readonly contentType?: string;
  /** Seconds, rounded up; undefined: none. */
  readonly retryAfterS?: number | undefined;
  /** Closes the connection, so that the rest of an upload is not waited for. */
  readonly close?: boolean;
}

/** Sends an answer of the proxy's own, with its request id. */
export function answer(res: ProxyResponse, requestId: string, { status, body, ...options }: Answer): void {
  const headers = ["content-type", options.contentType ?? TEXT, "x-request-id", requestId];
  if (options.retryAfterS !== undefined)
    headers.push("retry-after", String(Math.max(0, Math.ceil(options.retryAfterS))));
  if (options.close) headers.push("connection", "close");
  res.writeHead(status, headers);
  res.end(body);
}

/** An answer for a socket that has no parsed request: malformed, too large, too slow. */
export function rawAnswer(status: number, reason: string, body: string, requestId: string): string {
  return (
    `HTTP/1.1 ${status} ${reason}\r\ncontent-type: ${TEXT}\r\nx-request-id: ${requestId}\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`
  );
}

/** The body of a failure that is nobody's business but the log's. */
export const INTERNAL_ERROR: Answer = { status: 500, body: "Internal Server Error" };
