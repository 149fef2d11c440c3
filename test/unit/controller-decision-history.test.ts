import { describe, expect, it } from "vitest";
import { explain } from "../../src/autoscaling/explain.ts";
import { replay } from "../../src/autoscaling/replay.ts";
import { recordedEntries } from "../../src/controller/autoscale-decisions.ts";
import type { TraceRange } from "../../src/controller/autoscale-record.ts";
import { DecisionHistory, type DecisionSubject } from "../../src/controller/decision-history.ts";
import { keys } from "../../src/controller/records.ts";
import type { Store } from "../../src/store/store.ts";
import { autoscaled, deployAutoscaled } from "../support/autoscaled.ts";
import { seededRandom } from "../support/seeded-random.ts";

const CONFIG = { metrics_interval_s: 0.5, upscale_delay_s: 1.5, downscale_delay_s: 4, look_back_period_s: 3 } as const;

function rangeOf(store: Store): TraceRange {
  const numbers = store.range("trace/a/D/").map(({ key }) => Number(key.split("/").at(-1)));
  return { first: numbers[0] ?? 0, next: (numbers.at(-1) ?? -1) + 1 };
}

/** `a/D` as a controller sees it that has just come up: of what was decided, it has what is stored. */
const subjectOf = (store: Store): DecisionSubject => ({
  application: "a",
  deployment: "D",
  shadow: false,
  log: () => [],
  unstored: () => [],
  range: () => rangeOf(store),
});

/** A deployment whose load changes for `rounds` times 3 s; `after` is called after each. */
async function live(rounds: number, after: (round: number) => Promise<void> = async () => {}) {
  const { simulation, router } = await deployAutoscaled(CONFIG);
  const random = seededRandom(7);
  for (let round = 0; round < rounds; round++) {
    router.concurrent = Math.floor(random.next() * 20);
    await router.run(3);
    await after(round);
  }
  return { simulation, router, random };
}

