import { isIPv4 } from "node:net";

/** Whether a host name or address can only be this machine. Brackets around IPv6 are allowed. */
export function isLoopback(host: string): boolean {
  const bare = host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  return bare === "localhost" || bare === "::1" || (isIPv4(bare) && bare.startsWith("127."));
}
