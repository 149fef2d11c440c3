/** Limits of a scale request that all protocols share. Pure. */
import { type Problem, WindlassError } from "../core/errors.ts";

/** The largest target that can be told to every client. */
export const MAX_TARGET = 2 ** 32 - 1;

/** The longest `request_id`, in characters. */
export const MAX_REQUEST_ID_LENGTH = 128;

/** The longest `reason`, in characters. */
export const MAX_REASON_LENGTH = 1024;

/** The target, or INVALID_REQUEST with each broken rule. An absent target is never a scale to zero. */
export function scaleLimits(target: number | undefined, requestId: string, reason: string): number {
  const problems: Problem[] = [];
  if (target === undefined) {
    problems.push({ path: "target_num_replicas", message: "is missing: set it to a whole number >= 0" });
  }
  if (target !== undefined && target > MAX_TARGET) {
    problems.push({ path: "target_num_replicas", message: `${target} must be <= ${MAX_TARGET}` });
  }
  if (requestId.length > MAX_REQUEST_ID_LENGTH) {
    problems.push({
      path: "request_id",
      message: `has ${requestId.length} characters, at most ${MAX_REQUEST_ID_LENGTH} are allowed`,
    });
  }
  if (reason.length > MAX_REASON_LENGTH) {
    problems.push({
      path: "reason",
      message: `has ${reason.length} characters, at most ${MAX_REASON_LENGTH} are allowed`,
    });
  }
  if (problems.length > 0 || target === undefined) {
    const [first] = problems;
    throw new WindlassError("INVALID_REQUEST", `${first!.path} ${first!.message}`, { problems });
  }
  return target;
}
