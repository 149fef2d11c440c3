import { describe, expect, it } from "vitest";
import { deployAutoscaled, QUICK, targetOf } from "../support/autoscaled.ts";
import { LiveRouters } from "../support/live-routers.ts";
import { seededRandom } from "../support/seeded-random.ts";

/** Virtual seconds that a killed controller is away. */
const AWAY_S = 0.7;
/** Reports in a row that are lost at most. */
const LOST_IN_A_ROW = 2;
/** What a request may take beside the time without a replica: its turn among others, and being sent again. */
const BUSY_S = 4;

/**
 * Real routers before a deployment that is scaled to zero and back, over random settings, bursts, idle times and
 * mishaps. Every request is answered or refused within its bound; where no replica fails, every one is answered.
 */
async function live(seed: number, mishaps: readonly string[], coldStartS: number): Promise<string[]> {
  const random = seededRandom(seed);
  const pick = <T>(...options: readonly T[]): T => options[Math.floor(random.next() * options.length)]!;
  const config = {
    ...QUICK,
    min_replicas: 0,
    initial_replicas: pick(0, 1),
    max_replicas: pick(1, 3),
    // A wake-up that waits for the next of these is as good as lost.
    metrics_interval_s: pick(0.2, 1, 15, 15),
    look_back_period_s: pick(0.5, 1, 20),
    upscale_delay_s: pick(0, 0.5),
    downscale_delay_s: pick(0, 0.3, 1),
    downscale_to_zero_delay_s: pick(null, 0, 0.2),
    aggregation_function: pick("mean", "max", "min"),
  } as const;
  const { simulation } = await deployAutoscaled(
    config,
    {
      deployments: [
        { name: "D", autoscaling_config: config, max_ongoing_requests: 4, cold_start_timeout_s: coldStartS },
      ],
    },
    { seed },
  );
  const { clock, engine } = simulation;
  let lossy = false;
  let lost = 0;
  const routers = new LiveRouters(simulation, random, {
    serviceMs: () => 5 + random.next() * 200,
    lost() {
      const loses = lossy && lost < LOST_IN_A_ROW && random.next() < 0.5;
      lost = loses ? lost + 1 : 0;
      return loses ? pick("on its way", "with its answer") : undefined;
    },
  });
  const behave = (startError: string | null): void => {
    engine.behaviour.set("a/D", { startMs: pick(20, 400, 900), stopMs: 250, startError });
  };
  behave(null);
  for (let phase = 0; phase < 12; phase++) {
    const kind = pick("burst", "burst", "trickle", "race", ...mishaps);
    if (kind === "burst") for (let i = pick(1, 3, 12); i > 0; i--) routers.send();
    if (kind === "trickle") {
      for (let i = 0; i < 10; i++) {
        routers.send();
        await clock.advance(random.next() * 300);
      }
    }
    if (kind === "race") {
      // The moment that the target goes to zero, or a little later: unrouting, draining, gone.
      for (let i = 0; i < 6_000 && targetOf(simulation) > 0; i++) await clock.advance(10);
      await clock.advance(pick(0, 1, 2, 5, 20, 100, 240, 260));
      for (let i = pick(1, 4); i > 0; i--) routers.send();
    }
    if (kind === "lossy") lossy = !lossy;
    if (kind === "crash" || kind === "restart") {
      if (kind === "crash") await simulation.crash();
      routers.disconnect();
      if (kind === "restart") {
        await simulation.controller.close();
        if (pick(true, false)) routers.send();
        await clock.advance(AWAY_S * 1_000);
        await simulation.restart();
      }
      routers.connect();
    }
    if (kind === "die" || kind === "die starting") {
      // One that starts does not serve yet; a request makes one start.
      if (kind === "die starting") routers.send();
      await clock.advance(15);
      const ids = [...engine.running.keys()];
      if (ids.length > 0) engine.die(ids.at(-1)!);
    }
    if (kind === "fail") behave(pick(null, "no luck"));
    await clock.advance(pick(0, 50, 300, 1_500, 3_000));
  }
  lossy = false;
  behave(null);
  await clock.advance((coldStartS + BUSY_S) * 1_000);

  const broken: string[] = [];
  for (const { atMs, endMs, failure } of routers.sent) {
    if (endMs === undefined) broken.push(`a request of ${atMs} waits for ever`);
    else if (endMs - atMs > (coldStartS + BUSY_S) * 1_000) broken.push(`a request took ${endMs - atMs} ms`);
    if (failure === undefined) continue;
    if (failure.kind === "no-replica" && endMs! - atMs < coldStartS * 1_000) broken.push("refused too early");
    if (!mishaps.includes("die")) broken.push(`failed: ${JSON.stringify(failure)}`);
    else if (!["no-replica", "broken", "unavailable"].includes(failure.kind)) broken.push(`failed: ${failure.kind}`);
  }
  // Whatever came before, a request wakes the deployment, also one that comes while its last replica goes.
  for (let i = 0; i < 6_000 && targetOf(simulation) > 0; i++) await clock.advance(10);
  if (targetOf(simulation) > 0) broken.push("idle, it is not at zero");
  await clock.advance(pick(0, 1, 2, 5, 20, 100, 240, 260, 5_000));
  lossy = mishaps.includes("lossy");
  const last = routers.send();
  await clock.advance(2_500);
  if (last.endMs === undefined || last.failure) broken.push(`not woken: ${JSON.stringify(last.failure)}`);
  await routers.close();
  await simulation.controller.close();
  return broken;
}

const seeds = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe("requests for a deployment that is scaled to zero and back", () => {
  it.each(seeds(25))("are all answered while controllers come and go and reports are lost (seed %i)", async (seed) => {
    expect(await live(seed, ["crash", "restart", "lossy"], 8)).toEqual([]);
  });

  it.each(seeds(25))("are answered or refused in time while replicas die, starting or not (seed %i)", async (seed) => {
    const mishaps = ["crash", "restart", "lossy", "die", "die starting", "fail"];
    expect(await live(seed, mishaps, 1.5)).toEqual([]);
  });
});
