import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TlsFiles } from "../../src/core/tls-files.ts";
import { tempDir } from "./temp-dir.ts";

const EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "2"];
const LOCAL = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];

/** A certificate that signed itself, in a folder of its own that ends with the test. */
export function selfSigned(
  options: { name?: string; dir?: string; password?: string; atEnd?: (remove: () => void) => void } = {},
): TlsFiles & { readonly pem: string } {
  const dir = options.dir ?? tempDir(options.atEnd);
  const certFile = join(dir, "cert.pem");
  const keyFile = join(dir, "key.pem");
  const secret = options.password === undefined ? ["-nodes"] : ["-passout", `pass:${options.password}`];
  openssl(["req", "-x509", ...EC, ...secret, "-keyout", keyFile, "-out", certFile, ...subject(options.name), ...LOCAL]);
  return { certFile, keyFile, pem: readFileSync(certFile, "utf8") };
}

/** A certificate that another one, of {@link selfSigned}, signed: of a client. */
export function signedBy(ca: TlsFiles, name = "client"): { readonly cert: string; readonly key: string } {
  const dir = tempDir();
  const keyFile = join(dir, "key.pem");
  const certFile = join(dir, "cert.pem");
  const signer = ["-CA", ca.certFile, "-CAkey", ca.keyFile];
  openssl(["req", "-x509", ...EC, "-nodes", ...signer, "-keyout", keyFile, "-out", certFile, ...subject(name)]);
  return { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
}

function subject(name = "127.0.0.1"): string[] {
  return ["-subj", `/CN=${name}`];
}

function openssl(args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
}
