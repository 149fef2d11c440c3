/** The reference names nodes, actors and workers; ours are made of what stays the same on a machine. */
import { createHash } from "node:crypto";

/** What REST says about the machine. */
export interface HostFacts {
  readonly nodeId: string;
  readonly nodeIp: string;
  readonly nodeInstanceId: string;
}

/** The facts of a machine by its host name. */
export function hostFacts(hostName: string): HostFacts {
  return { nodeId: stableId(56, "node", hostName), nodeIp: "127.0.0.1", nodeInstanceId: hostName };
}

/** Hex digits that are the same for the same parts. */
export function stableId(length: number, ...parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, length);
}
