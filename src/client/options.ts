/** What clients of Node and of browsers have in common. */
import type { Interceptor } from "@connectrpc/connect";
import { nameConnectionFailures, retrySafeCalls, type Time } from "./retry.ts";

/** Options that all clients have. */
export interface CallDefaults {
  /** Deadline of a call that names none, in milliseconds; not of streams. Infinity is none. Default: 10,000. */
  readonly timeoutMs?: number;
  /** Whether calls that only read are tried again while the server is not available. Default: true. */
  readonly retry?: boolean;
  /** Run around each call, the first outermost. Default: none. */
  readonly interceptors?: readonly Interceptor[];
}

/** Deadline of calls unless options say. */
export const TIMEOUT_MS = 10_000;

/** The interceptors of a client, in order; without `time` nothing is tried again. */
export function interceptorsOf(
  token: string | undefined,
  time: Time | undefined,
  { interceptors = [], retry = true }: CallDefaults,
): Interceptor[] {
  return [
    ...interceptors,
    ...(retry && time !== undefined ? [retrySafeCalls(time)] : []),
    nameConnectionFailures,
    ...(token === undefined ? [] : [bearer(token)]),
  ];
}

function bearer(token: string): Interceptor {
  return (next) => (request) => {
    if (!request.header.has("authorization")) request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
}
