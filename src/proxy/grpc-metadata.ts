/** Metadata of gRPC calls on its way between HTTP/2 and replicas. Pure. */
import type { OutgoingHttpHeaders } from "node:http2";
import { isHopByHop } from "../routing/hop-by-hop.ts";
import { PRIORITY_HEADER } from "../routing/priority.ts";
import { SESSION_HEADER } from "../routing/session.ts";

/** Set by the proxy itself; not passed on as the client sent them. */
const OWN = new Set([
  "request_id",
  "x-request-id",
  "grpc-timeout",
  "content-length",
  "host",
  "serve_multiplexed_model_id",
  "serve-multiplexed-model-id",
]);

/** What the proxy says of a call to its replica. */
export interface CallFacts {
  readonly requestId: string;
  /** The revision of the application it is for, while two share the calls; 0: there is one. */
  readonly revision: number;
  /** The model it asks for; empty: none. */
  readonly model: string;
  /** The session it belongs to; empty: none. */
  readonly session: string;
  /** How urgent it is (routing/priority.ts). */
  readonly priority: number;
  /** How long it may take; undefined: as long as it likes. */
  readonly timeoutMs: number | undefined;
  /** `:authority`. */
  readonly host: string | undefined;
}

/** The metadata that a replica gets: the client's as it came, name and value alternating, and what the proxy says. */
export function forwardedMetadata(raw: readonly string[], facts: CallFacts, sessionHeader = SESSION_HEADER): string[] {
  const { requestId, revision, model, session, priority, timeoutMs, host } = facts;
  const metadata = ["x-request-id", requestId, "request_id", requestId];
  if (host !== undefined) metadata.push("host", host);
  if (timeoutMs !== undefined) metadata.push("grpc-timeout", formatTimeout(timeoutMs));
  // Routers and replicas know it by the name that it has over HTTP.
  if (model !== "") metadata.push("serve_multiplexed_model_id", model);
  if (session !== "") metadata.push(sessionHeader, session);
  if (priority !== 0) metadata.push(PRIORITY_HEADER, String(priority));
  if (revision !== 0) metadata.push("x-windlass-revision", String(revision));
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    if (name.startsWith(":") || isHopByHop(name) || OWN.has(name) || name.startsWith("x-windlass-")) continue;
    if (session !== "" && name === sessionHeader) continue;
    metadata.push(name, raw[i + 1]!);
  }
  return metadata;
}

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** The value of `grpc-timeout` in ms; undefined: it is none. */
export function parseTimeout(text: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  return match === null ? undefined : Number(match[1]) * UNIT_MS[match[2]!]!;
}

const MAX_TIMEOUT_DIGITS = 99_999_999;

function formatTimeout(timeoutMs: number): string {
  const ms = Math.ceil(timeoutMs);
  return ms <= MAX_TIMEOUT_DIGITS ? `${ms}m` : `${Math.min(Math.ceil(ms / 1_000), MAX_TIMEOUT_DIGITS)}S`;
}

/** Of HTTP itself, and what only the proxy says. */
const NOT_ANSWERED = new Set(["request_id", "x-request-id", "trailer"]);

/** Headers or trailers of an answer as Node's HTTP/2 takes them, with the request's id where one is given. */
export function outgoing(pairs: readonly string[], requestId?: string): OutgoingHttpHeaders {
  const headers: Record<string, string | string[]> = Object.create(null);
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i]!;
    if (name.startsWith(":") || isHopByHop(name) || NOT_ANSWERED.has(name) || name.startsWith("x-windlass-")) continue;
    const before = headers[name];
    // Node refuses a second one of what gRPC has once.
    if (before === undefined || name === "content-type" || name.startsWith("grpc-")) headers[name] = pairs[i + 1]!;
    else headers[name] = typeof before === "string" ? [before, pairs[i + 1]!] : [...before, pairs[i + 1]!];
  }
  if (requestId !== undefined) {
    headers["request_id"] = requestId;
    headers["x-request-id"] = requestId;
  }
  return headers;
}

/** `grpc-status` of trailers; undefined: they have none. */
export function statusIn(pairs: readonly string[]): number | undefined {
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i] !== "grpc-status") continue;
    const status = Number(pairs[i + 1]);
    return Number.isInteger(status) ? status : undefined;
  }
  return undefined;
}
