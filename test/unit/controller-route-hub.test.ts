import { describe, expect, it } from "vitest";
import type { RoutingTableData } from "../../src/controller/controller.ts";
import { RouteHub } from "../../src/controller/route-hub.ts";
import { randomInt } from "../../src/core/random.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { settle, VirtualClock } from "../support/virtual-clock.ts";

function tableOf(count: number): RoutingTableData {
  const deployments = Array.from({ length: count }, (_, index) => ({
    application: "a",
    deployment: `d${index}`,
    replicas: [],
    maxOngoingRequests: 5,
    maxQueuedRequests: -1,
    backpressureStatusCode: 503,
    backpressureRetryAfterS: null,
    unavailable: "",
  }));
  return { routes: [], deployments, requestTimeoutS: null };
}

/** A router that takes every table it is given. */
function router(hub: RouteHub, id: string) {
  const end = new AbortController();
  const seen: number[] = [];
  const done = (async () => {
    for await (const { revision } of hub.watch(id, end.signal)) seen.push(revision);
  })();
  return {
    seen,
    async leave() {
      end.abort();
      await done;
    },
  };
}

describe("the routing feed", () => {
  it("gives a table to routers once, however often the same one is published", async () => {
    const hub = new RouteHub(new VirtualClock());
    const proxy = router(hub, "proxy/0");
    const table = tableOf(2);
    expect(hub.publish(3, table)).toBe(3);
    await settle();
    expect(hub.publish(4, table)).toBe(3);
    await settle();
    expect(hub.publish(5, tableOf(1))).toBe(5);
    await settle();
    expect(proxy.seen).toEqual([3, 5]);
    await proxy.leave();
  });

  it("gives small tables at once, and of large ones that follow each other closely the newest, a little later", async () => {
    for (const [count, expected] of [
      [100, [1, 2, 3, 4]],
      [20_000, [1, 4]],
    ] as const) {
      const clock = new VirtualClock();
      const hub = new RouteHub(clock);
      const proxy = router(hub, "proxy/0");
      for (const revision of [1, 2, 3, 4]) {
        hub.publish(revision, tableOf(count));
        await settle();
      }
      await clock.advance(100);
      expect(proxy.seen).toEqual(expected);
      // After the pause the next one comes at once again.
      hub.publish(5, tableOf(count));
      await clock.advance(100);
      hub.publish(6, tableOf(count));
      await settle();
      expect(proxy.seen.slice(-2)).toEqual([5, 6]);
      hub.publish(7, tableOf(count));
      await proxy.leave();
    }
  });

  it.each([1, 2, 3])("knows what every connected router has applied, through reconnects (seed %i)", async (seed) => {
    const random = seededRandom(seed);
    const hub = new RouteHub(new VirtualClock());
    const ids = ["proxy/0", "proxy/1", "replica/r"];
    const applied = new Map<string, number>();
    const streams = new Map<string, ReturnType<typeof router>[]>();
    for (let step = 0; step < 300; step++) {
      const id = ids[randomInt(random, ids.length)]!;
      const open = streams.get(id) ?? [];
      const roll = random.next();
      if (roll < 0.25) {
        streams.set(id, [...open, router(hub, id)]);
        applied.set(id, 0);
      } else if (roll < 0.5 && open.length > 0) {
        // The end of a stream that was replaced counts nobody out.
        const index = randomInt(random, open.length);
        await open[index]!.leave();
        if (index === open.length - 1) applied.delete(id);
        streams.set(id, open.toSpliced(index, 1));
      } else {
        const revision = randomInt(random, 50);
        hub.acknowledge(id, revision);
        if (applied.has(id)) applied.set(id, Math.max(revision, applied.get(id)!));
      }
      await settle();
      expect(hub.appliedEverywhere()).toBe(Math.min(Number.POSITIVE_INFINITY, ...applied.values()));
    }
    for (const each of [...streams.values()].flat()) await each.leave();
  });

  it("tells a router at first which models there are, then what is new of them, ten times a second at most", async () => {
    const clock = new VirtualClock();
    const hub = new RouteHub(clock);
    const told: [string, (readonly string[])[]][] = [];
    const end = new AbortController();
    const tell = (id: string, ...modelIds: string[]) =>
      hub.words.modelsTold({ application: "a", deployment: "d", id }, modelIds);
    tell("r1", "m");
    tell("r3");
    hub.publish(1, tableOf(1));
    const done = (async () => {
      for await (const { table, models = [] } of hub.watch("proxy/0", end.signal)) {
        told.push([
          table === undefined ? "" : "table",
          models.map(({ replicaId, modelIds }) => [replicaId, ...modelIds]),
        ]);
      }
    })();
    await settle();
    expect(told.splice(0)).toEqual([["table", [["r1", "m"]]]]);
    tell("r2", "n");
    await settle();
    expect(told.splice(0)).toEqual([["", [["r2", "n"]]]]);
    tell("r1");
    tell("r2", "n", "o");
    tell("r2", "o");
    await clock.advance(99);
    expect(told).toEqual([]);
    await clock.advance(1);
    expect(told.splice(0)).toEqual([["", [["r1"], ["r2", "o"]]]]);
    tell("r1", "x");
    hub.publish(2, tableOf(1));
    await settle();
    expect(told.splice(0)).toEqual([["table", [["r1", "x"]]]]);
    hub.words.replicaGone({ application: "a", deployment: "d", id: "r1" });
    expect(hub.words.modelsSince(0).map(({ replicaId }) => replicaId)).toEqual(["r2"]);
    end.abort();
    await done;
    expect(clock.pending).toBe(0);
  });
});
