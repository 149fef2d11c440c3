/** Certificates that change while they are served with. */
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect, it } from "vitest";
import { checkTls } from "../../src/cli/start-tls.ts";
import { createLogger } from "../../src/observability/logger.ts";
import { serveTls } from "../../src/proxy/tls.ts";
import { readTls, type TlsMaterial } from "../../src/tls/material.ts";
import { followTls, LOOK_MS } from "../../src/tls/renewal.ts";
import { selfSigned } from "../support/certificates.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

it("a renewed pair is served once its files have settled, and files that make no sense change nothing", async () => {
  const files = selfSigned();
  const clock = new VirtualClock();
  const lines: string[] = [];
  const served: TlsMaterial[] = [];
  const current = readTls(files);
  const log = createLogger({ clock, write: (line) => void lines.push(line) });
  const stop = followTls({ files, current, clock, log, onRenewed: (material) => void served.push(material) });
  const looks = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await clock.advance(LOOK_MS);
  };
  await looks(3);
  expect([served, lines]).toEqual([[], []]);

  const next = selfSigned();
  copyFileSync(next.certFile, files.certFile);
  await looks(1);
  expect(lines).toEqual([]);
  await looks(3);
  expect(served).toEqual([]);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("is not the one of the certificate");
  copyFileSync(next.keyFile, files.keyFile);
  await looks(2);
  expect(served.map(({ fingerprint }) => fingerprint)).toEqual([readTls(next).fingerprint]);
  expect(lines).toHaveLength(2);

  writeFileSync(files.certFile, "nonsense");
  await looks(5);
  rmSync(files.keyFile);
  await looks(5);
  expect(served).toHaveLength(1);
  expect(lines.slice(2).map((line) => /holds no certificate|is not there/.test(line))).toEqual([true]);

  selfSigned({ dir: dirname(files.certFile) });
  await looks(2);
  expect(served).toHaveLength(2);
  stop();
  selfSigned({ dir: dirname(files.certFile) });
  await looks(3);
  expect(served).toHaveLength(2);
});

it("a proxy looks once at files that both of its ports are served with, and tells of them once", async () => {
  const clock = new VirtualClock();
  const both = selfSigned();
  for (const [grpcTls, renewals] of [
    [{ ...both }, ["http", "grpc"]],
    [selfSigned(), ["http"]],
    [undefined, ["http"]],
  ] as const) {
    const lines: string[] = [];
    const log = createLogger({ clock, write: (line) => void lines.push(line) });
    const renewed: string[] = [];
    const side = (name: string) => ({ renew: () => void renewed.push(name) });
    serveTls({ tls: both, grpcTls }, clock, log).follow(side("http"), side("grpc"));
    selfSigned({ dir: dirname(both.certFile) });
    await clock.advance(2 * LOOK_MS);
    expect(renewed).toEqual(renewals);
    expect(lines).toHaveLength(1);
  }
});

it.each([
  {
    name: "a missing file",
    change: { certFile: "/no.pem" },
    says: "the TLS certificate /no.pem is not there; give a file that is",
  },
  { name: "a key file without a key", change: { keyFile: "cert" }, says: "holds no private key in PEM form" },
  { name: "a missing password", change: {}, password: "p", says: "is encrypted; give its password" },
  { name: "a wrong password", change: { keyPassword: "x" }, password: "p", says: "cannot be read with the password" },
  { name: "a damaged client CA", change: { clientCaFile: "key" }, says: "holds no certificate in PEM form" },
])("$name is told in one line", ({ change, password, says }) => {
  const files = selfSigned(password === undefined ? {} : { password });
  const changed = { ...files, ...change };
  if (changed.keyFile === "cert") Object.assign(changed, { keyFile: files.certFile });
  if (changed.clientCaFile !== undefined) Object.assign(changed, { clientCaFile: files.keyFile });
  expect(() => readTls(changed)).toThrow(says);
  expect(() => readTls(changed)).not.toThrow(/\n/);
});

it("a password comes from a file too, its line end aside", () => {
  const files = selfSigned({ password: "p" });
  const keyPasswordFile = `${files.certFile}.password`;
  writeFileSync(keyPasswordFile, "p\n");
  expect(readTls({ ...files, keyPasswordFile }).clientCertificates).toBe(false);
});

it("a certificate that is over is told of once, however many ports are served with it", () => {
  const files = selfSigned();
  const tls = { control: files, http: files, grpc: null };
  const { validUntilMs } = readTls(files);
  expect(checkTls(tls, null, validUntilMs)).toEqual([]);
  expect(checkTls(tls, null, validUntilMs + 1)).toEqual([
    expect.stringMatching(
      /^the TLS certificate \/.*cert\.pem was valid until \d{4}-\d\d-\d\d: clients will refuse it; renew/,
    ),
  ]);
});
