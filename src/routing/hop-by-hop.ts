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

/** Further headers that a `Connection` header names as belonging to the connection; mostly there are none. */
export function namedByConnection(connection: string | string[] | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === "keep-alive" || connection === "close") return undefined;
  const names = String(connection)
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "" && name !== "close");
  return names.length === 0 ? undefined : new Set(names);
}
