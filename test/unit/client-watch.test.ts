import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { DeploymentSchema } from "../../gen/windlass/v1/deployment_pb.ts";
import { InstanceService, type WatchInstanceResponseSchema } from "../../gen/windlass/v1/instance_service_pb.ts";
import { follow } from "../../src/cli/feed.ts";
import { callAttempts } from "../../src/client/client.ts";
import { type AnyResource, instanceFeed } from "../../src/client/feeds.ts";
import { backoffMs, isFinal } from "../../src/client/retry.ts";
import { serverSentEvents } from "../../src/client/server-sent.ts";
import { startWatch, type WatchOptions, type WatchStatus } from "../../src/client/watch.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

type Message = MessageInitShape<typeof WatchInstanceResponseSchema>;
/** What a server does in an attempt: sends these, then fails, ends or stays silent. */
type Attempt = readonly [messages: readonly Message[], end: ConnectError | "ends" | "silent"];

const deployment = (revision: number, name: string, reason: string): Message => ({
  revision: BigInt(revision),
  event: { case: "deployment", value: create(DeploymentSchema, { name, targetReason: reason }) },
});
const synced = (revision: number): Message => ({ revision: BigInt(revision), event: { case: "synced", value: true } });
const progress = (revision: number): Message => ({ revision: BigInt(revision) });

function failure(code: Code, reason?: string): ConnectError {
  const value = { reason: reason ?? "", domain: "windlass" };
  return new ConnectError("no", code, undefined, reason === undefined ? [] : [{ desc: ErrorInfoSchema, value }]);
}

/** A server that does what it is told, attempt by attempt, and after that nothing. */
function scripted(attempts: readonly Attempt[]) {
  const from: number[] = [];
  const transport = createRouterTransport(({ rpc }) => {
    rpc(InstanceService.method.watchInstance, async function* (request, { signal }) {
      const [messages, end] = attempts[from.push(Number(request.startRevision)) - 1] ?? [[], "silent"];
      yield* messages;
      if (end instanceof ConnectError) throw end;
      if (end === "silent") await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    });
  });
  let open = 0;
  const separate = () => {
    open += 1;
    const close = (): void => {
      open -= 1;
    };
    return { transport, close };
  };
  return { from, connections: { separate }, open: () => open };
}

const textOf = (resource: AnyResource): string =>
  resource.$typeName === "windlass.v1.Deployment" ? resource.targetReason : resource.$typeName;

/** Runs a watch on virtual time until `until` holds of what it told. */
async function run(attempts: readonly Attempt[], count: number, options: WatchOptions & { progressMs?: number } = {}) {
  const clock = new VirtualClock();
  const { from, connections, open } = scripted(attempts);
  const { progressMs, ...rest } = options;
  const request = progressMs === undefined ? {} : { progressInterval: durationFromMs(progressMs) };
  const time = { clock, random: seededRandom(1) };
  const watch = startWatch(instanceFeed, request, callAttempts(connections, instanceFeed), time, rest);
  const told: string[] = [];
  let done = false;
  let failed: unknown;
  const reading = (async () => {
    for await (const event of watch) {
      told.push(
        event.kind === "updated"
          ? `${event.revision} ${event.name} ${textOf(event.resource)}`
          : `${event.revision} ${event.kind}`,
      );
      if (told.length === count) break;
    }
  })()
    .catch((error: unknown) => {
      failed = error;
    })
    .finally(() => {
      done = true;
    });
  for (let turn = 0; turn < 2_000 && !done; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (turn % 5 === 4) await clock.advance(100);
  }
  expect(done, `told ${told.join(", ")}`).toBe(true);
  await reading;
  await new Promise((resolve) => setImmediate(resolve));
  expect(open(), "connections left open").toBe(0);
  return { told, from, failed, resume: watch.resumeRevision, nowMs: clock.monotonic() };
}

