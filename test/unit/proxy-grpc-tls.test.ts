/** The gRPC proxy over TLS, before a replica that a test plays. */
import { Client, compressionAlgorithms, credentials, status } from "@grpc/grpc-js";
import { expect, it, onTestFinished } from "vitest";
import { readTls } from "../../src/tls/material.ts";
import { selfSigned, signedBy } from "../support/certificates.ts";
import { startFakeReplica, targetsOf } from "../support/fake-replica.ts";
import { openBidi } from "../support/grpc-client.ts";
import { startGrpcProxy } from "../support/grpc-proxy.ts";
import { tempDir } from "../support/temp-dir.ts";

const authority = () => selfSigned({ name: "authority" });

async function start(clientCa?: ReturnType<typeof selfSigned>) {
  const certificate = selfSigned();
  const files = clientCa === undefined ? certificate : { ...certificate, clientCaFile: clientCa.certFile };
  const proxy = await startGrpcProxy({ tls: readTls(files) });
  const replica = await startFakeReplica(tempDir(), "r", {
    // Messages go back as they came, compressed or not.
    handler(req, res) {
      const encoding = req.headers["grpc-encoding"];
      const head = {
        "content-type": "application/grpc",
        ...(encoding === undefined ? {} : { "grpc-encoding": encoding }),
      };
      res.writeHead(200, head);
      req.pipe(res);
    },
  });
  proxy.apply({
    routes: [{ prefix: "/", application: "app", deployment: "d" }],
    deployments: [targetsOf([replica])],
  });
  const connect = (own?: { cert: string; key: string }, options: object = {}): Client => {
    const pair = own === undefined ? [] : ([Buffer.from(own.key), Buffer.from(own.cert)] as const);
    const trust = credentials.createSsl(Buffer.from(certificate.pem), ...pair);
    // By its name: Node 26 refuses the address that grpc-js would ask a certificate for.
    const named = { "grpc.ssl_target_name_override": "localhost", "grpc.default_authority": "localhost" };
    const client = new Client(proxy.address, trust, { "grpc.use_local_subchannel_pool": 1, ...named, ...options });
    onTestFinished(() => client.close());
    return client;
  };
  return { ...proxy, connect };
}

/** A call of some messages; what came back. The replica sends no status, which is told as UNKNOWN. */
async function echo(client: Client, sent: readonly string[]) {
  const { call, answer } = openBidi(client, "/p.S/M");
  const received: string[] = [];
  call.on("data", (message: Buffer) => {
    // The status would overtake messages that are still being inflated.
    if (received.push(String(message)) === sent.length) call.end();
  });
  for (const text of sent) call.write(Buffer.from(text));
  const { code } = await answer;
  return { code, messages: received };
}

it.each([
  { name: "as they are", options: {} },
  { name: "gzipped", options: { "grpc.default_compression_algorithm": compressionAlgorithms.gzip } },
])("carries streams of messages both ways, $name", async ({ options }) => {
  const { connect } = await start();
  const sent = ["one", "x".repeat(200_000), "three"];
  expect(await echo(connect(undefined, options), sent)).toEqual({ code: status.UNKNOWN, messages: sent });
});

it("knows clients by the certificates that its authorities signed, and nobody else", async () => {
  const ca = authority();
  const { connect } = await start(ca);
  expect((await echo(connect(signedBy(ca)), ["a"])).messages).toEqual(["a"]);
  expect(await echo(connect(), ["a"])).toEqual({ code: status.UNAVAILABLE, messages: [] });
  expect(await echo(connect(signedBy(authority())), ["a"])).toEqual({ code: status.UNAVAILABLE, messages: [] });
});

it("serves new connections with a renewed certificate, and goes on with those that are open", async () => {
  const { connect, proxy } = await start();
  const before = connect();
  expect((await echo(before, ["a"])).messages).toEqual(["a"]);
  proxy.renew(readTls(selfSigned()));
  expect((await echo(before, ["b"])).messages).toEqual(["b"]);
  expect((await echo(connect(), ["c"])).code).toBe(status.UNAVAILABLE);
});
