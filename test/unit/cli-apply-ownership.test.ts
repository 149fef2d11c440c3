/** Which set of `windlass apply` an application belongs to. */
import { describe, expect, it } from "vitest";
import type { PutOneApplicationRequest } from "../../src/controller/controller.ts";
import { ADMIN_TOKEN, ask, startTestApi } from "../support/api-harness.ts";
import { application, type SimulatedController, simulate } from "../support/simulated-controller.ts";

const A = application({ num_replicas: 1 });

async function fresh(): Promise<SimulatedController> {
  const simulation = await simulate();
  simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
  return simulation;
}

async function putOne(simulation: SimulatedController, more: Partial<PutOneApplicationRequest>): Promise<void> {
  const settled = simulation.controller.putOneApplication({
    name: "a",
    config: A,
    baseDir: "/apps",
    allowMissing: true,
    etag: "",
    validateOnly: false,
    requestId: "",
    actor: "test",
    ...more,
  });
  await simulation.clock.advance(10_000);
  await settled;
}

describe("the set that an application belongs to", () => {
  it("is the one of its last whole write", async () => {
    const simulation = await fresh();
    await putOne(simulation, { managedBy: "ours" });
    expect(simulation.controller.application("a")?.managedBy).toBe("ours");
    await putOne(simulation, { managedBy: "theirs" });
    expect(simulation.controller.application("a")?.managedBy).toBe("theirs");
  });

  it("is none after a whole write that names none", async () => {
    const simulation = await fresh();
    await putOne(simulation, { managedBy: "ours" });
    await putOne(simulation, {});
    expect(simulation.controller.application("a")?.managedBy).toBeUndefined();
    await putOne(simulation, { managedBy: "ours" });
    await simulation.put([A]);
    expect(simulation.controller.application("a")?.managedBy).toBeUndefined();
  });

  it("stays over a rollback", async () => {
    const simulation = await fresh();
    await putOne(simulation, { managedBy: "ours" });
    await putOne(simulation, { managedBy: "ours", config: application({ num_replicas: 2 }) });
    const settled = simulation.controller.rollback({
      application: "a",
      toRevision: 1,
      etag: "",
      requestId: "",
      reason: "",
      validateOnly: false,
      actor: "test",
    });
    await simulation.clock.advance(10_000);
    await settled;
    expect(simulation.controller.application("a")).toMatchObject({ managedBy: "ours", revision: 3 });
  });

  it("makes no revision of its own", async () => {
    const simulation = await fresh();
    await putOne(simulation, {});
    await putOne(simulation, { managedBy: "ours" });
    expect(simulation.controller.application("a")).toMatchObject({ managedBy: "ours", revision: 1 });
  });
});

describe("managed_by over Connect", () => {
  const update = (port: number, body: object) =>
    ask(port, {
      method: "POST",
      path: "/windlass.v1.ApplicationService/UpdateApplication",
      token: ADMIN_TOKEN,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "applications/a", ...body }),
    });
  const config = { importPath: "./a.ts:app" };

  it("goes to the controller with a whole write", async () => {
    await using api = await startTestApi();
    expect((await update(api.port, { config, managedBy: "team/shop" })).status).toBe(200);
    expect(api.controller.calls.at(-1)?.request).toMatchObject({ managedBy: "team/shop" });
  });

  it.each([
    { name: "too long a name", managedBy: "x".repeat(257), says: "has 257 characters, at most 256 are allowed" },
    { name: "control characters", managedBy: "a\nb", says: "holds control characters" },
  ])("is refused with $name", async ({ managedBy, says }) => {
    await using api = await startTestApi();
    const { status, text } = await update(api.port, { config, managedBy });
    expect([status, text.includes(says)]).toEqual([400, true]);
    expect(api.controller.calls.filter(({ method }) => method === "putOneApplication")).toEqual([]);
  });
});
