import { describe, expect, it } from "vitest";
import { createFeed, type FeedItem, type FeedRequest, PROGRESS_INTERVAL_MS } from "../../src/api/feed.ts";
import type { ResourceKind } from "../../src/api/feed-scope.ts";
import { keys } from "../../src/controller/records.ts";
import type { Clock } from "../../src/core/clock.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Op } from "../../src/store/store.ts";
import { SEED } from "../support/api-harness.ts";
import { applicationRecord, deploymentRecord, instanceRecord, put, replicaRecord } from "../support/fake-controller.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const KINDS: ReadonlySet<ResourceKind> = new Set(["instance", "application", "deployment", "replica"]);

/** "12 deployment applications/a/deployments/Echo" */
function line({ revision, event }: FeedItem): string {
  if (event === undefined) return `${revision} progress`;
  if (event.case === "synced" || event.case === "instance") return `${revision} ${event.case}`;
  return `${revision} ${event.case} ${event.case === "deleted" ? event.value : event.value.name}`;
}

async function setUp(seed: readonly Op[] = SEED, clock: Clock = systemClock) {
  const store = createMemoryStore();
  if (seed.length > 0) await store.txn([], seed);
  const feed = createFeed(store, clock);
  return {
    store,
    feed,
    write: async (...ops: Op[]) => (await store.txn([], ops)).revision,
    open(over: Partial<FeedRequest> = {}) {
      const leave = new AbortController();
      const request = { scope: { kinds: KINDS, under: undefined }, startRevision: 0, revealEnv: false, ...over };
      const items = feed.watch(request, leave.signal);
      const next = async (): Promise<FeedItem> => {
        const result = await items.next();
        if (result.done) throw new Error("the watch ended");
        return result.value;
      };
      const take = async (count: number): Promise<string[]> => {
        const lines: string[] = [];
        while (lines.length < count) lines.push(line(await next()));
        return lines;
      };
      const untilSynced = async (): Promise<string[]> => {
        const lines: string[] = [];
        do lines.push(line(await next()));
        while (!lines.at(-1)!.endsWith("synced"));
        return lines;
      };
      return { items, next, take, untilSynced, leave: () => leave.abort() };
    },
  };
}

