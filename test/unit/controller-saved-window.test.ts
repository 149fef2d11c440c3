import { describe, expect, it } from "vitest";
import type { Reports } from "../../src/autoscaling/reports.ts";
import { recordedEntries } from "../../src/controller/autoscale-decisions.ts";
import { restoredReports, type ScalingRecord } from "../../src/controller/autoscale-memory.ts";
import { keys } from "../../src/controller/records.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { deployAutoscaled, QUICK } from "../support/autoscaled.ts";
import { ScriptedPolicies } from "../support/scripted-policies.ts";
import { seededRandom } from "../support/seeded-random.ts";

/** What reports say, without the times of the process. */
function said({ handles, replicas }: Reports): unknown {
  return [
    [...handles].map(([id, { report }]) => [id, { ...report, running: [...report.running] }]),
    [...replicas].map(([id, { timestampS, metrics }]) => [id, timestampS, [...metrics]]),
  ];
}

/** What is stored of the window of `a/D`, read as the next controller does. */
function restored(store: Store, nowMs: number, nowMonoMs: number): Reports | null {
  const record = JSON.parse(store.get(keys.scaling("a", "D"))!.value) as ScalingRecord;
  const entries = recordedEntries(store, "a", "D");
  const whole = entries.findLastIndex((entry) => entry.whole);
  return restoredReports(record, () => entries.slice(whole), nowMs, nowMonoMs);
}

/** A store that has `look` called after each write of the memory of `a/D`, with what was to be remembered. */
function watched(look: (store: Store, reports: Reports | undefined) => void) {
  const store = createMemoryStore();
  let live: () => Reports | undefined = () => undefined;
  const wrapped: Store = Object.create(store, {
    txn: {
      configurable: true,
      writable: true,
      async value(...[compares, ops]: Parameters<Store["txn"]>) {
        const written = ops.some(({ kind, key }) => kind === "put" && key === keys.scaling("a", "D"));
        const reports = written ? live() : undefined;
        const then = reports && { handles: new Map(reports.handles), replicas: new Map(reports.replicas) };
        const result = await store.txn(compares, ops);
        if (written) look(store, then);
        return result;
      },
    },
  });
  return {
    store: wrapped,
    follow(read: typeof live): void {
      live = read;
    },
  };
}

const idle = ([handles]: [[string, { running: [string, { values: number[] }][]; queued: { values: number[] } }][]]) =>
  handles.every(([, { running, queued }]) =>
    [queued, ...running.map(([, series]) => series)].every(({ values }) => values.every((value) => value === 0)),
  );

describe("the window that is stored", () => {
  it.each([1, 2, 3, 4, 5, 6])(
    "is to the next controller what it was to the last, at each write of a random life (seed %i)",
    async (seed) => {
      const random = seededRandom(seed);
      const pick = <T>(...options: readonly T[]): T => options[Math.floor(random.next() * options.length)]!;
      let writes = 0;
      let clock: { now(): number; monotonic(): number } | undefined;
      const { store, follow } = watched((inner, reports) => {
        if (clock === undefined || reports === undefined) return;
        const found = restored(inner, clock.now(), clock.monotonic());
        const expected = said(reports);
        if (found === null) expect(idle(expected as never)).toBe(true);
        else {
          expect(said(found)).toEqual(expected);
          for (const [id, { receivedMonoS }] of reports.handles)
            expect(found.handles.get(id)!.receivedMonoS).toBeCloseTo(receivedMonoS, 3);
          writes += 1;
        }
      });
      const policies = new ScriptedPolicies();
      const own = pick(false, true) ? { policy: { policy_function: "./policy.ts:decide", policy_kwargs: {} } } : {};
      const config = { metrics_interval_s: pick(0.2, 1), look_back_period_s: pick(1, 5), min_replicas: pick(0, 1) };
      // The policy answers when it is asked; until then nothing is decided, and what is reported is written all the same.
      policies.answer = () => ({ desired: 1 + Math.floor(random.next() * 6) });
      policies.delayMs = pick(0, 1_700);
      const { simulation, router } = await deployAutoscaled({ ...QUICK, ...config, ...own }, {}, { store, policies });
      policies.clock = simulation.clock;
      clock = simulation.clock;
      follow(() => simulation.routes.load.reports("a", "D"));
      for (let phase = 0; phase < 10; phase++) {
        router.concurrent = pick(0, 1, 5, 12, 30);
        await router.run(pick(1, 3));
        if (random.next() < 0.3) {
          await simulation.restart(pick(0, 900));
          router.reconnected();
        }
      }
      expect(writes).toBeGreaterThan(5);
      await simulation.controller.close();
    },
  );

  it("is written in little, however much of it there is", async () => {
    const { simulation, router } = await deployAutoscaled({
      min_replicas: 15,
      max_replicas: 15,
      metrics_interval_s: 0.5,
      look_back_period_s: 30,
    });
    const { store, clock } = simulation;
    for (let round = 0; round < 20; round++) {
      router.concurrent = round % 2 === 0 ? 45 : 20;
      await router.run(2);
    }
    const window = restored(store, clock.now(), clock.monotonic())!;
    const points = [...window.handles.values()].flatMap(({ report }) => [...report.running.values()]);
    expect(points.reduce((sum, { timesS }) => sum + timesS.length, 0)).toBeGreaterThan(300);
    expect(store.get(keys.scaling("a", "D"))!.value.length).toBeLessThan(1_000);
    await simulation.controller.close();
  });

  it("of an older version is read as it was written", async () => {
    const { simulation, router } = await deployAutoscaled({ upscale_delay_s: 0, downscale_delay_s: 1 });
    router.concurrent = 8;
    await router.run(5);
    const { store, clock } = simulation;
    await simulation.controller.close();
    const key = keys.scaling("a", "D");
    const { window: _window, ...record } = JSON.parse(store.get(key)!.value) as ScalingRecord;
    const { handles } = restored(store, clock.now(), clock.monotonic())!;
    const reports = {
      savedAtS: record.savedAtS!,
      handles: [...handles.values()].map(({ report }) => ({ ...report, running: [...report.running], ageS: 0 })),
      replicas: [],
    };
    await store.txn([], [{ kind: "put", key, value: JSON.stringify({ ...record, reports }) }]);
    await simulation.restart(500);
    await clock.advance(5_000);
    expect(simulation.controller.deployment("a", "D")!.target.replicas).toBe(4);
    await simulation.controller.close();
  });
});
