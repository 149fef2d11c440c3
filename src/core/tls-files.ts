/** Where a server's certificate and key lie, and how the key is read. Paths are absolute. */
export interface TlsFiles {
  /** PEM: the certificate, then those between it and its root. */
  readonly certFile: string;
  /** PEM. */
  readonly keyFile: string;
  /** PEM: clients must show a certificate that one of these signed. Absent: clients show none. */
  readonly clientCaFile?: string;
  /** Of an encrypted key; never in arguments, answers or logs. */
  readonly keyPassword?: string;
  /** Holds the password; a line end at its end does not count. Used where `keyPassword` is absent. */
  readonly keyPasswordFile?: string;
}

/** The same for other processes' arguments: without the password. */
export function withoutPassword({ keyPassword: _, ...files }: TlsFiles): TlsFiles {
  return files;
}

/** Environment variable of our own processes: passwords of keys, JSON by port. Everybody may read arguments. */
export const TLS_PASSWORDS = "WINDLASS_TLS_PASSWORDS";

/** The files with the password that {@link TLS_PASSWORDS} has for a port. */
export function withPassword(
  files: TlsFiles,
  env: Readonly<Record<string, string | undefined>>,
  port: "control" | "http" | "grpc",
): TlsFiles {
  const keyPassword = passwordIn(env, port);
  return keyPassword === undefined ? files : { ...files, keyPassword };
}

/** The password that {@link TLS_PASSWORDS} has for a port. */
export function passwordIn(env: Readonly<Record<string, string | undefined>>, port: string): string | undefined {
  return (JSON.parse(env[TLS_PASSWORDS] ?? "{}") as Record<string, string | undefined>)[port];
}

/** {@link TLS_PASSWORDS} for the environment of a process; empty where there are none. */
export function passwordsFor(passwords: Readonly<Record<string, string | null | undefined>>): Record<string, string> {
  const known = Object.entries(passwords).filter(([, password]) => typeof password === "string");
  return known.length === 0 ? {} : { [TLS_PASSWORDS]: JSON.stringify(Object.fromEntries(known)) };
}
