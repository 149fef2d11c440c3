/** Errors for names that stand for nothing. */
import { WindlassError } from "../core/errors.ts";

/** `what` names the thing: `application "a"`. */
export function notFound(what: string): WindlassError {
  return new WindlassError("NOT_FOUND", `there is no ${what}`);
}
