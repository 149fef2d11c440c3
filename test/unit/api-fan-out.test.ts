import { describe, expect, it, vi } from "vitest";
import type { FanOutLimits } from "../../src/api/fan-out.ts";
import { createFeed, type FeedRequest, PROGRESS_INTERVAL_MS } from "../../src/api/feed.ts";
import { batchBytes } from "../../src/api/feed-encoding.ts";
import type { ResourceKind } from "../../src/api/feed-scope.ts";
import { keys } from "../../src/controller/records.ts";
import type { Clock } from "../../src/core/clock.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Op } from "../../src/store/store.ts";
import { SEED } from "../support/api-harness.ts";
import { applicationRecord, deploymentRecord, instanceRecord, put, replicaRecord } from "../support/fake-controller.ts";
import { type Reading, readFeed } from "../support/feed-reader.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const KINDS: ReadonlySet<ResourceKind> = new Set(["instance", "application", "deployment", "replica"]);

/** "12 deployment Echo step 3" */
function lines(reading: Reading): string[] {
  return reading.segment().messages.map((message) => {
    if (message.kind !== "event") return `${message.revision} ${message.kind}`;
    return `${message.revision} ${message.name.split("/").at(-1)} ${message.content ?? "deleted"}`;
  });
}

async function setUp(limits: Partial<FanOutLimits> = {}, clock: Clock = systemClock) {
  const store = createMemoryStore();
  await store.txn([], SEED);
  const feed = createFeed(store, clock, limits);
  const write = async (...ops: Op[]): Promise<number> => (await store.txn([], ops)).revision;
  return {
    store,
    feed,
    write,
    step: (text: string, app = "a") => write(put.deployment(deploymentRecord(app, "Echo", { message: text }))),
    async open(over: Partial<FeedRequest> & { app?: string; stalled?: boolean } = {}): Promise<Reading> {
      const { app, stalled = false, ...rest } = over;
      const under = app === undefined ? undefined : `applications/${app}`;
      const scope = { kinds: KINDS, under };
      const reading = readFeed(feed, { scope, startRevision: 0, revealEnv: false, ...rest }, stalled);
      await vi.waitFor(() => expect(reading.items.length).toBeGreaterThan(0));
      return reading;
    },
  };
}

