/** Websockets in application code. */
import { runtime } from "./runtime.ts";

/** How a websocket is taken. */
export interface WebSocketUpgradeOptions {
  /**
   * The subprotocols that the application speaks, the one it likes best first; the first that the client offered is
   * chosen, and is the socket's `protocol`. Default: none.
   */
  protocol?: string | readonly string[];
  /** Bytes of the largest message that is taken; a larger one closes the socket with 1009. Default: 16,777,216. */
  maxMessageBytes?: number;
  /**
   * Seconds without a word from the client after which it is sent a ping; after as many without an answer the
   * connection is closed (1006), unless the client still takes what was sent before. 0: never. Default: 30.
   */
  idleTimeoutS?: number;
  /** Whether messages are compressed where the client can do so (permessage-deflate). Default: false. */
  compress?: boolean;
}

/**
 * The server's end of a websocket: a standard `WebSocket` whose `binaryType` is "blob" until it is set. A listener that
 * throws or rejects closes it with 1011, and the error is logged.
 */
export interface ServerWebSocket extends WebSocket {
  /** Sends a ping. */
  ping(): void;
  /** Takes no more messages: the client is held back once a little is under way. */
  pause(): void;
  /** Goes on after {@link pause}. */
  resume(): void;
}

/** A websocket that is on its way. */
export interface WebSocketUpgrade {
  /** Open once `response` was returned, which its `open` event tells. */
  readonly socket: ServerWebSocket;
  /**
   * What the handler is to return: it becomes the 101. Headers may be added, and a copy will do. Its status is 200, since
   * that of a `Response` cannot be 101.
   */
  readonly response: Response;
}

/** Whether a request asks for a websocket. */
export function isWebSocketRequest(request: Request): boolean {
  return request.headers.get("upgrade")?.toLowerCase() === "websocket";
}

/**
 * Takes a request for a websocket. To be called while the request is worked on, in the deployment that HTTP reaches:
 *
 *     fetch(request: Request) {
 *       if (!isWebSocketRequest(request)) return new Response("a websocket is needed", { status: 426 });
 *       const { socket, response } = upgradeWebSocket(request);
 *       socket.onmessage = ({ data }) => socket.send(data);
 *       return response;
 *     }
 *
 * Any other response refuses it, and the client gets that. The socket counts as a request for as long as it is open.
 * Throws a TypeError for a request that asks for none.
 */
export function upgradeWebSocket(request: Request, options: WebSocketUpgradeOptions = {}): WebSocketUpgrade {
  if (!isWebSocketRequest(request)) {
    throw new TypeError("upgradeWebSocket(): the request asks for no websocket; isWebSocketRequest(request) tells");
  }
  const upgrade = runtime().requests.getStore()?.upgradeWebSocket;
  if (upgrade === undefined) {
    throw new Error("upgradeWebSocket() works only while a replica works on the websocket's request");
  }
  return upgrade(options);
}
