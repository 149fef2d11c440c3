/** Lets pages of allowed origins read answers, and those of others read why they are refused. */
import { type HostRules, hostRefusal } from "./host-check.ts";
import { authority, header, type NodeHandler, type NodeRequest } from "./http.ts";

/** Headers of answers that pages may read, beside those that they always may. */
const EXPOSED = [
  "grpc-status",
  "grpc-message",
  "grpc-status-details-bin",
  "connect-content-encoding",
  "content-encoding",
  "etag",
  "retry-after",
  "www-authenticate",
  "x-windlass-warnings",
].join(", ");

const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";

/** How long browsers may keep what a preflight said, in seconds; Chromium keeps nothing longer. */
const MAX_AGE_S = 7_200;

/**
 * Answers preflights, and adds to answers what browsers ask for. Whether a request is let in, the gate decides and
 * nothing here: a page of another origin is told so by the answer to its request, 403, since browsers tell pages
 * nothing of a preflight that fails.
 */
export function withCors(rules: HostRules, next: NodeHandler): NodeHandler {
  return (request, response) => {
    const origin = header(request, "origin");
    if (origin === undefined) return next(request, response);
    response.setHeader("access-control-allow-origin", origin);
    response.setHeader("vary", "Origin");
    if (!isPreflight(request)) {
      response.setHeader("access-control-expose-headers", EXPOSED);
      return next(request, response);
    }
    const allowed = hostRefusal(rules, authority(request), origin) === undefined;
    response.setHeader("access-control-allow-methods", METHODS);
    const headers = header(request, "access-control-request-headers");
    if (headers !== undefined) response.setHeader("access-control-allow-headers", headers);
    if (allowed && header(request, "access-control-request-private-network") === "true") {
      response.setHeader("access-control-allow-private-network", "true");
    }
    response.setHeader("access-control-max-age", String(allowed ? MAX_AGE_S : 0));
    response.writeHead(204);
    response.end();
  };
}

function isPreflight(request: NodeRequest): boolean {
  return request.method === "OPTIONS" && header(request, "access-control-request-method") !== undefined;
}
