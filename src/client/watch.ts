/** A watch that goes on across cut connections. */
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { withConnectionCode } from "./errors.ts";
import type { WatchEvent } from "./events.ts";
import { type Feed, silenceMs, type WatchRequest } from "./feeds.ts";
import { advance, beginAttempt, resumeRevision, startPosition } from "./position.ts";
import { backoffMs, isCompacted, isFinal, type Time } from "./retry.ts";

/** How the connection of a watch fares. */
export type WatchStatus =
  /** The first message of an attempt has come; `failures`: attempts that failed before it. */
  | { readonly kind: "connected"; readonly failures: number }
  /**
   * The attempt has ended, `error` being undefined where the server ended it or it was silent for too long. It is tried
   * again. `answered`: whether any attempt ever had an answer; `silentMs`: how long ago the last message came, or the
   * watch began.
   */
  | {
      readonly kind: "cut";
      readonly error: ConnectError | undefined;
      readonly failures: number;
      readonly answered: boolean;
      readonly silentMs: number;
    }
  /** The history after `revision` is gone; the present state comes next. */
  | { readonly kind: "compacted"; readonly revision: bigint };

/** Options of a watch. */
export interface WatchOptions {
  /**
   * What is read: the RPC's stream, or server-sent events, which pass where streams of RPCs are held back; those of the
   * instance and of scaling decisions alone. Default: "rpc".
   */
  readonly via?: "rpc" | "sse";
  /** Ends the watch quietly. */
  readonly signal?: AbortSignal;
  /** Told how the connection fares. What it throws ends the watch. */
  readonly onStatus?: (status: WatchStatus) => void;
}

/**
 * The events of a watch, to be read once. It holds a connection until it is left by `break` or `return`, closed, or its
 * signal aborts. Throws a ConnectError where trying again cannot mend it.
 */
export interface Watch<Resource> extends AsyncIterable<WatchEvent<Resource>>, AsyncDisposable {
  /**
   * The `startRevision` of a watch that shall go on after what this one told; 0 before `synced`. Events of later
   * revisions that were told already come again then.
   */
  readonly resumeRevision: bigint;
  /** Ends it, also while somebody waits for its next event: a reader's loop ends. */
  close(): void;
}

/** One attempt: messages from a revision on, until `signal` aborts. */
export type Attempt<Request extends DescMessage, Response extends DescMessage> = (
  request: MessageInitShape<Request>,
  signal: AbortSignal,
) => AsyncIterable<MessageShape<Response>>;

/** The first message of an attempt may take this long in any case: a connection is made before it. */
const CONNECT_MS = 5_000;

/** Makes a {@link Watch} of a feed out of attempts. */
export function startWatch<Request extends DescMessage, Response extends DescMessage, Resource>(
  feed: Feed<Request, Response, Resource>,
  request: MessageInitShape<Request> & WatchRequest,
  attempt: Attempt<Request, Response>,
  time: Time,
  options: WatchOptions = {},
): Watch<Resource> {
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  let position = startPosition(request.startRevision ?? 0n);
  const notify = options.onStatus ?? (() => {});

  async function* events(): AsyncGenerator<WatchEvent<Resource>> {
    let failures = 0;
    let answered = false;
    let lastAnswerMs = time.clock.monotonic();
    while (!signal.aborted) {
      beginAttempt(position);
      const from = resumeRevision(position);
      let error: ConnectError | undefined;
      try {
        const resumed = { ...request, startRevision: from };
        for await (const message of audible(attempt, resumed, silenceMs(request), signal, time)) {
          if (signal.aborted) return;
          if (failures > 0 || !answered) notify({ kind: "connected", failures });
          failures = 0;
          answered = true;
          lastAnswerMs = time.clock.monotonic();
          const step = advance(position, feed.stepOf(message));
          position = step.position;
          yield* step.news;
        }
      } catch (thrown) {
        if (signal.aborted) return;
        if (!(thrown instanceof ConnectError)) throw thrown;
        error = thrown;
        if (isCompacted(error, from)) {
          notify({ kind: "compacted", revision: from });
          position = startPosition(0n);
          continue;
        }
        if (isFinal(error)) throw error;
      }
      if (signal.aborted) return;
      failures += 1;
      notify({ kind: "cut", error, failures, answered, silentMs: time.clock.monotonic() - lastAnswerMs });
      await time.clock.sleep(backoffMs(failures, time.random), signal);
    }
  }

  const running = events();
  return {
    get resumeRevision() {
      return resumeRevision(position);
    },
    close: () => stop.abort(),
    [Symbol.asyncIterator]: () => running,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running.return(undefined);
    },
  };
}

/** The messages of one attempt; it ends where none comes for `limitMs`. Leaving it cancels the call. */
async function* audible<Request extends DescMessage, Response extends DescMessage>(
  attempt: Attempt<Request, Response>,
  request: MessageInitShape<Request>,
  limitMs: number,
  outer: AbortSignal,
  { clock }: Time,
): AsyncGenerator<MessageShape<Response>> {
  // Leaving a `for await` does not cancel a call, an aborted signal does.
  const call = new AbortController();
  const abort = (): void => call.abort();
  outer.addEventListener("abort", abort, { once: true });
  let silent = false;
  const messages = attempt(request, call.signal)[Symbol.asyncIterator]();
  try {
    for (let first = true; ; first = false) {
      // Only while nothing comes: a reader may take its time.
      const watchdog = clock.timer(first ? Math.max(limitMs, CONNECT_MS) : limitMs, () => {
        silent = true;
        abort();
      });
      const next = await messages.next().finally(() => watchdog.cancel());
      if (next.done === true) return;
      yield next.value;
    }
  } catch (error) {
    if (!silent) throw withConnectionCode(error, outer.aborted);
  } finally {
    outer.removeEventListener("abort", abort);
    abort();
    // Closes its connection. Not awaited: a transport may be late in noticing.
    messages.return?.(undefined).catch(() => {});
  }
}
