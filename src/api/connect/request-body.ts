/** The body of an RPC's request, which its handler may stop reading before the client has stopped sending. */
import * as http2 from "node:http2";
import type { NodeRequest } from "../http.ts";

/** How much is read and dropped of a request that was answered before it came whole, in bytes. */
export const DROPPED_BYTES = 4 * 1024 * 1024;

/**
 * The request's chunks. Who stops early leaves the connection usable: clients that write before they read would wait
 * for ever for room to send the rest, and over HTTP/1.1 the answer would be cut off with it.
 */
export function requestBody(request: NodeRequest): AsyncIterable<Uint8Array> {
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => chunks.next(),
      async return() {
        await chunks.return?.();
        dropRest(request);
        return { done: true, value: undefined };
      },
    }),
  };
}

function dropRest(request: NodeRequest): void {
  if (request.readableEnded || request.destroyed) return;
  let left = DROPPED_BYTES;
  request.on("data", (chunk: Uint8Array) => {
    left -= chunk.length;
    if (left >= 0) return;
    // HTTP/2 has a way to say that the rest is not needed.
    if (request instanceof http2.Http2ServerRequest) request.stream.close(http2.constants.NGHTTP2_NO_ERROR);
    else request.destroy();
  });
}
