/** Canaries on the real controller, with a simulated engine and virtual time. */
import { describe, expect, it } from "vitest";
import type { CanaryRequest } from "../../src/controller/controller.ts";
import { application, type SimulatedController, simulate } from "../support/simulated-controller.ts";

const STEPS = [
  { weight: 10, pause_s: 60 },
  { weight: 50, pause_s: 60 },
];

function config(more: Record<string, unknown> = {}, rollout: Record<string, unknown> = {}) {
  return application({
    num_replicas: 10,
    rollout: { canary: STEPS, canary_analysis: { min_requests: 100 }, ...rollout },
    ...more,
  });
}

async function deployed(more = {}, rollout = {}): Promise<SimulatedController> {
  const simulation = await simulate();
  simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
  await simulation.put([config(more, rollout)]);
  await simulation.clock.advance(2_000);
  expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING", revision: 1 });
  expect(simulation.controller.application("a")?.canary).toBeUndefined();
  return simulation;
}

/** Edits the sources and puts the config again. */
async function edit(simulation: SimulatedController, hash: string, put = config()): Promise<void> {
  simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash });
  await simulation.put([put]);
  await simulation.clock.advance(2_000);
}

/** Requests that ended; the canary's is the revision being tried. */
function report(simulation: SimulatedController, revision: number, requests: number, errors = 0): void {
  simulation.routes.reportTraffic([{ application: "a", revision, requests, errors, latencyBuckets: [requests] }]);
}

async function change(
  simulation: SimulatedController,
  verb: CanaryRequest["verb"],
  more: Partial<CanaryRequest> = {},
): Promise<unknown> {
  const answer = simulation.controller
    .changeCanary({ application: "a", verb, full: false, reason: "", actor: "admin", ...more })
    .catch((error: unknown) => error);
  await simulation.clock.advance(0);
  return await answer;
}

function table(simulation: SimulatedController) {
  const [deployment] = simulation.routes.latest.table.deployments;
  const revisions = (deployment?.replicas ?? []).map(({ revision = 0 }) => revision);
  const counts: Record<number, number> = {};
  for (const revision of revisions) counts[revision] = (counts[revision] ?? 0) + 1;
  return { counts, weight: deployment?.split?.weight };
}

