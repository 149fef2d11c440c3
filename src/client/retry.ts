/** What is worth trying again, and after how long. The one place that knows. */
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import { isOwnFailure, reasonOf, withConnectionCode } from "./errors.ts";

/** What waiting and chance are taken from. */
export interface Time {
  readonly clock: Clock;
  readonly random: Random;
}

/** The longest time that a timer can be set to, 24.8 days. */
export const MOST_TIMER_MS = 2 ** 31 - 1;

const FIRST_MS = 100;
const MOST_MS = 5_000;

/** Milliseconds before the next attempt after so many failures in a row, at least half of them; 0.1 s to 5 s. */
export function backoffMs(failures: number, random: Random): number {
  const full = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10));
  return full / 2 + (full / 2) * random.next();
}

/** Whoever answers so, trying again cannot mend it. */
const FINAL: ReadonlySet<Code> = new Set([Code.Unauthenticated, Code.PermissionDenied, Code.Unimplemented]);

/** The same where Windlass says so: transports call a message that was cut in the middle an invalid argument. */
const FINAL_OF_OURS: ReadonlySet<Code> = new Set([
  Code.NotFound,
  Code.InvalidArgument,
  Code.OutOfRange,
  Code.FailedPrecondition,
]);

/** Whether trying a watch again cannot mend an error. */
export function isFinal(error: ConnectError): boolean {
  if (isOwnFailure(error)) return true;
  return FINAL.has(error.code) || (FINAL_OF_OURS.has(error.code) && reasonOf(error) !== undefined);
}

/** Whether the history that a watch wanted to continue from is gone. */
export function isCompacted(error: ConnectError, resumeRevision: bigint): boolean {
  return error.code === Code.OutOfRange && resumeRevision !== 0n;
}

/** Tries calls again that only read, while the server is not available and the call's deadline has not come. */
export function retrySafeCalls({ clock, random }: Time): Interceptor {
  return (next) => async (request) => {
    const safe = request.method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
    for (let failures = 1; ; failures++) {
      try {
        return await next(request);
      } catch (error) {
        const away = error instanceof ConnectError && error.code === Code.Unavailable;
        if (!away || !safe || request.stream || failures >= ATTEMPTS) throw error;
        await clock.sleep(backoffMs(failures, random), request.signal);
        if (request.signal.aborted) throw error;
      }
    }
  };
}

/** With the waits between them, 3 to 6 s. */
const ATTEMPTS = 7;

/** Tells connections that fail as UNAVAILABLE, whatever transports call that. */
export const nameConnectionFailures: Interceptor = (next) => async (request) => {
  try {
    const response = await next(request);
    return response.stream ? { ...response, message: named(response.message, request.signal) } : response;
  } catch (error) {
    throw withConnectionCode(error, request.signal.aborted);
  }
};

async function* named<T>(messages: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw withConnectionCode(error, signal.aborted);
  }
}
