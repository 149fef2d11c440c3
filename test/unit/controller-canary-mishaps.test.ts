/** What may happen while a canary runs, on the real controller with a simulated engine and virtual time. */
import { describe, expect, it } from "vitest";
import type { CanaryRequest } from "../../src/controller/controller.ts";
import { rollback } from "../support/revised.ts";
import { application, type SimulatedController, simulate } from "../support/simulated-controller.ts";

const config = (more: Record<string, unknown> = {}, rollout: Record<string, unknown> = {}) =>
  application({ num_replicas: 4, rollout: { canary: [{ weight: 25, pause_s: 60 }], ...rollout }, ...more });

const CODE = { deployments: [{ name: "D" }], ingress: "D" };

/** Edits the sources, puts the config and lets time go on. */
async function edit(simulation: SimulatedController, hash: string, put = config(), ms = 2_000): Promise<void> {
  simulation.engine.applications.set("app", { ...CODE, hash });
  await simulation.put([put]);
  await simulation.clock.advance(ms);
}

/** Revision 2 is tried beside 1. */
async function tried(): Promise<SimulatedController> {
  const simulation = await simulate();
  await edit(simulation, "h1");
  await edit(simulation, "h2");
  expect(simulation.controller.application("a")?.canary).toMatchObject({ revision: 2, phase: { kind: "running" } });
  return simulation;
}

function report({ routes }: SimulatedController, revision: number, requests: number, errors = 0): void {
  routes.reportTraffic([{ application: "a", revision, requests, errors, latencyBuckets: [requests] }]);
}

async function change(simulation: SimulatedController, verb: CanaryRequest["verb"], full = false): Promise<unknown> {
  const answer = simulation.controller
    .changeCanary({ application: "a", verb, full, reason: "", actor: "admin" })
    .catch((error: unknown) => error);
  await simulation.clock.advance(0);
  return await answer;
}

const record = ({ controller }: SimulatedController) => controller.application("a")!;
const outcomes = ({ controller }: SimulatedController): string[] =>
  controller.revisions("a").map(({ number, outcome }) => `${number} ${outcome}`);

/** Revisions that replicas serve, sorted; 0: all. */
function served({ routes }: SimulatedController, deployment = "D"): number[] {
  const found = routes.latest.table.deployments.find((each) => each.deployment === deployment);
  return (found?.replicas ?? []).map(({ revision = 0 }) => revision).sort((a, b) => a - b);
}

/** Kills the replicas that serve a revision. */
function dieOf(simulation: SimulatedController, revision: number): void {
  const [deployment] = simulation.routes.latest.table.deployments;
  for (const replica of deployment!.replicas) if (replica.revision === revision) simulation.engine.die(replica.id);
}

describe("a replica of a canary", () => {
  it("that dies is replaced, and the application goes on deploying", async () => {
    const simulation = await tried();
    dieOf(simulation, 2);
    await simulation.clock.advance(100);
    expect(record(simulation)).toMatchObject({
      status: "DEPLOYING",
      message: "Canary: revision 2 gets 25 % of the requests (step 1 of 1).",
    });
    expect(simulation.controller.deployment("a", "D")?.message).toContain("It is being replaced.");
    await simulation.clock.advance(5_000);
    expect(served(simulation)).toEqual([1, 1, 1, 1, 2]);
    expect(record(simulation).canary).toMatchObject({ revision: 2 });
  });

  it("that dies again and again sends it back", async () => {
    const simulation = await tried();
    for (let deaths = 0; deaths < 12; deaths++) {
      dieOf(simulation, 2);
      await simulation.clock.advance(2_000);
    }
    await simulation.clock.advance(30_000);
    expect(record(simulation)).toMatchObject({ status: "RUNNING", revision: 3 });
    expect(served(simulation)).toEqual([0, 0, 0, 0]);
    expect(simulation.controller.revisions("a")[1]?.message).toMatch(/^Its canary was aborted: deployment "D": /);
  });

  it("of the stable revision that dies is no mark against it", async () => {
    const simulation = await tried();
    for (let deaths = 0; deaths < 5; deaths++) {
      dieOf(simulation, 1);
      await simulation.clock.advance(2_000);
    }
    expect(served(simulation)).toEqual([1, 1, 1, 1, 2]);
    expect(record(simulation)).toMatchObject({ status: "DEPLOYING", canary: { revision: 2 } });
  });
});

