import type { IncomingMessage, ServerResponse } from "node:http";
import { toWireError } from "../sdk/errors.ts";
import { decodeValue, encodeItem, encodeStreamError, encodeValue } from "./call-wire.ts";
import type { RequestScope } from "./request-scope.ts";
import { drained } from "./send-response.ts";
import type { Servable } from "./servable.ts";

/** Answers a handle call. Errors of user code go to the caller; they are returned for the log as well. */
export async function serveCall(
  servable: Servable,
  message: IncomingMessage,
  response: ServerResponse,
  scope: RequestScope,
  headers: string[],
): Promise<unknown> {
  const name = decodeURIComponent((message.url ?? "/").slice(1));
  try {
    const args = decodeValue(await readAll(message)) as unknown[];
    const method = servable.method(name);
    if (method === undefined) {
      const names = servable.methods().join(", ");
      throw new TypeError(`there is no method "${name}"; available: ${names === "" ? "none" : names}`);
    }
    const result = await method(...args);
    if (isStream(result)) return await sendStream(result, response, scope, headers);
    const body = encodeValue(result, `the result of ${name}`);
    send(response, 200, "value", body, headers);
    return undefined;
  } catch (error) {
    send(response, 500, "error", encodeValue(toWireError(error), "the error"), headers);
    return error;
  }
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

function send(response: ServerResponse, status: number, result: string, body: Buffer, headers: string[]): void {
  if (response.destroyed) return;
  response.writeHead(status, [...headers, "x-windlass-result", result, "content-length", String(body.length)]);
  response.end(body);
}

async function sendStream(
  items: AsyncIterable<unknown> | Iterable<unknown>,
  response: ServerResponse,
  scope: RequestScope,
  headers: string[],
): Promise<unknown> {
  response.writeHead(200, [...headers, "x-windlass-result", "stream"]);
  // The caller learns at once that it was accepted, however long the first item takes.
  response.flushHeaders();
  try {
    for await (const item of items) {
      // Leaving the loop runs the generator's finally blocks.
      if (scope.aborted || response.destroyed) return undefined;
      if (!response.write(encodeItem(item))) await drained(response);
    }
    response.end();
    return undefined;
  } catch (error) {
    response.end(encodeStreamError(toWireError(error)));
    return error;
  }
}

/** Generators and other async iterables stream; arrays, maps, sets and bytes are values. */
function isStream(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof value !== "object" || value === null) return false;
  if (Symbol.asyncIterator in value) return true;
  return Symbol.iterator in value && typeof (value as { next?: unknown }).next === "function";
}
