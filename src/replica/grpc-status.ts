/** What errors of user code become in gRPC. */

/** A status with its text. */
export interface GrpcError {
  /** 1 to 16. */
  readonly code: number;
  readonly message: string;
  /** Ms after which clients with a retry policy may call again; absent: not said. */
  readonly pushbackMs?: number;
}

/** Metadata that tells clients when to call again. */
export const PUSHBACK = "grpc-retry-pushback-ms";

/** gRPC's codes that the replica answers with itself. */
export const GRPC_CODE = {
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

/** The names of all statuses, by number. */
export const GRPC_NAMES: readonly string[] = [
  ...["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"],
  ...["PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED"],
  ...["INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"],
];

const MAX_TEXT = 4_096;
const CUT = "... [truncated]";

/** By name: an application may bring a copy of the SDK. */
const BY_NAME: Readonly<Record<string, number>> = {
  BackPressureError: GRPC_CODE.resourceExhausted,
  RequestShedError: GRPC_CODE.resourceExhausted,
  DeploymentUnavailableError: GRPC_CODE.unavailable,
  RequestTimeoutError: GRPC_CODE.deadlineExceeded,
  RequestCancelledError: GRPC_CODE.cancelled,
};

/** Whether an error says which status it is: grpc-js's `{ code, details }`, or a ConnectError. */
export function saysItsStatus(error: unknown): error is { readonly code: number; readonly details?: unknown } {
  if (typeof error !== "object" || error === null || error instanceof DOMException) return false;
  const { code } = error as { code?: unknown };
  return Number.isInteger(code) && (code as number) > 0 && (code as number) <= 16;
}

/** The status of an uncaught error that has none of its own: INTERNAL with the error's text, as the reference has it. */
export function statusOf(error: unknown): GrpcError {
  const text = error instanceof Error ? error.message : String(error);
  // Half of a character, which what is left of a cut may end with, cannot be escaped.
  const message = (text.length > MAX_TEXT ? text.slice(0, MAX_TEXT - CUT.length) + CUT : text).toWellFormed();
  const name = error instanceof Error ? error.name : "";
  const code = BY_NAME[name];
  if (code === undefined) return { code: GRPC_CODE.internal, message };
  const { retryAfterS } = error as { retryAfterS?: unknown };
  return typeof retryAfterS === "number" && Number.isFinite(retryAfterS)
    ? { code, message, pushbackMs: Math.max(0, Math.ceil(retryAfterS * 1_000)) }
    : { code, message };
}

/** The text of an error that {@link saysItsStatus}. */
export function detailsOf(error: { readonly details?: unknown; readonly message?: unknown }): string {
  return typeof error.details === "string" ? error.details : String(error.message ?? "");
}

/** Escapes in a `grpc-message` only what must be: grpc-js unescapes no more. */
export function readable(message: string): string {
  try {
    return escapeMessage(decodeURIComponent(message));
  } catch {
    return message;
  }
}

/** Printable ASCII as it is, the rest as percent-encoded UTF-8. */
export function escapeMessage(text: string): string {
  return text.toWellFormed().replace(/[^\x20-\x24\x26-\x7e]/gu, (character) => encodeURIComponent(character));
}
