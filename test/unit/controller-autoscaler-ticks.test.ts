import { describe, expect, it } from "vitest";
import { emptyReports } from "../../src/autoscaling/reports.ts";
import { nextTick, tickAt, tickFrom } from "../../src/controller/autoscale-ticks.ts";
import { deployAutoscaled, QUICK, targetOf } from "../support/autoscaled.ts";
import { seededRandom } from "../support/seeded-random.ts";

describe("ticks", () => {
  it.each([
    { name: "a moment between two is followed by the later one", actual: nextTick(1_700_000_000_150, 0), is: 200 },
    { name: "a tick is its own next one", actual: nextTick(1_700_000_000_200, 0), is: 200 },
    { name: "none is decided on twice", actual: nextTick(1_700_000_000_200, 1_700_000_000_200), is: 300 },
    { name: "a late turn decides as of the tick before it", actual: tickAt(1_700_000_000_299), is: 200 },
    {
      name: "what may differ from a tick on is looked at there",
      actual: tickFrom(1_700_000_000.2, 1_700_000_000_000),
      is: 200,
    },
    {
      name: "what may differ after a tick is looked at after it",
      actual: tickFrom(1_700_000_000.2000003, 1_700_000_000_000),
      is: 300,
    },
    {
      name: "what may differ at once is looked at with the next tick",
      actual: tickFrom(0, 1_700_000_000_137),
      is: 200,
    },
  ])("$name", ({ actual, is }) => {
    expect(actual - 1_700_000_000_000).toBe(is);
  });
});

interface Course {
  /** Target by tick. */
  readonly targets: number[];
  readonly messages: string[];
}

/** A random load on a deployment with random settings; `everyTick`: nothing is left out. */
async function course(seed: number, everyTick: boolean): Promise<Course> {
  const random = seededRandom(seed);
  const pick = <T>(...options: readonly T[]): T => options[Math.floor(random.next() * options.length)]!;
  const config = {
    ...QUICK,
    min_replicas: pick(0, 1, 2),
    target_ongoing_requests: pick(1, 2, 3.7),
    metrics_interval_s: pick(0.3, 1, 2),
    look_back_period_s: pick(1, 3, 7),
    upscale_delay_s: pick(0, 0.35, 2),
    downscale_delay_s: pick(0, 1.1, 4),
    upscaling_factor: pick(null, 0.5, 3),
    downscaling_factor: pick(null, 0.4),
    aggregation_function: pick("mean", "mean", "max", "min"),
  } as const;
  const { simulation, router } = await deployAutoscaled(config, {}, { seed });
  simulation.engine.behaviour.set("a/D", { startMs: pick(53, 737), stopMs: pick(11, 1_203) });
  // Nothing but ticks happens on a tick: what comes at the same moment may come before or after it.
  await simulation.clock.advance(23);
  const targets: number[] = [];
  const messages: string[] = [];
  const note = (): void => {
    if (everyTick) simulation.routes.load.restore("a", "D", emptyReports());
    targets.push(targetOf(simulation));
    const { message } = simulation.controller.deployment("a", "D")!;
    if (messages.at(-1) !== message) messages.push(message);
  };
  for (let phase = 0; phase < 8; phase++) {
    router.concurrent = pick(0, 0, 1, 3, 7, 18, 40);
    if (random.next() < 0.15) {
      const [id] = simulation.engine.running.keys();
      if (id !== undefined) simulation.engine.die(id);
    }
    await router.run(pick(0.4, 2, 5), note);
  }
  await simulation.clock.advance(1);
  await simulation.controller.close();
  return { targets, messages };
}

describe("a deployment that is decided on only when it may matter", () => {
  const seen: number[] = [];
  it.each(Array.from({ length: 24 }, (_, seed) => seed + 1))(
    "has the targets of each tick's decision (seed %i)",
    async (seed) => {
      const sparse = await course(seed, false);
      expect(sparse).toEqual(await course(seed, true));
      seen.push(new Set(sparse.targets).size);
    },
  );

  it("moves in most of these courses", () => {
    expect(seen.filter((targets) => targets > 2).length).toBeGreaterThan(12);
  });
});
