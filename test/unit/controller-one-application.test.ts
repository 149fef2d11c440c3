import { describe, expect, it } from "vitest";
import type { ApplicationConfig } from "../../src/config/types.ts";
import { COMMAND_IMPORT_PATH } from "../../src/config/types.ts";
import {
  etagOf,
  type PutOneApplicationRequest,
  type PutOneApplicationResult,
} from "../../src/controller/controller.ts";
import { application, type SimulatedController, simulate } from "../support/simulated-controller.ts";

const A = application({ num_replicas: 2 });
const B = application({ num_replicas: 1 }, { name: "b", route_prefix: "/b" });

/** An instance whose import path is known. */
async function fresh(): Promise<SimulatedController> {
  const simulation = await simulate();
  simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
  return simulation;
}

/** Two applications, a and b, that run. */
async function twoApplications(): Promise<SimulatedController> {
  const simulation = await fresh();
  await simulation.put([A, B]);
  await simulation.clock.advance(10_000);
  expect(simulation.controller.application("a")?.status).toBe("RUNNING");
  expect(simulation.controller.application("b")?.status).toBe("RUNNING");
  return simulation;
}

/** Puts one application; the answer, or the refusal, once it is settled. */
async function putOne(
  simulation: SimulatedController,
  config: ApplicationConfig,
  more: Partial<PutOneApplicationRequest> = {},
): Promise<PutOneApplicationResult> {
  const settled = simulation.controller
    .putOneApplication({
      name: config.name ?? "default",
      config,
      baseDir: "/apps",
      allowMissing: true,
      etag: "",
      validateOnly: false,
      requestId: "",
      actor: "test",
      ...more,
    })
    .then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    );
  await simulation.clock.advance(0);
  const outcome = await settled;
  if ("error" in outcome) throw outcome.error;
  return outcome.result;
}

