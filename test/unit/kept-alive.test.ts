/** Clients that vanish without a word: the kernel asks whether they are there. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { readTls } from "../../src/tls/material.ts";
import { selfSigned } from "../support/certificates.ts";
import { startGrpcProxy } from "../support/grpc-proxy.ts";
import { startHttpProxy } from "../support/http-proxy.ts";

const hex = (port: number): string => `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
/** What Linux shows of a connection whose only timer is the one for a silent peer. */
const KEEPALIVE_TIMER = "02";

/** The timer of the server's end of a connection, and the seconds that it has left. */
function timerOf({ localPort, remotePort }: Socket): { timer: string; leftS: number } | undefined {
  const ends = `${hex(remotePort!)} ${hex(localPort!)} `;
  const line = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .find((each) => each.includes(ends));
  const [, timer, ticks] = / ([0-9A-F]{2}):([0-9A-F]{8}) /.exec(line ?? "") ?? [];
  return timer === undefined ? undefined : { timer, leftS: Number.parseInt(ticks!, 16) / 100 };
}

it.each([
  ["HTTP", async () => (await startHttpProxy()).port],
  ["HTTP over TLS", async () => (await startHttpProxy({ tls: readTls(selfSigned()) })).port],
  ["gRPC", async () => (await startGrpcProxy()).port],
  ["gRPC over TLS", async () => (await startGrpcProxy({ tls: readTls(selfSigned()) })).port],
] as const)(
  "a connection to the port of %s is looked after when its client is silent for a minute",
  async (_, start) => {
    const socket = connect(await start(), "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    await once(socket, "connect");
    await expect.poll(() => timerOf(socket)?.timer).toBe(KEEPALIVE_TIMER);
    const { leftS } = timerOf(socket)!;
    expect(leftS).toBeGreaterThan(30);
    expect(leftS).toBeLessThanOrEqual(60);
  },
);