/** Lets everything that is due happen. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe("the fan-out", () => {
  it("hands the same bytes to all who watch the same", async () => {
    const { open, step } = await setUp();
    const readings = await Promise.all(Array.from({ length: 5 }, () => open()));
    await settle();
    await step("one");
    await settle();
    const last = readings.map(({ batches }) => batches.at(-1)!);
    expect(new Set(last).size).toBe(1);
    expect(new Set(last.map((batch) => batchBytes(batch, "instance/proto"))).size).toBe(1);
    for (const reading of readings) reading.cut();
  });

  it("answers the writer before it tells anyone", async () => {
    const { open, step } = await setUp();
    const reading = await open();
    await settle();
    const before = reading.items.length;
    await step("one");
    expect(reading.items.length).toBe(before);
    await settle();
    expect(reading.items.length).toBe(before + 1);
    reading.cut();
  });

  it("lets others have turns of the event loop while it writes to many", async () => {
    const { open, step } = await setUp({ sliceMs: 0 });
    const readings = await Promise.all(Array.from({ length: 200 }, () => open()));
    await settle();
    await step("one");
    const told = (): number => readings.filter((reading) => lines(reading).at(-1)?.endsWith("one")).length;
    const seen: number[] = [];
    while (told() < readings.length) {
      seen.push(told());
      await new Promise((resolve) => setImmediate(resolve));
    }
    // Eight at a time, and never all at once.
    expect(seen.length).toBeGreaterThanOrEqual(200 / 8 - 1);
    for (const reading of readings) reading.cut();
  });

  it("gives all of several revisions that come while it writes to many, in order, to each", async () => {
    const { open, step } = await setUp({ sliceMs: 0 });
    const readings = await Promise.all(Array.from({ length: 50 }, () => open({ app: "a" })));
    await settle();
    for (let n = 0; n < 10; n++) await step(`step ${n}`);
    await settle();
    await settle();
    for (const reading of readings) {
      expect(lines(reading).slice(-10)).toEqual(Array.from({ length: 10 }, (_, n) => `${2 + n} Echo step ${n}`));
      reading.cut();
    }
  });

  it("writes nothing to who is full, and all it missed once it takes more", async () => {
    const { open, step } = await setUp();
    const slow = await open({ app: "a" });
    const fast = await open({ app: "a" });
    await settle();
    slow.stall();
    for (let n = 0; n < 5; n++) await step(`step ${n}`);
    await settle();
    // It took the one after which it was full.
    expect(lines(slow).at(-1)).toBe("2 Echo step 0");
    expect(lines(fast).at(-1)).toBe("6 Echo step 4");
    slow.take();
    expect(lines(slow).at(-1)).toBe("3 Echo step 1");
    slow.flow();
    expect(lines(slow)).toEqual(lines(fast));
    slow.cut();
    fast.cut();
  });

  it("sends who fell behind what is kept to the store's history, without a gap", async () => {
    const { open, step, feed } = await setUp({ keptRevisions: 3 });
    const slow = await open({ app: "a" });
    const fast = await open({ app: "a" });
    await settle();
    slow.stall();
    for (let n = 0; n < 20; n++) await step(`step ${n}`);
    await settle();
    slow.flow();
    await settle();
    expect(lines(slow)).toEqual(lines(fast));
    // And it is live again.
    await step("on");
    await settle();
    expect(lines(slow).at(-1)).toBe("22 Echo on");
    slow.cut();
    fast.cut();
    await settle();
    expect(feed.active).toBe(0);
  });

  it("cuts who does not read once the history it needs is gone, although it does not read", async () => {
    const { open, step, store, feed } = await setUp({ keptRevisions: 3 });
    const stuck = await open({ app: "a" });
    await settle();
    stuck.stall();
    for (let n = 0; n < 20; n++) await step(`step ${n}`);
    await settle();
    await store.compact(store.revision);
    await step("notices");
    expect(await stuck.ended).toMatchObject({ name: "CompactedError" });
    expect(feed.active).toBe(0);
  });

  it("keeps who does not read while nothing it needs is gone", async () => {
    const { open, step, store } = await setUp({ keptRevisions: 3 });
    const stuck = await open({ app: "a" });
    await settle();
    stuck.stall();
    await step("last of a");
    for (let n = 0; n < 20; n++) await step(`step ${n}`, "b");
    await settle();
    await store.compact(store.revision);
    await step("b again", "b");
    await settle();
    stuck.flow();
    await step("more of a");
    await settle();
    expect(stuck.failure).toBeUndefined();
    expect(
      lines(stuck)
        .slice(-2)
        .map((text) => text.replace(/^\d+ /, "")),
    ).toEqual(["Echo last of a", "Echo more of a"]);
    stuck.cut();
  });

  it("cuts who does not read in the middle of the history that it is sent", async () => {
    const { open, step, store } = await setUp();
    for (let n = 0; n < 20; n++) await step(`step ${n}`);
    const stuck = await open({ startRevision: 1, stalled: true });
    await settle();
    expect(lines(stuck)).toEqual(["1 progress"]);
    await store.compact(store.revision);
    await step("notices");
    expect(await stuck.ended).toMatchObject({ name: "CompactedError" });
  });

  it("tells a change that the public does not see to nobody", async () => {
    const { open, write } = await setUp();
    const reading = await open();
    await settle();
    const before = reading.items.length;
    await write({ kind: "put", key: keys.journal(1), value: "{}" });
    await write(put.deployment(deploymentRecord("a", "Echo")));
    await write(put.instance(instanceRecord()), put.proxy({ id: "proxy/0", pid: 11, state: "healthy" }));
    await settle();
    expect(reading.items.length).toBe(before);
    reading.cut();
  });

  it("tells a change that nobody followed when it comes back to what was shown before", async () => {
    const { open, step } = await setUp();
    const ofA = await open({ app: "a" });
    const ofB = await open({ app: "b" });
    await settle();
    await step("new", "b");
    await settle();
    ofB.cut();
    await settle();
    await step("newer", "b");
    await settle();
    const again = await open({ app: "b" });
    await settle();
    await step("new", "b");
    await settle();
    expect(lines(again).at(-1)).toBe("4 Echo new");
    ofA.cut();
    again.cut();
  });

  it("keeps to the scope, and tells each revision whole", async () => {
    const { open, write } = await setUp();
    const all = await open();
    const ofA = await open({ app: "a" });
    await settle();
    await write(
      put.application(applicationRecord("a", { message: "x" })),
      put.deployment(deploymentRecord("b", "Echo", { message: "y" })),
      put.replica(replicaRecord("a", "Echo", "ffff0000")),
    );
    await settle();
    expect(all.batches.at(-1)!.items.map(({ complete }) => complete)).toEqual([false, false, true]);
    expect(ofA.batches.at(-1)!.items.map(({ event, complete }) => [event?.case, complete])).toEqual([
      ["application", false],
      ["replica", true],
    ]);
    all.cut();
    ofA.cut();
  });

  it("says after silence which revision it has reached, and not to who is full", async () => {
    const clock = new VirtualClock();
    const { open, write, step } = await setUp({}, clock);
    const reading = await open({ app: "a" });
    const stuck = await open({ app: "a" });
    await settle();
    stuck.stall();
    await step("one");
    await settle();
    const revision = await write({ kind: "put", key: "autoscaling/a/D", value: "{}", quiet: true });
    await clock.advance(PROGRESS_INTERVAL_MS - 1);
    expect(lines(reading).at(-1)).toBe("2 Echo one");
    await clock.advance(1);
    expect(lines(reading).at(-1)).toBe(`${revision} progress`);
    expect(lines(stuck).at(-1)).toBe("2 Echo one");
    stuck.flow();
    await clock.advance(PROGRESS_INTERVAL_MS);
    expect(lines(stuck).at(-1)).toBe(`${revision} progress`);
    reading.cut();
    stuck.cut();
  });

  it("ends every watch when the feed closes, and those that do not read too", async () => {
    for (const how of ["feed", "store"] as const) {
      const { open, step, feed, store } = await setUp();
      const reading = await open();
      const stuck = await open();
      await settle();
      stuck.stall();
      await step("one");
      await settle();
      if (how === "feed") feed.close();
      else await store.close();
      expect(await reading.ended).toMatchObject({ reason: "INSTANCE_UNAVAILABLE" });
      expect(await stuck.ended).toMatchObject({ reason: "INSTANCE_UNAVAILABLE" });
      expect(feed.active).toBe(0);
    }
  });

  it("costs writers nothing once nobody watches", async () => {
    const { open, store } = await setUp();
    const tapped = vi.spyOn(store, "onCommit");
    const reading = await open();
    expect(tapped).toHaveBeenCalledTimes(1);
    reading.cut();
    await settle();
    const again = await open();
    // The first tap was taken away, so there is a second one.
    expect(tapped).toHaveBeenCalledTimes(2);
    again.cut();
  });
});
