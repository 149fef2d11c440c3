// bare-grpc.ts [SOCKET]: SayHello of greeter.v1.Greeter on bare node:http2, with protobuf-es. Listens at SOCKET, else on
// a free port of 127.0.0.1, and prints where.
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { HelloReplySchema, HelloRequestSchema } from "../../examples/grpc/greeter_pb.ts";

const server = createServer();
server.on("stream", (stream) => {
  const pieces: Buffer[] = [];
  stream.on("error", () => {});
  stream.on("data", (piece: Buffer) => pieces.push(piece));
  stream.once("end", () => {
    const { name } = fromBinary(HelloRequestSchema, Buffer.concat(pieces).subarray(5));
    const message = toBinary(HelloReplySchema, create(HelloReplySchema, { message: `Hello, ${name}!` }));
    const framed = Buffer.alloc(5 + message.length);
    framed.writeUInt32BE(message.length, 1);
    framed.set(message, 5);
    stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(framed);
  });
});
const listening = (): void => {
  const address = server.address();
  process.stdout.write(`${typeof address === "string" ? address : (address as AddressInfo).port}\n`);
};
const [socket] = process.argv.slice(2);
if (socket === undefined) server.listen(0, "127.0.0.1", listening);
else server.listen(socket, listening);
// Ends with whoever started it.
process.stdin.resume().on("end", () => process.exit(0));
