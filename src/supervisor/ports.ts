import { createServer } from "node:net";
import { StartError } from "./run-dir.ts";

/**
 * Makes sure nobody listens on a port, and picks one for 0. Proxy workers share their port (`reusePort`), which hides a
 * port in use: hence this probe without it.
 */
export function probePort(host: string, port: number, flag: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === "EADDRINUSE"
          ? `port ${port} on ${host} is in use (another Windlass?): stop what listens there or choose another with ${flag}`
          : error.code === "EACCES"
            ? `port ${port} on ${host} is not allowed to this user: choose one above 1023 with ${flag}`
            : `cannot listen on ${host}:${port} (${error.code}): choose another with --host or ${flag}`;
      reject(new StartError(reason));
    });
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      const chosen = typeof address === "object" && address ? address.port : port;
      server.close(() => resolve(chosen));
    });
  });
}
