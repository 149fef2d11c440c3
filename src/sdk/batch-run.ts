/** Runs one batch: calls the author's function, and gives each caller its part. */

import type { BatchCall, StreamCall, ValueCall } from "./batch-call.ts";
import { listsOf } from "./batch-queue.ts";
import { BATCH_DONE } from "./brands.ts";
import { type BatchContext, type RequestContext, runtime } from "./runtime.ts";

/** The author's function. */
export type BatchFunction = (...lists: unknown[][]) => unknown;

/** What {@link runValues} and {@link runStreams} run. */
export interface BatchWork<C extends BatchCall> {
  readonly name: string;
  readonly fn: BatchFunction;
  readonly calls: readonly C[];
  /** Where the function was made: no caller lends its asynchronous context to the others. */
  readonly outside: Outside;
}

/** Runs something in another asynchronous context. */
export type Outside = <R>(work: () => R) => R;

/** Ends every call with its result, or with an error. Never rejects. */
export async function runValues({ name, fn, calls, outside }: BatchWork<ValueCall>): Promise<void> {
  const scope = scopeOf(calls, outside);
  try {
    const results = checked(await scope.run(() => fn(...listsOf(calls, fn.length))), calls.length, name);
    calls.forEach((call, index) => {
      const result = results[index];
      if (result instanceof Error) call.fail(result);
      else call.give(result);
    });
  } catch (error) {
    for (const call of calls) call.fail(error);
  } finally {
    scope.end();
  }
}

/** Ends every call's stream. Never rejects. */
export async function runStreams({ name, fn, calls, outside }: BatchWork<StreamCall>): Promise<void> {
  const scope = scopeOf(calls, outside);
  try {
    const steps = await scope.run(() => fn(...listsOf(calls, fn.length)));
    if (!isAsyncIterable(steps)) {
      throw new TypeError(`${name} has the option stream, but returned ${kindOf(steps)}: make it async function*`);
    }
    // Leaving the loop runs the generator's finally blocks.
    for await (const step of inScope(steps, scope)) {
      const items = checked(step, calls.length, name);
      for (const [index, call] of calls.entries()) give(call, items[index]);
      await caughtUp(calls);
      if (calls.every(({ over }) => over)) return;
    }
    for (const call of calls) call.finish();
  } catch (error) {
    for (const call of calls) call.fail(error);
  } finally {
    scope.end();
  }
}

function give(call: StreamCall, item: unknown): void {
  if (item === BATCH_DONE) call.finish();
  else if (item instanceof Error) call.fail(item);
  else call.push(item);
}

/** Resolves when no caller is too far behind. */
async function caughtUp(calls: readonly StreamCall[]): Promise<void> {
  for (const call of calls) {
    while (call.behind) {
      await new Promise<void>((resolve) => {
        call.onRead = resolve;
      });
    }
  }
}

interface Scope {
  run<R>(work: () => R): R;
  /** The function has ended: what it used for its requests is free. */
  end(): void;
}

/** Where a batch runs: in the context of all its requests. It is cancelled when the last caller has left. */
function scopeOf(calls: readonly BatchCall[], outside: Outside): Scope {
  const { requests, batches } = runtime();
  const controller = new AbortController();
  const ends: (() => void)[] = [];
  for (const call of calls) {
    call.onLeave = () => {
      if (calls.every(({ over }) => over)) controller.abort();
    };
  }
  const context: BatchContext = {
    requests: calls.map(({ request }) => request),
    requestIds: calls.map(({ request }) => request?.requestId ?? ""),
  };
  const first = calls.find(({ request }) => request !== undefined)?.request;
  const request: RequestContext | undefined = first && {
    requestId: first.requestId,
    multiplexedModelId: first.multiplexedModelId,
    sessionId: first.sessionId ?? "",
    ...(first.revision === undefined ? {} : { revision: first.revision }),
    signal: controller.signal,
    onEnd: (listener) => void ends.push(listener),
  };
  const inBatch = <R>(work: () => R): R => batches.run(context, work);
  return {
    run: (work) =>
      outside(() =>
        request === undefined ? requests.exit(() => inBatch(work)) : requests.run(request, () => inBatch(work)),
      ),
    end: () => {
      for (const listener of ends.splice(0)) listener();
    },
  };
}

/** Each step of `steps` made in `scope`. */
function inScope(steps: AsyncIterable<unknown>, scope: Scope): AsyncIterable<unknown> {
  const iterator = steps[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => scope.run(() => iterator.next()),
      return: () => scope.run(async () => (await iterator.return?.()) ?? { done: true as const, value: undefined }),
    }),
  };
}

function checked(results: unknown, count: number, name: string): ArrayLike<unknown> {
  if (!Array.isArray(results) && !(ArrayBuffer.isView(results) && "length" in results)) {
    const hint = isAsyncIterable(results) ? ": set its option stream to true" : `: return an array of ${count}`;
    throw new TypeError(`${name} returned ${kindOf(results)} for a batch of ${count}${hint}`);
  }
  const { length } = results as ArrayLike<unknown>;
  if (length === count) return results as ArrayLike<unknown>;
  throw new RangeError(
    `${name} returned ${length} results for a batch of ${count}: return one for each, in their order`,
  );
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (isAsyncIterable(value)) return "an async iterable";
  if (typeof value === "object") return Array.isArray(value) ? "an array" : "an object";
  return `a ${typeof value}`;
}
