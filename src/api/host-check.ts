/**
 * Keeps web pages of other sites, and names that were rebound to this machine, away from the control port.
 * Pure.
 */
import { WindlassError } from "../core/errors.ts";

/** What may be asked for, and from where. */
export interface HostRules {
  /** The address the port is bound to. */
  readonly boundHost: string;
  /** Further host names, any port. */
  readonly allowedHosts: readonly string[];
  /** Further origins, "https://console.example.com". */
  readonly allowedOrigins: readonly string[];
}

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** Why the request is refused; undefined where it is not. */
export function hostRefusal(
  rules: HostRules,
  host: string | undefined,
  origin: string | undefined,
): WindlassError | undefined {
  const name = hostName(host ?? "");
  if (![...LOOPBACK, rules.boundHost, ...rules.allowedHosts].some((allowed) => hostName(allowed) === name)) {
    return new WindlassError(
      "ORIGIN_DENIED",
      `host ${JSON.stringify(host ?? "")} is not allowed: start with --allowed-host to allow it`,
    );
  }
  if (origin === undefined || sameOrigin(origin, host ?? "")) return undefined;
  if (rules.allowedOrigins.some((allowed) => trimOrigin(allowed) === trimOrigin(origin))) return undefined;
  return new WindlassError(
    "ORIGIN_DENIED",
    `origin ${JSON.stringify(origin)} is not allowed: start with --allowed-origin to allow it`,
  );
}

/** Lower case, without the port; IPv6 addresses in brackets. */
function hostName(host: string): string {
  const text = host.trim().toLowerCase();
  const bracketed = /^(\[[^\]]*\])(?::\d*)?$/.exec(text);
  if (bracketed) return bracketed[1]!;
  if (text.split(":").length > 2) return `[${text}]`;
  return text.replace(/:\d*$/, "");
}

function sameOrigin(origin: string, host: string): boolean {
  const text = trimOrigin(origin);
  return text === `http://${host.toLowerCase()}` || text === `https://${host.toLowerCase()}`;
}

function trimOrigin(origin: string): string {
  return origin.trim().toLowerCase().replace(/\/$/, "");
}
