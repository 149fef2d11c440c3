/** URIs that users write and that may hold secrets. */

/** Stands for the part of a URI that is kept from the reader. */
export const HIDDEN = "<redacted>";

/**
 * The URI as it may stand in an error, a log or an answer: user, password and query are {@link HIDDEN}. A URI without
 * any is returned as it is.
 */
export function withoutSecrets(uri: string): string {
  return uri.replace(/^(\s*[a-z][a-z0-9+.-]*:[\\/]*)[^\\/?#]*@/i, `$1${HIDDEN}@`).replace(/[?#].*$/s, `?${HIDDEN}`);
}
