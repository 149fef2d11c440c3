/** TLS as `http_options` asks for it. */
import type { TlsFiles } from "../core/tls-files.ts";
import type { HttpOptions } from "./types.ts";

const PATHS = ["ssl_certfile", "ssl_keyfile", "ssl_ca_certs"] as const;

/** The files that are named; null where none is. Paths are as they stand. */
export function tlsOf(http: HttpOptions): TlsFiles | null {
  const { ssl_certfile: certFile, ssl_keyfile: keyFile, ssl_ca_certs: ca, ssl_keyfile_password: password } = http;
  if (!certFile || !keyFile) return null;
  return {
    certFile,
    keyFile,
    ...(ca ? { clientCaFile: ca } : {}),
    ...(password ? { keyPassword: password } : {}),
  };
}

/** The options with each path of a file as `map` has it. */
export function mapTlsPaths<T extends HttpOptions>(http: T, map: (path: string) => string): T {
  const mapped = PATHS.flatMap((key) => (http[key] ? [[key, map(http[key])]] : []));
  return { ...http, ...Object.fromEntries(mapped) };
}

/** The files as `http_options` names them. */
export function tlsOptionsOf(files: TlsFiles): HttpOptions {
  return { ssl_certfile: files.certFile, ssl_keyfile: files.keyFile, ssl_ca_certs: files.clientCaFile ?? null };
}
