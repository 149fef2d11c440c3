/** A TCP intermediary that cuts, refuses, falls silent, and drops what is idle, as those in between do. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** What the intermediary does with connections. */
export interface ChaosProxy {
  readonly port: number;
  /** Pairs of connections that are open now. */
  readonly open: number;
  /** Connections that came in so far. */
  readonly accepted: number;
  /** Resets every connection. Returns how many. */
  cut(): number;
  /** Forwards nothing more on the connections open now, and closes none of them: half-open. Returns how many. */
  freeze(): number;
  /**
   * What becomes of later connections: `forward` (the default), `refuse` (reset at once) or `hang` (accepted, then
   * silent).
   */
  admit(how: "forward" | "refuse" | "hang"): void;
  /** Resets the next so many connections as soon as the client has sent something; then forwards again. */
  failNext(count: number): void;
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1 and forwards to `port` there. Connections idle for `idleMs` are reset, if given. */
export async function startChaosProxy(port: number, options: { idleMs?: number } = {}): Promise<ChaosProxy> {
  const pairs = new Set<{ readonly client: Socket; readonly server: Socket | undefined }>();
  let how: "forward" | "refuse" | "hang" = "forward";
  let failing = 0;
  let accepted = 0;

  const listener = createServer((client) => {
    accepted++;
    client.on("error", () => {});
    if (how === "refuse") {
      client.resetAndDestroy();
      return;
    }
    if (how === "hang") {
      const pair = { client, server: undefined };
      pairs.add(pair);
      client.resume();
      client.once("close", () => pairs.delete(pair));
      return;
    }
    if (failing > 0) {
      failing--;
      client.once("data", () => client.resetAndDestroy());
      return;
    }
    const server = connect(port, "127.0.0.1");
    const pair = { client, server };
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      client.resetAndDestroy();
      server.resetAndDestroy();
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", end);
      socket.once("close", end);
      if (options.idleMs !== undefined) socket.setTimeout(options.idleMs, end);
    }
    client.pipe(server);
    server.pipe(client);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));

  const cut = (): number => {
    const all = [...pairs];
    for (const { client, server } of all) {
      client.resetAndDestroy();
      server?.resetAndDestroy();
    }
    pairs.clear();
    return all.length;
  };

  return {
    port: (listener.address() as AddressInfo).port,
    get open() {
      return pairs.size;
    },
    get accepted() {
      return accepted;
    },
    cut,
    freeze() {
      for (const { client, server } of pairs) {
        client.unpipe(server);
        server?.unpipe(client);
        // What still comes in is taken and thrown away, so that the other side sees nothing wrong.
        client.resume();
        server?.resume();
      }
      return pairs.size;
    },
    admit(next) {
      how = next;
    },
    failNext(count) {
      failing = count;
    },
    async close() {
      cut();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}
