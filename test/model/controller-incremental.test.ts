import { expect, it } from "vitest";
import { stepApplication } from "../../src/controller/application-state.ts";
import { loadWorld } from "../../src/controller/recovery.ts";
import { routingTable } from "../../src/controller/routing-table.ts";
import { emptyWorld } from "../../src/controller/world.ts";
import { randomInt } from "../../src/core/random.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { type SimulatedController, simulate } from "../support/simulated-controller.ts";

/** What the controller keeps up to date piece by piece is what a look at everything finds, after whatever history. */
const SEEDS = process.env["SEED"] ? [Number(process.env["SEED"])] : Array.from({ length: 30 }, (_, i) => i + 1);

/** Compares with what the store holds. */
function check({ store, routes, controller }: SimulatedController): void {
  const world = emptyWorld();
  loadWorld(store, world);
  expect(routes.latest.table).toEqual(routingTable(world));
  const { applications, deployments } = controller.snapshot();
  const lost = new Set(applications.filter(({ build }) => build.kind === "building").map(({ name }) => name));
  for (const application of applications) {
    if (lost.has(application.name)) continue;
    const own = deployments.filter(({ application: name }) => name === application.name);
    expect(stepApplication(application, own, 0)).toBe(application);
  }
}

it.each(SEEDS)("seed %i: the table and the status of applications follow from all records", async (seed) => {
  const random = seededRandom(seed);
  const pick = <T>(items: readonly T[]): T => items[randomInt(random, items.length)]!;
  const simulation = await simulate({ seed });
  const { engine, clock } = simulation;
  // The order of escaped names is another one than that of names.
  const names = ["a", "a b", "a!b"];
  const all = ["D", "E", "D E", "D!", "F"];
  let hash = 1;
  const build = (): void => {
    const kept = all.filter((name) => name === "D" || random.next() < 0.7);
    engine.applications.set("app", { deployments: kept.map((name) => ({ name })), ingress: "D", hash: `h${hash}` });
  };
  build();
  const scaled = { min_replicas: 0, max_replicas: 3, look_back_period_s: 1, downscale_delay_s: 2 };
  const put = async (): Promise<void> => {
    const deployed = names.filter(() => random.next() < 0.8);
    const prefix = pick(["/", "/other-"]);
    const deployments = () =>
      (engine.applications.get("app")?.deployments ?? [])
        .filter(() => random.next() < 0.5)
        .map(({ name }) => ({
          name,
          ...(random.next() < 0.3 ? { autoscaling_config: scaled } : { num_replicas: randomInt(random, 4) }),
          user_config: { v: randomInt(random, 2) },
          max_ongoing_requests: pick([5, 6]),
        }));
    const applications = deployed.map((name) => ({
      name,
      route_prefix: random.next() < 0.2 ? null : `${prefix}${names.indexOf(name)}`,
      import_path: "app",
      deployments: deployments(),
    }));
    await simulation.put(applications, { target_capacity: pick([null, null, 50]) });
  };
  const anyOf = (): string => `${pick(names)}/${pick(all)}`;
  const steps: (() => Promise<unknown> | unknown)[] = [
    put,
    put,
    async () => {
      hash += 1;
      build();
      await put();
    },
    // Refused where there is nothing to go back to: that is an answer, too.
    () => simulation.controller.rollback(rollbackOf(pick(names))).catch(() => undefined),
    () => {
      const id = pick([...engine.running.keys(), ""]);
      if (id !== "") engine.die(id);
    },
    () => void engine.behaviour.set(anyOf(), { startError: "Error: not today" }),
    () => void engine.behaviour.set(anyOf(), { healthError: "sick" }),
    () => void engine.behaviour.set(anyOf(), { stopMs: 20_000, startMs: 2_000 }),
    () => engine.behaviour.clear(),
    () => simulation.restart(),
    () => simulation.crash(),
    () => clock.advance(60_000),
  ];
  await put();
  for (let i = 0; i < 40; i++) {
    const step = pick(steps)();
    await clock.advance(randomInt(random, 400));
    await step;
    check(simulation);
  }
});

function rollbackOf(application: string) {
  return { application, toRevision: 0, etag: "", requestId: "", reason: "", validateOnly: false, actor: "test" };
}
