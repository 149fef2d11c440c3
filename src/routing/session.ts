/** The session that a request belongs to, as its headers say. */

/** The header that names it over HTTP, unless the environment says otherwise; `-` and `_` are the same in it. */
export const SESSION_HEADER = "x-session-id";

/** The header that names a request's session, as the environment says; in lower case, with `-`. */
export function sessionHeader(env: Readonly<Record<string, string | undefined>>): string {
  const name = env.RAY_SERVE_SESSION_ID_HEADER_KEY?.trim() ?? "";
  return /^[\w!#$%&'*+.^`|~-]+$/.test(name) ? name.toLowerCase().replaceAll("_", "-") : SESSION_HEADER;
}

/** The session that a request names in its headers (name, value, …; names in lower case); empty: none. */
export function sessionOf(headers: readonly string[], header: string): string {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    if (name.length === header.length && (name === header || name.replaceAll("_", "-") === header)) {
      return headers[i + 1]!;
    }
  }
  return "";
}
