import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { WatchInstanceResponseSchema } from "../../gen/windlass/v1/instance_service_pb.ts";
import { PROGRESS_INTERVAL_MS } from "../../src/api/feed.ts";
import { HEARTBEAT_MS } from "../../src/api/rest/watch.ts";
import { keys } from "../../src/controller/records.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { CompactedError } from "../../src/store/store.ts";
import { ask, startTestApi, type TestApi } from "../support/api-harness.ts";
import { createEventParser, openStream, type SentEvent } from "../support/event-stream.ts";
import { applicationRecord, deploymentRecord, put, replicaRecord } from "../support/fake-controller.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const WATCH = "/api/v1/watch";

interface OpenWatch {
  readonly events: SentEvent[];
  readonly comments: string[];
  readonly headers: Record<string, unknown>;
  ended(): boolean;
  cut(): void;
}

async function open(
  api: TestApi,
  options: { path?: string; lastEventId?: string; token?: string; http2?: boolean } = {},
): Promise<OpenWatch> {
  const { path = WATCH, lastEventId, token = api.tokens.admin } = options;
  const headers = {
    authorization: `Bearer ${token}`,
    ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
  };
  const stream = await openStream(api.port, path, headers, options.http2);
  expect(stream.status).toBe(200);
  const events: SentEvent[] = [];
  const comments: string[] = [];
  let ended = false;
  const parse = createEventParser({ event: (event) => events.push(event), comment: (text) => comments.push(text) });
  stream.body.setEncoding("utf8");
  stream.body.on("data", parse);
  stream.body.on("end", () => {
    ended = true;
  });
  onTestFinished(() => stream.cut());
  return { events, comments, headers: stream.headers, ended: () => ended, cut: stream.cut };
}

/** "7* deployment": the star marks an event with an id. */
function line({ event, data, id }: SentEvent): string {
  const { revision } = JSON.parse(data) as { revision?: string };
  if (id !== undefined) expect(id).toBe(revision ?? "0");
  return `${revision ?? 0}${id === undefined ? "" : "*"} ${event}`;
}

const lines = ({ events }: OpenWatch): string[] => events.map(line);

describe.each([false, true])("GET /api/v1/watch (http2: %s)", (http2) => {
  it("sends what is, synced, then each change; only the last event of a revision has an id", async () => {
    await using api = await startTestApi();
    const start = api.store.revision;
    const watch = await open(api, { http2 });
    expect(watch.headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
    });
    await api.write(
      put.deployment(deploymentRecord("a", "Echo", { status: "UNHEALTHY" })),
      put.replica(replicaRecord("a", "Echo", "ffff0000")),
    );
    await api.write({ kind: "delete", key: keys.replica("a", "Echo", "ffff0000") });
    await vi.waitFor(() =>
      expect(lines(watch)).toEqual([
        `${start} instance`,
        `${start} application`,
        `${start} application`,
        `${start} deployment`,
        `${start} deployment`,
        `${start} replica`,
        `${start}* synced`,
        `${start + 1} deployment`,
        `${start + 1}* replica`,
        `${start + 2}* deleted`,
      ]),
    );
    // The data is WatchInstanceResponse in proto JSON.
    const messages = watch.events.map(({ data }) =>
      fromJson(WatchInstanceResponseSchema, JSON.parse(data) as JsonValue),
    );
    expect(messages.map(({ event }) => event.case)).toEqual(watch.events.map(({ event }) => event));
    expect(messages.at(-1)!.event.value).toBe("applications/a/deployments/Echo/replicas/ffff0000");
    expect(messages[7]!.event.value).toMatchObject({ name: "applications/a/deployments/Echo" });
    watch.cut();
    await vi.waitFor(() => expect(api.server.api.feed.active).toBe(0));
    expect(api.logged).toEqual([]);
  });

  it("ends with an error event when the server stops, so that clients come back", async () => {
    const api = await startTestApi();
    const watch = await open(api, { http2 });
    await vi.waitFor(() => expect(lines(watch).at(-1)).toMatch(/synced/));
    await api[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(watch.ended()).toBe(true));
    expect(watch.events.at(-1)).toEqual({
      event: "error",
      data: JSON.stringify({ reason: "INSTANCE_UNAVAILABLE", message: "the controller is stopping: watch again" }),
    });
  });
});

