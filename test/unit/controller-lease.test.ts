/** Who may set a target, on the real controller and virtual time: owners, leases, fences, force, and calls by hand. */
import { describe, expect, it } from "vitest";
import type { ScaleRequest } from "../../src/controller/controller.ts";
import type { DeploymentTarget, JournalRecord } from "../../src/controller/records.ts";
import { WindlassError } from "../../src/core/errors.ts";
import type { Store } from "../../src/store/store.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { application, type SimulatedController, simulate } from "../support/simulated-controller.ts";

type Override = Parameters<typeof application>[0];
type More = Parameters<typeof application>[1];

async function deployed(override: Override = { num_replicas: 2 }, more: More = {}): Promise<SimulatedController> {
  const simulation = await simulate();
  simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
  await simulation.put([application(override, more)]);
  await simulation.clock.advance(1_000);
  return simulation;
}

function target(simulation: SimulatedController): DeploymentTarget {
  return simulation.controller.deployment("a", "D")!.target;
}

/** "ok", or the reason it was refused for. */
async function attempt(simulation: SimulatedController, replicas: number, how: Partial<ScaleRequest>): Promise<string> {
  try {
    await simulation.scale("a", "D", replicas, how);
    return "ok";
  } catch (error) {
    if (error instanceof WindlassError) return error.reason;
    throw error;
  }
}

function journalOf(store: Store): JournalRecord[] {
  return store.range("journal/").map(({ value }) => JSON.parse(value) as JournalRecord);
}