describe("a canary", () => {
  it("starts its replicas beside the stable ones, gets its share once they serve, and is promoted step by step", async () => {
    const simulation = await deployed();
    simulation.engine.behaviour.set("a/D", { startMs: 5_000 });
    await edit(simulation, "h2");
    expect(simulation.controller.application("a")).toMatchObject({
      status: "DEPLOYING",
      revision: 2,
      canary: { stable: 1, revision: 2, step: 0, phase: { kind: "starting" } },
    });
    expect(table(simulation)).toEqual({ counts: { 1: 10 }, weight: 0 });
    await simulation.clock.advance(5_000);
    expect(table(simulation)).toEqual({ counts: { 1: 10, 2: 1 }, weight: 10 });
    expect(simulation.replicas("a", "D")).toBe("RUNNING 11");

    await simulation.clock.advance(600_000);
    expect(simulation.controller.canary("a")).toMatchObject({ weight: 10, message: "0 of 100 requests seen" });
    report(simulation, 1, 900);
    report(simulation, 2, 100);
    await simulation.clock.advance(1_000);
    expect(simulation.controller.application("a")?.canary).toMatchObject({ step: 1 });
    expect(table(simulation).weight).toBe(50);
    await simulation.clock.advance(6_000);
    expect(table(simulation)).toEqual({ counts: { 1: 10, 2: 5 }, weight: 50 });

    // The samples of a step are its own.
    await simulation.clock.advance(60_000);
    expect(simulation.controller.canary("a")?.message).toBe("0 of 100 requests seen");
    report(simulation, 1, 100);
    report(simulation, 2, 100);
    await simulation.clock.advance(100_000);
    expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING", revision: 2 });
    expect(simulation.controller.application("a")?.canary).toBeUndefined();
    expect(table(simulation)).toEqual({ counts: { 0: 10 }, weight: undefined });
    const replicas = simulation.controller.snapshot().replicas;
    expect(replicas.every(({ version }) => version.bundlePath.includes("h2"))).toBe(true);
    expect(outcomes(simulation)).toEqual(["1 superseded", "2 running"]);
  });

  it("is sent back by itself when it fails more, and the stable replicas are never touched", async () => {
    const simulation = await deployed();
    const stable = ids(simulation);
    await edit(simulation, "h2");
    report(simulation, 1, 1_000);
    report(simulation, 2, 100, 5);
    await simulation.clock.advance(60_000);
    expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING", revision: 3 });
    expect(simulation.controller.application("a")?.canary).toBeUndefined();
    expect(ids(simulation)).toEqual(stable);
    expect(table(simulation)).toEqual({ counts: { 0: 10 }, weight: undefined });
    expect(outcomes(simulation)).toEqual(["1 superseded", "2 failed", "3 running"]);
    const [, failed, back] = simulation.controller.revisions("a");
    expect(failed?.message).toContain("Its canary was aborted: 5 % of its 100 requests failed");
    expect(back?.cause).toEqual({ kind: "auto-rollback", of: 1 });
  });

  it("is sent back when its replicas cannot start", async () => {
    const simulation = await deployed();
    const stable = ids(simulation);
    simulation.engine.behaviour.set("a/D", { startError: "Error: no model" });
    await edit(simulation, "h2");
    await simulation.clock.advance(60_000);
    expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING", revision: 3 });
    expect(ids(simulation)).toEqual(stable);
    expect(simulation.controller.revisions("a")[1]?.message).toContain("Error: no model");
  });

  it("is sent back when its replicas are not ready by the progress deadline", async () => {
    const simulation = await deployed({}, { progress_deadline_s: 30 });
    simulation.engine.behaviour.set("a/D", { startMs: 3_600_000 });
    await edit(simulation, "h2", config({}, { progress_deadline_s: 30 }));
    await simulation.clock.advance(20_000);
    expect(simulation.controller.application("a")?.canary).toBeDefined();
    await simulation.clock.advance(15_000);
    expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING", revision: 3 });
    expect(simulation.controller.revisions("a")[1]?.message).toContain("progress deadline");
  });

  it("has no progress deadline while its steps run", async () => {
    const simulation = await deployed({}, { progress_deadline_s: 30 });
    await edit(simulation, "h2", config({}, { progress_deadline_s: 30 }));
    await simulation.clock.advance(600_000);
    expect(simulation.controller.application("a")?.canary).toMatchObject({ step: 0, phase: { kind: "running" } });
  });

  it("heals replicas of both revisions with the settings of each", async () => {
    const simulation = await deployed({ max_ongoing_requests: 3 });
    await edit(simulation, "h2", config({ max_ongoing_requests: 9 }));
    expect(table(simulation).counts).toEqual({ 1: 10, 2: 1 });
    const started = simulation.engine.commands.length;
    for (const replica of simulation.controller.snapshot().replicas.slice(0, 11)) {
      simulation.engine.die(replica.id);
    }
    await simulation.clock.advance(5_000);
    expect(table(simulation).counts).toEqual({ 1: 10, 2: 1 });
    expect(simulation.engine.commands.slice(started).filter((command) => command.startsWith("start"))).toHaveLength(11);
    const requests = simulation.controller
      .snapshot()
      .replicas.map(({ id }) => simulation.engine.running.get(id)!.settings.maxOngoingRequests);
    expect(requests.filter((limit) => limit === 3)).toHaveLength(10);
    expect(requests.filter((limit) => limit === 9)).toHaveLength(1);
  });

  it("goes on where it was when the controller comes back, with samples from zero", async () => {
    const simulation = await deployed();
    await edit(simulation, "h2");
    report(simulation, 2, 99);
    await simulation.restart();
    await simulation.clock.advance(5_000);
    expect(simulation.controller.application("a")?.canary).toMatchObject({ step: 0, phase: { kind: "running" } });
    expect(table(simulation)).toEqual({ counts: { 1: 10, 2: 1 }, weight: 10 });
    report(simulation, 2, 99);
    await simulation.clock.advance(120_000);
    expect(simulation.controller.canary("a")?.message).toBe("99 of 100 requests seen");
    report(simulation, 2, 1);
    await simulation.clock.advance(2_000);
    expect(simulation.controller.application("a")?.canary).toMatchObject({ step: 1 });
  });

  it("gives its place to a newer revision, which begins anew beside the same stable one", async () => {
    const simulation = await deployed();
    const stable = ids(simulation);
    await edit(simulation, "h2");
    await edit(simulation, "h3");
    await simulation.clock.advance(5_000);
    expect(simulation.controller.application("a")?.canary).toMatchObject({ stable: 1, revision: 3, step: 0 });
    expect(table(simulation).counts).toEqual({ 1: 10, 3: 1 });
    expect(stable.every((id) => ids(simulation).includes(id))).toBe(true);
    expect(outcomes(simulation)).toEqual(["1 superseded", "2 failed", "3 pending"]);
  });

  it("ends when what was stable is put again", async () => {
    const simulation = await deployed();
    const stable = ids(simulation);
    await edit(simulation, "h2");
    await edit(simulation, "h1");
    await simulation.clock.advance(30_000);
    expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING" });
    expect(simulation.controller.application("a")?.canary).toBeUndefined();
    expect(ids(simulation)).toEqual(stable);
  });

  it("is rolled out at once where the config has no steps any more", async () => {
    const simulation = await deployed();
    await edit(simulation, "h2");
    await edit(simulation, "h3", application({ num_replicas: 10 }));
    await simulation.clock.advance(60_000);
    expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING", revision: 3 });
    expect(table(simulation)).toEqual({ counts: { 0: 10 }, weight: undefined });
  });

  it("does not begin for a change of counts, nor for the first revision after one that failed", async () => {
    const simulation = await deployed();
    await simulation.put([config({ num_replicas: 4 })]);
    await simulation.clock.advance(30_000);
    expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING", revision: 2 });
    expect(simulation.replicas("a", "D")).toBe("RUNNING 4");
    simulation.engine.behaviour.set("a/D", { startError: "no" });
    await edit(simulation, "h2", application({ num_replicas: 4 }));
    await simulation.clock.advance(30_000);
    expect(simulation.status("a", "D")).toBe("DEPLOY_FAILED/REPLICA_STARTUP_FAILED");
    simulation.engine.behaviour.clear();
    await edit(simulation, "h3");
    expect(simulation.controller.application("a")?.canary).toBeUndefined();
    await simulation.clock.advance(60_000);
    expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING" });
  });

  it("keeps what only the stable revision has until it is promoted", async () => {
    const simulation = await deployed();
    const two = { deployments: [{ name: "D" }, { name: "New" }], ingress: "D", hash: "h2" };
    simulation.engine.applications.set("app", two);
    await simulation.put([config()]);
    await simulation.clock.advance(2_000);
    expect(simulation.replicas("a", "New")).toBe("RUNNING 1");
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
    expect(await change(simulation, "promote", { full: true })).not.toBeInstanceOf(Error);
    await simulation.clock.advance(60_000);
    expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING", revision: 2 });
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h3" });
    await simulation.put([config()]);
    await simulation.clock.advance(5_000);
    expect(simulation.replicas("a", "New")).toBe("RUNNING 1");
    await change(simulation, "promote", { full: true });
    await simulation.clock.advance(60_000);
    expect(simulation.status("a", "New")).toBe("absent");
  });

  it("follows scale calls: the stable replicas are the target, the canary's its share beside them", async () => {
    const simulation = await deployed();
    await edit(simulation, "h2");
    await simulation.scale("a", "D", 20);
    await simulation.clock.advance(5_000);
    expect(table(simulation).counts).toEqual({ 1: 20, 2: 2 });
    await simulation.scale("a", "D", 0);
    await simulation.clock.advance(30_000);
    expect(table(simulation).counts).toEqual({});
    await simulation.scale("a", "D", 1);
    await simulation.clock.advance(5_000);
    expect(table(simulation).counts).toEqual({ 1: 1, 2: 1 });
  });

  it("leaves a target that a scaler set as it is, from its begin to its promotion", async () => {
    const simulation = await deployed();
    await simulation.scale("a", "D", 6);
    await simulation.clock.advance(5_000);
    await edit(simulation, "h2");
    expect(table(simulation).counts).toEqual({ 1: 6, 2: 1 });
    await change(simulation, "promote", { full: true });
    await simulation.clock.advance(60_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 6");
    expect(simulation.controller.deployment("a", "D")?.target).toMatchObject({ replicas: 6, owner: "external" });
  });

  it("waits for room on a full node without harm to the stable replicas", async () => {
    const simulation = await simulate({ capacity: { cpus: 10, gpus: null, custom: null } });
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
    await simulation.put([config()]);
    await simulation.clock.advance(2_000);
    const stable = ids(simulation);
    await edit(simulation, "h2");
    await simulation.clock.advance(60_000);
    expect(simulation.controller.application("a")?.canary).toMatchObject({ phase: { kind: "starting" } });
    expect(stable.every((id) => ids(simulation).includes(id))).toBe(true);
    expect(simulation.controller.deployment("a", "D")?.message).toContain("1 of");
    await simulation.scale("a", "D", 9);
    await simulation.clock.advance(30_000);
    expect(table(simulation)).toEqual({ counts: { 1: 9, 2: 1 }, weight: 10 });
  });

  it("goes with its application", async () => {
    const simulation = await deployed();
    await edit(simulation, "h2");
    await simulation.put([]);
    await simulation.clock.advance(60_000);
    expect(simulation.controller.application("a")).toBeUndefined();
    expect(simulation.controller.snapshot().replicas).toEqual([]);
  });
});

describe("people and a canary", () => {
  it("promote it step by step, or whole", async () => {
    const simulation = await deployed();
    await edit(simulation, "h2");
    expect(await change(simulation, "promote")).toMatchObject({ application: { canary: { step: 1 } } });
    expect(await change(simulation, "promote")).not.toBeInstanceOf(Error);
    expect(simulation.controller.application("a")?.canary).toBeUndefined();
    await edit(simulation, "h3");
    await simulation.clock.advance(60_000);
    await edit(simulation, "h4");
    await change(simulation, "promote", { full: true });
    await simulation.clock.advance(60_000);
    expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING", revision: 4 });
    const bundles = simulation.controller.snapshot().replicas.map(({ version }) => version.bundlePath);
    expect(bundles.every((path) => path.includes("h4"))).toBe(true);
  });

  it("abort it, and the reason stands in the history", async () => {
    const simulation = await deployed();
    await edit(simulation, "h2");
    await change(simulation, "abort", { reason: "ugly colours" });
    await simulation.clock.advance(30_000);
    expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING", revision: 3 });
    const [, tried, back] = simulation.controller.revisions("a");
    expect(tried).toMatchObject({ outcome: "failed", message: "Its canary was aborted by admin: ugly colours" });
    expect(back).toMatchObject({ cause: { kind: "rollback", of: 1 }, actor: "admin" });
  });

  it("abort it, and the target that was set meanwhile stays, as the stable replicas take all requests", async () => {
    const simulation = await deployed({}, {});
    await simulation.put([{ ...config(), external_scaler_enabled: true }]);
    await simulation.clock.advance(2_000);
    await edit(simulation, "h2", { ...config(), external_scaler_enabled: true });
    await simulation.scale("a", "D", 14, { owner: "keda", ttlMs: 600_000 });
    await simulation.clock.advance(5_000);
    const before = simulation.controller.deployment("a", "D")?.target;
    await change(simulation, "abort");
    await simulation.clock.advance(30_000);
    expect(simulation.controller.deployment("a", "D")?.target).toEqual(before);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 14");
    expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING" });
  });

  it("hold it, while it is still watched, and let it go on", async () => {
    const simulation = await deployed();
    await edit(simulation, "h2");
    await change(simulation, "pause");
    report(simulation, 2, 1_000);
    report(simulation, 1, 9_000);
    await simulation.clock.advance(600_000);
    expect(simulation.controller.application("a")?.canary).toMatchObject({
      step: 0,
      phase: { kind: "paused", by: "admin" },
    });
    await change(simulation, "resume");
    expect(simulation.controller.canary("a")?.sample.requests).toBe(0);
    await change(simulation, "pause");
    report(simulation, 2, 1_000, 500);
    await simulation.clock.advance(2_000);
    expect(simulation.controller.application("a")?.canary).toBeUndefined();
    expect(outcomes(simulation)[1]).toBe("2 failed");
  });

  it.each(["promote", "abort", "pause", "resume"] as const)("cannot %s what is not there", async (verb) => {
    const simulation = await deployed();
    expect(await change(simulation, verb)).toMatchObject({
      reason: "NOT_POSSIBLE_NOW",
      message: 'application "a" has no canary now; see `windlass history a`',
    });
    expect(await change(simulation, verb, { application: "nope" })).toMatchObject({ reason: "NOT_FOUND" });
  });
});

function ids(simulation: SimulatedController): string[] {
  return simulation.controller
    .snapshot()
    .replicas.filter(({ state }) => state.kind !== "stopping")
    .map(({ id }) => id)
    .sort();
}

function outcomes(simulation: SimulatedController): string[] {
  return simulation.controller.revisions("a").map(({ number, outcome }) => `${number} ${outcome}`);
}
