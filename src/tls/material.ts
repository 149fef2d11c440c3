/** What a TLS server needs, read from files and checked before anything is served with it. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { WindlassError } from "../core/errors.ts";
import type { TlsFiles } from "../core/tls-files.ts";

/** Certificate and key that belong together, as `tls` takes them. */
export interface TlsMaterial {
  readonly context: Pick<SecureContextOptions, "cert" | "key" | "passphrase" | "ca" | "minVersion">;
  /** Whether clients must show a certificate. */
  readonly clientCertificates: boolean;
  /** Until when the certificate is valid, epoch milliseconds. */
  readonly validUntilMs: number;
  /** SHA-256 of the certificate, as it is written: "AB:CD:…". */
  readonly fingerprint: string;
}

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Reads the files. Fails with INVALID_REQUEST: one line that names the file and what is wrong with it. */
export function readTls(files: TlsFiles): TlsMaterial {
  const cert = read(files.certFile, "certificate");
  const chain = certificatesIn(cert, files.certFile, "certificate");
  const keyText = read(files.keyFile, "key");
  const passphrase = passwordOf(files);
  const key = parseKey(keyText, passphrase, files.keyFile);
  if (!chain[0]!.checkPrivateKey(key)) {
    throw invalid(
      `the TLS key ${files.keyFile} is not the one of the certificate ${files.certFile}; give the two that belong together`,
    );
  }
  const ca = files.clientCaFile === undefined ? undefined : read(files.clientCaFile, "client CA");
  if (ca !== undefined) certificatesIn(ca, files.clientCaFile!, "client CA");
  const context = {
    cert,
    key: keyText,
    minVersion: "TLSv1.2" as const,
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(ca === undefined ? {} : { ca }),
  };
  try {
    createSecureContext(context);
  } catch (error) {
    throw invalid(`the TLS certificate ${files.certFile} cannot be served: ${lineOf(error)}`);
  }
  return {
    context,
    clientCertificates: ca !== undefined,
    validUntilMs: Date.parse(chain[0]!.validTo),
    fingerprint: chain[0]!.fingerprint256,
  };
}

/** The first certificate of a file: the server's own. Fails as {@link readTls}. */
export function ownCertificate(certFile: string): string {
  const text = read(certFile, "certificate");
  certificatesIn(text, certFile, "certificate");
  return text.match(PEM)![0];
}

/** Whether nobody but the certificate itself vouches for it: clients must be given it. Fails as {@link readTls}. */
export function isSelfSigned(certFile: string): boolean {
  const certificate = new X509Certificate(ownCertificate(certFile));
  return certificate.subject === certificate.issuer;
}

function read(path: string, what: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? lineOf(error);
    if (code === "ENOENT") throw invalid(`the TLS ${what} ${path} is not there; give a file that is`);
    throw invalid(`the TLS ${what} ${path} cannot be read (${code})`);
  }
}

/** At least one. */
function certificatesIn(text: string, path: string, what: string): X509Certificate[] {
  const blocks = text.match(PEM) ?? [];
  if (blocks.length === 0) throw invalid(`the TLS ${what} ${path} holds no certificate in PEM form`);
  return blocks.map((block) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      throw invalid(`the TLS ${what} ${path} holds a damaged certificate: ${lineOf(error)}`);
    }
  });
}

function passwordOf({ keyPassword, keyPasswordFile }: TlsFiles): string | undefined {
  if (keyPassword !== undefined) return keyPassword;
  return keyPasswordFile === undefined ? undefined : read(keyPasswordFile, "key's password").replace(/\r?\n$/, "");
}

function parseKey(text: string, passphrase: string | undefined, path: string) {
  try {
    return createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (error) {
    if (/ENCRYPTED/.test(text)) {
      throw invalid(
        passphrase === undefined
          ? `the TLS key ${path} is encrypted; give its password in WINDLASS_TLS_KEY_PASSWORD or --tls-key-password-file`
          : `the TLS key ${path} cannot be read with the password given`,
      );
    }
    const why = text.includes("PRIVATE KEY-----")
      ? `holds a damaged key: ${lineOf(error)}`
      : "holds no private key in PEM form";
    throw invalid(`the TLS key ${path} ${why}`);
  }
}

function invalid(message: string): WindlassError {
  return new WindlassError("INVALID_REQUEST", message);
}

function lineOf(error: unknown): string {
  return String((error as Error).message).split("\n")[0]!;
}
