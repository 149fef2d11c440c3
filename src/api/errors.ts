/** The one place where failures become answers: Connect errors with details, REST statuses with one line. */
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { type CodeName, ERROR_REASONS, WindlassError } from "../core/errors.ts";
import type { Logger } from "../observability/logger.ts";
import { CompactedError, StoreError } from "../store/store.ts";
import { BodyTooLargeError, type Reply, text } from "./http.ts";

/** Domain of every `google.rpc.ErrorInfo` we send. */
export const ERROR_DOMAIN = "windlass";

const CODES: Record<CodeName, Code> = {
  INVALID_ARGUMENT: Code.InvalidArgument,
  NOT_FOUND: Code.NotFound,
  FAILED_PRECONDITION: Code.FailedPrecondition,
  ABORTED: Code.Aborted,
  OUT_OF_RANGE: Code.OutOfRange,
  RESOURCE_EXHAUSTED: Code.ResourceExhausted,
  UNAUTHENTICATED: Code.Unauthenticated,
  PERMISSION_DENIED: Code.PermissionDenied,
  UNAVAILABLE: Code.Unavailable,
  INTERNAL: Code.Internal,
};

/**
 * The failure as callers may see it. What nobody foresaw is logged with its stack and becomes INTERNAL without detail.
 * `where` names the call for the log.
 */
export function toWindlassError(error: unknown, logger: Logger, where: string): WindlassError {
  if (error instanceof WindlassError) return error;
  if (error instanceof CompactedError) {
    return new WindlassError(
      "HISTORY_COMPACTED",
      `history up to revision ${error.compactedRevision} was compacted: watch again from 0`,
      { metadata: { compacted_revision: String(error.compactedRevision) } },
    );
  }
  if (error instanceof StoreError) {
    logger.error("the store refused a request", { where, kind: error.kind, error });
    return new WindlassError("STORE_UNAVAILABLE", "the store did not accept the write: nothing was changed, try again");
  }
  logger.error("a request failed unexpectedly", { where, error });
  return new WindlassError("INTERNAL", "internal error");
}

/** The same failure for Connect, gRPC and gRPC-web. */
export function toConnectError(error: unknown, logger: Logger, where: string): ConnectError {
  if (error instanceof ConnectError) return error;
  const known = toWindlassError(error, logger, where);
  return new ConnectError(known.message, CODES[ERROR_REASONS[known.reason].code], undefined, [
    { desc: ErrorInfoSchema, value: { reason: known.reason, domain: ERROR_DOMAIN, metadata: { ...known.metadata } } },
    ...(known.problems.length === 0
      ? []
      : [
          {
            desc: BadRequestSchema,
            value: {
              fieldViolations: known.problems.map(({ path, message }) => ({ field: path, description: message })),
            },
          },
        ]),
  ]);
}

/** The same failure for REST: its status and one text line a problem. */
export function toRestReply(error: unknown, logger: Logger, where: string): Reply {
  if (error instanceof BodyTooLargeError) return text(413, error.message, { connection: "close" });
  const known = toWindlassError(error, logger, where);
  const { http } = ERROR_REASONS[known.reason];
  return text(http, problemText(known), http === 401 ? { "www-authenticate": "Bearer" } : {});
}

/** One line a problem, or the message where there are none. */
export function problemText(error: WindlassError): string {
  if (error.problems.length === 0) return error.message;
  return error.problems.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("\n");
}
