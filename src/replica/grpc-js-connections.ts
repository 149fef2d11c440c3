/** Connections within this process, from the replica to the grpc-js server that it runs. */
import { type ClientHttp2Session, connect } from "node:http2";
import { type Duplex, duplexPair } from "node:stream";

/** No limit, as for the server's side: Node's default would refuse calls beside some with large messages. */
const MAX_SESSION_MB = Number.MAX_SAFE_INTEGER;
/**
 * None, for what lies between the two ends of a connection: HTTP/2's windows bound that. A session of Node's does not
 * read while a write of its own is under way, so two ends that both had to wait would wait for each other for good.
 */
const NO_MARK = { highWaterMark: Number.MAX_SAFE_INTEGER };
/**
 * Resets on one connection. Node's server ends a connection, with all calls on it, after 1,000 that come faster than 33
 * a second, and grpc-js has no option for that.
 */
const MAX_RESETS = 800;

/** A connection that a call has a part of. */
export interface Share {
  readonly session: ClientHttp2Session;
  /** The call is over; `reset`: not in good order. Once. */
  over(reset: boolean): void;
}

interface Connection {
  readonly session: ClientHttp2Session;
  /** Calls under way. */
  open: number;
  /** Calls that were reset. */
  resets: number;
}

/**
 * Calls share a connection: Node gives its window back at once, so they do not hold each other up. Another one is made
 * where all that are on one, reset, would be too many. `accept` is given the server's end of each.
 */
export function createConnections(accept: (end: Duplex) => void): { share(): Share } {
  let connections: Connection[] = [];
  const leave = (connection: Connection): void => {
    connections = connections.filter((other) => other !== connection);
  };
  const add = (): Connection => {
    const [near, far] = duplexPair(NO_MARK);
    accept(far);
    const session = connect("http://replica", { createConnection: () => near, maxSessionMemory: MAX_SESSION_MB });
    const connection = { session, open: 0, resets: 0 };
    session.on("error", () => {});
    session.on("close", () => leave(connection));
    session.unref();
    connections.push(connection);
    return connection;
  };
  return {
    share() {
      const connection = connections.find(hasRoom) ?? add();
      connection.open += 1;
      return {
        session: connection.session,
        over(reset) {
          connection.open -= 1;
          if (reset) connection.resets += 1;
          if (connection.open > 0 || (connections.length === 1 && connection.resets < MAX_RESETS / 2)) return;
          leave(connection);
          connection.session.close();
        },
      };
    },
  };
}

function hasRoom({ session, open, resets }: Connection): boolean {
  return open + resets < MAX_RESETS && !session.closed && !session.destroyed;
}
