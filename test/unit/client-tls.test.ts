import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InstanceService } from "../../gen/windlass/v1/instance_service_pb.ts";
import { type ClientOptions, createClient } from "../../src/client/index.ts";
import { tempDir } from "../support/temp-dir.ts";

let certificate: string;
let address: string;
const seen: string[] = [];
const atEnd: (() => void)[] = [];

/** What stands before an instance that is reached over TLS, with a certificate of its own. */
beforeAll(async () => {
  const dir = tempDir((remove) => void atEnd.push(remove));
  const files = ["-keyout", join(dir, "key.pem"), "-out", join(dir, "cert.pem")];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"];
  const names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync("openssl", ["req", ...kind, ...files, ...names], { stdio: "ignore" });
  certificate = readFileSync(join(dir, "cert.pem"), "utf8");
  const handler = connectNodeAdapter({
    routes: ({ rpc }) => {
      rpc(InstanceService.method.getInstance, () => ({ revision: 7n }));
      rpc(InstanceService.method.watchInstance, async function* () {
        yield { revision: 7n, event: { case: "synced", value: true } };
      });
    },
  });
  const server = createSecureServer(
    { key: readFileSync(join(dir, "key.pem")), cert: certificate, allowHTTP1: true },
    (request, response) => {
      seen.push(`${request.httpVersion} ${request.headers["content-type"]} ${request.headers["authorization"]}`);
      if (request.url.startsWith("/api/v1/watch")) tellEvents(request, response);
      else handler(request, response);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd.push(() => void server.close());
  address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

function tellEvents(request: Http2ServerRequest, response: Http2ServerResponse): void {
  const refused = request.url.includes("refused");
  response.writeHead(refused ? 400 : 200);
  if (refused) response.end("no such thing");
  else response.write('id: 7\nevent: synced\ndata: {"revision":"7","synced":true}\n\n');
}

afterAll(() => {
  for (const end of atEnd) end();
});

describe("a client of an https:// address", () => {
  it.each([
    { options: {}, expected: "2.0 application/proto" },
    { options: { httpVersion: "1.1" }, expected: "1.1 application/proto" },
    { options: { protocol: "grpc" }, expected: "2.0 application/grpc+proto" },
    { options: { protocol: "grpc-web", httpVersion: "1.1" }, expected: "1.1 application/grpc-web+proto" },
  ] satisfies { options: ClientOptions; expected: string }[])(
    "calls and watches over TLS ($options)",
    async ({ options, expected }) => {
      using client = createClient({ address, token: "secret", rootCertificates: certificate, ...options });
      expect((await client.instance.getInstance({})).revision).toBe(7n);
      expect(seen.at(-1)).toBe(`${expected} Bearer secret`);
      const kinds: string[] = [];
      for await (const { kind } of client.watch.instance()) if (kinds.push(kind) === 2) break;
      expect(kinds).toEqual(["reset", "synced"]);
    },
  );

  it("watches server-sent events over TLS", { timeout: 5_000 }, async () => {
    using client = createClient({ address, token: "secret", rootCertificates: certificate });
    const kinds: string[] = [];
    for await (const { kind } of client.watch.instance({ name: "applications/a" }, { via: "sse" })) {
      if (kinds.push(kind) === 2) break;
    }
    expect(kinds).toEqual(["reset", "synced"]);
    const refused = client.watch.instance({ name: "applications/refused" }, { via: "sse" });
    await expect(refused[Symbol.asyncIterator]().next()).rejects.toThrow("no such thing");
  });

  it.each(["1.1", "2"] as const)("trusts no certificate that it does not know (HTTP/%s)", async (httpVersion) => {
    using client = createClient({ address, token: "secret", httpVersion, retry: false });
    const error = await client.instance.getInstance({}).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConnectError);
    expect((error as ConnectError).code).toBe(Code.Unavailable);
    expect((error as ConnectError).message).toMatch(/self-signed certificate/);
  });
});
