import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { onTestFinished } from "vitest";
import { WebSocket } from "ws";

/** A client's websocket, with what it has heard. */
export interface WebsocketClient {
  readonly socket: WebSocket;
  /** Texts as strings, bytes as buffers. */
  readonly messages: (string | Buffer)[];
  /** Headers of the 101. */
  readonly head: Record<string, unknown>;
  readonly closed: Promise<{ code: number; reason: string }>;
}

/** Connects; ends with the test. Rejects with `status`, `headers` and `body` of a refusal. */
export async function dial(
  url: string,
  options: WebSocket.ClientOptions & { protocols?: string[] } = {},
): Promise<WebsocketClient> {
  const { protocols = [], ...rest } = options;
  const socket = new WebSocket(url.replace(/^http/, "ws"), protocols, { perMessageDeflate: false, ...rest });
  onTestFinished(() => socket.terminate());
  const messages: (string | Buffer)[] = [];
  let head: Record<string, unknown> = {};
  socket.on("upgrade", ({ headers }) => {
    head = headers;
  });
  socket.on("message", (data: Buffer, isBinary) => void messages.push(isBinary ? data : data.toString()));
  const closed = once(socket, "close").then(([code, reason]) => ({ code: code as number, reason: String(reason) }));
  closed.catch(() => {});
  await new Promise<void>((resolve, reject) => {
    socket.on("open", () => resolve());
    socket.on("unexpected-response", async (_req, res: IncomingMessage) => {
      const body = Buffer.concat(await res.toArray()).toString();
      const { statusCode: status, headers } = res;
      reject(Object.assign(new Error(`refused: ${status}`), { status, headers, body }));
    });
    socket.on("error", reject);
  });
  return { socket, messages, head, closed };
}
