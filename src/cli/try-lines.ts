/** What {@link tryLines} prints about one running application. */
export interface TriedApplication {
  readonly name: string;
  /** null: not exposed over HTTP. */
  readonly routePrefix: string | null;
  /** Deployment to scale; undefined where the webhook does not allow it. */
  readonly scalable: string | undefined;
  /** The application's scaler token; undefined where none is asked for. */
  readonly token: string | undefined;
}

/**
 * `curl` lines that work as pasted. `written` are the config's own, from comment lines `# try: curl …{http}…`;
 * without any, each application's route is asked once. `trusting`: the file of a certificate that only it vouches for.
 */
export function tryLines(
  applications: readonly TriedApplication[],
  written: readonly string[],
  http: string | null,
  webhook: string,
  trusting?: string,
): string[] {
  const curl = (url: string): string =>
    trusting === undefined || !url.startsWith("https:") ? "curl" : `curl --cacert ${shellWord(trusting)}`;
  const requests =
    http === null
      ? []
      : written.length > 0
        ? written.map((line) => line.replace(/^curl /, `${curl(http)} `).replaceAll("{http}", http))
        : applications.flatMap(({ routePrefix }) =>
            routePrefix === null ? [] : [`${curl(http)} ${quoted(http + routePrefix)}`],
          );
  const scalings = applications.flatMap(({ name, scalable, token }) => {
    if (scalable === undefined) return [];
    const path = `/api/v1/applications/${encodeURIComponent(name)}/deployments/${encodeURIComponent(scalable)}/scale`;
    const bearer = token === undefined ? "" : ` -H "Authorization: Bearer ${token}"`;
    const body = `-H "Content-Type: application/json" -d '{"target_num_replicas": 3}'`;
    return [`${curl(webhook)} -X POST ${quoted(webhook + path)}${bearer} ${body}`];
  });
  return [...requests, ...scalings];
}

/** The `# try:` comment lines of a config document. */
export function writtenTries(text: string): string[] {
  return [...text.matchAll(/^#[ \t]*try:[ \t]*(curl .*\S)[ \t]*\r?$/gm)].map((match) => match[1]!);
}

/** An address to connect to where one that is only good for listening was given. */
export function reachable(address: string): string {
  return address.replace("://0.0.0.0", "://127.0.0.1").replace("://[::]", "://[::1]");
}

function quoted(text: string): string {
  return /^[A-Za-z0-9:/._~%-]*$/.test(text) ? text : `'${text.replaceAll("'", "%27")}'`;
}

function shellWord(text: string): string {
  return /^[A-Za-z0-9:/._~%-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