describe("a resumed watch", () => {
  const resumes = [
    { name: "by Last-Event-ID", path: WATCH, lastEventId: 1 },
    { name: "by ?since=", path: `${WATCH}?since=<1>` },
    { name: "by Last-Event-ID before ?since=", path: `${WATCH}?since=<0>`, lastEventId: 1 },
  ];
  it.each(resumes)("goes on after a revision $name", async ({ path, lastEventId }) => {
    await using api = await startTestApi();
    const start = api.store.revision;
    await api.write(put.application(applicationRecord("a", { status: "UNHEALTHY" })));
    await api.write(put.application(applicationRecord("b", { status: "UNHEALTHY" })));
    const watch = await open(api, {
      path: path.replace(/<(\d)>/, (_, offset: string) => String(start + Number(offset))),
      ...(lastEventId === undefined ? {} : { lastEventId: String(start + lastEventId) }),
    });
    await vi.waitFor(() => expect(lines(watch)).toEqual([`${start + 1}* progress`, `${start + 2}* application`]));
  });

  it("takes an empty Last-Event-ID for none", async () => {
    await using api = await startTestApi();
    const watch = await open(api, { lastEventId: "" });
    await vi.waitFor(() => expect(lines(watch).at(-1)).toBe(`${api.store.revision}* synced`));
  });

  it("is 410 where its history is gone, and 400 where the revision is none", async () => {
    await using api = await startTestApi();
    await api.write(put.application(applicationRecord("a", { status: "UNHEALTHY" })));
    await api.store.compact(api.store.revision);
    const answer = async (path: string, headers = {}) => {
      const { status, text } = await ask(api.port, { path, token: api.tokens.viewer, headers });
      return `${status} ${text}`;
    };
    expect(await answer(`${WATCH}?since=1`)).toBe(
      `410 history up to revision ${api.store.revision} was compacted: watch again from 0`,
    );
    expect(await answer(WATCH, { "last-event-id": "999" })).toMatch(/^410 start_revision 999 is above/);
    expect(await answer(WATCH, { "last-event-id": "x" })).toBe(
      '400 Last-Event-ID "x" is not a revision: send a whole number >= 0',
    );
    for (const since of ["-1", "1.5", "99999999999999999999", "%00"]) {
      expect(await answer(`${WATCH}?since=${since}`)).toMatch(/^400 since ".*" is not a revision/);
    }
    expect(await answer(`${WATCH}?name=nope`)).toMatch(/^400 name "nope" is not a resource name/);
  });

  it("that falls behind what the store keeps is told so and ends", async () => {
    const store = createMemoryStore();
    let compact = (): void => {};
    const compacted = new Promise<never>((_, reject) => {
      compact = () => reject(new CompactedError(9));
    });
    compacted.catch(() => {}); // told to the watch below
    store.watch = () => ({ [Symbol.asyncIterator]: () => ({ next: () => compacted }) });
    await using api = await startTestApi({ store });
    await api.write(put.application(applicationRecord("a", { status: "UNHEALTHY" })));
    const watch = await open(api, { path: `${WATCH}?since=1` });
    await vi.waitFor(() => expect(lines(watch).at(-1)).toMatch(/progress/));
    compact();
    await vi.waitFor(() => expect(watch.ended()).toBe(true));
    const last = watch.events.at(-1)!;
    expect([last.event, last.id, JSON.parse(last.data)]).toEqual([
      "error",
      undefined,
      { reason: "HISTORY_COMPACTED", message: expect.stringContaining("was compacted: watch again from 0") },
    ]);
  });
});