describe("a newer revision whose build fails", () => {
  it("holds the canary, which may be aborted but not promoted", async () => {
    const simulation = await tried();
    simulation.engine.applications.set("app", { ...CODE, hash: "h3", buildError: "no such module" });
    await simulation.put([config()]);
    await simulation.clock.advance(2_000);
    expect(record(simulation)).toMatchObject({ status: "DEPLOY_FAILED", revision: 3, canary: { revision: 2 } });
    report(simulation, 1, 900);
    report(simulation, 2, 300);
    await simulation.clock.advance(600_000);
    expect(served(simulation)).toEqual([1, 1, 1, 1, 2]);
    expect(simulation.controller.canary("a")?.message).toContain("a newer revision failed to build");
    expect(await change(simulation, "promote", true)).toMatchObject({ reason: "NOT_POSSIBLE_NOW" });
    await change(simulation, "abort");
    await simulation.clock.advance(30_000);
    expect(record(simulation)).toMatchObject({ status: "RUNNING", revision: 4 });
    expect(served(simulation)).toEqual([0, 0, 0, 0]);
  });

  it("does not keep a canary that fails", async () => {
    const simulation = await tried();
    simulation.engine.applications.set("app", { ...CODE, hash: "h3", buildError: "no such module" });
    await simulation.put([config()]);
    await simulation.clock.advance(2_000);
    report(simulation, 1, 900);
    report(simulation, 2, 300, 100);
    await simulation.clock.advance(30_000);
    expect(record(simulation)).toMatchObject({ status: "RUNNING", revision: 4 });
    expect(simulation.controller.revisions("a").at(-1)?.cause).toEqual({ kind: "auto-rollback", of: 1 });
  });

  it("gives way to one that builds, which is tried beside the same stable revision", async () => {
    const simulation = await tried();
    simulation.engine.applications.set("app", { ...CODE, hash: "h3", buildError: "no such module" });
    await simulation.put([config()]);
    await simulation.clock.advance(2_000);
    await edit(simulation, "h4");
    expect(record(simulation)).toMatchObject({ status: "DEPLOYING", canary: { stable: 1, step: 0 } });
    await change(simulation, "promote", true);
    await simulation.clock.advance(30_000);
    expect(record(simulation)).toMatchObject({ status: "RUNNING" });
    expect(outcomes(simulation).at(-1)).toMatch(/ running$/);
  });
});

describe("a write soon after a canary", () => {
  it("was aborted is tried beside the revision that serves, though the canary still drains", async () => {
    const simulation = await tried();
    simulation.engine.behaviour.set("a/D", { stopMs: 15_000 });
    await change(simulation, "abort");
    await simulation.clock.advance(100);
    expect(simulation.controller.deployment("a", "D")?.rollout).toBe("active");
    await edit(simulation, "h4");
    expect(record(simulation).canary).toMatchObject({ revision: 4 });
    expect(served(simulation).filter((revision) => revision === 4)).toHaveLength(1);
    expect(served(simulation)).toHaveLength(5);
    await change(simulation, "abort");
    await simulation.clock.advance(60_000);
    expect(record(simulation)).toMatchObject({ status: "RUNNING", revision: 5 });
    const bundles = simulation.controller.snapshot().replicas.map(({ version }) => version.bundlePath);
    expect(new Set(bundles)).toEqual(new Set(["/bundles/h1"]));
  });

  it("was promoted is tried beside the promoted revision, whose rollout goes on", async () => {
    const simulation = await tried();
    simulation.engine.behaviour.set("a/D", { startMs: 5_000, stopMs: 15_000 });
    await change(simulation, "promote", true);
    await simulation.clock.advance(1_000);
    await edit(simulation, "h3");
    expect(record(simulation).canary).toMatchObject({ stable: 2, revision: 3, phase: { kind: "starting" } });
    await simulation.clock.advance(30_000);
    expect(served(simulation)).toEqual([2, 2, 2, 2, 3]);
    await change(simulation, "abort");
    await simulation.clock.advance(60_000);
    expect(record(simulation)).toMatchObject({ status: "RUNNING", revision: 4 });
    const bundles = simulation.controller.snapshot().replicas.map(({ version }) => version.bundlePath);
    expect(new Set(bundles)).toEqual(new Set(["/bundles/h2"]));
  });
});

