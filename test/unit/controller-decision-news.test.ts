import { describe, expect, it } from "vitest";
import { recordedEntries } from "../../src/controller/autoscale-decisions.ts";
import type { TraceChunk } from "../../src/controller/autoscale-record.ts";
import type { DecisionNews, ScalingDecision } from "../../src/controller/controller.ts";
import { keys } from "../../src/controller/records.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Op, Store } from "../../src/store/store.ts";
import { autoscaled, deployAutoscaled, QUICK } from "../support/autoscaled.ts";

const KEY = keys.decision("a", "D");

/** Collects what watches of a key are told. */
function follow(store: Store, key = KEY) {
  const told: (ScalingDecision | "gone")[] = [];
  const leave = new AbortController();
  const done = (async () => {
    for await (const { changes } of store.watch(key, store.revision, leave.signal)) {
      for (const { value } of changes) {
        if (value === undefined) told.push("gone");
        else told.push(...(JSON.parse(value) as DecisionNews).decisions);
      }
    }
  })();
  const finish = async () => {
    leave.abort();
    await done;
    return told;
  };
  return { told, finish };
}

const inShort = (told: readonly (ScalingDecision | "gone")[]): string[] =>
  told.map((one) => (one === "gone" ? one : `${one.atS} ${one.running}/${one.target} → ${one.result}`));