describe("who may write", () => {
  it.each<{ name: string; held: Partial<ScaleRequest>[]; call: Partial<ScaleRequest>; answer: string }>([
    { name: "a plain call where nobody holds a lease", held: [], call: {}, answer: "ok" },
    { name: "a plain call after a plain call", held: [{}], call: {}, answer: "ok" },
    {
      name: "a plain call while a named lease lasts",
      held: [{ owner: "x", ttlMs: 9_000 }],
      call: {},
      answer: "LEASE_HELD",
    },
    { name: "a plain call while a lease without end lasts", held: [{ owner: "x" }], call: {}, answer: "LEASE_HELD" },
    { name: "another owner while a lease lasts", held: [{ owner: "x" }], call: { owner: "y" }, answer: "LEASE_HELD" },
    { name: "the owner once more", held: [{ owner: "x", ttlMs: 9_000 }], call: { owner: "x" }, answer: "ok" },
    {
      name: "another owner after a lease was given up",
      held: [{ owner: "x" }, { owner: "x", ttlMs: 0 }],
      call: { owner: "y" },
      answer: "ok",
    },
    {
      name: "another caller while a lease without a name lasts",
      held: [{ ttlMs: 9_000, actor: "application/a" }],
      call: { actor: "admin" },
      answer: "LEASE_HELD",
    },
    {
      name: "the holder of a lease without a name, who says nothing of it",
      held: [{ ttlMs: 9_000, actor: "application/a" }],
      call: { actor: "application/a" },
      answer: "ok",
    },
    { name: "a lower fence", held: [{ owner: "x", fence: 7 }], call: { owner: "x", fence: 6 }, answer: "STALE_FENCE" },
    { name: "the same fence", held: [{ owner: "x", fence: 7 }], call: { owner: "x", fence: 7 }, answer: "ok" },
    { name: "the owner without its fence", held: [{ owner: "x", fence: 7 }], call: { owner: "x" }, answer: "ok" },
    {
      name: "another owner with a higher fence",
      held: [{ owner: "x", fence: 7 }],
      call: { owner: "y", fence: 8 },
      answer: "ok",
    },
    {
      name: "another owner with the same fence",
      held: [{ owner: "x", fence: 7 }],
      call: { owner: "y", fence: 7 },
      answer: "LEASE_HELD",
    },
    {
      name: "another owner with the first fence of all",
      held: [{ owner: "x" }],
      call: { owner: "y", fence: 8 },
      answer: "LEASE_HELD",
    },
    {
      name: "a nameless call with a higher fence",
      held: [{ owner: "x", fence: 7 }],
      call: { fence: 8 },
      answer: "LEASE_HELD",
    },
    { name: "a plain call after a fence without a lease", held: [{ fence: 7 }], call: {}, answer: "ok" },
    {
      name: "a lower fence after the lease was given up",
      held: [{ owner: "x", fence: 7, ttlMs: 0 }],
      call: { owner: "y", fence: 6 },
      answer: "STALE_FENCE",
    },
    { name: "force over a lease", held: [{ owner: "x" }], call: { force: true }, answer: "ok" },
    {
      name: "force with a lower fence",
      held: [{ owner: "x", fence: 7 }],
      call: { force: true, fence: 6 },
      answer: "STALE_FENCE",
    },
    { name: "a call by hand over a lease", held: [{ owner: "x" }], call: { manual: true }, answer: "LEASE_HELD" },
    { name: "a call by hand with force", held: [{ owner: "x" }], call: { manual: true, force: true }, answer: "ok" },
  ])("$name: $answer", async ({ held, call, answer }) => {
    const simulation = await deployed();
    for (const how of held) expect(await attempt(simulation, 3, how)).toBe("ok");
    const before = target(simulation);
    expect(await attempt(simulation, 4, { ...call, dryRun: true })).toBe(answer);
    expect(target(simulation)).toEqual(before);
    expect(await attempt(simulation, 4, call)).toBe(answer);
    expect(target(simulation).replicas).toBe(answer === "ok" ? 4 : 3);
    if (answer !== "ok") expect(target(simulation)).toEqual(before);
  });

  it("a lease without a name has its caller's, and ends when it was said to, whatever calls come between", async () => {
    const simulation = await deployed();
    const actor = "application/a";
    const lease = { owner: actor, expiresAt: simulation.clock.now() + 9_000, fallback: "floor" };
    await simulation.scale("a", "D", 1, { actor, ttlMs: 9_000, leaseFallback: "floor" });
    await simulation.clock.advance(5_000);
    await simulation.scale("a", "D", 0, { actor });
    expect(target(simulation)).toMatchObject({ replicas: 0, lease });
    await simulation.clock.advance(5_000);
    expect(target(simulation).lease).toBeUndefined();
    expect(target(simulation).replicas).toBe(2);
  });

  it("names the holder, its fence and the end of its lease to who is refused", async () => {
    const simulation = await deployed();
    await simulation.scale("a", "D", 3, { owner: "keda", ttlMs: 60_000, fence: 7 });
    const end = new Date(simulation.clock.now() + 60_000).toISOString();
    const metadata = { owner: "keda", lease_expires_at: end, fence: "7" };
    await expect(simulation.scale("a", "D", 4)).rejects.toMatchObject({
      reason: "LEASE_HELD",
      metadata,
      message: `the target of deployment "D" of application "a" is held by "keda", whose lease ends at ${end}: leave the scaling to it, or take it over by a higher fence or by force`,
    });
    await expect(simulation.scale("a", "D", 4, { owner: "keda", fence: 3 })).rejects.toMatchObject({
      reason: "STALE_FENCE",
      metadata,
      message:
        'fence 3 must be >= 7, the highest accepted for deployment "D" of application "a"; "keda" holds the lease: get a newer fence, or stop scaling',
    });
  });

  it("notes owner and fence in the journal, and who set the target", async () => {
    const simulation = await deployed();
    await simulation.scale("a", "D", 3, { owner: "keda", fence: 7, reason: "queue" });
    await simulation.scale("a", "D", 1, { manual: true, force: true });
    const writes = journalOf(simulation.store).filter(({ kind }) => kind === "scale");
    expect(writes).toMatchObject([
      { from: 2, to: 3, owner: "keda", fence: 7, reason: "queue" },
      { from: 3, to: 1 },
    ]);
    expect(writes[1]).not.toHaveProperty("owner");
    expect(target(simulation)).toMatchObject({ replicas: 1, owner: "manual", fence: 7 });
    expect(target(simulation).lease).toBeUndefined();
  });

  it("counts a request_id once for its owner, and another owner's of the same text as its own", async () => {
    const simulation = await deployed();
    await simulation.scale("a", "D", 3, { owner: "x", ttlMs: 0, requestId: "1" });
    await simulation.scale("a", "D", 4, { owner: "x", ttlMs: 0, requestId: "1" });
    expect(target(simulation).replicas).toBe(3);
    await simulation.scale("a", "D", 5, { owner: "y", requestId: "1" });
    expect(target(simulation).replicas).toBe(5);
  });
});

