/** What Windlass says of a failed call. */
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, type ErrorInfo, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";

/** Whose reasons these are. */
const DOMAIN = "windlass";

/** A problem with one field of a request. */
export interface Violation {
  /** Path of the field, "applications[0].deployments[1].max_ongoing_requests"; empty where it is the whole. */
  readonly field: string;
  /** One line: what was wrong, the value, the limit. */
  readonly description: string;
}

/** Why a call failed, as docs/errors.md lists: "STALE_ETAG". Undefined where the error is not from Windlass. */
export function reasonOf(error: unknown): string | undefined {
  return errorInfo(error)?.reason;
}

/** The ids that came with the reason, such as `owner` with LEASE_HELD. */
export function metadataOf(error: unknown): Readonly<Record<string, string>> {
  return errorInfo(error)?.metadata ?? {};
}

/** The problems of the request, one a field; empty where the error tells none. */
export function violationsOf(error: unknown): readonly Violation[] {
  if (!(error instanceof ConnectError)) return [];
  const details = error.findDetails(BadRequestSchema);
  return details.flatMap((detail) => detail.fieldViolations.map(({ field, description }) => ({ field, description })));
}

function errorInfo(error: unknown): ErrorInfo | undefined {
  if (!(error instanceof ConnectError)) return undefined;
  return error.findDetails(ErrorInfoSchema).find(({ domain }) => domain === DOMAIN);
}

/** True when no Windlass answered, or the connection broke, rather than that one refused. */
export function isConnectionFailure(error: ConnectError): boolean {
  // An answer of ours always has an ErrorInfo; a broken or refused connection has a system error as its cause.
  if (error.findDetails(ErrorInfoSchema).length > 0) return false;
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    if (typeof (cause as Error & { code?: unknown }).code === "string") return true;
    // What `fetch` says of them, in browsers.
    if (cause instanceof TypeError) return true;
  }
  return false;
}

/**
 * What a transport threw as a ConnectError: UNAVAILABLE where a connection failed, whatever it calls that. `left`:
 * whether the caller has cancelled the call; a stream that its connection takes along is "canceled" as well.
 */
export function withConnectionCode(error: unknown, left: boolean): ConnectError {
  // A browser's body that breaks off is a TypeError or a text.
  if (!(error instanceof ConnectError)) return ConnectError.from(error, Code.Unavailable);
  const taken = error.code === Code.Canceled && !left && error.findDetails(ErrorInfoSchema).length === 0;
  if (!taken && (OWN.has(error.code) || !isConnectionFailure(error))) return error;
  return new ConnectError(error.rawMessage, Code.Unavailable, error.metadata, undefined, error.cause);
}

/** Whether a call was never made: its request is none, or there is a bug on this side. */
export function isOwnFailure(error: ConnectError): boolean {
  const local = error.code === Code.Unknown || error.code === Code.Internal;
  return local && error.cause instanceof Error && reasonOf(error) === undefined && !isConnectionFailure(error);
}

/** What a caller brings about. */
const OWN: ReadonlySet<Code> = new Set([Code.Unavailable, Code.Canceled, Code.DeadlineExceeded]);