describe("what watches are told of decisions", () => {
  it("is each that says something new, in order, and nothing while they say the same", async () => {
    const { simulation, router } = await deployAutoscaled({ upscale_delay_s: 1, downscale_delay_s: 2 });
    const { clock, controller, store } = simulation;
    await clock.advance(2_000);
    const heard: ScalingDecision[] = [];
    const end = controller.onDecision("a", "D", (decision) => heard.push(decision));
    const { told, finish } = follow(store);
    for (const concurrent of [8, 2, 9, 0]) {
      router.concurrent = concurrent;
      await router.run(5);
    }
    await clock.advance(2_000);
    expect(heard.length).toBeGreaterThan(8);
    expect(told).toEqual(heard);
    await clock.advance(30_000);
    expect(told).toEqual(heard);
    end();
    await finish();
    await controller.close();
  });

  it.each([
    ["at its least", { min_replicas: 1 }, 0],
    ["at its most", { max_replicas: 2 }, 30],
  ])(
    "is nothing more of a deployment %s, whose waits for what its bounds forbid begin again and again",
    async (...row) => {
      const [, config, concurrent] = row;
      const { simulation, router } = await deployAutoscaled({ ...config, upscale_delay_s: 1, downscale_delay_s: 1 });
      router.concurrent = concurrent;
      await router.run(10);
      const { told, finish } = follow(simulation.store);
      const recorded = recordedEntries(simulation.store, "a", "D");
      await router.run(20);
      expect(inShort(told)).toEqual([]);
      // Reports of a load are recorded; those of none are not.
      const entries = recordedEntries(simulation.store, "a", "D").slice(recorded.length);
      expect(entries.every(({ handles = [] }) => handles.length > 0)).toBe(true);
      if (concurrent === 0) expect(entries).toEqual([]);
      router.concurrent = 6;
      await router.run(10);
      expect(inShort(told)).not.toEqual([]);
      await finish();
      await simulation.controller.close();
    },
  );

  it("is recorded in the same transaction, or was before", async () => {
    const store = createMemoryStore();
    const transactions: (readonly Op[])[] = [];
    const txn = store.txn.bind(store);
    store.txn = (conditions, ops) => {
      transactions.push(ops);
      return txn(conditions, ops);
    };
    const { simulation, router } = await deployAutoscaled({ min_replicas: 0, upscale_delay_s: 1.5 }, {}, { store });
    for (const concurrent of [8, 2, 9, 0]) {
      router.concurrent = concurrent;
      await router.run(5);
    }
    await simulation.controller.close();
    const recordedS = new Set<number>();
    let checked = 0;
    for (const ops of transactions) {
      const written = ops.flatMap((op) => (op.kind === "put" ? [op] : []));
      for (const { key, value } of written) {
        if (!key.startsWith("trace/a/D/")) continue;
        for (const { atS } of (JSON.parse(value) as TraceChunk).entries) recordedS.add(atS);
      }
      const told = written.find(({ key }) => key === KEY)?.value;
      for (const { atS } of told === undefined ? [] : (JSON.parse(told) as DecisionNews).decisions) {
        expect(recordedS).toContain(atS);
        checked += 1;
      }
    }
    expect(checked).toBeGreaterThan(8);
  });

  it("is told as soon as it changes a target, and else within a second", async () => {
    const { simulation, router } = await deployAutoscaled({ upscale_delay_s: 3, downscale_delay_s: 2 });
    const { clock, controller, store } = simulation;
    await clock.advance(2_000);
    const late: number[] = [];
    const made = new Map<number, number>();
    const end = controller.onDecision("a", "D", ({ atS }) => void made.set(atS, clock.now()));
    const { told, finish } = follow(store);
    let seen = 0;
    const look = (): void => {
      for (const one of told.slice(seen)) {
        if (one === "gone") continue;
        const madeMs = made.get(one.atS) ?? clock.now();
        if (one.result !== one.target) expect(clock.now() - madeMs).toBeLessThan(200);
        late.push(clock.now() - madeMs);
      }
      seen = told.length;
    };
    for (const concurrent of [8, 5, 12, 1]) {
      router.concurrent = concurrent;
      await router.run(4, look);
    }
    expect(late.length).toBeGreaterThan(5);
    expect(Math.max(...late)).toBeLessThanOrEqual(1_200);
    end();
    await finish();
    await controller.close();
  });

  it("is not told again by the next controller, whose first decision says the same", async () => {
    const { simulation, router } = await deployAutoscaled({ initial_replicas: 2 });
    router.concurrent = 4;
    await router.run(6);
    await simulation.clock.advance(2_000);
    const { told, finish } = follow(simulation.store);
    for (let i = 0; i < 3; i++) {
      await simulation.restart();
      router.reconnected();
      await router.run(6);
    }
    expect(inShort(told)).toEqual([]);
    // Other load without any effect.
    router.concurrent = 3;
    await router.run(1);
    await simulation.restart();
    router.reconnected();
    await router.run(6);
    expect(inShort(told)).toEqual([]);
    router.concurrent = 9;
    await router.run(6);
    expect(told.length).toBeGreaterThan(0);
    await finish();
    await simulation.controller.close();
  });

  it.each([
    { how: "the application is deleted", more: null },
    { how: "a count is set instead", more: { deployments: [{ name: "D", num_replicas: 2 }] } },
  ])("ends where $how, and begins anew with the next deploy", async ({ more }) => {
    const { simulation, router } = await deployAutoscaled();
    router.concurrent = 8;
    await router.run(4);
    const { told, finish } = follow(simulation.store);
    await simulation.put(more === null ? [] : [autoscaled({}, more)]);
    await simulation.clock.advance(5_000);
    expect(inShort(told).at(-1)).toBe("gone");
    expect(simulation.store.get(KEY)).toBeUndefined();
    await simulation.put([autoscaled({ ...QUICK, initial_replicas: 3 })]);
    await simulation.clock.advance(5_000);
    expect(told.at(-1)).toMatchObject({ policy: "built-in" });
    await finish();
    await simulation.controller.close();
  });

  it("of a shadow lies apart, and goes with it", async () => {
    const { simulation, router } = await deployAutoscaled({}, { deployments: [{ name: "D", num_replicas: 2 }] });
    const shadowed = { name: "D", num_replicas: 2, autoscaling_shadow: QUICK };
    const { told, finish } = follow(simulation.store, keys.decision("a", "D", true));
    await simulation.put([autoscaled({}, { deployments: [shadowed] })]);
    router.concurrent = 7;
    await router.run(5);
    expect(told.at(-1)).toMatchObject({ shadow: true, result: 4 });
    expect(simulation.store.get(KEY)).toBeUndefined();
    await simulation.put([autoscaled({}, { deployments: [{ name: "D", num_replicas: 2 }] })]);
    await simulation.clock.advance(2_000);
    expect(told.at(-1)).toBe("gone");
    await finish();
    await simulation.controller.close();
  });
});