describe("a watch", () => {
  it("goes on after the last complete revision where it was cut, and tells nothing twice", async () => {
    const { told, from } = await run(
      [
        [[deployment(1, "a", "one"), synced(1), deployment(2, "a", "two")], failure(Code.Unavailable)],
        [[progress(1), deployment(2, "a", "two"), deployment(2, "b", "two"), deployment(3, "a", "three")], "silent"],
      ],
      6,
    );
    expect(told).toEqual(["1 reset", "1 a one", "1 synced", "2 a two", "2 b two", "3 a three"]);
    expect(from).toEqual([0, 1]);
  });

  it("begins anew where history is gone", async () => {
    const { told, from } = await run(
      [
        [[synced(1)], "ends"],
        [[], failure(Code.OutOfRange, "HISTORY_COMPACTED")],
        [[deployment(9, "a", "new"), synced(9)], "silent"],
      ],
      5,
    );
    expect(told).toEqual(["1 reset", "1 synced", "9 reset", "9 a new", "9 synced"]);
    expect(from).toEqual([0, 1, 0]);
  });

  it("takes silence of three progress intervals for a cut, and says how the connection fares", async () => {
    const statuses: WatchStatus[] = [];
    const { told } = await run(
      [
        [[synced(1)], "silent"],
        [[progress(1), deployment(2, "a", "two")], "silent"],
      ],
      3,
      { progressMs: 1_000, onStatus: (status) => void statuses.push(status) },
    );
    expect(told.at(-1)).toBe("2 a two");
    expect(statuses).toMatchObject([
      { kind: "connected", failures: 0 },
      { kind: "cut", error: undefined, failures: 1, answered: true, silentMs: 3_000 },
      { kind: "connected", failures: 1 },
    ]);
  });

  it("waits longer and longer, at most 5 s", () => {
    const least = [1, 2, 3, 4, 5, 6, 7, 50].map((failures) => backoffMs(failures, { next: () => 0 }));
    expect(least).toEqual([50, 100, 200, 400, 800, 1_600, 2_500, 2_500]);
    expect(backoffMs(50, { next: () => 1 })).toBe(5_000);
  });

  it.each([
    { error: failure(Code.Unauthenticated), final: true },
    { error: failure(Code.PermissionDenied, "PERMISSION_DENIED"), final: true },
    { error: failure(Code.Unimplemented), final: true },
    { error: failure(Code.NotFound, "NOT_FOUND"), final: true },
    { error: failure(Code.InvalidArgument, "INVALID_REQUEST"), final: true },
    { error: failure(Code.FailedPrecondition, "NOT_POSSIBLE_NOW"), final: true },
    // What a transport says of a message that was cut in the middle.
    { error: failure(Code.InvalidArgument), final: false },
    { error: failure(Code.Unavailable, "INSTANCE_UNAVAILABLE"), final: false },
    { error: failure(Code.ResourceExhausted, "TOO_MANY_STREAMS"), final: false },
    { error: failure(Code.Internal, "INTERNAL"), final: false },
    { error: failure(Code.Aborted), final: false },
    {
      error: new ConnectError("no request", Code.Internal, undefined, undefined, new Error("no request")),
      final: true,
    },
    { error: new ConnectError("broken", Code.Internal, undefined, undefined, new TypeError("broken")), final: false },
  ])("gives up at $error.message with $error.cause: $final", ({ error, final }) => {
    expect(isFinal(error)).toBe(final);
  });

  it("throws what trying again cannot mend, and what it is told to give up for", async () => {
    const refused = await run([[[], failure(Code.NotFound, "NOT_FOUND")]], 1);
    expect([refused.told, (refused.failed as ConnectError).code, refused.from]).toEqual([[], Code.NotFound, [0]]);
    const enough = new Error("enough");
    const given = await run([[[], failure(Code.Unavailable)]], 1, {
      onStatus(status) {
        if (status.kind === "cut") throw enough;
      },
    });
    expect(given.failed).toBe(enough);
  });
});

describe("what the command line follows", () => {
  it("tells a snapshot that was cut by its differences alone", async () => {
    const clock = new VirtualClock();
    const { connections } = scripted([
      [[deployment(5, "a", "same"), deployment(5, "b", "old"), deployment(5, "c", "gone")], "ends"],
      [[deployment(6, "a", "same"), deployment(6, "b", "new"), synced(6), deployment(7, "a", "later")], "silent"],
    ]);
    const stop = new AbortController();
    const notices: string[] = [];
    const feed = follow(
      { target: { address: "here", token: undefined }, connections },
      { clock, random: seededRandom(1) },
      {
        name: "",
        since: 0n,
        signal: stop.signal,
        patienceMs: 0,
        endless: true,
        notice: (text) => void notices.push(text),
      },
    );
    const told: string[] = [];
    const reading = (async () => {
      for await (const { revision, event } of feed) {
        told.push(
          `${revision} ${event.case} ${event.case === "deployment" ? `${event.value.name} ${event.value.targetReason}` : event.value}`,
        );
      }
    })();
    for (let turn = 0; turn < 500 && told.length < 7; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(10);
    }
    stop.abort();
    await reading;
    expect(told).toEqual([
      "5 deployment a same",
      "5 deployment b old",
      "5 deployment c gone",
      "6 deployment b new",
      "6 deleted c",
      "6 synced true",
      "7 deployment a later",
    ]);
    expect(notices).toEqual(["lost here; trying again", "connected again to here"]);
  });
});

describe("server-sent events", () => {
  const TEXT =
    ': a comment\nretry: 1000\n\nid: 7\nevent: deployment\ndata: {"a":\ndata: 1}\r\n\r\ndata:x\rid\r\revent: cut\ndata: off\n';

  it.each([1, 2, 3, 7, 1_000])("are read whole, however they are cut (%d bytes)", async (size) => {
    const bytes = new TextEncoder().encode(TEXT);
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.subarray(at, at + size));
        controller.close();
      },
    });
    const events: unknown[] = [];
    for await (const event of serverSentEvents(body)) events.push(event);
    expect(events).toEqual([
      { event: "deployment", data: '{"a":\n1}', id: "7" },
      { event: "message", data: "x", id: "" },
    ]);
  });
});
