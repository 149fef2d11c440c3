/** Polls a message queue beside the calls of the policy, so that a slow broker delays no decision. */
import type { PolicyInput } from "../autoscaling/policy.ts";
import { queueWish, rememberedLength } from "../autoscaling/queue.ts";
import type { QueueKwargs } from "../config/queue-kwargs.ts";
import type { Clock } from "../core/clock.ts";
import { Answer, type LoadedPolicy } from "./policy.ts";

/** Messages that wait in a queue, or why they are unknown, one line without secrets. */
export type QueueReading = { readonly length: number } | { readonly problem: string };

/** The port to brokers. Never throws, and always ends. */
export type ReadQueue = (kwargs: QueueKwargs, clock: Clock) => Promise<QueueReading>;

/** How long the very first answer waits for the broker: an empty queue that is not known to be empty would cost replicas. */
const FIRST_WAIT_MS = 500;

/**
 * The policy `windlass:queue`: each call answers from the last length that a poll gave (0 at first), and starts a poll
 * when `poll_interval_s` have passed since the last one began. The length is kept in the policy's state, so a new
 * process begins with it. What is wrong with a poll is the answer's warning until one succeeds.
 */
export function queuePolicy(kwargs: QueueKwargs, clock: Clock, read: ReadQueue): LoadedPolicy {
  let length: number | undefined;
  let problem: string | null = null;
  let polling: Promise<void> | undefined;
  let startedMs = Number.NEGATIVE_INFINITY;
  let first = true;

  const poll = async (): Promise<void> => {
    const reading = await read(kwargs, clock);
    polling = undefined;
    if ("length" in reading) length = reading.length;
    problem = "problem" in reading ? reading.problem : null;
  };

  const answer = (input: PolicyInput): Answer => {
    length ??= rememberedLength(input.policyState);
    const known = length ?? 0;
    const warning = problem === null ? null : `${problem}; the last known length, ${known}, counts`;
    return new Answer({ desired: queueWish(known, input), state: { queue_length: known } }, warning);
  };

  return (given) => {
    const input = given as PolicyInput;
    const nowMs = clock.monotonic();
    if (polling === undefined && nowMs - startedMs >= kwargs.poll_interval_s * 1000) {
      startedMs = nowMs;
      polling = poll();
    }
    if (!first || polling === undefined) return answer(input);
    first = false;
    if (rememberedLength(input.policyState) !== undefined) return answer(input);
    return within(clock, FIRST_WAIT_MS, polling).then(() => answer(input));
  };
}

/** Resolves with the work, or when the time is over. */
function within(clock: Clock, ms: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.timer(ms, () => resolve());
    void work.then(() => {
      timer.cancel();
      resolve();
    });
  });
}
