import type { RouterFailure } from "../routing/outcome.ts";
import {
  BackPressureError,
  DeploymentUnavailableError,
  RemoteError,
  RequestCancelledError,
  RequestShedError,
  RequestTimeoutError,
} from "../sdk/errors.ts";
import type { HandleCall } from "../sdk/runtime.ts";

/** A call's method as messages name it. */
export function nameOf({ deployment, method }: Pick<HandleCall, "deployment" | "method">): string {
  return deployment === "" ? method : `${deployment}.${method}`;
}

/** What the caller of a handle is thrown for a call that was not answered. */
export function failureError(failure: RouterFailure, call: HandleCall): Error {
  switch (failure.kind) {
    case "absent":
      return new DeploymentUnavailableError(
        call.deployment === ""
          ? `application "${call.application}" does not exist, was deleted, or does not run yet`
          : `deployment "${call.deployment}" of application "${call.application}" does not exist or was deleted`,
      );
    case "unavailable":
      return new DeploymentUnavailableError(failure.message);
    case "no-replica":
      return new DeploymentUnavailableError(failure.message, { retryAfterS: failure.retryAfterS });
    case "backpressure": {
      const Refused = failure.reason === "late" ? RequestShedError : BackPressureError;
      const { statusCode, retryAfterS = null } = failure;
      return new Refused(failure.message, { statusCode, retryAfterS });
    }
    case "timed-out":
      return new RequestTimeoutError(`${nameOf(call)} took longer than ${(call.timeoutMs ?? 0) / 1000} s`);
    case "cancelled": {
      const { reason } = call.signal;
      if (reason instanceof RequestCancelledError) return reason;
      return new RequestCancelledError(`${nameOf(call)} was cancelled with its request ${call.requestId}`);
    }
    default:
      return new RemoteError("ReplicaUnavailableError", `${nameOf(call)} failed: ${failure.error}`);
  }
}
