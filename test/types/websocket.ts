// Checked by tsc alone: every line under "@ts-expect-error" must be an error, every other line must not.
import { isWebSocketRequest, type ServerWebSocket, upgradeWebSocket } from "../../src/sdk/index.ts";

export function handle(request: Request): Response {
  if (!isWebSocketRequest(request)) return new Response(null, { status: 426 });
  const { socket, response } = upgradeWebSocket(request, { protocol: ["a", "b"], idleTimeoutS: 10, compress: true });
  const standard: WebSocket = socket;
  standard.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => socket.send(data);
  socket.addEventListener("close", ({ code, reason, wasClean }) => [code + 1, reason.length, wasClean === true]);
  socket.pause();
  socket.resume();
  socket.ping();
  socket.close(1000, "bye");
  upgradeWebSocket(request, { protocol: "a" });
  // @ts-expect-error: seconds, not milliseconds
  upgradeWebSocket(request, { idleTimeoutMs: 10 });
  // @ts-expect-error: no list of anything else
  upgradeWebSocket(request, { protocol: [1] });
  // @ts-expect-error: the request is needed
  upgradeWebSocket();
  // @ts-expect-error: there is no such event
  socket.onping = () => {};
  const own: ServerWebSocket = socket;
  own.ping();
  // @ts-expect-error: a client's socket has no pause
  new WebSocket("ws://x").pause();
  // @ts-expect-error: what is returned is the response, not the socket
  return [socket, response][0];
}
