/** Random histories of batches and of models on virtual time: what must hold whatever happens. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { randomInt } from "../../src/core/random.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { batch, multiplexed } from "../../src/sdk/index.ts";
import { runtime } from "../../src/sdk/runtime.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
  runtime().clock = clock;
  runtime().models.caches.clear();
});
afterEach(() => {
  runtime().clock = systemClock;
});

const seeds = Array.from({ length: 40 }, (_, index) => index + 1);

/** A request that may be cancelled, and ends. */
function request(multiplexedModelId: string) {
  const controller = new AbortController();
  const listeners: (() => void)[] = [];
  const onEnd = (listener: () => void) => void listeners.push(listener);
  const context = { requestId: "r", multiplexedModelId, signal: controller.signal, onEnd };
  return {
    run: <R>(work: () => R): R => runtime().requests.run(context, work),
    cancel: () => controller.abort(),
    end: () => {
      for (const listener of listeners.splice(0)) listener();
    },
  };
}

describe("batches", () => {
  it.each(seeds)("seed %i: each call is answered once, in order, in batches within their limits", async (seed) => {
    const random = seededRandom(seed);
    const pick = (bound: number) => randomInt(random, bound);
    const maxConcurrentBatches = 1 + pick(3);
    const sized = pick(2) === 0;
    let limit = 4;
    let running = 0;
    const seen = new Map<string, number[]>();
    const call = batch(
      { maxBatchSize: limit, maxConcurrentBatches, ...(sized ? { batchSizeFn: sum } : {}) },
      async (items: { key: string; index: number; size: number }[]) => {
        running += 1;
        expect(running).toBeLessThanOrEqual(maxConcurrentBatches);
        expect(sized ? sum(items) : items.length).toBeLessThanOrEqual(limit);
        expect(new Set(items.map(({ key }) => key)).size).toBe(1);
        for (const { key, index } of items) seen.set(key, [...(seen.get(key) ?? []), index]);
        await clock.sleep(pick(50));
        running -= 1;
        if (pick(8) === 0) throw new Error("all");
        return items.map(({ index }) => (pick(8) === 0 ? new Error("one") : index));
      },
    );
    const outcomes: Promise<string>[] = [];
    const open: ReturnType<typeof request>[] = [];
    for (let index = 0; index < 120; index++) {
      const key = "abc"[pick(3)]!;
      const asking = request(key);
      open.push(asking);
      const answer = asking.run(() => call({ key, index, size: 1 + pick(5) }));
      outcomes.push(
        answer.then(
          (got) => (got === index ? "its own" : "another's"),
          (error: Error) => (/^(all|one)$/.test(error.message) ? error.message : error.name),
        ),
      );
      if (pick(6) === 0) open[pick(open.length)]!.cancel();
      if (pick(20) === 0) {
        limit = 2 + pick(6);
        call.setMaxBatchSize(limit);
      }
      if (pick(20) === 0) call.setBatchWaitTimeoutS(pick(3) / 100);
      if (pick(3) === 0) await clock.advance(pick(20));
    }
    await clock.advance(10_000);
    const known = ["its own", "all", "one", "RequestCancelledError", ...(sized ? ["RangeError"] : [])];
    expect((await Promise.all(outcomes)).filter((outcome) => !known.includes(outcome))).toEqual([]);
    for (const order of seen.values()) expect(order).toEqual([...order].sort((a, b) => a - b));
    expect([running, clock.pending]).toEqual([0, 0]);
  });
});

function sum(items: { size: number }[]): number {
  return items.reduce((total, { size }) => total + size, 0);
}

describe("models", () => {
  it.each(seeds)("seed %i: each is there once, none goes under a request, all go once in the end", async (seed) => {
    const random = seededRandom(seed);
    const pick = (bound: number) => randomInt(random, bound);
    const max = 1 + pick(3);
    const there = new Map<string, { used: number }>();
    let [loads, unloads] = [0, 0];
    const get = multiplexed(
      {
        maxNumModelsPerReplica: max,
        unloadFirst: pick(2) === 0,
        async unload(model: { id: string; used: number }) {
          expect([model.id, model.used]).toEqual([model.id, 0]);
          await clock.sleep(pick(20));
          expect(there.get(model.id)).toBe(model);
          there.delete(model.id);
          unloads += 1;
        },
      },
      async (id: string) => {
        expect([id, there.has(id)]).toEqual([id, false]);
        const model = { id, used: 0 };
        there.set(id, model);
        await clock.sleep(pick(50));
        if (pick(6) === 0) {
          there.delete(id);
          throw new Error("no");
        }
        loads += 1;
        return model;
      },
    );
    const outcomes: Promise<string>[] = [];
    const open: ReturnType<typeof request>[] = [];
    for (let index = 0; index < 120; index++) {
      const id = "abcdef"[pick(6)]!;
      const asking = request(id);
      open.push(asking);
      const use = async (): Promise<string> => {
        const model = await get();
        expect(there.get(id)).toBe(model);
        model.used += 1;
        await clock.sleep(pick(60));
        model.used -= 1;
        return "used";
      };
      const used = asking.run(use).catch((error: Error) => (error.message === "no" ? "no" : error.name));
      outcomes.push(used.finally(() => asking.end()));
      if (pick(8) === 0) open[pick(open.length)]!.cancel();
      if (pick(2) === 0) await clock.advance(pick(30));
    }
    await clock.advance(10_000);
    const known = ["used", "no", "RequestCancelledError"];
    expect((await Promise.all(outcomes)).filter((outcome) => !known.includes(outcome))).toEqual([]);
    expect(there.size).toBeLessThanOrEqual(max);
    const [cache] = runtime().models.caches;
    expect([...cache!.ids()].sort()).toEqual([...there.keys()].sort());
    const closed = cache!.close();
    await clock.advance(100);
    await closed;
    expect([there.size, unloads]).toEqual([0, loads]);
  });
});
