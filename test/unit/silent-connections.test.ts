/** Clients that connect and say nothing: they hold neither a connection nor a drain. */
import { once } from "node:events";
import { type AddressInfo, connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/core/system-clock.ts";
import { createTlsListener } from "../../src/tls/listener.ts";
import { readTls } from "../../src/tls/material.ts";
import { selfSigned } from "../support/certificates.ts";
import { startGrpcProxy } from "../support/grpc-proxy.ts";
import { startHttpProxy } from "../support/http-proxy.ts";

const certificate = selfSigned({ atEnd: (remove) => void process.once("exit", remove) });
const tls = readTls(certificate);

function ending(socket: Socket): Socket {
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** A connection that is open as far as both sides know, and whose client never ends its side. */
async function silent(port: number, protocol?: "h2" | "http/1.1"): Promise<Socket> {
  const to = { host: "127.0.0.1", port, allowHalfOpen: true };
  const plain = ending(connectPlain(to));
  await once(plain, "connect");
  if (protocol === undefined) return plain;
  const secure = ending(connectTls({ socket: plain, ca: certificate.pem, ALPNProtocols: [protocol] }));
  await once(secure, "secureConnect");
  return secure;
}

describe("a connection that says nothing", () => {
  it("is closed when its TLS handshake takes too long", async () => {
    const listener = createTlsListener({
      material: tls,
      protocols: ["h2"],
      handshakeTimeoutMs: 50,
      onConnection: () => {},
    });
    onTestFinished(() => void listener.close());
    await once(listener.listen(0, "127.0.0.1"), "listening");
    const socket = await silent((listener.address() as AddressInfo).port);
    socket.resume();
    await once(socket, "end");
  });

  it.each([
    { name: "HTTP", options: {}, protocol: undefined },
    { name: "HTTP/1.1 over TLS", options: { tls }, protocol: "http/1.1" as const },
    { name: "HTTP/2 over TLS", options: { tls }, protocol: "h2" as const },
  ])("does not hold the drain of a proxy: $name", async ({ options, protocol }) => {
    const { proxy, port } = await startHttpProxy(options);
    const accepted = once(proxy.listener, options.tls === undefined ? "connection" : "secureConnection");
    await silent(port, protocol);
    await accepted;
    expect(await proxy.drain(15_000)).toBe(true);
  });

  it.each([
    { name: "gRPC", options: {}, protocol: undefined },
    { name: "gRPC over TLS", options: { tls }, protocol: "h2" as const },
  ])("does not hold the drain of a proxy: $name", async ({ options, protocol }) => {
    const { proxy, port } = await startGrpcProxy(options);
    const began = once(proxy.server, "session");
    await silent(port, protocol);
    await began;
    expect(await proxy.drain(systemClock, 15_000)).toBe(true);
  });
});