describe("calls by hand", () => {
  it.each<{ name: string; override: Override; more: More; answer: string }>([
    {
      name: "a fixed count without the webhook",
      override: { num_replicas: 2 },
      more: { external_scaler_enabled: false },
      answer: "ok",
    },
    {
      name: "a fixed count of scaling.owner manual",
      override: { num_replicas: 2 },
      more: { external_scaler_enabled: false, scaling: { owner: "manual" } },
      answer: "ok",
    },
    { name: "a fixed count with the webhook", override: { num_replicas: 2 }, more: {}, answer: "ok" },
    {
      name: "an autoscaled deployment",
      override: { autoscaling_config: { min_replicas: 2, max_replicas: 4 } },
      more: { external_scaler_enabled: false },
      answer: "NOT_POSSIBLE_NOW",
    },
    {
      name: "an autoscaled deployment that an external scaler owns",
      override: { autoscaling_config: { min_replicas: 2, max_replicas: 4 } },
      more: { external_scaler_enabled: false, scaling: { owner: "external" } },
      answer: "ok",
    },
  ])("$name: $answer", async ({ override, more, answer }) => {
    const simulation = await deployed(override, more);
    expect(await attempt(simulation, 4, { manual: true })).toBe(answer);
    expect(target(simulation)).toMatchObject(answer === "ok" ? { replicas: 4, owner: "manual" } : { owner: "config" });
  });
});

describe("scaling.owner external", () => {
  it.each([
    { owner: "external", answer: "ok" },
    { owner: "manual", answer: "EXTERNAL_SCALER_DISABLED" },
    { owner: "autoscaler", answer: "EXTERNAL_SCALER_DISABLED" },
  ] as const)("$owner: a plain call is $answer", async ({ owner, answer }) => {
    const simulation = await deployed({ num_replicas: 2 }, { external_scaler_enabled: false, scaling: { owner } });
    expect(await attempt(simulation, 4, {})).toBe(answer);
  });
});

const FIXED = { override: { num_replicas: 2 }, more: {} };
const SCALED = {
  override: { autoscaling_config: { min_replicas: 2, max_replicas: 4 } },
  more: { external_scaler_enabled: false, scaling: { owner: "external" } },
} as const;

