import { toWireError } from "../sdk/errors.ts";
import { decodeValue, encodeItem, encodeStreamError, encodeValue } from "./call-wire.ts";
import type { Inbound } from "./inbound.ts";
import type { Outbound } from "./outbound.ts";
import type { RequestScope } from "./request-scope.ts";
import type { Servable } from "./servable.ts";
import { isStream } from "./stream-result.ts";

/** Answers a handle call. Errors of user code go to the caller; they are returned for the log as well. */
export async function serveCall(
  servable: Servable,
  { head, body }: Inbound,
  out: Outbound,
  scope: RequestScope,
): Promise<unknown> {
  const name = decodeURIComponent(head.path.slice(1));
  try {
    const args = decodeValue(body.whole ? body.take() : await body.all()) as unknown[];
    const method = servable.method(name);
    if (method === undefined) {
      const names = servable.methods().join(", ");
      throw new TypeError(`there is no method "${name}"; available: ${names === "" ? "none" : names}`);
    }
    const result = await method(...args);
    if (isStream(result)) return await sendStream(result, out, scope);
    const bytes = encodeValue(result, `the result of ${name}`);
    out.head(200, [], { result: "value" });
    out.end(bytes);
    return undefined;
  } catch (error) {
    const bytes = encodeValue(toWireError(error), "the error");
    out.head(500, [], { result: "error" });
    out.end(bytes);
    return error;
  }
}

async function sendStream(
  items: AsyncIterable<unknown> | Iterable<unknown>,
  out: Outbound,
  scope: RequestScope,
): Promise<unknown> {
  out.head(200, [], { result: "stream" });
  // The caller learns at once that it is a stream, however long the first item takes.
  out.flushHead();
  try {
    for await (const item of items) {
      // Leaving the loop runs the generator's finally blocks.
      if (scope.aborted || out.closed) return undefined;
      if (!out.write(encodeItem(item))) await out.drained();
    }
    out.end();
    return undefined;
  } catch (error) {
    out.end(encodeStreamError(toWireError(error)));
    return error;
  }
}
