import * as net from "node:net";
import { isIPv6 } from "node:net";

/** An address that children listen on. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** A bound socket as libuv has it; `net` makes them for its own cluster module. */
interface BoundSocket {
  readonly fd: number;
  close(): void;
}

/**
 * Listening sockets that outlive the processes that accept from them: the supervisor binds and holds them, never
 * accepts, and hands them down. So a child that drains or is killed resets no connection that waits to be accepted,
 * as the kernel does with the queue of a `reusePort` listener; another child takes it.
 */
export class Listeners {
  readonly #addressOf: (host: string) => string;
  readonly #sockets = new Map<string, { readonly socket: BoundSocket; users: number }>();

  /** `addressOf` gives the address that a host's name stands for. */
  constructor(addressOf: (host: string) => string) {
    this.#addressOf = addressOf;
  }

  /** File descriptors for a child, one an address. Throws where an address cannot be bound; none is held then. */
  acquire(addresses: readonly ListenAddress[]): number[] {
    const fds: number[] = [];
    try {
      for (const address of addresses) fds.push(this.#acquireOne(address));
    } catch (error) {
      this.release(addresses.slice(0, fds.length));
      throw error;
    }
    return fds;
  }

  #acquireOne({ host, port }: ListenAddress): number {
    const key = `${host} ${port}`;
    const entry = this.#sockets.get(key) ?? { socket: bind(this.#addressOf(host), port), users: 0 };
    entry.users += 1;
    this.#sockets.set(key, entry);
    return entry.socket.fd;
  }

  /** Gives them back; the last user's end closes the port. */
  release(addresses: readonly ListenAddress[]): void {
    for (const { host, port } of addresses) {
      const key = `${host} ${port}`;
      const entry = this.#sockets.get(key);
      if (!entry) continue;
      entry.users -= 1;
      if (entry.users > 0) continue;
      entry.socket.close();
      this.#sockets.delete(key);
    }
  }
}

type CreateHandle = (host: string, port: number, addressType: 4 | 6) => BoundSocket | number;

/** There is no public way to bind without accepting; this is the one Node's cluster module uses. */
const createHandle = (net as unknown as { readonly _createServerHandle: CreateHandle })._createServerHandle;

function bind(address: string, port: number): BoundSocket {
  const socket = createHandle(address, port, isIPv6(address) ? 6 : 4);
  if (typeof socket === "number") throw new Error(`cannot bind ${address}:${port} (error ${socket})`);
  return socket;
}
