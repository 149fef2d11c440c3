import * as http from "node:http";
import * as http2 from "node:http2";
import { expect, it, onTestFinished } from "vitest";
import { InstanceService } from "../../gen/windlass/v1/instance_service_pb.ts";
import { createConnectHandler, STRANGER_BODY_BYTES } from "../../src/api/connect/adapter.ts";
import { DROPPED_BYTES } from "../../src/api/connect/request-body.ts";
import { createDualServer } from "../../src/api/dual-server.ts";
import { createStreamLimit } from "../../src/api/stream-limit.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { silentLogger } from "../../src/observability/logger.ts";

const PATH = "/windlass.v1.InstanceService/GetInstance";
/** More than callers without a token may send, and more than a stream's window of HTTP/2 has room for. */
const TOO_MUCH = 8 * STRANGER_BODY_BYTES;

async function server(): Promise<number> {
  const made = createDualServer({
    clock: systemClock,
    handler: createConnectHandler({
      routes: (router) => router.service(InstanceService, {}),
      gate: () => {
        throw new Error("nobody is known");
      },
      streams: createStreamLimit(),
      logger: silentLogger,
      fallback: (_request, response) => response.end(),
    }),
  });
  onTestFinished(() => made.close(0));
  return (await made.listen({ host: "127.0.0.1", port: 0 })).port;
}

/** Sends one message as gRPC in pieces, as long as there is somebody to take them; the status once the stream is closed. */
async function overHttp2(session: http2.ClientHttp2Session, bytes: number): Promise<string> {
  const stream = session.request({ ":method": "POST", ":path": PATH, "content-type": "application/grpc" });
  let status = "none";
  const note = (headers: http2.IncomingHttpHeaders): void => {
    status = String(headers["grpc-status"] ?? status);
  };
  stream
    .on("response", note)
    .on("trailers", note)
    .on("error", () => {})
    .resume();
  const done = new Promise((resolve) => stream.once("close", resolve));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes, 1);
  stream.write(head);
  const piece = Buffer.alloc(64 * 1024);
  let left = bytes;
  const pump = (): void => {
    while (left > 0 && !stream.closed) {
      left -= piece.length;
      if (!stream.write(piece)) return;
    }
    stream.end();
  };
  stream.on("drain", pump);
  pump();
  await done;
  return status;
}

it("answers each of many too large messages over one HTTP/2 connection, and takes what clients still send", async () => {
  const session = http2.connect(`http://127.0.0.1:${await server()}`);
  onTestFinished(() => session.destroy());
  for (let i = 0; i < 5; i += 1) {
    expect(await overHttp2(session, TOO_MUCH)).toBe("8");
  }
});

it("ends a stream whose client sends on and on after its answer, and the connection stays good", async () => {
  const session = http2.connect(`http://127.0.0.1:${await server()}`);
  onTestFinished(() => session.destroy());
  expect(await overHttp2(session, 4 * DROPPED_BYTES)).toBe("8");
  expect(await overHttp2(session, TOO_MUCH)).toBe("8");
});

it("answers a too large message over HTTP/1.1 to clients that read only when they have sent all", async () => {
  const port = await server();
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  for (let i = 0; i < 3; i += 1) {
    const answer = await new Promise<string>((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": TOO_MUCH };
      const request = http.request({ port, path: PATH, method: "POST", headers, agent }, async (response) => {
        let body = "";
        for await (const chunk of response) body += chunk;
        resolve(`${response.statusCode} ${(JSON.parse(body) as { code: string }).code}`);
      });
      request.once("error", reject);
      request.end(Buffer.alloc(TOO_MUCH, " "));
    });
    expect(answer).toBe("429 resource_exhausted");
  }
});