describe("who may watch", () => {
  it.each([
    { who: "viewer", path: WATCH, status: 200 },
    { who: "deployer", path: WATCH, status: 200 },
    { who: "scaler", path: WATCH, status: 403 },
    { who: "scaler", path: `${WATCH}?name=applications/b`, status: 403 },
    { who: "scaler", path: `${WATCH}?name=applications/a`, status: 200 },
    { who: "derived", path: `${WATCH}?name=applications/a/deployments/Echo`, status: 200 },
    { who: "nobody", path: WATCH, status: 401 },
  ] as const)("$who asks $path: $status", async ({ who, path, status }) => {
    await using api = await startTestApi();
    const token = who === "nobody" ? undefined : api.tokens[who];
    const head = await ask(api.port, { method: "HEAD", path, token });
    expect([head.status, head.text]).toEqual([status, ""]);
    expect(api.server.api.feed.active).toBe(0);
    if (status === 200) expect(head.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
    else expect((await ask(api.port, { path, token })).status).toBe(status);
  });

  it("a name keeps to what lies below it, and its secrets to those who may see them", async () => {
    await using api = await startTestApi();
    const watch = await open(api, { path: `${WATCH}?name=applications/a`, token: api.tokens.derived });
    await vi.waitFor(() => expect(lines(watch).at(-1)).toMatch(/synced/));
    expect(watch.events.map(({ event }) => event)).toEqual(["application", "deployment", "replica", "synced"]);
    expect(JSON.stringify(watch.events)).not.toMatch(/s3cret|t0ken/);
    const deployer = await open(api, { token: api.tokens.deployer });
    await vi.waitFor(() => expect(JSON.stringify(deployer.events)).toMatch(/s3cret/));
  });

  it("other methods are 405", async () => {
    await using api = await startTestApi();
    const answer = await ask(api.port, { method: "POST", path: WATCH, token: api.tokens.admin });
    expect([answer.status, answer.headers.allow]).toEqual([405, "GET,HEAD"]);
  });
});

describe("silence", () => {
  it("is broken by a comment every 15 s, and by progress with an id every 20 s", async () => {
    const clock = new VirtualClock();
    await using api = await startTestApi({ clock });
    const watch = await open(api);
    await vi.waitFor(() => expect(lines(watch).at(-1)).toMatch(/synced/));
    expect([HEARTBEAT_MS, PROGRESS_INTERVAL_MS]).toEqual([15_000, 20_000]);
    const before = watch.events.length;
    await clock.advance(14_999);
    expect(watch.comments).toEqual([]);
    await clock.advance(1);
    await vi.waitFor(() => expect(watch.comments).toEqual(["heartbeat"]));
    expect(watch.events.length).toBe(before);
    await clock.advance(5_000);
    await vi.waitFor(() => expect(lines(watch).slice(before)).toEqual([`${api.store.revision}* progress`]));
    expect(watch.events.at(-1)!.data).toBe(JSON.stringify({ revision: String(api.store.revision) }));
  });
});

describe("a client that is cut", () => {
  it("every 50 ms, 200 times, while changes happen, sees every revision, each whole exactly once", async () => {
    await using api = await startTestApi();
    const deployments = 20;
    const start = api.store.revision;
    const written: number[] = [];
    let writing = true;
    const writer = (async () => {
      for (let round = 0; writing; round++) {
        const names = Array.from({ length: deployments }, (_, i) => `D${i}`);
        written.push(
          await api.write(...names.map((name) => put.deployment(deploymentRecord("a", name, { message: `${round}` })))),
        );
        await systemClock.sleep(10);
      }
    })();

    const seen = new Map<number, number>();
    const whole: number[] = [];
    const sizes = new Set<number>();
    let cutWithin = 0;
    let lastEventId = String(start);
    /** Watches for `cutMs`, and on until `cutWhen` says so of the events of the revision that comes in. */
    const watchFor = async (cutMs: number, cutWhen: (pending: number) => boolean): Promise<void> => {
      const headers = { authorization: `Bearer ${api.tokens.viewer}`, "last-event-id": lastEventId };
      const stream = await openStream(api.port, WATCH, headers);
      expect(stream.status).toBe(200);
      const deadline = performance.now() + cutMs;
      let pending = 0;
      await new Promise<void>((resolve) => {
        let isCut = false;
        const event = ({ event, data, id }: SentEvent): void => {
          if (isCut) return;
          if (event === "deployment") {
            const revision = Number((JSON.parse(data) as { revision: string }).revision);
            seen.set(revision, (seen.get(revision) ?? 0) + 1);
            pending += 1;
          }
          if (id !== undefined) {
            if (pending > 0) {
              whole.push(Number(id));
              sizes.add(pending);
            }
            lastEventId = id;
            pending = 0;
          }
          if (performance.now() < deadline || !cutWhen(pending)) return;
          isCut = true;
          stream.cut();
          resolve();
        };
        stream.body.setEncoding("utf8").on("data", createEventParser({ event }));
      });
      if (pending > 0) cutWithin += 1;
    };

    for (let cut = 0; cut < 200; cut++) await watchFor(50, (pending) => pending === cut % deployments);
    writing = false;
    await writer;
    await watchFor(0, () => whole.at(-1) === written.at(-1));

    expect(written.length).toBeGreaterThan(200);
    expect(whole).toEqual(written);
    expect([...sizes]).toEqual([deployments]);
    expect([...seen.keys()]).toEqual(written);
    // Each whole revision once; what a cut left of one came again with the whole.
    expect(Math.min(...seen.values())).toBe(deployments);
    expect(cutWithin).toBe(190);
    expect(Math.max(...seen.values())).toBeGreaterThan(deployments);
    await vi.waitFor(() => expect(api.server.api.feed.active).toBe(0));
    expect(api.logged).toEqual([]);
  }, 60_000);
});
