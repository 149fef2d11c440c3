import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { ApplicationService } from "../../gen/windlass/v1/application_service_pb.ts";
import { InstanceService } from "../../gen/windlass/v1/instance_service_pb.ts";
import { MAX_STREAMS_PER_TOKEN } from "../../src/api/stream-limit.ts";
import { startTestApi, type TestApi } from "../support/api-harness.ts";
import { openStream } from "../support/event-stream.ts";
import { reflectionClient } from "../support/reflection-client.ts";

type Protocol = "connect" | "grpc";

function clientsOf(api: TestApi, token: string, protocol: Protocol = "connect") {
  const options = {
    baseUrl: `http://127.0.0.1:${api.port}`,
    interceptors: [
      (next: (request: never) => Promise<never>) => (request: never) => {
        (request as { header: Headers }).header.set("authorization", `Bearer ${token}`);
        return next(request);
      },
    ] as never,
  };
  const transport =
    protocol === "grpc" ? createGrpcTransport(options) : createConnectTransport({ ...options, httpVersion: "1.1" });
  return {
    instance: createClient(InstanceService, transport),
    applications: createClient(ApplicationService, transport),
    health: createClient(Health, transport),
  };
}

/** Opens a stream and resolves at its first message; `leave` ends it. */
async function hold(call: (signal: AbortSignal) => AsyncIterable<unknown>): Promise<{ leave(): void }> {
  const left = new AbortController();
  onTestFinished(() => left.abort());
  const items = call(left.signal)[Symbol.asyncIterator]();
  await items.next();
  return { leave: () => left.abort() };
}

/** Why a stream is refused; "none" after its first message. */
async function refusal(call: (signal: AbortSignal) => AsyncIterable<unknown>): Promise<string> {
  const left = new AbortController();
  try {
    await call(left.signal)[Symbol.asyncIterator]().next();
    left.abort();
  } catch (error) {
    const failure = ConnectError.from(error);
    return `${Code[failure.code]} ${failure.findDetails(ErrorInfoSchema)[0]?.reason} ${failure.rawMessage}`;
  }
  return "none";
}

const TOO_MANY =
  "ResourceExhausted TOO_MANY_STREAMS this token has 3 streams open, at most 3 are allowed: " +
  "close some or use another token";

describe("streams of one token", () => {
  it("are 256 unless told otherwise", () => expect(MAX_STREAMS_PER_TOKEN).toBe(256));

  it.each(["connect", "grpc"] as const)(
    "are counted over all protocols and refused beyond the limit (%s)",
    async (protocol) => {
      await using api = await startTestApi({ maxStreamsPerToken: 3 });
      const { viewer } = api.tokens;
      const mine = clientsOf(api, viewer, protocol);
      const first = await hold((signal) => mine.instance.watchInstance({}, { signal }));
      await hold((signal) => mine.health.watch({}, { signal }));
      const sse = await openStream(api.port, "/api/v1/watch", { authorization: `Bearer ${viewer}` });
      expect(sse.status).toBe(200);

      expect(await refusal((signal) => mine.applications.watchApplications({}, { signal }))).toBe(TOO_MANY);
      const answer = await openStream(api.port, "/api/v1/watch", { authorization: `Bearer ${viewer}` });
      let text = "";
      for await (const chunk of answer.body) text += chunk;
      expect([answer.status, text]).toEqual([429, TOO_MANY.replace(/^.*STREAMS /, "")]);
      // Other calls of the token and other tokens go on.
      expect((await mine.instance.getInstance({})).applications.length).toBe(2);
      await hold((signal) => clientsOf(api, api.tokens.deployer).instance.watchInstance({}, { signal }));

      // Who leaves makes room, whichever way.
      first.leave();
      await vi.waitFor(async () =>
        expect(await refusal((signal) => mine.applications.watchApplications({}, { signal }))).toBe("none"),
      );
      sse.cut();
      await vi.waitFor(() => expect(api.server.api.streams.active).toBe(2));
    },
  );

  it("that end by themselves or are refused are not counted any more", async () => {
    await using api = await startTestApi({ maxStreamsPerToken: 1 });
    const reflection = reflectionClient(`127.0.0.1:${api.port}`, api.tokens.scaler);
    onTestFinished(() => reflection.close());
    for (let i = 0; i < 5; i++) {
      await vi.waitFor(() => reflection.ask({ listServices: "" }));
      for (const protocol of ["connect", "grpc"] as const) {
        await vi.waitFor(async () =>
          expect(
            await refusal((signal) =>
              clientsOf(api, api.tokens.scaler, protocol).instance.watchInstance({}, { signal }),
            ),
          ).toMatch(/^PermissionDenied/),
        );
      }
    }
    await vi.waitFor(() => expect(api.server.api.streams.active).toBe(0));
  });

  it("a client that opens and cuts 300 in a row is never refused for the ones it cut", async () => {
    await using api = await startTestApi({ maxStreamsPerToken: 8 });
    for (let i = 0; i < 300; i++) {
      const stream = await openStream(
        api.port,
        "/api/v1/watch",
        { authorization: `Bearer ${api.tokens.viewer}` },
        i % 2 === 0,
      );
      expect(stream.status).toBe(200);
      stream.cut();
      await vi.waitFor(() => expect(api.server.api.streams.active).toBe(0), { interval: 2 });
    }
    expect(api.server.api.feed.active).toBe(0);
  });
});
