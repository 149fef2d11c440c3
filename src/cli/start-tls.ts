import type { TlsFiles } from "../core/tls-files.ts";
import type { StartOptions } from "../supervisor/options.ts";
import { readTls } from "../tls/material.ts";

/** Ports that can speak TLS, as `--tls-on` names them. */
export const TLS_PORTS = ["control", "http", "grpc"] as const;

/** What the flags say. Paths are absolute. */
export interface TlsFlags {
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly clientCa: string | undefined;
  readonly passwordFile: string | undefined;
  /** Undefined: all. */
  readonly on: readonly string[] | undefined;
}

/** A problem's flag and the rest of its line. */
export type TlsFlagsResult =
  | { readonly ok: true; readonly value: StartOptions["tls"] }
  | { readonly ok: false; readonly flag: TlsFlag; readonly problem: string };

/** Flags of TLS. */
type TlsFlag = "tls-cert" | "tls-key" | "tls-client-ca" | "tls-key-password-file" | "tls-on";

/** What each port is served with. `password` is that of an encrypted key. */
export function tlsOfFlags(flags: TlsFlags, password: string | undefined): TlsFlagsResult {
  const { cert, key, clientCa, passwordFile, on } = flags;
  if (cert === undefined || key === undefined) {
    const given: Readonly<Record<TlsFlag, unknown>> = {
      "tls-cert": cert,
      "tls-key": key,
      "tls-client-ca": clientCa,
      "tls-key-password-file": passwordFile,
      "tls-on": on,
    };
    const flag = (Object.keys(given) as TlsFlag[]).find((name) => given[name] !== undefined);
    if (flag === undefined) return { ok: true, value: { control: null, http: null, grpc: null } };
    const missing = [cert === undefined ? "--tls-cert" : "", key === undefined ? "--tls-key" : ""].filter(Boolean);
    return { ok: false, flag, problem: `needs ${missing.join(" and ")} beside it` };
  }
  const unknown = on?.find((port) => !TLS_PORTS.some((each) => each === port));
  if (unknown !== undefined) {
    return { ok: false, flag: "tls-on", problem: `must name ${TLS_PORTS.join(", ")}, got "${unknown}"` };
  }
  if (clientCa !== undefined && on?.every((port) => port === "control") === true) {
    const problem =
      "asks HTTP and gRPC clients for certificates, but --tls-on names neither http nor grpc: add one of them";
    return { ok: false, flag: "tls-client-ca", problem };
  }
  const control: TlsFiles = {
    certFile: cert,
    keyFile: key,
    ...(password === undefined ? {} : { keyPassword: password }),
    ...(passwordFile === undefined ? {} : { keyPasswordFile: passwordFile }),
  };
  // Callers of the API are known by their tokens.
  const data: TlsFiles = clientCa === undefined ? control : { ...control, clientCaFile: clientCa };
  const wanted = (port: (typeof TLS_PORTS)[number]): boolean => on === undefined || on.includes(port);
  return {
    ok: true,
    value: {
      control: wanted("control") ? control : null,
      http: wanted("http") ? data : null,
      grpc: wanted("grpc") ? data : null,
    },
  };
}

/**
 * Reads what would be served with, before anything is opened. Fails with one line for a file that cannot be used;
 * returns a line for each certificate that is over, which can be served with and is no use.
 */
export function checkTls(tls: StartOptions["tls"], ofConfig: TlsFiles | null, nowMs: number): string[] {
  const files = [tls.control, tls.http ?? ofConfig, tls.grpc].filter((each) => each !== null);
  const lines = files.flatMap((each) => {
    const { validUntilMs } = readTls(each);
    if (validUntilMs >= nowMs) return [];
    const day = new Date(validUntilMs).toISOString().slice(0, 10);
    return [`the TLS certificate ${each.certFile} was valid until ${day}: clients will refuse it; renew the file`];
  });
  return [...new Set(lines)];
}