describe("the end of a lease", () => {
  it.each([
    { name: "hold keeps the target", ...FIXED, leaseFallback: "hold", to: 5, becomes: 5, owner: "external" },
    { name: "floor keeps a higher target", ...FIXED, leaseFallback: "floor", to: 5, becomes: 5, owner: "external" },
    {
      name: "floor raises a lower target to the configured count",
      ...FIXED,
      leaseFallback: "floor",
      to: 0,
      becomes: 2,
      owner: "config",
    },
    {
      name: "policy brings the configured count back",
      ...FIXED,
      leaseFallback: "policy",
      to: 5,
      becomes: 2,
      owner: "config",
    },
    {
      name: "floor raises a lower target to min_replicas",
      ...SCALED,
      leaseFallback: "floor",
      to: 0,
      becomes: 2,
      owner: "autoscaler",
    },
    {
      name: "policy hands a target out of bounds to the autoscaler",
      ...SCALED,
      leaseFallback: "policy",
      to: 9,
      becomes: 4,
      owner: "autoscaler",
    },
    {
      name: "policy hands a target within bounds to the autoscaler",
      ...SCALED,
      leaseFallback: "policy",
      to: 3,
      becomes: 3,
      owner: "autoscaler",
    },
  ] as const)("$name", async ({ override, more, leaseFallback, to, becomes, owner }) => {
    const simulation = await deployed(override, more);
    await simulation.scale("a", "D", to, { owner: "x", ttlMs: 60_000, leaseFallback, fence: 7 });
    await simulation.clock.advance(59_999);
    expect(target(simulation)).toMatchObject({ replicas: to, owner: "external", lease: { owner: "x" } });
    await simulation.clock.advance(1);
    expect(target(simulation)).toMatchObject({ replicas: becomes, owner, fence: 7 });
    expect(target(simulation).lease).toBeUndefined();
    const ends = journalOf(simulation.store).filter(({ kind }) => kind === "lease-ended");
    expect(ends).toMatchObject([{ application: "a", deployment: "D", owner: "x", from: to, to: becomes }]);
    await simulation.clock.advance(2_000);
    expect(simulation.replicas("a", "D")).toBe(`RUNNING ${becomes}`);
    expect(await attempt(simulation, 1, { owner: "y", fence: 6 })).toBe("STALE_FENCE");
    expect(await attempt(simulation, 1, { owner: "y" })).toBe("ok");
  });

  it("follows the application's lease_fallback unless the call has one", async () => {
    const simulation = await deployed({ num_replicas: 2 }, { scaling: { lease_fallback: "policy" } });
    await simulation.scale("a", "D", 5, { owner: "x", ttlMs: 1_000 });
    await simulation.clock.advance(1_000);
    expect(target(simulation).replicas).toBe(2);
    await simulation.scale("a", "D", 5, { owner: "x", ttlMs: 1_000, leaseFallback: "hold" });
    await simulation.clock.advance(1_000);
    expect(target(simulation).replicas).toBe(5);
  });

  it("is put off by each renewal, and never comes for a lease that was given up", async () => {
    const simulation = await deployed();
    for (let i = 0; i < 5; i++) {
      await simulation.scale("a", "D", 5, { owner: "x", ttlMs: 10_000, leaseFallback: "policy" });
      await simulation.clock.advance(9_000);
    }
    expect(target(simulation).replicas).toBe(5);
    await simulation.scale("a", "D", 6, { owner: "x", ttlMs: 0 });
    await simulation.clock.advance(60_000);
    expect(target(simulation)).toMatchObject({ replicas: 6, owner: "external" });
    expect(journalOf(simulation.store).some(({ kind }) => kind === "lease-ended")).toBe(false);
  });

  it("comes before a write at its very moment", async () => {
    const simulation = await deployed();
    await simulation.scale("a", "D", 5, { owner: "x", ttlMs: 10_000, leaseFallback: "policy" });
    const late = simulation.controller.scale.bind(simulation.controller);
    let done: Promise<unknown> | undefined;
    simulation.clock.timer(10_000, () => {
      done = late({ application: "a", deployment: "D", target: 3, requestId: "", reason: "", etag: "", actor: "t" });
    });
    await simulation.clock.advance(10_000);
    expect(await done).toMatchObject({ previous: 2 });
    expect(chainOf(simulation.store)).toEqual([
      ["scale", 2, 5],
      ["lease-ended", 5, 2],
      ["scale", 2, 3],
    ]);
  });

  it.each(["restart", "crash"] as const)("comes in time after a %s before it", async (kind) => {
    const simulation = await deployed();
    await simulation.scale("a", "D", 5, { owner: "x", ttlMs: 10_000, leaseFallback: "policy", fence: 7 });
    await simulation[kind]();
    expect(await attempt(simulation, 1, {})).toBe("LEASE_HELD");
    expect(await attempt(simulation, 1, { owner: "x", fence: 6 })).toBe("STALE_FENCE");
    await simulation.clock.advance(8_000);
    expect(target(simulation).replicas).toBe(5);
    await simulation.clock.advance(2_000);
    expect(target(simulation)).toMatchObject({ replicas: 2, owner: "config" });
  });

  it("that came while the controller was dead is noted at once by the next one", async () => {
    const simulation = await deployed();
    await simulation.scale("a", "D", 5, { owner: "x", ttlMs: 10_000, leaseFallback: "policy" });
    await simulation.controller.close();
    await simulation.clock.advance(60_000);
    expect(target(simulation).replicas).toBe(5);
    await simulation.restart();
    expect(target(simulation)).toMatchObject({ replicas: 2, owner: "config" });
  });

  it("does not come for a deployment that is deleted", async () => {
    const simulation = await deployed();
    simulation.engine.behaviour.set("a/D", { stopMs: 15_000 });
    await simulation.scale("a", "D", 5, { owner: "x", ttlMs: 10_000, leaseFallback: "policy" });
    await simulation.put([]);
    await simulation.clock.advance(12_000);
    expect(target(simulation).replicas).toBe(0);
  });
});

