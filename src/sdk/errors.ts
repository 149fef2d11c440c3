/** Base of the errors that Windlass raises in application code. */
export class WindlassUserError extends Error {
  override name = "WindlassUserError";
}

/**
 * A call was refused because too many requests wait at the caller (`maxQueuedRequests`).
 * Left uncaught in a request, it becomes the answer: its status, its message and `retry-after`.
 */
export class BackPressureError extends WindlassUserError {
  override name = "BackPressureError";
  /** 503 or 429. */
  readonly statusCode: number;
  /** Seconds after which a client may try again; null: not said. */
  readonly retryAfterS: number | null;
  constructor(message: string, options: { statusCode?: number; retryAfterS?: number | null } = {}) {
    super(message);
    this.statusCode = options.statusCode ?? 503;
    this.retryAfterS = options.retryAfterS ?? null;
  }
}

/**
 * A call was refused because its answer would come after its deadline (`timeoutS`), as far as the caller's side can tell
 * from those that wait before it. Nothing of it ran. Left uncaught in a request, it becomes a 503 with `retry-after`.
 */
export class RequestShedError extends BackPressureError {
  override name = "RequestShedError";
}

/**
 * The called deployment failed for good, was deleted, or had no replica for longer than its `coldStartTimeoutS`.
 * Left uncaught in a request, it becomes a 503 with `retry-after` where that is known.
 */
export class DeploymentUnavailableError extends WindlassUserError {
  override name = "DeploymentUnavailableError";
  /** Seconds after which a client may try again; null: not said. */
  readonly retryAfterS: number | null;
  constructor(message: string, options: { retryAfterS?: number | null } = {}) {
    super(message);
    this.retryAfterS = options.retryAfterS ?? null;
  }
}

/** The call was cancelled: by `response.cancel()`, or because the request it was made for ended. */
export class RequestCancelledError extends WindlassUserError {
  override name = "RequestCancelledError";
}

/** A call took longer than the handle's `timeoutS`. */
export class RequestTimeoutError extends WindlassUserError {
  override name = "RequestTimeoutError";
}

/** The called replica's code threw. `name` and `message` are those of the error thrown there. */
export class RemoteError extends WindlassUserError {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** An error as it travels between replicas. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly statusCode?: number;
  readonly retryAfterS?: number | null;
}

/** What of an error travels between replicas. */
export function toWireError(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { name, message } = error;
  if (name === "DeploymentUnavailableError") {
    const { retryAfterS = null } = error as DeploymentUnavailableError;
    return { name, message, retryAfterS };
  }
  if (name !== "BackPressureError" && name !== "RequestShedError") return { name, message };
  const { statusCode, retryAfterS } = error as BackPressureError;
  return { name, message, statusCode, retryAfterS };
}

const BUILT_IN = { Error, TypeError, RangeError, SyntaxError, ReferenceError, URIError, EvalError } as const;

/** The error to throw at the caller: of the original class where that is JavaScript's or ours. */
export function fromWireError(wire: WireError): Error {
  if (Object.hasOwn(BUILT_IN, wire.name)) return new BUILT_IN[wire.name as keyof typeof BUILT_IN](wire.message);
  switch (wire.name) {
    case "BackPressureError":
    case "RequestShedError": {
      const Refused = wire.name === "BackPressureError" ? BackPressureError : RequestShedError;
      return new Refused(wire.message, {
        ...(wire.statusCode === undefined ? {} : { statusCode: wire.statusCode }),
        ...(wire.retryAfterS === undefined ? {} : { retryAfterS: wire.retryAfterS }),
      });
    }
    case "DeploymentUnavailableError":
      return new DeploymentUnavailableError(wire.message, { retryAfterS: wire.retryAfterS ?? null });
    case "RequestCancelledError":
      return new RequestCancelledError(wire.message);
    case "RequestTimeoutError":
      return new RequestTimeoutError(wire.message);
    default:
      return new RemoteError(wire.name, wire.message);
  }
}