describe("putOneApplication", () => {
  it("changes one application and leaves the records of the others as they were", async () => {
    const simulation = await twoApplications();
    const { controller, clock } = simulation;
    const replicasOf = (name: string) =>
      controller.snapshot().replicas.filter(({ application: owner }) => owner === name);
    const [b, replicas] = [controller.application("b"), replicasOf("b")];
    const before = controller.application("a")!;
    const { application: answer } = await putOne(simulation, application({ num_replicas: 3 }));
    expect(answer).toMatchObject({ name: "a", generation: before.generation + 1, source: "declarative" });
    await clock.advance(10_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 3");
    expect(controller.application("b")).toEqual(b);
    expect(replicasOf("b")).toEqual(replicas);
  });

  it("keeps what a program wrote where a whole config does not list it, until a config writes it", async () => {
    const simulation = await twoApplications();
    const { controller, clock } = simulation;
    await putOne(simulation, application(), { source: "imperative" });
    await clock.advance(10_000);
    await simulation.put([]);
    await clock.advance(60_000);
    expect(controller.application("a")).toMatchObject({ source: "imperative", status: "RUNNING" });
    expect(controller.application("b")).toBeUndefined();
    await simulation.put([application()]);
    await clock.advance(10_000);
    await simulation.put([]);
    await clock.advance(60_000);
    expect(controller.application("a")).toBeUndefined();
  });

  it("makes an application that was not there, and its build runs", async () => {
    const simulation = await twoApplications();
    const config = application({ num_replicas: 1 }, { name: "c", route_prefix: "/c" });
    const { application: answer } = await putOne(simulation, config);
    expect(answer).toMatchObject({ name: "c", generation: 1, status: "DEPLOYING", baseDir: "/apps" });
    await simulation.clock.advance(10_000);
    expect(simulation.controller.snapshot().applications.map(({ name, status }) => [name, status])).toEqual([
      ["a", "RUNNING"],
      ["b", "RUNNING"],
      ["c", "RUNNING"],
    ]);
  });

  it("deploys an application of commands without a build", async () => {
    const simulation = await twoApplications();
    const config = { name: "c", route_prefix: "/c", import_path: COMMAND_IMPORT_PATH };
    await putOne(simulation, { ...config, deployments: [{ name: "P", command: ["serve"] }] });
    expect(simulation.controller.application("c")?.built?.ingress).toBe("P");
  });

  it("makes an instance where there is none", async () => {
    const simulation = await twoApplications();
    const { controller, clock } = simulation;
    await controller.endInstance("test").catch(() => {});
    await clock.advance(60_000);
    expect(controller.snapshot().instance.state).toBe("absent");
    await putOne(simulation, A);
    expect(controller.snapshot().instance).toMatchObject({ state: "running", targetCapacity: null });
  });

  it("is refused while the instance ends", async () => {
    const simulation = await twoApplications();
    void simulation.controller.endInstance("test");
    await expect(putOne(simulation, A)).rejects.toMatchObject({ reason: "INSTANCE_UNAVAILABLE" });
  });

  it("leaves the target capacity as it is, which goes on to count", async () => {
    const simulation = await fresh();
    await simulation.put([application({ num_replicas: 4 }), B], { target_capacity: 50 });
    await simulation.clock.advance(10_000);
    await putOne(simulation, application({ num_replicas: 8 }));
    expect(simulation.controller.snapshot().instance.targetCapacity).toBe(50);
    expect(simulation.controller.deployment("a", "D")?.target.replicas).toBe(4);
  });

  it.each([
    { name: "one that is served", prefix: "/b" },
    { name: 'the default "/" of one whose config names none', prefix: undefined },
  ])("refuses a route_prefix that another application has: $name", async ({ prefix }) => {
    const simulation = await twoApplications();
    const { route_prefix: _, ...unnamed } = application({}, { name: "root" });
    await putOne(simulation, unnamed);
    const { route_prefix: __, ...rest } = A;
    const config = prefix === undefined ? rest : { ...rest, route_prefix: prefix };
    const holder = prefix === undefined ? "root" : "b";
    const message = `"${prefix ?? "/"}" is taken by application "${holder}"; choose another prefix`;
    await expect(putOne(simulation, config)).rejects.toMatchObject({
      reason: "INVALID_CONFIG",
      problems: [{ path: "route_prefix", message }],
    });
    expect(simulation.controller.application("a")?.generation).toBe(1);
  });

  it("refuses a route_prefix that another application only waits to serve", async () => {
    const simulation = await fresh();
    await simulation.put([B]);
    expect(simulation.controller.application("b")?.routePrefix).toBeNull();
    await expect(putOne(simulation, { ...A, route_prefix: "/b" })).rejects.toMatchObject({ reason: "INVALID_CONFIG" });
  });

  it("takes a route_prefix that an application in deletion had", async () => {
    const simulation = await twoApplications();
    const request = { application: "b", allowMissing: false, etag: "", actor: "test" };
    void simulation.controller.deleteApplication(request);
    const { application: answer } = await putOne(simulation, { ...A, route_prefix: "/b" });
    expect(answer?.generation).toBe(2);
  });

  it("refuses a stale etag, of one that is there and of one that is gone", async () => {
    const simulation = await twoApplications();
    const etag = etagOf(simulation.controller.application("a")!);
    await putOne(simulation, A, { etag });
    const now = etagOf(simulation.controller.application("a")!);
    await expect(putOne(simulation, A, { etag })).rejects.toMatchObject({
      reason: "STALE_ETAG",
      message: `etag "${etag}" is stale: it is now "${now}"; read it again and retry`,
    });
    await expect(putOne(simulation, { ...A, name: "c", route_prefix: "/c" }, { etag })).rejects.toMatchObject({
      reason: "STALE_ETAG",
      message: expect.stringContaining("is gone"),
    });
    expect(simulation.controller.application("c")).toBeUndefined();
  });

  it("lets exactly one of two writers with the same etag win", async () => {
    const simulation = await twoApplications();
    const etag = etagOf(simulation.controller.application("a")!);
    const results = await Promise.allSettled([1, 2].map(() => putOne(simulation, A, { etag })));
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(simulation.controller.application("a")?.generation).toBe(2);
  });

  it("is NOT_FOUND without allowMissing where there is none, or it is being deleted", async () => {
    const simulation = await twoApplications();
    const config = { ...A, name: "c", route_prefix: "/c" };
    await expect(putOne(simulation, config, { allowMissing: false })).rejects.toMatchObject({ reason: "NOT_FOUND" });
    void simulation.controller.deleteApplication({ application: "a", allowMissing: false, etag: "", actor: "test" });
    await expect(putOne(simulation, A, { allowMissing: false })).rejects.toMatchObject({ reason: "NOT_FOUND" });
  });

  it("is refused for one that is there where only a new one is wanted, unless that one is going", async () => {
    const simulation = await twoApplications();
    await expect(putOne(simulation, A, { onlyNew: true })).rejects.toMatchObject({ reason: "STALE_ETAG" });
    void simulation.controller.deleteApplication({ application: "a", allowMissing: false, etag: "", actor: "test" });
    expect((await putOne(simulation, A, { onlyNew: true })).application).toMatchObject({ name: "a", deleting: false });
  });

  it("does nothing for a retry with the request_id of the last write, whose etag is stale by now", async () => {
    const simulation = await twoApplications();
    const etag = etagOf(simulation.controller.application("a")!);
    const first = await putOne(simulation, A, { etag, requestId: "r1" });
    const again = await putOne(simulation, A, { etag, requestId: "r1" });
    expect(again.application?.generation).toBe(first.application?.generation);
    await simulation.put([A, B]);
    const after = await putOne(simulation, A, { requestId: "r1" });
    expect(after.application?.generation).toBe(4);
  });

  it("changes nothing when it only validates, and refuses what it would refuse", async () => {
    const simulation = await twoApplications();
    const before = simulation.controller.snapshot();
    const check = { validateOnly: true };
    const { application: answer } = await putOne(simulation, application({ num_replicas: 7 }), check);
    expect(answer).toEqual(before.applications[0]);
    const taken = putOne(simulation, { ...A, route_prefix: "/b" }, check);
    await expect(taken).rejects.toMatchObject({ reason: "INVALID_CONFIG" });
    await expect(putOne(simulation, A, { ...check, etag: "old" })).rejects.toMatchObject({ reason: "STALE_ETAG" });
    await simulation.clock.advance(10_000);
    expect(simulation.controller.snapshot()).toEqual(before);
  });

  it("is told in the journal, and survives a crash once it is answered", async () => {
    const simulation = await twoApplications();
    await putOne(simulation, application({ num_replicas: 3 }));
    const journal = simulation.store.range("journal/").map(({ value }) => JSON.parse(value) as { kind: string });
    const applied = journal.filter(({ kind }) => kind === "config-applied").at(-1);
    expect(applied).toMatchObject({ actor: "test", applications: ["a"], deleted: [] });
    await simulation.restart();
    await simulation.clock.advance(10_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 3");
  });
});
