/** Limits of a scale request that all protocols share. Pure. */
import type { LeaseFallback } from "../config/types.ts";
import { type Problem, WindlassError } from "../core/errors.ts";

/** The largest target that can be told to every client. */
export const MAX_TARGET = 2 ** 32 - 1;

/** The longest `request_id` and `owner`, in characters. */
export const MAX_ID_LENGTH = 128;

/** The longest `reason`, in characters. */
export const MAX_REASON_LENGTH = 1024;

/** The longest `ttl_s`: seven days. */
export const MAX_TTL_S = 7 * 86_400;

/** A scale call as it was sent, whatever the protocol; "" is the same as absent. */
export interface SentScale {
  readonly target: number | undefined;
  readonly requestId: string;
  readonly reason: string;
  readonly owner: string;
  readonly ttlS: number | undefined;
  readonly leaseFallback: LeaseFallback | undefined;
  readonly fence: number | undefined;
}

/** A scale call that keeps the limits, as the controller takes it. */
export interface CheckedScale {
  readonly target: number;
  readonly requestId: string;
  readonly reason: string;
  readonly owner: string;
  readonly ttlMs?: number;
  readonly leaseFallback?: LeaseFallback;
  readonly fence?: number;
}

/** The call, or INVALID_REQUEST with each broken rule. An absent target is never a scale to zero. */
export function scaleLimits(sent: SentScale): CheckedScale {
  const { target, requestId, reason, owner, ttlS, leaseFallback, fence } = sent;
  const problems: Problem[] = [];
  const refuse = (path: string, message: string): void => void problems.push({ path, message });
  if (target === undefined) refuse("target_num_replicas", "is missing: set it to a whole number >= 0");
  else if (target > MAX_TARGET) refuse("target_num_replicas", `${target} must be <= ${MAX_TARGET}`);
  const texts = [
    ["request_id", requestId, MAX_ID_LENGTH],
    ["reason", reason, MAX_REASON_LENGTH],
    ["owner", owner, MAX_ID_LENGTH],
  ] as const;
  for (const [path, text, most] of texts) {
    if (text.length > most) refuse(path, `has ${text.length} characters, at most ${most} are allowed`);
    else if (!text.isWellFormed()) refuse(path, "holds half of a surrogate pair: send whole characters");
  }
  if (ttlS !== undefined && !(ttlS >= 0 && ttlS <= MAX_TTL_S)) {
    refuse("ttl_s", `${ttlS} must be from 0 to ${MAX_TTL_S}: renew the lease before it ends`);
  }
  if (fence !== undefined && !(fence >= 0 && Number.isSafeInteger(fence))) {
    refuse("fence", `${fence} must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
  }
  const [first] = problems;
  if (first !== undefined || target === undefined) {
    throw new WindlassError("INVALID_REQUEST", `${first!.path} ${first!.message}`, { problems });
  }
  return {
    target,
    requestId,
    reason,
    owner,
    ...(ttlS === undefined ? {} : { ttlMs: Math.ceil(ttlS * 1000) }),
    ...(leaseFallback === undefined ? {} : { leaseFallback }),
    ...(fence === undefined ? {} : { fence }),
  };
}
