/** What the proxy needs of requests and answers, of HTTP/1.1 and HTTP/2 alike. */
import type { IncomingMessage, ServerResponse } from "node:http";

/** A request; the members mean what they mean of `http.IncomingMessage`. */
export interface ProxyRequest
  extends Pick<
    IncomingMessage,
    "method" | "url" | "headers" | "rawHeaders" | "complete" | "destroyed" | "readableEnded"
  > {
  on(event: "data", listener: (chunk: Buffer) => void): this;
  on(event: "end" | "close", listener: () => void): this;
  off(event: "data", listener: (chunk: Buffer) => void): this;
  off(event: "end" | "close", listener: () => void): this;
  pause(): unknown;
  resume(): unknown;
}

/** Its answer; the members mean what they mean of `http.ServerResponse`. */
export interface ProxyResponse
  extends Pick<ServerResponse, "destroyed" | "headersSent" | "statusCode" | "writableFinished"> {
  writeContinue(): void;
  flushHeaders(): void;
  destroy(): unknown;
  on(event: "close" | "drain" | "finish", listener: () => void): unknown;
  once(event: "close" | "drain" | "finish", listener: () => void): unknown;
  /** `headers`: name, value, …; names in lower case. */
  writeHead(status: number, headers: string[]): unknown;
  write(chunk: Uint8Array): boolean;
  /** Before `end`: name, value, …, with one pair in each. Where there can be none, nothing happens. */
  addTrailers(trailers: [string, string][]): void;
  end(chunk?: string | Uint8Array, encoding?: BufferEncoding): unknown;
}
