import type { IncomingMessage } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";
import type { Clock } from "../core/clock.ts";
import { isHopByHop } from "../routing/hop-by-hop.ts";
import type { ServerWebSocket, WebSocketUpgrade, WebSocketUpgradeOptions } from "../sdk/websocket.ts";
import type { Inbound } from "./inbound.ts";
import type { OpenWebsockets } from "./open-websockets.ts";
import type { Outbound } from "./outbound.ts";
import { ReplicaSocket } from "./replica-socket.ts";
import { type WatchedSocket, watchIdle } from "./websocket-idle.ts";
import { CallStream, type RawHead } from "./websocket-stream.ts";

const MAX_MESSAGE_BYTES = 16 * 1_048_576;
const IDLE_TIMEOUT_S = 30;

/** Marks the response that takes the websocket, and copies of it; never sent. */
const MARK = "x-windlass-upgrade";

/** What a {@link Upgrade} needs. */
export interface UpgradeContext {
  readonly inbound: Inbound;
  readonly out: Outbound;
  readonly clock: Clock;
  readonly open: OpenWebsockets;
  /** Hears what the application's listeners throw. */
  readonly onError: (error: unknown) => void;
  /** Called when the socket has closed, before the application hears of it. */
  readonly onClosed: () => void;
}

/** A request for a websocket while user code works on it, and then the websocket. */
export class Upgrade {
  readonly #context: UpgradeContext;
  #socket: ReplicaSocket | undefined;
  #options: WebSocketUpgradeOptions = {};
  /** How it was closed; undefined while it is open, or was never. */
  #code: number | undefined;

  constructor(context: UpgradeContext) {
    this.#context = context;
  }

  /** The code with which it was closed, once it was. */
  get closeCode(): number | undefined {
    return this.#code;
  }

  /** What user code is given. Throws where it asks twice. */
  readonly begin = (options: WebSocketUpgradeOptions): WebSocketUpgrade => {
    if (this.#socket !== undefined) throw new Error("upgradeWebSocket() was called for this request already");
    checkOptions(options);
    this.#options = options;
    this.#socket = new ReplicaSocket(this.#context.onError);
    return {
      socket: this.#socket as unknown as ServerWebSocket,
      response: new Response(null, { headers: { [MARK]: "websocket" } }),
    };
  };

  /** Whether what user code returned takes the websocket. */
  takenBy(value: unknown): value is Response {
    return this.#socket !== undefined && (value as Partial<Response> | null)?.headers?.get?.(MARK) === "websocket";
  }

  /** Opens it; resolves when it has closed and user code was told so. */
  accept(response: Response): Promise<void> {
    const socket = this.#socket!;
    const { inbound, out, clock, open, onClosed } = this.#context;
    const { protocol = [], maxMessageBytes = MAX_MESSAGE_BYTES, compress = false } = this.#options;
    const spoken = typeof protocol === "string" ? [protocol] : protocol;
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: maxMessageBytes,
      perMessageDeflate: compress,
      handleProtocols: (offered) => spoken.find((one) => offered.has(one)) ?? false,
      // The application has it already.
      WebSocket: function taken() {
        return socket;
      } as unknown as typeof WebSocket,
    });
    const stream = new CallStream(inbound.body, out, (head) => {
      out.head(head.status, headersOf(head, head.status === 101 ? response : undefined));
    });
    socket.prependListener("close", (code: number) => {
      this.#code = code;
      onClosed();
    });
    const { promise: over, resolve } = Promise.withResolvers<void>();
    socket.once("close", () => resolve());
    server.handleUpgrade(asNode(inbound), stream, Buffer.alloc(0), () => {
      open.add(socket);
      const idleS = this.#options.idleTimeoutS ?? IDLE_TIMEOUT_S;
      if (idleS === 0) return;
      socket.once("close", watchIdle(watched(socket), stream, clock, idleS * 1_000));
    });
    // What the library refused, a key that is none, say.
    if (out.status !== 101) this.refuse();
    return over;
  }

  /** Another answer was given. */
  refuse(): void {
    this.#socket?.refuse();
  }
}

function checkOptions({ maxMessageBytes, idleTimeoutS }: WebSocketUpgradeOptions): void {
  if (maxMessageBytes !== undefined && !(Number.isSafeInteger(maxMessageBytes) && maxMessageBytes > 0)) {
    throw new RangeError(`maxMessageBytes must be a whole number above 0, not ${maxMessageBytes}`);
  }
  if (idleTimeoutS !== undefined && !(idleTimeoutS >= 0 && idleTimeoutS <= 86_400)) {
    throw new RangeError(`idleTimeoutS must be from 0 to 86400, not ${idleTimeoutS}`);
  }
}

/** The handshake's headers and those that user code added. */
function headersOf({ headers }: RawHead, response: Response | undefined): string[] {
  const all: string[] = [];
  for (let i = 0; i < headers.length; i += 2) if (!isHopByHop(headers[i]!)) all.push(headers[i]!, headers[i + 1]!);
  for (const [name, value] of response?.headers ?? []) {
    const ours = /^(content-length|sec-websocket-.*|x-windlass-.*)$/.test(name);
    if (!ours && !isHopByHop(name)) all.push(name, value);
  }
  return all;
}

/** What the library reads of a request. */
function asNode({ head }: Inbound): IncomingMessage {
  const headers: Record<string, string> = { upgrade: "websocket" };
  for (let i = 0; i < head.headers.length; i += 2) {
    const name = head.headers[i]!;
    const value = head.headers[i + 1]!;
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  return { method: head.method, url: head.path, headers } as unknown as IncomingMessage;
}

/** The socket as its idle watch sees it. */
function watched(socket: WebSocket): WatchedSocket {
  return {
    get isPaused() {
      return socket.isPaused;
    },
    get isOpen() {
      return socket.readyState === socket.OPEN;
    },
    ping: (sent) => socket.ping(undefined, undefined, sent),
    terminate: () => socket.terminate(),
  };
}
