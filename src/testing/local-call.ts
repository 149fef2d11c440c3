import type { Clock } from "../core/clock.ts";
import { failureError, nameOf } from "../replica/call-failure.ts";
import { decodeValue, encodeValue } from "../replica/call-wire.ts";
import { RequestScope } from "../replica/request-scope.ts";
import type { Servable } from "../replica/servable.ts";
import { isStream } from "../replica/stream-result.ts";
import { fromWireError, toWireError } from "../sdk/errors.ts";
import { type HandleCall, type Place, runtime } from "../sdk/runtime.ts";

/** A deployment that takes calls. */
export interface LocalTarget {
  readonly servable: Servable;
  readonly place: Place;
  readonly clock: Clock;
}

/** Runs `work` as code of the target, for the request of `scope`. */
export function inPlace<R>({ place }: Pick<LocalTarget, "place">, scope: RequestScope, work: () => R): R {
  const { places, requests } = runtime();
  return places.run(place, () => requests.run(scope, work));
}

/** A copy of `value`, as a receiver in another process would get it. Throws a TypeError for what cannot travel. */
export function travelled(value: unknown, what: string): unknown {
  return decodeValue(encodeValue(value, what));
}

/** Makes a call in this process. */
export async function callUnary(target: LocalTarget, call: HandleCall): Promise<unknown> {
  const limits = limitsOf(target, call);
  try {
    return await limits.within(async () => {
      const result = await method(target, call)();
      if (isStream(result)) {
        throw new Misuse(`${nameOf(call)} returns a stream: call it through handle.options({ stream: true })`);
      }
      return travelled(result, `the result of ${call.method}`);
    });
  } finally {
    limits.end();
  }
}

/** Makes a call in this process whose result is read item by item. */
export async function* callStream(target: LocalTarget, call: HandleCall): AsyncGenerator<unknown> {
  const limits = limitsOf(target, call);
  let items: AsyncIterator<unknown> | Iterator<unknown> | undefined;
  try {
    items = await limits.within(async () => {
      const result = await method(target, call)();
      if (isStream(result)) return iteratorOf(result);
      throw new Misuse(`${nameOf(call)} does not return a stream: call it through a handle without stream`);
    });
    for (;;) {
      const next = await limits.within(async () => {
        const item = await items!.next();
        return item.done ? undefined : { value: travelled(item.value, "an item of the stream") };
      });
      if (next === undefined) return;
      yield next.value;
    }
  } finally {
    // Of a generator that is still at work this waits for its next step, for which nobody waits any more.
    const ended = limits.run(async () => items?.return?.());
    if (!limits.broken) await ended.catch(() => {});
    else ended.catch(() => {});
    limits.end();
  }
}

/** A mistake of the caller's, thrown to it as it is. */
class Misuse extends TypeError {}

function iteratorOf(items: AsyncIterable<unknown> | Iterable<unknown>): AsyncIterator<unknown> | Iterator<unknown> {
  return Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
}

/** The method with a copy of the arguments. Arguments that cannot travel are the caller's fault. */
function method({ servable }: LocalTarget, call: HandleCall): () => unknown {
  const args = travelledArgs(call);
  const found = servable.method(call.method);
  if (found === undefined) {
    const names = servable.methods().join(", ");
    throw new TypeError(`there is no method "${call.method}"; available: ${names === "" ? "none" : names}`);
  }
  return () => found(...args);
}

function travelledArgs(call: HandleCall): unknown[] {
  try {
    return travelled(call.args, `an argument of ${nameOf(call)}`) as unknown[];
  } catch (error) {
    throw new Misuse((error as Error).message);
  }
}

interface Limits {
  /** Whether the call was cancelled or took too long. */
  readonly broken: boolean;
  run<R>(work: () => R): R;
  /** Rejects with what broke the call, or with what user code threw, as it arrives at a caller elsewhere. */
  within<R>(work: () => Promise<R>): Promise<R>;
  end(): void;
}

function limitsOf(target: LocalTarget, call: HandleCall): Limits {
  const { requestId, multiplexedModelId, revision, sessionId, route, priority } = call;
  const scope = new RequestScope(requestId, multiplexedModelId, revision, sessionId, route, priority ?? 0);
  const broke = Promise.withResolvers<never>();
  // It may break between two steps.
  broke.promise.catch(() => {});
  let broken = false;
  const end = (kind: "cancelled" | "timed-out"): void => {
    broken = true;
    broke.reject(failureError({ kind, responseStarted: false }, call));
    scope.abort();
  };
  const cancel = (): void => end("cancelled");
  const timer =
    call.timeoutMs === null ? undefined : target.clock.timer(call.timeoutMs, () => end("timed-out"), { unref: true });
  if (call.signal.aborted) cancel();
  else call.signal.addEventListener("abort", cancel, { once: true });
  const run = <R>(work: () => R): R => inPlace(target, scope, work);
  return {
    run,
    get broken() {
      return broken;
    },
    async within(work) {
      if (broken) return await broke.promise;
      const arriving = run(async () => {
        try {
          return await work();
        } catch (error) {
          throw error instanceof Misuse ? new TypeError(error.message) : arrived(error);
        }
      });
      return await Promise.race([arriving, broke.promise]);
    },
    end() {
      timer?.cancel();
      call.signal.removeEventListener("abort", cancel);
      scope.end();
    },
  };
}

/** An error as its caller gets it: what of it travels. It keeps where it came from, for who reads the test's output. */
function arrived(error: unknown): Error {
  const there = fromWireError(toWireError(error));
  if (error instanceof Error && error.stack !== undefined) there.stack = error.stack;
  return there;
}
