/** The policy `windlass:queue` without its polls: what the length of a message queue means for the replicas. */
import { desiredByRequests, type PolicyInput } from "./policy.ts";

/** Replicas for the requests and the messages that wait in the queue, at `target_ongoing_requests` each. */
export function queueWish(length: number, input: PolicyInput): number {
  const workload = input.totalNumRequests + length;
  const { currentNumReplicas: running, config } = input;
  // Unlike requests alone, which leave the target: with nothing to do, replicas that never came up are given up.
  if (running === 0) return workload > 0 ? 1 : 0;
  return desiredByRequests(workload, running, input.targetNumReplicas, config.target_ongoing_requests);
}

/** The length in the state of the last call; undefined: it has none. */
export function rememberedLength({ queue_length: length }: PolicyInput["policyState"]): number | undefined {
  return typeof length === "number" && Number.isFinite(length) && length >= 0 ? length : undefined;
}
