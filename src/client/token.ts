/** What a bearer token may be. */

/** What to say of a token that is none; it is not shown, since it may be a real one with something beside it. */
export const NO_TOKEN = "the token has characters that no token has; give it as `windlass token` printed it";

/** Whether a header can carry it: no transport says so without showing it. */
export function isToken(text: string): boolean {
  return /^[\x21-\x7e]*$/.test(text);
}
