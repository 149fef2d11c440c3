/** How clients on Node connect: Connect over HTTP/2 or HTTP/1.1, gRPC, or gRPC-web. */
import * as http from "node:http";
import * as https from "node:https";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import type { Connections } from "./client.ts";
import { type CallDefaults, interceptorsOf, TIMEOUT_MS } from "./options.ts";
import { type OwnTransport, renewingTransport } from "./renewing.ts";
import type { Time } from "./retry.ts";
import type { Target } from "./target.ts";
import { fetchTrusting, tlsOptions } from "./trust.ts";

/** What is spoken. */
export interface NodeProtocol extends CallDefaults {
  /** Default: "connect". */
  readonly protocol?: "connect" | "grpc" | "grpc-web";
  /** Of HTTP; gRPC needs "2". Default: "2", which is cleartext for http:// addresses. */
  readonly httpVersion?: "1.1" | "2";
  /** Certificate authorities to trust instead of the usual ones, as PEM. */
  readonly rootCertificates?: string | Buffer;
}

/** A connection is pinged while a call has waited for so long, and is dead without an answer. */
const PING_INTERVAL_MS = 20_000;
const PING_TIMEOUT_MS = 10_000;
const IDLE_MS = 60_000;

/** Connections to an address; without `time` nothing is tried again. */
export function nodeConnections(
  { address, token, trust: given }: Target,
  time: Time | undefined,
  options: NodeProtocol,
): Connections {
  const { protocol = "connect", httpVersion = "2", rootCertificates: ca } = options;
  const trust = ca === undefined ? given : { ca };
  const interceptors = interceptorsOf(token, time, options);
  const common = { baseUrl: address, interceptors };
  const tls = tlsOptions(trust);

  const overHttp1 = (): OwnTransport => {
    const agent = address.startsWith("https:")
      ? new https.Agent({ keepAlive: true, ...tls })
      : new http.Agent({ keepAlive: true });
    const one = { ...common, httpVersion: "1.1", nodeOptions: { agent } } as const;
    const transport = protocol === "grpc-web" ? createGrpcWebTransport(one) : createConnectTransport(one);
    return { transport, close: () => agent.destroy() };
  };
  const overHttp2 = (): OwnTransport => {
    const pings = {
      pingIntervalMs: PING_INTERVAL_MS,
      pingTimeoutMs: PING_TIMEOUT_MS,
      idleConnectionTimeoutMs: IDLE_MS,
    };
    const sessionManager = new Http2SessionManager(address, pings, tls);
    const two = { ...common, httpVersion: "2", sessionManager } as const;
    const transport =
      protocol === "grpc"
        ? createGrpcTransport(two)
        : protocol === "grpc-web"
          ? createGrpcWebTransport(two)
          : createConnectTransport(two);
    return { transport, close: () => sessionManager.abort() };
  };
  const make = httpVersion === "2" || protocol === "grpc" ? overHttp2 : overHttp1;
  const calls = renewingTransport(make, options.timeoutMs ?? TIMEOUT_MS);
  const trusting = trust === undefined ? {} : { fetch: fetchTrusting(trust) };
  return { address, token, transport: calls.transport, separate: make, close: calls.close, ...trusting };
}
