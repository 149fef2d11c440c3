/** What the command line says where a connection fails. */
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { cannotConnect } from "../../src/cli/address.ts";
import { getServeDetails } from "../../src/cli/rest.ts";
import { targetOf } from "../../src/client/target.ts";
import { readTls } from "../../src/tls/material.ts";
import { selfSigned } from "../support/certificates.ts";
import { tempDir } from "../support/temp-dir.ts";

const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function portOf(server: Server): Promise<number> {
  open.push(server);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", () => resolve()));
  return (server.address() as AddressInfo).port;
}

const ask = (address: string, env: Record<string, string> = {}): Promise<unknown> =>
  getServeDetails(
    targetOf({ env: { ...env, WINDLASS_TOKEN: "wla_x" }, cwd: "/", address: { value: address, source: "-a" } }),
  );

describe("a connection that fails says what to do:", () => {
  it("a certificate that is not trusted, or not by WINDLASS_CA", async () => {
    const files = selfSigned();
    const port = await portOf(createTlsServer(readTls(files).context));
    const address = `https://127.0.0.1:${port}`;
    await expect(ask(address)).rejects.toThrow(
      `cannot connect to ${address}: its certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT); set WINDLASS_CA to the file of its authority`,
    );
    await expect(ask(address, { WINDLASS_CA: selfSigned().certFile })).rejects.toThrow(
      /: WINDLASS_CA does not vouch for its certificate \(\w+\); set it to the file of its authority$/,
    );
    const junk = join(tempDir(), "junk.pem");
    writeFileSync(junk, "no certificate");
    expect(() => ask(address, { WINDLASS_CA: junk })).toThrow(
      `WINDLASS_CA ${junk} holds no certificates; name a file of them in PEM form`,
    );
  });

  it("http:// where TLS is spoken, and https:// where it is not", async () => {
    const tls = await portOf(createTlsServer(readTls(selfSigned()).context));
    await expect(ask(`http://127.0.0.1:${tls}`)).rejects.toThrow("if TLS is spoken there, write https:// instead");
    const plain = await portOf(createServer());
    await expect(ask(`https://127.0.0.1:${plain}`)).rejects.toThrow("it does not speak TLS; write http:// instead");
  });

  it("nobody who listens", () => {
    const target = { address: "http://127.0.0.1:1", token: undefined };
    expect(cannotConnect(target, Object.assign(new Error("no"), { code: "ECONNREFUSED" })).message).toBe(
      "cannot connect to http://127.0.0.1:1; run `windlass start`, or set WINDLASS_ADDRESS or -a",
    );
  });
});
