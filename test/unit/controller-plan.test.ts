import { describe, expect, it } from "vitest";
import type { ApplicationConfig } from "../../src/config/types.ts";
import type { ApplicationPlan, DeploymentPlan, Plan } from "../../src/controller/controller.ts";
import { type Basis, changesSince } from "../../src/controller/plan-basis.ts";
import { differingPaths } from "../../src/controller/plan-changes.ts";
import { MAX_PLANS, PLAN_TTL_MS, PlanStore } from "../../src/controller/plan-store.ts";
import { WindlassError } from "../../src/core/errors.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { application, type SimulatedController, simulate } from "../support/simulated-controller.ts";

const never = new AbortController().signal;

async function started(capacity?: { cpus: number }): Promise<SimulatedController> {
  const simulation = await simulate(capacity ? { capacity: { gpus: null, custom: null, ...capacity } } : {});
  simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
  return simulation;
}

async function deploy(simulation: SimulatedController, ...applications: ApplicationConfig[]): Promise<void> {
  await simulation.put(applications);
  await simulation.clock.advance(3_000);
}

async function plan(
  simulation: SimulatedController,
  applications: ApplicationConfig[],
  more: { onlyListed?: boolean; signal?: AbortSignal; target_capacity?: number; actor?: string } = {},
): Promise<Plan> {
  const { onlyListed = false, signal = never, actor = "test", ...config } = more;
  const made = simulation.controller.plan(
    { config: { applications, ...config }, baseDir: "/apps", actor, onlyListed },
    signal,
  );
  made.catch(() => {});
  for (let i = 0; i < 10; i++) await simulation.clock.advance(10);
  return made;
}

async function applied(simulation: SimulatedController, token: string, validateOnly = false) {
  const answer = simulation.controller.applyPlan({ token, validateOnly, actor: "test" });
  answer.catch(() => {});
  await simulation.clock.advance(0);
  return answer;
}

async function planOne(...args: Parameters<typeof plan>): Promise<DeploymentPlan> {
  return (await plan(...args)).applications[0]!.deployments[0]!;
}

const reasonOf = (error: unknown): string => (error instanceof WindlassError ? error.reason : String(error));

