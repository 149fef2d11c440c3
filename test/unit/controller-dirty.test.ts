import { describe, expect, it } from "vitest";
import { Dirty } from "../../src/controller/dirty.ts";
import { application, simulate } from "../support/simulated-controller.ts";

describe("what needs a step", () => {
  it("is some deployments of an application until all of it is asked for", () => {
    const dirty = new Dirty();
    dirty.addDeployment("a", "deployment/a/d");
    dirty.addDeployment("a", "deployment/a/e");
    dirty.addApplication("b");
    dirty.addDeployment("b", "deployment/b/d");
    expect([...dirty.entries()]).toEqual([
      ["a", new Set(["deployment/a/d", "deployment/a/e"])],
      ["b", "all"],
    ]);
    const more = new Dirty();
    more.addApplication("a");
    more.addDeployment("c", "deployment/c/d");
    dirty.addAll(more);
    expect([...dirty.entries()]).toEqual([
      ["a", "all"],
      ["b", "all"],
      ["c", new Set(["deployment/c/d"])],
    ]);
    expect([...dirty.names()]).toEqual(["a", "b", "c"]);
    expect(dirty.size).toBe(3);
  });
});

describe("an application with many deployments", () => {
  const names = Array.from({ length: 40 }, (_, index) => `D${index}`);

  async function running() {
    const simulation = await simulate();
    const deployments = names.map((name) => ({ name }));
    simulation.engine.applications.set("app", { deployments, ingress: "D0", hash: "h1" });
    await simulation.put([application({}, { deployments: [] })]);
    await simulation.clock.advance(1_000);
    expect(simulation.controller.application("a")?.status).toBe("RUNNING");
    return simulation;
  }

  it("is written to where something happened, and nowhere else", async () => {
    const simulation = await running();
    const { engine, clock, store } = simulation;
    const before = store.revision;
    const end = new AbortController();
    const written: string[] = [];
    const watching = (async () => {
      for await (const { changes } of store.watch("deployment/", before, end.signal)) {
        written.push(...changes.map(({ key }) => key));
      }
    })();
    const id = [...engine.running].find(([, { deployment }]) => deployment === "D7")![0];
    engine.die(id);
    await clock.advance(5_000);
    end.abort();
    await watching;
    expect(new Set(written)).toEqual(new Set(["deployment/a/D7"]));
    expect(simulation.controller.application("a")?.status).toBe("RUNNING");
  });

  it("stands as its worst deployment does, and again when that one is well", async () => {
    const simulation = await running();
    const { engine, clock } = simulation;
    const app = () => simulation.controller.application("a")!;
    engine.behaviour.set("a/D3", { startError: "Error: not today" });
    const id = [...engine.running].find(([, { deployment }]) => deployment === "D3")![0];
    engine.die(id);
    await clock.advance(100);
    expect([app().status, app().message]).toEqual(["UNHEALTHY", "unhealthy: D3"]);
    engine.behaviour.clear();
    await clock.advance(120_000);
    expect([app().status, app().message]).toEqual(["RUNNING", ""]);
  });

  it("asks its replicas for their health without a step of any other deployment", async () => {
    const simulation = await running();
    const { engine, clock, store } = simulation;
    await clock.advance(20_000);
    const before = {
      revision: store.revision,
      checks: engine.commands.filter((each) => each.startsWith("health")).length,
    };
    await clock.advance(60_000);
    const checks = engine.commands.filter((each) => each.startsWith("health")).length - before.checks;
    // Every 10 s, 10 % more or less.
    expect(checks).toBeGreaterThanOrEqual(40 * 5);
    expect(checks).toBeLessThanOrEqual(40 * 7);
    expect(store.revision).toBe(before.revision);
  });
});