describe("the history of decisions", () => {
  it("read again and again is the one that is read at once, and costs what came since", async () => {
    const { simulation, router } = await live(20);
    const { store, clock, controller } = simulation;
    const gets: string[] = [];
    const counting = {
      get(key: string) {
        gets.push(key);
        return store.get(key);
      },
    };
    const kept = new DecisionHistory({ store: counting, clock });
    await kept.list(subjectOf(store));
    expect(gets.length).toBeGreaterThan(40);
    for (let round = 0; round < 10; round++) {
      router.concurrent = round;
      await router.run(2);
      gets.length = 0;
      const listed = await kept.list(subjectOf(store));
      expect(gets.length).toBeLessThan(5);
      expect(listed).toEqual(await new DecisionHistory({ store, clock }).list(subjectOf(store)));
    }
    gets.length = 0;
    await kept.list(subjectOf(store));
    expect(gets).toEqual([expect.stringContaining("trace/a/D/")]);
    await controller.close();
  });

  it("gives what held at any moment as it was then, and reads little for it", async () => {
    const { simulation, random } = await live(30);
    const { store, clock, controller } = simulation;
    await clock.advance(2_000);
    const entries = recordedEntries(store, "a", "D");
    const [fromS, toS] = [entries[0]!.atS, clock.now() / 1_000];
    const moments = Array.from({ length: 60 }, () => fromS + random.next() * (toS - fromS)).sort((a, b) => a - b);
    const ticks = moments.map((atS) => Math.floor(atS * 10) / 10);
    const then = new Map(replay(entries, { alsoAtS: ticks }).decisions.map((one) => [one.atS, one]));
    let gets = 0;
    const counting = {
      get(key: string) {
        gets += 1;
        return store.get(key);
      },
    };
    const history = new DecisionHistory({ store: counting, clock });
    await history.at(subjectOf(store), fromS);
    for (const [i, atS] of moments.entries()) {
      gets = 0;
      const held = (await history.at(subjectOf(store), atS))!;
      expect(gets).toBeLessThan(40);
      expect(held).toMatchObject({ ...explain(then.get(ticks[i]!)!), atS: ticks[i] });
      expect(held.sinceS).toBeLessThanOrEqual(atS);
      const fromController = await controller.decisionAt("a", "D", atS);
      expect(fromController).toMatchObject({ ...explain(then.get(ticks[i]!)!), atS: ticks[i] });
    }
    expect(await history.at(subjectOf(store), fromS - 1)).toBeUndefined();
    expect(await history.at(subjectOf(store), toS + 3_600)).toMatchObject({ atS: Math.floor(toS * 10) / 10 });
    await controller.close();
  });

  it("tells the time left of a wait at the moment that is asked for, not at its end", async () => {
    const { simulation, router } = await deployAutoscaled({ upscale_delay_s: 8 });
    const { clock, controller } = simulation;
    await clock.advance(2_000);
    router.concurrent = 9;
    await router.run(7);
    const [newest] = await controller.decisions("a", "D");
    const leftAt = async (atS: number): Promise<number> => {
      const [step] = (await controller.decisionAt("a", "D", atS))!.adjustments.filter(({ kind }) => kind === "delay");
      return step?.kind === "delay" ? step.leftS : Number.NaN;
    };
    const { sinceS } = newest!;
    expect(await leftAt(sinceS + 1.05)).toBeCloseTo(7, 5);
    expect(await leftAt(sinceS + 3)).toBeCloseTo(5, 5);
    expect((await controller.decisionAt("a", "D", sinceS + 3))!.sinceS).toBe(sinceS);
    await controller.close();
  });

  it("gives no age of reports of nothing, of which only the first is recorded", async () => {
    const { simulation, router } = await deployAutoscaled({ ...CONFIG, min_replicas: 1 });
    const { clock, controller } = simulation;
    router.concurrent = 3;
    await router.run(5);
    router.concurrent = 0;
    await router.run(30);
    const loadAt = async (atS: number) => (await controller.decisionAt("a", "D", atS))!.load;
    const nowS = clock.now() / 1_000;
    expect(await loadAt(nowS - 10)).toMatchObject({ oldestAgeS: null, newestAgeS: null });
    expect((await loadAt(nowS - 32)).newestAgeS).toBeLessThan(1);
    await controller.close();
  });

  it("holds the event loop for a millisecond at most, however many read", async () => {
    const { simulation } = await live(20);
    const { store, clock, controller } = simulation;
    let nowMs = 0;
    const slow = {
      get(key: string) {
        nowMs += 0.3;
        return store.get(key);
      },
    };
    const history = new DecisionHistory({ store: slow, clock: { now: () => clock.now(), monotonic: () => nowMs } });
    const turns: number[] = [];
    let reading = true;
    const look = (): void => {
      turns.push(nowMs);
      if (reading) setImmediate(look);
    };
    setImmediate(look);
    const subject = subjectOf(store);
    await Promise.all([history.list(subject), history.at(subject, clock.now() / 1_000), history.list(subject)]);
    reading = false;
    const held = turns.slice(1).map((atMs, i) => atMs - turns[i]!);
    expect(turns.length).toBeGreaterThan(15);
    expect(Math.max(...held)).toBeLessThan(2);
    await controller.close();
  });

  it("begins anew with a recording that was deleted and made again", async () => {
    const { simulation, router } = await live(6);
    const { store, clock, controller } = simulation;
    const kept = new DecisionHistory({ store, clock });
    const before = await kept.list(subjectOf(store));
    await simulation.put([]);
    await clock.advance(5_000);
    expect(await kept.list(subjectOf(store))).toEqual([]);
    await simulation.put([autoscaled(CONFIG)]);
    await clock.advance(2_000);
    router.reconnected();
    for (let round = 0; round < 10; round++) {
      router.concurrent = round % 2 === 0 ? 12 : 1;
      await router.run(3);
    }
    expect(store.get(keys.trace("a", "D", 0))).toBeDefined();
    const after = await kept.list(subjectOf(store));
    expect(after).toEqual(await new DecisionHistory({ store, clock }).list(subjectOf(store)));
    expect(after.at(-1)!.sinceS).toBeGreaterThan(before[0]!.sinceS);
    await controller.close();
  });
});