describe("what a plan says", () => {
  const before = application({ num_replicas: 4, user_config: { secret: "s3cret", depth: 1 } });
  const changed = (
    override: Parameters<typeof application>[0],
    more: Partial<ApplicationConfig> = {},
  ): ApplicationConfig => application({ ...before.deployments![0], ...override }, more);

  it.each<[string, ApplicationConfig, Partial<DeploymentPlan>, Partial<ApplicationPlan>]>([
    ["nothing differs", before, { action: "NONE", changes: [], peakExtra: 0, peakMissing: 0 }, { action: "NONE" }],
    [
      "a limit of the routers differs",
      changed({ max_queued_requests: 7 }),
      { action: "SETTINGS", changes: ["max_queued_requests"] },
      { action: "UPDATE" },
    ],
    [
      "the count differs",
      changed({ num_replicas: 6 }),
      { action: "SCALE", changes: ["num_replicas"], target: 4, plannedTarget: 6, peakMissing: 0, peakExtra: 0 },
      { action: "UPDATE" },
    ],
    [
      "user_config differs, told by its paths alone",
      changed({ user_config: { secret: "other", depth: 1, more: [1] } }),
      { action: "RECONFIGURE", changes: ["user_config.more", "user_config.secret"], peakMissing: 0 },
      { action: "UPDATE" },
    ],
    [
      "a resource differs",
      changed({ ray_actor_options: { num_cpus: 2 } }),
      { action: "RESTART", changes: ["ray_actor_options.num_cpus"], peakMissing: 1, peakExtra: 0 },
      { action: "UPDATE", codeChanged: false },
    ],
    [
      "replicas are added before others leave",
      changed({ ray_actor_options: { num_cpus: 2 }, max_surge_percent: 50 }),
      { action: "RESTART", peakMissing: 0, peakExtra: 2 },
      {},
    ],
    [
      "a count and a restart go together",
      changed({ ray_actor_options: { num_cpus: 2 }, num_replicas: 2 }),
      { action: "RESTART", target: 4, plannedTarget: 2, changes: ["num_replicas", "ray_actor_options.num_cpus"] },
      {},
    ],
    [
      "a variable of the application differs",
      changed({}, { runtime_env: { env_vars: { KEY: "hidden" } } }),
      { action: "RESTART", changes: ["runtime_env.env_vars.KEY"] },
      {},
    ],
    [
      "the prefix differs",
      changed({}, { route_prefix: "/b" }),
      { action: "RECONFIGURE", changes: ["route_prefix"] },
      {},
    ],
    [
      "only the application differs",
      changed({}, { external_scaler_enabled: false }),
      { action: "NONE", changes: [] },
      { action: "UPDATE" },
    ],
  ])("%s", async (_name, wanted, deployment, about) => {
    const simulation = await started();
    await deploy(simulation, before);
    const { applications } = await plan(simulation, [wanted]);
    expect(applications).toHaveLength(1);
    expect(applications[0]).toMatchObject({ name: "a", error: "", canary: false, ...about });
    expect(applications[0]!.deployments).toHaveLength(1);
    expect(applications[0]!.deployments[0]).toMatchObject({ name: "D", target: 4, plannedTarget: 4, ...deployment });
    expect(JSON.stringify(applications)).not.toMatch(/s3cret|other|hidden/);
  });

  it("tells new, edited and deleted code, each deployment on its own", async () => {
    const simulation = await started();
    const other = { ...application({}, { name: "b", route_prefix: "/b" }), deployments: [] };
    await deploy(simulation, before, other);
    simulation.engine.applications.set("app", {
      deployments: [{ name: "E" }, { name: "D" }],
      ingress: "D",
      hash: "h2",
    });
    const { applications } = await plan(simulation, [
      before,
      { ...application({}, { name: "c", route_prefix: "/c" }), deployments: [] },
    ]);
    const lines = applications.flatMap(({ name, action, codeChanged, deployments }) => [
      `${name} ${action} ${codeChanged}`,
      ...deployments.map((each) => `${name}/${each.name} ${each.action} ${each.target}->${each.plannedTarget}`),
    ]);
    expect(lines).toEqual([
      "a UPDATE true",
      "a/D RESTART 4->4",
      "a/E CREATE 0->1",
      "b DELETE false",
      "b/D DELETE 1->0",
      "c CREATE false",
      "c/D CREATE 0->1",
      "c/E CREATE 0->1",
    ]);
    expect(applications[0]!.deployments[0]!.changes).toEqual(["code"]);
  });

  it("names deployments that the new code has no more, and leaves unlisted applications alone if asked to", async () => {
    const simulation = await started();
    simulation.engine.applications.set("app", {
      deployments: [{ name: "D" }, { name: "E" }],
      ingress: "D",
      hash: "h1",
    });
    await deploy(simulation, before, application({}, { name: "b", route_prefix: "/b" }));
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h2" });
    const { applications, warnings, token } = await plan(simulation, [before], {
      onlyListed: true,
      target_capacity: 50,
    });
    expect(applications.map(({ name }) => name)).toEqual(["a"]);
    expect(applications[0]!.deployments.map(({ name, action }) => `${name} ${action}`)).toEqual([
      "D RESTART",
      "E DELETE",
    ]);
    expect(warnings).toContain("target_capacity: left out, because only the listed applications are written");
    await applied(simulation, token);
    await simulation.clock.advance(5_000);
    expect(simulation.controller.application("b")?.deleting).toBe(false);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 4");
  });

  it("tells of a target from outside that is lost, and of a lease that is kept", async () => {
    const simulation = await started();
    await deploy(simulation, before);
    await simulation.scale("a", "D", 5, { owner: "scaler" });
    await simulation.clock.advance(1_000);
    const same = await planOne(simulation, [before]);
    expect(same).toMatchObject({ action: "NONE", target: 5, plannedTarget: 5, notes: [] });
    const other = await planOne(simulation, [changed({ user_config: 1 })]);
    expect(other).toMatchObject({ action: "RECONFIGURE", target: 5, plannedTarget: 4 });
    expect(other.notes).toEqual([
      "the target set from outside is lost: 5 becomes 4",
      'the lease of "scaler" on the target is kept',
    ]);
  });

  it.each([
    { cpus: 4, missing: 1, note: /^for a while no replica serves: the node has no room/, replicas: 1, takes: 4 },
    { cpus: 5, missing: 3, note: /^3 replicas are missing for a while: the node has no room/, replicas: 5, takes: 2 },
    { cpus: 3, missing: 0, note: /^1 of 4 replicas waits for resources: each takes CPU 1; /, replicas: 4, takes: 1 },
  ])(
    "tells what $cpus CPUs force on $replicas replicas of $takes",
    async ({ cpus, missing, note, replicas, takes }) => {
      const simulation = await started({ cpus });
      const first = takes === 1 ? 3 : replicas;
      await deploy(
        simulation,
        application({ num_replicas: first, ray_actor_options: { num_cpus: takes === 4 ? 4 : 1 } }),
      );
      const next = { num_replicas: replicas, ray_actor_options: { num_cpus: takes } };
      const env = takes === 4 ? { runtime_env: { env_vars: { A: "1" } } } : {};
      const told = await planOne(simulation, [application(next, env)]);
      expect(told.notes.join("\n")).toMatch(note);
      expect(told.peakMissing).toBeGreaterThanOrEqual(missing);
    },
  );

  it("tells of settings that work badly, once, and of counts that are ignored", async () => {
    const simulation = await started();
    simulation.engine.applications.set("app", {
      deployments: [{ name: "D", options: { autoscaling_config: { min_replicas: 1, max_replicas: 3 } } }],
      ingress: "D",
      hash: "h1",
    });
    const { applications, warnings } = await plan(simulation, [
      application({ num_replicas: 2, graceful_shutdown_timeout_s: 0 }, { external_scaler_enabled: false }),
    ]);
    expect(applications[0]!.deployments[0]!.notes).toEqual([
      expect.stringMatching(/^graceful_shutdown_timeout_s: 0 kills/),
    ]);
    expect(warnings).toEqual([expect.stringMatching(/^deployments\["D"\]\.num_replicas: 2 is ignored/)]);
  });

  it("says nothing of settings that the code makes good", async () => {
    const simulation = await started();
    const options = { graceful_shutdown_timeout_s: 60 };
    simulation.engine.applications.set("app", { deployments: [{ name: "D", options }], ingress: "D", hash: "h1" });
    const { applications, warnings } = await plan(simulation, [application({ request_timeout_s: 60 })]);
    expect([applications[0]!.deployments[0]!.notes, warnings]).toEqual([[], []]);
  });

  it("an application that cannot be built or merged is told with its error, and there is no token", async () => {
    const simulation = await started();
    await deploy(simulation, before);
    const wrong = application({}, { name: "b", route_prefix: "/b", import_path: "nowhere" });
    const { applications, token } = await plan(simulation, [before, wrong]);
    expect(token).toBe("");
    expect(applications[0]).toMatchObject({ name: "a", error: "", action: "NONE" });
    expect(applications[1]).toMatchObject({ name: "b", action: "CREATE", deployments: [] });
    expect(applications[1]!.error).toContain("no module nowhere");
    const unknown = await plan(simulation, [{ ...before, deployments: [{ name: "Nope" }] }]);
    expect(unknown.applications[0]!.error).toContain('names deployment "Nope"');
    expect(simulation.controller.application("a")?.status).toBe("RUNNING");
  });

  it("a new revision with steps begins as a canary, whose replicas come on top at its last step", async () => {
    const simulation = await started();
    const rollout = { canary: [{ weight: 10 }, { weight: 50 }] };
    await deploy(simulation, before);
    const { applications } = await plan(simulation, [changed({ rollout, ray_actor_options: { num_cpus: 2 } })]);
    expect(applications[0]).toMatchObject({ canary: true, action: "UPDATE" });
    expect(applications[0]!.deployments[0]).toMatchObject({ action: "RESTART", peakExtra: 2, peakMissing: 0 });
  });

  it("without an instance everything is made", async () => {
    const simulation = await started();
    const ended = simulation.controller.endInstance("test");
    await simulation.clock.advance(1_000);
    await ended;
    const { applications, token } = await plan(simulation, [before]);
    expect(applications[0]).toMatchObject({ action: "CREATE" });
    await applied(simulation, token);
    await simulation.clock.advance(1_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 4");
  });

  it("refuses what the apply would refuse", async () => {
    const simulation = await started();
    const wrong = [before, application({}, { name: "b", route_prefix: "/a" })];
    await deploy(simulation, before);
    await expect(plan(simulation, [wrong[1]!], { onlyListed: true })).rejects.toThrow('"/a" is taken');
  });
});

describe("planning changes nothing", () => {
  it("no record is written, no replica touched, no build attached to the application", async () => {
    const simulation = await started();
    await deploy(simulation, application({ num_replicas: 2 }));
    const { revision } = simulation.store;
    const from = simulation.engine.commands.length;
    const record = simulation.controller.application("a");
    await plan(simulation, [application({ num_replicas: 5, ray_actor_options: { num_cpus: 3 } })]);
    expect(simulation.store.revision).toBe(revision);
    expect(simulation.controller.application("a")).toBe(record);
    expect(simulation.engine.commands.slice(from).filter((each) => !each.startsWith("health"))).toEqual(["build app"]);
  });

  it("a caller that leaves cancels the builds; so does the controller's end", async () => {
    const simulation = await started();
    simulation.engine.buildMs = 10_000;
    const caller = new AbortController();
    const request = { config: { applications: [application()] }, baseDir: "/apps", actor: "t", onlyListed: false };
    const left = simulation.controller.plan(request, caller.signal);
    caller.abort();
    await expect(left).rejects.toMatchObject({ reason: "INSTANCE_UNAVAILABLE" });
    const closed = simulation.controller.plan(request, never);
    await simulation.controller.close();
    await expect(closed).rejects.toMatchObject({ reason: "INSTANCE_UNAVAILABLE" });
    expect(simulation.engine.commands.filter((each) => each.startsWith("cancel-build"))).toHaveLength(2);
  });
});

describe("a token", () => {
  const first = application({ num_replicas: 2 });
  const second = application({ num_replicas: 3 });

  it("applies with the code that was planned, though the sources have changed since", async () => {
    const simulation = await started();
    await deploy(simulation, first);
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "planned" });
    const { token } = await plan(simulation, [first]);
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "later" });
    const builds = simulation.engine.commands.filter((each) => each.startsWith("build")).length;
    await applied(simulation, token);
    await simulation.clock.advance(3_000);
    expect(simulation.controller.application("a")?.built?.bundleHash).toBe("planned");
    expect(simulation.engine.commands.filter((each) => each.startsWith("build"))).toHaveLength(builds);
    expect(simulation.status("a", "D")).toBe("HEALTHY/CONFIG_UPDATE_COMPLETED");
  });

  it("once more it answers as before, until something else has changed", async () => {
    const simulation = await started();
    await deploy(simulation, first);
    const { token } = await plan(simulation, [second]);
    const answer = await applied(simulation, token);
    await simulation.clock.advance(2_000);
    const generation = simulation.controller.application("a")?.generation;
    expect(await applied(simulation, token)).toEqual(answer);
    expect(simulation.controller.application("a")?.generation).toBe(generation);
    await simulation.scale("a", "D", 1);
    await expect(applied(simulation, token)).rejects.toMatchObject({ reason: "STALE_PLAN" });
  });

  it("with validateOnly it is only checked", async () => {
    const simulation = await started();
    await deploy(simulation, first);
    const { token } = await plan(simulation, [second]);
    await applied(simulation, token, true);
    expect(simulation.controller.deployment("a", "D")?.target.replicas).toBe(2);
  });

  type Event = (simulation: SimulatedController) => Promise<unknown>;
  it.each<[string, Event, string]>([
    ["the deployment is scaled", (s) => s.scale("a", "D", 9), 'deployment "a/D" has changed'],
    ["the application is put again", (s) => s.put([first]), 'application "a" has changed'],
    [
      "another application comes, which it would delete",
      (s) => s.put([first, application({}, { name: "b", route_prefix: "/b" })]),
      'application "b" is new',
    ],
    ["the capacity changes", (s) => s.put([first], { target_capacity: 50 }), "target_capacity has changed"],
    ["the controller starts anew", (s) => s.restart(), "is unknown: plans hold for an hour"],
    ["an hour passes", (s) => s.clock.advance(PLAN_TTL_MS), "is unknown: plans hold for an hour"],
    [
      "its bundle is lost",
      async (s) => s.engine.lostBundles.add("/bundles/h1"),
      "the code of the plan is gone; plan again",
    ],
    [
      "the application is deleted",
      (s) => {
        const gone = s.controller.deleteApplication({ application: "a", allowMissing: false, etag: "", actor: "t" });
        return Promise.all([gone, s.clock.advance(2_000)]);
      },
      'application "a" is gone',
    ],
  ])("is refused once %s", async (_name, event, message) => {
    const simulation = await started();
    await deploy(simulation, first);
    const { token } = await plan(simulation, [second]);
    await event(simulation);
    await simulation.clock.advance(100);
    const before = simulation.store.revision;
    const failure = await applied(simulation, token).catch((error: unknown) => error);
    expect(reasonOf(failure)).toBe("STALE_PLAN");
    expect((failure as Error).message).toContain(message);
    expect(simulation.store.revision).toBe(before);
  });

  it("a replica that dies meanwhile does not make it stale", async () => {
    const simulation = await started();
    await deploy(simulation, first);
    const { token } = await plan(simulation, [second]);
    simulation.engine.die([...simulation.engine.running.keys()][0]!);
    await simulation.clock.advance(2_000);
    await applied(simulation, token);
    await simulation.clock.advance(2_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 3");
  });
});

