// The no-op handler of app/app.ts on bare node:http: what the machine can do without Windlass.
// Listens on a free port of 127.0.0.1 and prints it.
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const noop = (_request: unknown, response: ServerResponse): void => {
  response.writeHead(200, { "content-type": "text/plain;charset=UTF-8", "content-length": 2 });
  response.end("ok");
};
const server = createServer(noop);
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
// Ends with whoever started it.
process.stdin.resume().on("end", () => process.exit(0));
