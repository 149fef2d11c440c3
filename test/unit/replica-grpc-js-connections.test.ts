/** Connections between a replica and the grpc-js server in it. */
import { once } from "node:events";
import { type ClientHttp2Stream, constants, createServer, type ServerHttp2Session } from "node:http2";
import { expect, it } from "vitest";
import { createConnections, type Share } from "../../src/replica/grpc-js-connections.ts";
import { until } from "../support/replica-process.ts";

const REQUEST = { ":method": "POST", ":path": "/p.S/M" };

/** A server as grpc-js makes it, that answers with what it is sent. */
function serve() {
  const server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {}).on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.respond();
    stream.pipe(stream);
  });
  return { sessions, connections: createConnections((end) => void server.emit("connection", end)) };
}

/** A call that has been answered with its first word. */
async function begin(share: Share, word: string): Promise<ClientHttp2Stream> {
  const stream = share.session.request(REQUEST);
  stream.on("error", () => {});
  stream.on("close", () => share.over(stream.rstCode !== constants.NGHTTP2_NO_ERROR));
  stream.write(word);
  expect(String((await once(stream, "data"))[0])).toBe(word);
  return stream;
}

it("a call goes on beside thousands that are reset, on connections that do not become more", async () => {
  const { sessions, connections } = serve();
  const kept = await begin(connections.share(), "one");
  for (let round = 0; round < 25; round++) {
    const others = await Promise.all(Array.from({ length: 100 }, () => begin(connections.share(), "x")));
    for (const other of others) other.close(constants.NGHTTP2_CANCEL);
    await Promise.all(others.map((other) => other.destroyed || once(other, "close")));
  }
  kept.end("two");
  expect(String((await once(kept, "data"))[0])).toBe("two");
  await once(kept, "close");
  await until(() => sessions.size <= 1);
});

it("one connection is enough for calls that end well, however many", async () => {
  const { sessions, connections } = serve();
  for (let round = 0; round < 25; round++) {
    const calls = await Promise.all(Array.from({ length: 100 }, () => begin(connections.share(), "x")));
    for (const call of calls) call.resume().end();
    await Promise.all(calls.map((call) => call.destroyed || once(call, "close")));
  }
  expect(sessions.size).toBe(1);
});