it("a deployment that only edited sources have may be configured with them", async () => {
  const simulation = await started();
  await deploy(simulation, application());
  simulation.engine.applications.set("app", { deployments: [{ name: "D" }, { name: "E" }], ingress: "D", hash: "h2" });
  await deploy(simulation, { ...application(), deployments: [{ name: "E", num_replicas: 2 }] });
  expect(simulation.controller.application("a")?.status).toBe("RUNNING");
  expect(simulation.replicas("a", "E")).toBe("RUNNING 2");
});

describe("the parts", () => {
  it("paths of differences go into objects and stop at lists", () => {
    expect(differingPaths({ a: { b: 1, c: [1] } }, { a: { b: 1, c: [2] }, "x y": 1 })).toEqual(["a.c", '["x y"]']);
    expect(differingPaths({}, { a: { b: { c: 1 } }, d: {} })).toEqual(["a.b.c", "d"]);
    expect(differingPaths({ a: null }, { a: { b: 1 } })).toEqual(["a"]);
    expect(differingPaths({ a: null }, {})).toEqual([]);
    expect(differingPaths({ a: 1 }, { a: { b: 1 } })).toEqual(["a"]);
  });

  it("changes since are told by name", () => {
    const basis = (...entries: [string, string][]): Basis => new Map(entries);
    expect(changesSince(basis(["a", "1"], ["b", "1"], ["c", "1"]), basis(["a", "1"], ["b", "2"], ["d", "1"]))).toEqual([
      "b has changed",
      "c is gone",
      "d is new",
    ]);
  });

  it("the store keeps the newest plans, in number and in size, and none longer than an hour", () => {
    const store = new PlanStore(seededRandom(1));
    const kept = (args: Record<string, unknown> = {}) => ({
      writes: {
        config: { applications: [{ import_path: "a:b", args }] },
        baseDir: "/",
        actor: "t",
        onlyListed: false,
      },
      code: new Map([
        ["a", { bundlePath: "/b", bundleHash: "h", exportName: "a", ingress: "D", deployments: [] } as const],
      ]),
      basis: new Map<string, string>(),
    });
    const tokens = Array.from({ length: MAX_PLANS + 1 }, () => store.keep(kept(), 0).token);
    expect(new Set(tokens).size).toBe(MAX_PLANS + 1);
    expect(tokens.map((token) => store.find(token, 1) !== undefined)).toEqual([
      false,
      ...tokens.slice(1).map(() => true),
    ]);
    expect(store.builtPaths(1)).toContain("/b");
    expect(store.builtPaths(PLAN_TTL_MS)).toEqual([]);
    const large = store.keep(kept({ text: "x".repeat(70_000_000) }), 1).token;
    expect(tokens.filter((token) => store.find(token, 2))).toEqual([]);
    expect(store.find(large, 2)).toBeDefined();
    expect(store.find(large, 1 + PLAN_TTL_MS)).toBeUndefined();
  });
});