describe("other changes during a canary", () => {
  it("a rollback ends it", async () => {
    const simulation = await tried();
    await rollback(simulation);
    await simulation.clock.advance(30_000);
    expect(record(simulation)).toMatchObject({ status: "RUNNING", revision: 3 });
    expect(record(simulation).canary).toBeUndefined();
    expect(served(simulation)).toEqual([0, 0, 0, 0]);
    expect(outcomes(simulation)).toEqual(["1 superseded", "2 failed", "3 running"]);
  });

  it("an application that is deleted and put again begins without one", async () => {
    const simulation = await tried();
    simulation.engine.behaviour.set("a/D", { stopMs: 15_000 });
    await simulation.put([]);
    await simulation.clock.advance(1_000);
    await edit(simulation, "h2");
    expect(record(simulation).canary).toBeUndefined();
    expect(simulation.controller.deployment("a", "D")?.stable).toBeUndefined();
    await simulation.clock.advance(60_000);
    expect(record(simulation)).toMatchObject({ status: "RUNNING" });
    expect(served(simulation)).toEqual([0, 0, 0, 0]);
  });

  it("a change of counts applies at once, and the canary begins anew", async () => {
    const simulation = await tried();
    await simulation.put([config({ num_replicas: 8 })]);
    await simulation.clock.advance(5_000);
    expect(record(simulation).canary).toMatchObject({ stable: 1, revision: 3, step: 0 });
    expect(served(simulation)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 3, 3]);
  });

  it("two applications have canaries of their own", async () => {
    const simulation = await simulate();
    const both = (hash: string) => {
      simulation.engine.applications.set("app", { ...CODE, hash });
      return [config(), { ...config(), name: "b", route_prefix: "/b" }];
    };
    await simulation.put(both("h1"));
    await simulation.clock.advance(2_000);
    await simulation.put(both("h2"));
    await simulation.clock.advance(2_000);
    report(simulation, 1, 900);
    report(simulation, 2, 300, 100);
    await simulation.clock.advance(30_000);
    expect(record(simulation)).toMatchObject({ status: "RUNNING", revision: 3 });
    expect(simulation.controller.application("b")?.canary).toMatchObject({ revision: 2, phase: { kind: "running" } });
  });

  it("an application without a route waits for its promotion by hand", async () => {
    const simulation = await simulate();
    const hidden = { ...config(), route_prefix: null };
    await edit(simulation, "h1", hidden);
    await edit(simulation, "h2", hidden);
    await simulation.clock.advance(600_000);
    expect(simulation.controller.canary("a")?.message).toBe("0 of 100 requests seen");
    await change(simulation, "promote", true);
    await simulation.clock.advance(30_000);
    expect(record(simulation)).toMatchObject({ status: "RUNNING", revision: 2 });
  });

  it("a deployment at zero replicas is tried once it has some", async () => {
    const simulation = await simulate();
    await edit(simulation, "h1", config({ user_config: 1 }));
    await simulation.scale("a", "D", 0);
    await simulation.clock.advance(10_000);
    await edit(simulation, "h1", config({ user_config: 2, num_replicas: 0 }));
    await simulation.scale("a", "D", 2);
    await simulation.clock.advance(5_000);
    expect(served(simulation)).toEqual([1, 1, 2]);
    for (let deaths = 0; deaths < 8; deaths++) {
      dieOf(simulation, 2);
      await simulation.clock.advance(2_000);
    }
    expect(record(simulation).canary).toBeUndefined();
  });

  it("a revision with another ingress is refused, and what serves serves on", async () => {
    const simulation = await simulate();
    await edit(simulation, "h1");
    simulation.engine.applications.set("app", {
      deployments: [{ name: "D" }, { name: "New" }],
      ingress: "New",
      hash: "h2",
    });
    await simulation.put([config()]);
    await simulation.clock.advance(5_000);
    expect(record(simulation)).toMatchObject({
      status: "DEPLOY_FAILED",
      message:
        'Revision 2 cannot be tried as a canary: its ingress is "New", that of revision 1 is "D". Keep the name, or leave rollout.canary out for this deploy.',
    });
    expect(served(simulation)).toEqual([0, 0, 0, 0]);
    await simulation.put([application({ num_replicas: 4 })]);
    await simulation.clock.advance(30_000);
    expect(record(simulation)).toMatchObject({ status: "RUNNING", revision: 3 });
    expect(served(simulation, "New")).toEqual([0]);
  });
});

describe("routers that do not know the canary's replicas yet", () => {
  /** Deploys with a router connected; `acknowledge` notes that it has the newest table. */
  async function withRouter() {
    const simulation = await simulate();
    await edit(simulation, "h1");
    const tables = simulation.routes.watch("proxy/0", new AbortController().signal);
    await tables.next();
    const acknowledge = (): void => simulation.routes.acknowledge("proxy/0", simulation.routes.latest.revision);
    acknowledge();
    const leave = async (): Promise<void> => void (await tables.return(undefined));
    return { simulation, acknowledge, leave };
  }
  const phase = (simulation: SimulatedController) => record(simulation).canary?.phase.kind;

  it("keep it from getting requests until they have the table with them", async () => {
    const { simulation, acknowledge } = await withRouter();
    await edit(simulation, "h2");
    expect(served(simulation)).toEqual([1, 1, 1, 1, 2]);
    expect(phase(simulation)).toBe("starting");
    expect(simulation.controller.canary("a")?.message).toBe("its replicas start");
    acknowledge();
    await simulation.clock.advance(60);
    expect(phase(simulation)).toBe("running");
  });

  it("are not waited for when they are stuck", async () => {
    const { simulation } = await withRouter();
    await edit(simulation, "h2");
    await simulation.clock.advance(2_500);
    expect(phase(simulation)).toBe("starting");
    await simulation.clock.advance(2_000);
    expect(phase(simulation)).toBe("running");
  });

  it("are not waited for when they leave", async () => {
    const { simulation, leave } = await withRouter();
    await edit(simulation, "h2");
    await leave();
    await simulation.clock.advance(60);
    expect(phase(simulation)).toBe("running");
  });
});
