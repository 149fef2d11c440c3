import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { WatchInstanceResponse } from "../../gen/windlass/v1/instance_service_pb.ts";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import type { Api } from "./api.ts";
import { advance, beginAttempt, resumeRevision, startPosition } from "./feed-position.ts";

/** How often a server says something unless it is asked to do so sooner. */
const PROGRESS_INTERVAL_MS = 20_000;
/** A connection that is silent for so many intervals is dead: an intermediary may have lost it without a word. */
const SILENT_INTERVALS = 3;
const BACKOFF_FIRST_MS = 100;
const BACKOFF_MOST_MS = 5_000;

/** How {@link follow} behaves. */
export interface FollowOptions {
  /** Resource name to look at and below; "" is everything. */
  readonly name: string;
  /** Continue after this revision; 0 begins with the present state. */
  readonly since: bigint;
  /** How often the server is to say something: 100 to 20,000, which is also the default. */
  readonly progressIntervalMs?: number;
  /** Ends the feed quietly. */
  readonly signal: AbortSignal;
  /** How long to try without an answer before the failure is thrown; 0 tells a first failure at once, Infinity never gives up. */
  readonly patienceMs: number;
  /** Whether to try on for ever once the server has answered. */
  readonly endless: boolean;
  /** Told one line when the feed is cut, is back, or begins anew. */
  notice(text: string): void;
}

/**
 * Everything the instance tells, from the present state on, across cut connections: no gap, no repeat.
 * Where history to continue from is gone, it begins anew with the present state and ends that with `synced`.
 */
export async function* follow(
  api: Api,
  time: { readonly clock: Clock; readonly random: Random },
  options: FollowOptions,
): AsyncGenerator<WatchInstanceResponse> {
  const { progressIntervalMs } = options;
  const progress = progressIntervalMs === undefined ? {} : { progressInterval: durationFromMs(progressIntervalMs) };
  const silenceMs = SILENT_INTERVALS * (progressIntervalMs ?? PROGRESS_INTERVAL_MS);
  let position = startPosition(options.since);
  let failures = 0;
  let answered = false;
  let lastAnswerAt = time.clock.monotonic();
  while (!options.signal.aborted) {
    // Leaving a `for await` does not cancel the call, an aborted signal does.
    const attempt = new AbortController();
    const signal = AbortSignal.any([options.signal, attempt.signal]);
    const silence = () => time.clock.timer(silenceMs, () => attempt.abort(), { unref: true });
    let watchdog = silence();
    beginAttempt(position);
    try {
      const request = { startRevision: resumeRevision(position), name: options.name, ...progress };
      for await (const message of api.instance.watchInstance(request, { signal })) {
        watchdog.cancel();
        watchdog = silence();
        if (failures > 0 && answered) options.notice(`connected again to ${api.target.address}`);
        failures = 0;
        answered = true;
        lastAnswerAt = time.clock.monotonic();
        const step = advance(position, message);
        position = step.position;
        yield* step.news;
      }
    } catch (error) {
      if (options.signal.aborted) return;
      if (!(error instanceof ConnectError)) throw error;
      if (error.code === Code.OutOfRange && resumeRevision(position) !== 0n) {
        options.notice(
          `the history after revision ${resumeRevision(position)} is gone; beginning with the present state`,
        );
        position = startPosition(0n);
        continue;
      }
      const endless = options.endless && answered;
      const waitedMs = time.clock.monotonic() - lastAnswerAt;
      if (FINAL.has(error.code) || (!endless && waitedMs >= options.patienceMs)) throw error;
    } finally {
      watchdog.cancel();
      attempt.abort();
    }
    if (options.signal.aborted) return;
    failures += 1;
    if (failures === 1 && answered) options.notice(`lost ${api.target.address}; trying again`);
    await time.clock.sleep(backoffMs(failures, time.random), options.signal);
  }
}

/** Trying again cannot mend these. */
const FINAL: ReadonlySet<Code> = new Set([
  Code.Unauthenticated,
  Code.PermissionDenied,
  Code.NotFound,
  Code.InvalidArgument,
  Code.OutOfRange,
  Code.Unimplemented,
  Code.FailedPrecondition,
]);

function backoffMs(failures: number, random: Random): number {
  const full = Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures - 1, 10));
  return full / 2 + (full / 2) * random.next();
}
