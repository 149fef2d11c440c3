import { createConnection, type Socket } from "node:net";
import type { Clock } from "../../core/clock.ts";
import { type FromHost, lineReader, lineWriter, type ToHost } from "../../policy-host/protocol.ts";

/** Pauses between tries to reach a host whose process is starting. */
const CONNECT_FIRST_MS = 10;
const CONNECT_CAP_MS = 200;
/** A line of a host may hold one output; one that is longer comes from elsewhere. */
const MAX_LINE_BYTES = 1024 * 1024;

/** The controller's connection to a policy host. */
export interface PolicyLink {
  send(message: ToHost): void;
  /** Nothing is reported afterwards. */
  close(): void;
}

/** Connects, trying until it is closed; `lost` is called once a connection breaks or says what cannot be read. */
export function connectPolicyHost(
  socketPath: string,
  clock: Clock,
  events: { heard(message: FromHost): void; lost(): void },
): PolicyLink {
  const closed = new AbortController();
  let socket: Socket | undefined;
  let pauseMs = CONNECT_FIRST_MS;
  const close = (): void => {
    closed.abort();
    socket?.destroy();
  };
  const lost = (): void => {
    if (closed.signal.aborted) return;
    close();
    events.lost();
  };
  const connect = (): void => {
    if (closed.signal.aborted) return;
    let connected = false;
    const trying = createConnection(socketPath, () => {
      connected = true;
    });
    socket = trying;
    const onLine = (text: string): void => {
      if (closed.signal.aborted) return;
      const message = parse(text);
      if (message === undefined) lost();
      else events.heard(message);
    };
    trying.on("data", lineReader(MAX_LINE_BYTES, onLine, lost));
    trying.on("error", () => {});
    trying.on("close", () => {
      if (connected) return lost();
      void clock.sleep(pauseMs, closed.signal).then(connect);
      pauseMs = Math.min(pauseMs * 2, CONNECT_CAP_MS);
    });
  };
  connect();
  // All that is asked in one turn of the controller goes in one write.
  const writer = lineWriter((text) => void (socket?.writable === true && socket.write(text)));
  return {
    send: (message) => writer.say(message),
    close,
  };
}

/** User code runs in the host, so what it says may be anything. */
function parse(text: string): FromHost | undefined {
  try {
    const message: unknown = JSON.parse(text);
    return typeof message === "object" && message !== null && "kind" in message ? (message as FromHost) : undefined;
  } catch {
    return undefined;
  }
}
