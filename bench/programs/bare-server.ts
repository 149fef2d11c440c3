// bare-server.ts [SOCKET|"" [NEXT]]: the handlers of app/app.ts and app/side.ts on bare node:http: what the machine can do
// without Windlass. Listens at SOCKET, else on a free port of 127.0.0.1, and prints where. "/chain" asks the bare server
// at the socket NEXT.
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const [given, next] = process.argv.slice(2);
const socket = given || undefined;
const agent = new Agent({ keepAlive: true });
const large = new Map<number, Buffer>();

const text = (response: ServerResponse, body: string): void => {
  response.writeHead(200, { "content-type": "text/plain;charset=UTF-8", "content-length": body.length });
  response.end(body);
};

const up = (incoming: IncomingMessage, response: ServerResponse): void => {
  let bytes = 0;
  incoming.on("data", (piece: Buffer) => (bytes += piece.length));
  incoming.once("end", () => text(response, String(bytes)));
};

const down = (response: ServerResponse, bytes: number): void => {
  const body = large.get(bytes) ?? Buffer.alloc(bytes, "x");
  large.set(bytes, body);
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": bytes });
  response.end(body);
};

async function events(response: ServerResponse, count: number): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (let i = 0; i < count && !response.destroyed; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    const event = `data: ${String(i).padStart(24, "0")}\n\n`;
    if (!response.write(event)) await Promise.race([once(response, "drain"), once(response, "close")]);
  }
  response.end();
}

const chain = (response: ServerResponse): void => {
  const asked = request({ socketPath: next!, path: "/", agent }, (answer) => {
    let body = "";
    answer.setEncoding("latin1").on("data", (piece: string) => (body += piece));
    answer.once("end", () => text(response, body));
  });
  asked.once("error", () => response.destroy());
  asked.end();
};

const server = createServer((incoming, response) => {
  const url = incoming.url!;
  if (url === "/") return text(response, "ok");
  const number = Number(url.slice(url.indexOf("=") + 1));
  if (url === "/chain") return chain(response);
  if (url === "/up") return up(incoming, response);
  if (url.startsWith("/down?")) return down(response, number);
  if (url.startsWith("/sse?")) return void events(response, number);
  return text(response, "ok");
});
const listening = (): void => {
  const address = server.address();
  process.stdout.write(`${typeof address === "string" ? address : (address as AddressInfo).port}\n`);
};
// What is in front keeps its connections: they are not to end while it sends.
server.keepAliveTimeout = 120_000;
if (socket === undefined) server.listen(0, "127.0.0.1", listening);
else server.listen(socket, listening);
// Ends with whoever started it.
process.stdin.resume().on("end", () => process.exit(0));