describe("a redeploy", () => {
  it("of an unchanged deployment keeps target, lease and fence", async () => {
    const simulation = await deployed();
    await simulation.scale("a", "D", 5, { owner: "x", ttlMs: 60_000, fence: 7 });
    const before = target(simulation);
    await simulation.put([application({ num_replicas: 2 })]);
    await simulation.clock.advance(1_000);
    expect(target(simulation)).toEqual(before);
  });

  it("of a changed deployment sets the target by the config; lease and fence stay", async () => {
    const simulation = await deployed();
    await simulation.scale("a", "D", 5, { owner: "x", ttlMs: 60_000, leaseFallback: "policy", fence: 7 });
    const { lease } = target(simulation);
    await simulation.put([application({ num_replicas: 3 })]);
    await simulation.clock.advance(1_000);
    expect(target(simulation)).toMatchObject({ replicas: 3, owner: "config", lease, fence: 7 });
    expect(await attempt(simulation, 1, {})).toBe("LEASE_HELD");
    expect(await attempt(simulation, 4, { owner: "x", fence: 7 })).toBe("ok");
  });

  it("of a deleted deployment begins without lease and fence", async () => {
    const simulation = await deployed();
    simulation.engine.behaviour.set("a/D", { stopMs: 15_000 });
    await simulation.scale("a", "D", 1, { owner: "x", fence: 7 });
    await simulation.put([]);
    await simulation.put([application({ num_replicas: 2 })]);
    await simulation.clock.advance(30_000);
    expect(target(simulation)).toMatchObject({ replicas: 2, owner: "config" });
    expect(target(simulation)).not.toHaveProperty("lease");
    expect(target(simulation)).not.toHaveProperty("fence");
  });
});

/** Everything that changed the target, in the journal's order. */
function chainOf(store: Store): [string, number, number][] {
  return journalOf(store).flatMap((entry) =>
    entry.kind === "scale" || entry.kind === "lease-ended" ? [[entry.kind, entry.from, entry.to]] : [],
  );
}

describe("random histories", () => {
  it.each([1, 2, 3, 4, 5])("are linear, with one owner at a time and no fence that falls (seed %i)", async (seed) => {
    const simulation = await deployed();
    const random = seededRandom(seed);
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)]!;
    // What the rules say, told once more.
    let lease: { owner: string; end: number } | undefined;
    let highest = -1;
    let accepted = 0;
    for (let step = 0; step < 200; step++) {
      const owner = pick(["", "x", "y", "z"]);
      const fence = pick([undefined, undefined, Math.max(0, highest + pick([-2, -1, 0, 1, 2]))]);
      const ttl = owner === "" ? undefined : pick([undefined, 0, 5_000, 20_000]);
      const force = pick([false, false, false, true]);
      const how = {
        owner,
        force,
        ...(fence === undefined ? {} : { fence }),
        ...(ttl === undefined ? {} : { ttlMs: ttl }),
      };
      const now = simulation.clock.now();
      if (lease !== undefined && lease.end <= now) lease = undefined;
      const stale = fence !== undefined && fence < highest;
      const higher = owner !== "" && fence !== undefined && highest >= 0 && fence > highest;
      const held = lease !== undefined && lease.owner !== owner && !force && !higher;
      const expected = stale ? "STALE_FENCE" : held ? "LEASE_HELD" : "ok";
      expect([step, await attempt(simulation, pick([0, 1, 2, 3]), how)]).toEqual([step, expected]);
      if (expected === "ok") {
        accepted += 1;
        highest = Math.max(highest, fence ?? -1);
        lease = owner === "" || ttl === 0 ? undefined : { owner, end: ttl === undefined ? Infinity : now + ttl };
      }
      await simulation.clock.advance(pick([0, 0, 100, 6_000]));
      if (step % 40 === 39) await simulation[pick(["restart", "crash"] as const)]();
    }
    const writes = journalOf(simulation.store).filter((entry) => entry.kind === "scale");
    expect(writes).toHaveLength(accepted);
    const fences = writes.flatMap(({ fence }) => fence ?? []);
    expect(fences).toEqual([...fences].sort((a, b) => a - b));
    const chain = chainOf(simulation.store);
    for (const [index, [, from]] of chain.entries()) expect(from).toBe(index === 0 ? 2 : chain[index - 1]![2]);
    expect(target(simulation).replicas).toBe(chain.at(-1)![2]);
  });
});
