import { assertNever } from "../core/assert-never.ts";
import type { RouterFailure } from "../routing/router.ts";
import { GRPC_STATUS, type GrpcFailure } from "./grpc-wire.ts";

/** What a call is told that got no answer from its application's ingress. */
export function grpcFailure(
  failure: Exclude<RouterFailure, { kind: "timed-out" }>,
  application: string,
  deployment: string,
): GrpcFailure {
  switch (failure.kind) {
    case "backpressure":
      return { status: GRPC_STATUS.resourceExhausted, message: failure.message, ...pushback(failure.retryAfterS) };
    case "no-replica":
      return { status: GRPC_STATUS.unavailable, message: failure.message, ...pushback(failure.retryAfterS) };
    case "unavailable":
      return { status: GRPC_STATUS.unavailable, message: failure.message };
    case "absent": {
      const message = `Deployment(name='${deployment}', app='${application}') was deleted.`;
      return { status: GRPC_STATUS.unavailable, message };
    }
    case "invalid":
      return failure.unsupported
        ? {
            status: GRPC_STATUS.unimplemented,
            message: `application "${application}" serves no gRPC: its deployment "${deployment}" is a program that is spoken to in HTTP/1.1`,
          }
        : { status: GRPC_STATUS.invalidArgument, message: `the call cannot be passed on: ${failure.error}` };
    case "broken":
      return {
        status: GRPC_STATUS.unavailable,
        message: `the replica of deployment "${deployment}" that ran the call broke off; it may have done some of its work`,
      };
    case "cancelled":
      return { status: GRPC_STATUS.unavailable, message: "The proxy is stopping." };
    default:
      return assertNever(failure);
  }
}

/** The text for a call that took too long. Whole seconds are written "2.0", as the reference does. */
export function grpcTimeoutText(timeoutMs: number): string {
  const seconds = timeoutMs / 1_000;
  return `Request timed out after ${Number.isInteger(seconds) ? seconds.toFixed(1) : seconds}s.`;
}

/** Clients with a retry policy wait that long. */
function pushback(retryAfterS: number | undefined): { pushbackMs?: number } {
  return retryAfterS === undefined ? {} : { pushbackMs: Math.max(0, Math.ceil(retryAfterS * 1_000)) };
}
