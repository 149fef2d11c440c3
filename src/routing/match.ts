/** Finds the route of a decoded path; `undefined` when no prefix matches. */
export type RouteMatcher<T> = (path: string) => T | undefined;

/**
 * Compiles routes to a longest-prefix matcher. A prefix matches where it equals the path or is followed by "/" in
 * it; "/" matches everything. Case counts. Of two equal prefixes the later wins.
 *
 * A match costs one map lookup for each "/" of the path that lies within the longest prefix's length, so a hostile
 * path of slashes costs no more than an honest one.
 */
export function compileRoutes<T extends { readonly prefix: string }>(routes: readonly T[]): RouteMatcher<T> {
  const byPrefix = new Map<string, T>();
  let root: T | undefined;
  let longest = 0;
  for (const route of routes) {
    if (route.prefix === "/") root = route;
    else {
      byPrefix.set(route.prefix, route);
      longest = Math.max(longest, route.prefix.length);
    }
  }
  if (byPrefix.size === 0) return () => root;
  return (path) => {
    // A prefix ends at the path's end or before one of its slashes.
    let end = path.length <= longest ? path.length : path.lastIndexOf("/", longest);
    while (end > 0) {
      const route = byPrefix.get(path.slice(0, end));
      if (route !== undefined) return route;
      end = path.lastIndexOf("/", end - 1);
    }
    return root;
  };
}

/**
 * The percent-decoded path. Never fails: an escape that is none stays as it is, and bytes that are not UTF-8 become
 * U+FFFD.
 */
export function decodePath(path: string): string {
  if (!path.includes("%")) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    const bytes: number[] = [];
    for (let i = 0; i < path.length; i++) {
      const hex = path.slice(i + 1, i + 3);
      if (path[i] === "%" && /^[0-9a-fA-F]{2}$/.test(hex)) {
        bytes.push(Number.parseInt(hex, 16));
        i += 2;
      } else bytes.push(path.charCodeAt(i) & 0xff);
    }
    return new TextDecoder().decode(new Uint8Array(bytes));
  }
}
