/** gRPC codes by name, so that core needs no RPC library. */
export type CodeName =
  | "INVALID_ARGUMENT"
  | "NOT_FOUND"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "RESOURCE_EXHAUSTED"
  | "UNAUTHENTICATED"
  | "PERMISSION_DENIED"
  | "UNAVAILABLE"
  | "INTERNAL";

/**
 * Every reason an outside call can fail for: one table that REST, Connect and docs/errors.md read.
 * `http` is the status on REST, where it differs from Connect's own mapping of the code.
 */
export const ERROR_REASONS = {
  INVALID_REQUEST: { code: "INVALID_ARGUMENT", http: 400, meaning: "A request body or field breaks a rule." },
  INVALID_CONFIG: { code: "INVALID_ARGUMENT", http: 400, meaning: "A config document breaks a rule." },
  NOT_FOUND: { code: "NOT_FOUND", http: 404, meaning: "There is no such application, deployment or token." },
  EXTERNAL_SCALER_DISABLED: {
    code: "FAILED_PRECONDITION",
    http: 412,
    meaning: "The application does not have external_scaler_enabled.",
  },
  DEPLOYMENT_DELETED: { code: "FAILED_PRECONDITION", http: 412, meaning: "The deployment is being deleted." },
  STALE_ETAG: { code: "ABORTED", http: 409, meaning: "The etag sent is not the present one." },
  STALE_FENCE: { code: "ABORTED", http: 409, meaning: "The fence sent is lower than one that was accepted before." },
  LEASE_HELD: { code: "ABORTED", http: 409, meaning: "Another owner holds the lease on the deployment's target." },
  STALE_PLAN: { code: "ABORTED", http: 409, meaning: "The plan is unknown, or what it was made on has changed." },
  NOT_POSSIBLE_NOW: {
    code: "FAILED_PRECONDITION",
    http: 412,
    meaning: "The application is not in a state in which this can be done.",
  },
  UNAUTHENTICATED: { code: "UNAUTHENTICATED", http: 401, meaning: "The bearer token is missing or unknown." },
  PERMISSION_DENIED: { code: "PERMISSION_DENIED", http: 403, meaning: "The token's role does not allow this." },
  ORIGIN_DENIED: { code: "PERMISSION_DENIED", http: 403, meaning: "Host or Origin is outside the allow-list." },
  INSTANCE_UNAVAILABLE: { code: "UNAVAILABLE", http: 503, meaning: "No instance runs, or it is ending." },
  HISTORY_COMPACTED: { code: "OUT_OF_RANGE", http: 410, meaning: "The history to resume from was compacted." },
  TOO_MANY_STREAMS: {
    code: "RESOURCE_EXHAUSTED",
    http: 429,
    meaning: "The token has as many streams open as it may have.",
  },
  STORE_UNAVAILABLE: { code: "UNAVAILABLE", http: 503, meaning: "The store did not accept the write." },
  INTERNAL: { code: "INTERNAL", http: 500, meaning: "A bug; the controller's log has the details." },
} as const satisfies Record<string, { code: CodeName; http: number; meaning: string }>;

/** A key of {@link ERROR_REASONS}. */
export type ErrorReason = keyof typeof ERROR_REASONS;

/** One broken rule of a document: where, what, and the rule's text. */
export interface Problem {
  /** Path from the document's root, `applications[0].deployments[1].num_replicas`. */
  path: string;
  /** What is wrong, the value, the limit, what to do; one line. */
  message: string;
}

/** An error for the caller: its message is one line that may be shown as it is. */
export class WindlassError extends Error {
  override readonly name = "WindlassError";
  readonly reason: ErrorReason;
  /** Ids the caller can act on. */
  readonly metadata: Readonly<Record<string, string>>;
  /** For INVALID_CONFIG and INVALID_REQUEST: each broken rule. */
  readonly problems: readonly Problem[];

  constructor(
    reason: ErrorReason,
    message: string,
    details: { metadata?: Record<string, string>; problems?: readonly Problem[]; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.reason = reason;
    this.metadata = details.metadata ?? {};
    this.problems = details.problems ?? [];
  }
}

/** The text of anything caught. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
