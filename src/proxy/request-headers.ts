import { isHopByHop, namedByConnection } from "../routing/hop-by-hop.ts";
import type { ProxyRequest } from "./message.ts";

/** Set by the proxy itself, or meant for it; not passed on as the client sent them. */
const OWN = new Set(["x-request-id", "x-forwarded-prefix", "expect", "content-length"]);

/**
 * The headers a replica gets: the client's, name and value alternating, less hop-by-hop ones and `x-windlass-*`, plus
 * the request id and the prefix (none when empty). `content-length` is left to whoever sends the body.
 */
export function forwardedHeaders(req: ProxyRequest, requestId: string, prefix: string): string[] {
  const raw = req.rawHeaders;
  const named = namedByConnection(req.headers.connection);
  const headers = ["x-request-id", requestId];
  if (prefix !== "") headers.push("x-forwarded-prefix", prefix);
  let hasHost = false;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (isHopByHop(name) || OWN.has(name) || name.startsWith("x-windlass-") || named?.has(name)) continue;
    if (name === "host") {
      // A second one would be refused on the way; the first is what Node goes by.
      if (hasHost) continue;
      hasHost = true;
    }
    headers.push(name, raw[i + 1]!);
  }
  return headers;
}

/** Says that a request came over TLS: to users' programs, unless a proxy before this one did, and to what runs them. */
export function pushSecure(headers: string[], req: ProxyRequest): void {
  if (req.headers["x-forwarded-proto"] === undefined) headers.push("x-forwarded-proto", "https");
  headers.push("x-windlass-scheme", "https");
}
