/** Resource names in requests, as their parts. Throw INVALID_REQUEST. */

import { WindlassError } from "../../core/errors.ts";
import { parseName } from "../../core/names.ts";

/** The application in "applications/{application}". */
export function applicationOf(name: string): string {
  const parts = parseName(name);
  if (parts !== undefined && parts.deployment === undefined) return parts.application;
  throw misnamed(name, "applications/{application}");
}

/** Both parts of "applications/{application}/deployments/{deployment}". */
export function deploymentOf(name: string): { application: string; deployment: string } {
  const parts = parseName(name);
  if (parts?.deployment !== undefined && parts.replica === undefined) {
    return { application: parts.application, deployment: parts.deployment };
  }
  throw misnamed(name, "applications/{application}/deployments/{deployment}");
}

function misnamed(name: string, format: string): WindlassError {
  return new WindlassError("INVALID_REQUEST", `name ${JSON.stringify(name)} must be ${format}, percent-escaped`);
}