describe("a watch", () => {
  it("sends what is, parents first, then synced, then each change", async () => {
    const { open, write } = await setUp();
    const watch = open();
    expect(await watch.untilSynced()).toEqual([
      "1 instance",
      "1 application applications/a",
      "1 application applications/b",
      "1 deployment applications/a/deployments/Echo",
      "1 deployment applications/b/deployments/Echo",
      "1 replica applications/a/deployments/Echo/replicas/abcd1234",
      "1 synced",
    ]);
    await write(put.application(applicationRecord("a", { status: "UNHEALTHY" })));
    await write(
      put.deployment(deploymentRecord("a", "Echo", { status: "UNHEALTHY" })),
      put.replica(replicaRecord("a", "Echo", "ffff0000")),
    );
    await write({ kind: "delete", key: keys.replica("a", "Echo", "abcd1234") });
    expect(await watch.take(4)).toEqual([
      "2 application applications/a",
      "3 deployment applications/a/deployments/Echo",
      "3 replica applications/a/deployments/Echo/replicas/ffff0000",
      "4 deleted applications/a/deployments/Echo/replicas/abcd1234",
    ]);
    watch.leave();
  });

  it("of an empty store sends an absent instance and synced", async () => {
    const { open } = await setUp([]);
    const watch = open();
    expect(line(await watch.next())).toBe("0 instance");
    expect(line(await watch.next())).toBe("0 synced");
    watch.leave();
  });

  it("tells of proxies as a change of the instance", async () => {
    const { open, write } = await setUp();
    const watch = open();
    await watch.untilSynced();
    await write(put.proxy({ id: "proxy/1", pid: 12, state: "healthy" }));
    const { event } = await watch.next();
    expect(event?.case === "instance" && event.value.proxies.map(({ id }) => id)).toEqual(["proxy/0", "proxy/1"]);
    watch.leave();
  });

  it("leaves out writes that change nothing the public sees", async () => {
    const { open, write } = await setUp();
    const watch = open();
    await watch.untilSynced();
    await write(put.deployment(deploymentRecord("a", "Echo", { failures: 2, lastError: "private" })));
    await write({ kind: "put", key: keys.journal(1), value: "{}" });
    await write({ kind: "put", key: keys.token("x"), value: "{}" });
    await write(put.deployment(deploymentRecord("a", "Echo", { status: "UPDATING" })));
    expect(await watch.take(1)).toEqual(["5 deployment applications/a/deployments/Echo"]);
    watch.leave();
  });

  it("resumes after a revision, without what was before", async () => {
    const { open, write } = await setUp();
    await write(put.application(applicationRecord("a", { status: "UNHEALTHY" })));
    await write(put.application(applicationRecord("b", { status: "UNHEALTHY" })));
    const watch = open({ startRevision: 2 });
    expect(await watch.take(2)).toEqual(["2 progress", "3 application applications/b"]);
    watch.leave();
  });

  it("that was cut at any revision and resumed tells the same as one that was not", async () => {
    const { open, write } = await setUp();
    const statuses = ["DEPLOYING", "RUNNING", "UNHEALTHY", "RUNNING", "DEPLOY_FAILED"] as const;
    for (const status of statuses) await write(put.application(applicationRecord("a", { status })));
    for (let start = 1; start <= statuses.length; start++) {
      const watch = open({ startRevision: start });
      const told: string[] = [];
      for (let last = start; last < 1 + statuses.length; ) {
        const { revision, event } = await watch.next();
        if (event?.case === "application") told.push(`${revision} ${statuses[revision - 2]}`);
        last = revision;
      }
      // A reader that falls behind may be told only the newest state, but that one always.
      expect(told.at(-1) ?? "6 DEPLOY_FAILED").toBe("6 DEPLOY_FAILED");
      expect([...told].sort()).toEqual(told);
      watch.leave();
    }
  });

  it.each([
    { name: "was compacted", startRevision: 1, reason: "HISTORY_COMPACTED" },
    { name: "has not happened", startRevision: 99, reason: "HISTORY_COMPACTED" },
    { name: "is negative", startRevision: -1, reason: "INVALID_REQUEST" },
  ])("from a revision that $name fails", async ({ startRevision, reason }) => {
    const { open, write, store } = await setUp();
    for (let i = 0; i < 3; i++) await write(put.instance(instanceRecord({ updatedAt: i })));
    await store.compact(3);
    const watch = open({ startRevision });
    const failure = watch.take(2).catch((error: unknown) => error);
    if (reason === "HISTORY_COMPACTED" && startRevision === 1) {
      expect(await failure).toMatchObject({ name: "CompactedError", compactedRevision: 3 });
    } else expect(await failure).toMatchObject({ reason });
  });

  it.each([
    {
      under: "applications/a",
      expected: [
        "application applications/a",
        "deployment applications/a/deployments/Echo",
        "replica applications/a/deployments/Echo/replicas/abcd1234",
      ],
    },
    {
      under: "applications/a/deployments/Echo",
      expected: [
        "deployment applications/a/deployments/Echo",
        "replica applications/a/deployments/Echo/replicas/abcd1234",
      ],
    },
    { under: "applications/nope", expected: [] },
    {
      under: ["applications/b", "applications/ab"],
      expected: [
        "application applications/ab",
        "application applications/b",
        "deployment applications/b/deployments/Echo",
      ],
    },
    {
      under: undefined,
      kinds: ["application"] as const,
      expected: ["application applications/a", "application applications/ab", "application applications/b"],
    },
  ])("of $under keeps to it", async ({ under, kinds, expected }) => {
    const { open } = await setUp([...SEED, put.application(applicationRecord("ab"))]);
    const watch = open({ scope: { kinds: kinds === undefined ? KINDS : new Set(kinds), under } });
    expect(await watch.untilSynced()).toEqual([...expected, "synced"].map((text) => `1 ${text}`));
    watch.leave();
  });

  it("tells a slow reader every change, in order of revision", async () => {
    const { open, write } = await setUp();
    const watch = open();
    await watch.untilSynced();
    const idle = watch.next();
    const first = await write(put.application(applicationRecord("b", { status: "UNHEALTHY" })));
    expect(line(await idle)).toBe(`${first} application applications/b`);
    // Nobody reads now.
    for (let i = 0; i < 500; i++) await write(put.deployment(deploymentRecord("a", "Echo", { message: `step ${i}` })));
    await write(put.replica(replicaRecord("a", "Echo", "short000")));
    await write({ kind: "delete", key: keys.replica("a", "Echo", "short000") });
    const last = await write(put.application(applicationRecord("b", { message: "end" })));
    const items: FeedItem[] = [];
    do items.push(await watch.next());
    while (items.at(-1)!.revision < last);
    expect(items.map(({ revision }) => revision)).toEqual(Array.from({ length: 503 }, (_, i) => first + 1 + i));
    const messages = items.flatMap(({ event }) => (event?.case === "deployment" ? [event.value.message] : []));
    expect(messages).toEqual(Array.from({ length: 500 }, (_, i) => `step ${i}`));
    expect(items.slice(500).map(({ event }) => event?.case)).toEqual(["replica", "deleted", "application"]);
    watch.leave();
  });

  it("says which revision it has reached when nothing happens for 20 s", async () => {
    const clock = new VirtualClock();
    const { open, write, feed } = await setUp(SEED, clock);
    const watch = open();
    await watch.untilSynced();
    const waiting = watch.next();
    const revision = await write({ kind: "put", key: keys.journal(1), value: "{}" });
    await clock.advance(PROGRESS_INTERVAL_MS - 1);
    expect(await Promise.race([waiting, Promise.resolve("silent")])).toBe("silent");
    await clock.advance(1);
    expect(line(await waiting)).toBe(`${revision} progress`);
    feed.close();
  });

  it("says it after as long as it was asked to", async () => {
    const clock = new VirtualClock();
    const { open, feed } = await setUp(SEED, clock);
    const watch = open({ progressIntervalMs: 500 });
    await watch.untilSynced();
    const waiting = watch.next();
    await clock.advance(499);
    expect(await Promise.race([waiting, Promise.resolve("silent")])).toBe("silent");
    await clock.advance(1);
    expect(line(await waiting)).toBe("1 progress");
    feed.close();
  });

  it.each([0, 99, 20_001, Number.NaN])("refuses a progress interval of %d ms", async (progressIntervalMs) => {
    const { open } = await setUp();
    await expect(open({ progressIntervalMs }).next()).rejects.toMatchObject({ reason: "INVALID_REQUEST" });
  });

  it("says which revision it has reached while only quiet writes come", async () => {
    const clock = new VirtualClock();
    const { open, write, feed } = await setUp(SEED, clock);
    const watch = open();
    await watch.untilSynced();
    const waiting = watch.next();
    const revision = await write({ kind: "put", key: "autoscaling/a/D", value: "{}", quiet: true });
    await clock.advance(PROGRESS_INTERVAL_MS);
    await waiting;
    const next = watch.next();
    await clock.advance(PROGRESS_INTERVAL_MS);
    expect(line(await next)).toBe(`${revision} progress`);
    feed.close();
  });

  it("whose reader leaves ends quietly and is forgotten", async () => {
    const { open, feed } = await setUp();
    const waiting = open();
    await waiting.untilSynced();
    const early = open();
    await early.next();
    expect(feed.active).toBe(2);
    const end = waiting.items.next();
    waiting.leave();
    early.leave();
    expect(await end).toEqual({ done: true, value: undefined });
    expect(await early.items.next()).toEqual({ done: true, value: undefined });
    expect(feed.active).toBe(0);
  });

  it("fails with INSTANCE_UNAVAILABLE when the feed closes or the store does", async () => {
    const closed = await setUp();
    const first = closed.open();
    await first.untilSynced();
    const end = first.next();
    closed.feed.close();
    await expect(end).rejects.toMatchObject({ reason: "INSTANCE_UNAVAILABLE" });
    expect(closed.feed.active).toBe(0);

    const lost = await setUp();
    const second = lost.open();
    await second.untilSynced();
    const gone = second.next();
    await lost.store.close();
    await expect(gone).rejects.toMatchObject({ reason: "INSTANCE_UNAVAILABLE" });
  });

  it("hides values of environment variables unless told to show them", async () => {
    const { open } = await setUp();
    for (const revealEnv of [false, true]) {
      const watch = open({ revealEnv });
      const texts: string[] = [];
      for (let item = await watch.next(); item.event?.case !== "synced"; item = await watch.next()) {
        texts.push(JSON.stringify(item, (_key, value) => (typeof value === "bigint" ? String(value) : value)));
      }
      watch.leave();
      expect(texts.join("").includes("s3cret")).toBe(revealEnv);
      expect(texts.join("").includes("t0ken")).toBe(revealEnv);
    }
  });
});
