import { expect, it } from "vitest";
import { UNLIMITED } from "../../src/controller/resources.ts";
import { randomInt } from "../../src/core/random.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { application, simulate } from "../support/simulated-controller.ts";

/** Whatever happens in whatever order, once it is over everything is as desired and nothing is left over. */
/** Two applications with two deployments of at most four replicas. */
const MOST_CPUS = 16;
const SEEDS = process.env["SEED"] ? [Number(process.env["SEED"])] : Array.from({ length: 60 }, (_, i) => i + 1);

it.each(SEEDS)(
  "seed %i: deploys, scales, deaths, failing starts and crashes end in what was asked for",
  async (seed) => {
    const random = seededRandom(seed);
    const pick = <T>(items: readonly T[]): T => items[randomInt(random, items.length)]!;
    // Every other time the node has room for what is wanted at most, and nothing for updates beside it.
    const cpus = seed % 2 === 0 ? MOST_CPUS : null;
    const simulation = await simulate({ seed, capacity: { ...UNLIMITED, cpus } });
    const { engine, clock } = simulation;
    const names = ["a", "b"];
    let hash = 1;
    engine.applications.set("app", { deployments: [{ name: "D" }, { name: "E" }], ingress: "D", hash: "h1" });
    let deployed: string[] = [];
    const put = async (): Promise<void> => {
      deployed = names.filter(() => random.next() < 0.8);
      const count = 1 + randomInt(random, 4);
      const applications = deployed.map((name) =>
        application(
          { num_replicas: count, user_config: { v: randomInt(random, 3) } },
          { name, route_prefix: `/${name}` },
        ),
      );
      await simulation.put(applications);
    };
    const steps: (() => Promise<void> | void)[] = [
      put,
      put,
      async () => {
        engine.applications.set("app", {
          deployments: [{ name: "D" }, { name: "E" }],
          ingress: "D",
          hash: `h${++hash}`,
        });
        await put();
      },
      async () => {
        const name = pick(names);
        const target = randomInt(random, 5);
        // Refused where the application is absent or going: that is an answer, too.
        await simulation.scale(name, pick(["D", "E"]), target).catch(() => undefined);
      },
      () => {
        const id = pick([...engine.running.keys(), ""]);
        if (id !== "") engine.die(id);
      },
      () => void engine.behaviour.set(`${pick(names)}/D`, { startError: "Error: not today" }),
      () => engine.behaviour.clear(),
      () => void engine.behaviour.set(`${pick(names)}/E`, { stopMs: 30_000, startMs: 2_000 }),
      () => simulation.restart(),
      () => simulation.crash(),
      () => simulation.crash(),
    ];
    for (let i = 0; i < 40; i++) {
      await pick(steps)();
      await clock.advance(randomInt(random, 400));
      const started = simulation.controller.snapshot().replicas.filter(({ state }) => state.kind !== "waiting");
      if (cpus !== null) expect(started.length).toBeLessThanOrEqual(cpus);
      for (const deployment of simulation.routes.latest.table.deployments) {
        for (const { id } of deployment.replicas)
          expect(simulation.controller.snapshot().replicas.map((r) => r.id)).toContain(id);
      }
    }

    engine.behaviour.clear();
    hash += 1;
    engine.applications.set("app", { deployments: [{ name: "D" }, { name: "E" }], ingress: "D", hash: `h${hash}` });
    await put();
    await clock.advance(120_000);
    const { applications, deployments, replicas } = simulation.controller.snapshot();
    expect(applications.map(({ name, status }) => `${name} ${status}`)).toEqual(
      deployed.map((name) => `${name} RUNNING`),
    );
    for (const { application: name, name: deployment, target, status } of deployments) {
      expect([name, deployment, status, simulation.replicas(name, deployment)]).toEqual([
        name,
        deployment,
        "HEALTHY",
        target.replicas === 0 ? "" : `RUNNING ${target.replicas}`,
      ]);
    }
    // Nothing runs that is not recorded, nothing is recorded that does not run, all of it the newest code.
    expect([...engine.running.keys()].sort()).toEqual(replicas.map(({ id }) => id).sort());
    expect(new Set(replicas.map(({ version }) => version.bundlePath))).toEqual(
      new Set(replicas.length === 0 ? [] : [`/bundles/h${hash}`]),
    );
  },
);
