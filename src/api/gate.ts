/** What is decided about a request before anything else: whether it may come in, and who sent it. */
import { WindlassError } from "../core/errors.ts";
import { bearerToken, type Identity, mayReadSecrets } from "./auth.ts";
import type { Authenticator } from "./authenticator.ts";
import { type HostRules, hostRefusal } from "./host-check.ts";
import { authority, header, type NodeRequest } from "./http.ts";

/** Who sent a request, and whether secrets in configs may be shown to them. */
export interface Caller {
  readonly identity: Identity;
  readonly revealEnv: boolean;
}

/** Throws ORIGIN_DENIED; for requests that need no token. */
export type HostGate = (request: NodeRequest) => void;

/** Throws ORIGIN_DENIED or UNAUTHENTICATED. */
export type Gate = (request: NodeRequest) => Caller;

/** Makes a {@link HostGate}. */
export function createHostGate(rules: HostRules): HostGate {
  return (request) => {
    const refusal = hostRefusal(rules, authority(request), header(request, "origin"));
    if (refusal !== undefined) throw refusal;
  };
}

/** Makes a {@link Gate}. */
export function createGate(hostGate: HostGate, authenticate: Authenticator): Gate {
  return (request) => {
    hostGate(request);
    const token = bearerToken(header(request, "authorization"));
    const identity = authenticate(token);
    if (identity !== undefined) return { identity, revealEnv: mayReadSecrets(identity) && !isBrowser(request) };
    throw new WindlassError(
      "UNAUTHENTICATED",
      token === undefined
        ? "a bearer token is needed: send the header `Authorization: Bearer <token>`"
        : "the bearer token is unknown or has ended: get a present one",
    );
  };
}

const BROWSER_HEADERS = [
  "referer",
  "origin",
  "sec-fetch-mode",
  "sec-fetch-dest",
  "sec-fetch-site",
  "sec-fetch-user",
  "access-control-request-method",
  "access-control-request-headers",
];

/** Whether a request looks like a browser's, by the reference's signs. */
function isBrowser(request: NodeRequest): boolean {
  if (header(request, "user-agent")?.startsWith("Mozilla")) return true;
  return BROWSER_HEADERS.some((name) => request.headers[name] !== undefined);
}
