const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

/** Whether a header (name in lower case) belongs to one connection only and is not passed on. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name);
}

const NO_TRAILERS: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  "content-length",
  "content-type",
  "content-encoding",
  "content-range",
  "host",
  "authorization",
  "set-cookie",
  "cache-control",
  "x-request-id",
]);

/**
 * Those of `fields` (name, value, …, in lower case) that may be trailers: not what frames, routes or guards a message
 * (RFC 9110, section 6.5.1), nor what is ours.
 */
export function trailerFields(fields: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (!NO_TRAILERS.has(name) && !name.startsWith("x-windlass-")) kept.push(name, fields[i + 1]!);
  }
  return kept;
}

/** Further headers that a `Connection` header names as belonging to the connection; mostly there are none. */
export function namedByConnection(connection: string | string[] | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === "keep-alive" || connection === "close") return undefined;
  const names = String(connection)
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "" && name !== "close");
  return names.length === 0 ? undefined : new Set(names);
}
