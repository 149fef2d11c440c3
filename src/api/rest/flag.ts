import { WindlassError } from "../../core/errors.ts";

/** A switch in a query; absent or empty is false. Throws INVALID_REQUEST. */
export function flagOf(name: string, text: string | null): boolean {
  if (text === null || text === "" || /^(false|0)$/.test(text)) return false;
  if (/^(true|1)$/.test(text)) return true;
  throw new WindlassError("INVALID_REQUEST", `${name} ${JSON.stringify(text)} must be true or false`);
}
