/** `windlass/client/web`: the control API for pages in browsers. No module of Node is needed. */
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { systemClock } from "../core/system-clock.ts";
import { systemRandom } from "../core/system-random.ts";
import { type Client, clientOver } from "./client.ts";
import { type CallDefaults, interceptorsOf, TIMEOUT_MS } from "./options.ts";
import { renewingTransport } from "./renewing.ts";
import { isToken, NO_TOKEN } from "./token.ts";

export * from "./common.ts";

/** Options of {@link createClient}. */
export interface ClientOptions extends CallDefaults {
  /** "https://windlass.example:8265". Its instance has to allow the page's origin: `--allowed-origin`. */
  readonly address: string;
  /** Bearer token. Default: none. */
  readonly token?: string;
  /** Default: "connect". */
  readonly protocol?: "connect" | "grpc-web";
}

/** A client of the control API that calls by `fetch`. Throws a TypeError where the token is none. */
export function createClient(options: ClientOptions): Client {
  const { protocol = "connect" } = options;
  const token = options.token?.trim() || undefined;
  if (token !== undefined && !isToken(token)) throw new TypeError(NO_TOKEN);
  const address = options.address.replace(/\/+$/, "");
  const time = { clock: systemClock, random: systemRandom };
  const common = { baseUrl: address, interceptors: interceptorsOf(token, time, options) };
  const transport = protocol === "connect" ? createConnectTransport(common) : createGrpcWebTransport(common);
  const own = { transport, close: () => {} };
  const calls = renewingTransport(() => own, options.timeoutMs ?? TIMEOUT_MS);
  const connections = { address, token, transport: calls.transport, separate: () => own };
  return clientOver({ ...connections, close: calls.close }, time);
}
