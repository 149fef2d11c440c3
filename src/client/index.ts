/** `windlass/client`: the control API for programs on Node. */
import { systemClock } from "../core/system-clock.ts";
import { systemRandom } from "../core/system-random.ts";
import { type Client, clientOver } from "./client.ts";
import { type NodeProtocol, nodeConnections } from "./node-connections.ts";
import { targetOf } from "./target.ts";

export * from "./common.ts";
export type { NodeProtocol } from "./node-connections.ts";
export { TargetError } from "./target.ts";

/** Options of {@link createClient}. */
export interface ClientOptions extends NodeProtocol {
  /** Default: WINDLASS_ADDRESS, else http://127.0.0.1:8265. https:// is TLS. */
  readonly address?: string;
  /** Default: WINDLASS_TOKEN, else on the machine that Windlass runs on its admin token. "" is none. */
  readonly token?: string;
}

/** A client of the control API. Throws TargetError where an address or a token is none, or a token file cannot be read. */
export function createClient(options: ClientOptions = {}): Client {
  const { address, token } = options;
  const target = targetOf({
    env: process.env,
    cwd: process.cwd(),
    address: address === undefined ? undefined : { value: address, source: "address" },
    token,
  });
  const time = { clock: systemClock, random: systemRandom };
  return clientOver(nodeConnections(target, time, options), time);
}
