/** What a plan says is what its apply does: 1,000 pairs of configs on the real controller and a simulated engine. */
import { describe, expect, it } from "vitest";
import type { DeploymentPlan, Plan } from "../../src/controller/controller.ts";
import type { DeploymentRecord } from "../../src/controller/records.ts";
import { randomInt } from "../../src/core/random.ts";
import { type GeneratedState, generateState } from "../support/plan-pairs.ts";
import { type WatchedStore, watchedStore } from "../support/replica-watch.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { type SimulatedController, simulate } from "../support/simulated-controller.ts";

/** What a deployment's replicas were told between two moments. */
interface Performed {
  readonly starts: number;
  readonly stops: number;
  readonly reconfigured: number;
  readonly target: number;
  readonly peakExtra: number;
  readonly peakMissing: number;
  /** Whether its desired state is another one. */
  readonly written: boolean;
}

const never = new AbortController().signal;

/** Lets time pass until nothing moves any more. */
async function settle(simulation: SimulatedController): Promise<void> {
  for (let i = 0; i < 400; i++) {
    const { applications, deployments, replicas } = simulation.controller.snapshot();
    const moving =
      applications.some(({ build, deleting }) => build.kind === "building" || deleting) ||
      deployments.some(({ deleting, rollout }) => deleting || rollout === "active") ||
      replicas.some(({ state }) => state.kind !== "running" && state.kind !== "waiting");
    if (!moving) return;
    await simulation.clock.advance(10);
  }
  throw new Error("it does not come to rest");
}

async function planOf(simulation: SimulatedController, state: GeneratedState): Promise<Plan> {
  for (const [path, source] of state.sources) simulation.engine.applications.set(path, source);
  const { applications, target_capacity } = state;
  const made = simulation.controller.plan(
    { config: { applications, target_capacity }, baseDir: "/apps", actor: "test", onlyListed: false },
    never,
  );
  let plan: Plan | undefined;
  void made.then((value) => (plan = value)).catch(() => {});
  for (let i = 0; i < 50 && plan === undefined; i++) await simulation.clock.advance(5);
  return await made;
}

async function apply(simulation: SimulatedController, token: string): Promise<void> {
  const applied = simulation.controller.applyPlan({ token, validateOnly: false, actor: "test" });
  applied.catch(() => {});
  await simulation.clock.advance(0);
  await applied;
  await settle(simulation);
}

/** Everything that was told to the replicas of each deployment by `act`, from the engine's port and the store. */
async function performedBy(simulation: SimulatedController, watched: WatchedStore, act: () => Promise<void>) {
  const { engine, controller } = simulation;
  const before = controller.snapshot();
  const from = engine.commands.length;
  const where = new Map(before.replicas.map(({ id, application, deployment }) => [id, `${application}/${deployment}`]));
  watched.forget();
  const start = engine.start.bind(engine);
  engine.start = (request) => {
    where.set(request.id, `${request.application}/${request.deployment}`);
    start(request);
  };
  await act();
  engine.start = start;
  const after = controller.snapshot();
  const told = new Map<string, Set<string>>();
  for (const command of engine.commands.slice(from)) {
    const [verb = "", id = ""] = command.split(" ");
    const of = where.get(id);
    if (of === undefined || verb === "health" || verb === "build") continue;
    const key = `${of} ${verb === "kill" ? "stop" : verb}`;
    told.set(key, (told.get(key) ?? new Set()).add(id));
  }
  return (application: string, deployment: string): Performed => {
    const find = ({ deployments }: typeof before) =>
      deployments.find((each) => each.application === application && each.name === deployment);
    const count = (verb: string): number => told.get(`${application}/${deployment} ${verb}`)?.size ?? 0;
    const [was, is] = [find(before), find(after)];
    const [low, high] = [was?.target.replicas ?? 0, is?.target.replicas ?? 0].sort((a, b) => a - b) as [number, number];
    const { mostLive, leastServing } = watched.extremes(application, deployment);
    return {
      starts: count("start"),
      stops: count("stop"),
      reconfigured: count("reconfigure"),
      target: is?.target.replicas ?? 0,
      peakExtra: Math.max(0, mostLive - high),
      peakMissing: Math.max(0, low - leastServing),
      written: JSON.stringify(was && desired(was)) !== JSON.stringify(is && desired(is)),
    };
  };
}

/** A deployment without what only tells how it fares. */
function desired({ config, userConfigured, version, target, ingress, outbound }: DeploymentRecord) {
  return [config, userConfigured, version.restart, version.settings, target.replicas, ingress, outbound];
}

/** What a plan's words say in the same terms. */
function planned(plan: DeploymentPlan): Performed {
  const { action, target: from, plannedTarget: to, peakExtra, peakMissing } = plan;
  const more = { target: to, peakExtra, peakMissing, written: action !== "NONE" };
  const scaled = { starts: Math.max(0, to - from), stops: Math.max(0, from - to), reconfigured: 0 };
  switch (action) {
    case "NONE":
    case "SETTINGS":
      return { starts: 0, stops: 0, reconfigured: 0, ...more };
    case "RECONFIGURE":
      return { ...scaled, reconfigured: Math.min(from, to), ...more };
    case "RESTART":
      return { starts: to, stops: from, reconfigured: 0, ...more };
    default:
      return { ...scaled, ...more };
  }
}

/** Goes from state to state, each planned before it is applied; returns how often each action was planned. */
async function walk(seed: number, pairs: number): Promise<Map<string, number>> {
  const watched = watchedStore();
  const simulation = await simulate({ store: watched.store, seed });
  Object.assign(simulation.engine, { buildMs: 1 });
  const random = seededRandom(seed);
  const seen = new Map<string, number>();
  let state = generateState(random);
  await apply(simulation, (await planOf(simulation, state)).token);
  for (let pair = 0; pair < pairs; pair++) {
    await scaleSome(simulation, random);
    state = generateState(random, state);
    const label = `seed ${seed}, pair ${pair}`;
    const plan = await planOf(simulation, state);
    expect(plan.applications.map(({ error }) => error).join(""), label).toBe("");
    const performed = await performedBy(simulation, watched, () => apply(simulation, plan.token));
    const present = simulation.controller.snapshot();
    for (const { name, action, deployments } of plan.applications) {
      const exists = present.applications.some((application) => application.name === name);
      expect({ label, name, exists }).toEqual({ label, name, exists: action !== "DELETE" });
      for (const deployment of deployments) {
        const what = `${label}: ${name}/${deployment.name} ${deployment.action} (${deployment.changes.join(", ")})`;
        expect({ what, ...performed(name, deployment.name) }).toEqual({ what, ...planned(deployment) });
        seen.set(deployment.action, (seen.get(deployment.action) ?? 0) + 1);
        const quiet = deployment.action === "NONE" || deployment.action === "CREATE" || deployment.action === "DELETE";
        expect(quiet || deployment.changes.length > 0 || deployment.target !== deployment.plannedTarget, what).toBe(
          true,
        );
      }
    }
    const untold = present.deployments.filter(
      ({ application, name }) =>
        !plan.applications.some(
          (each) => each.name === application && each.deployments.some((deployment) => deployment.name === name),
        ),
    );
    expect(untold, label).toEqual([]);
  }
  return seen;
}

async function scaleSome(simulation: SimulatedController, random: ReturnType<typeof seededRandom>): Promise<void> {
  if (randomInt(random, 4) > 0) return;
  const { deployments } = simulation.controller.snapshot();
  const one = deployments[randomInt(random, deployments.length)];
  if (!one || !simulation.controller.application(one.application)?.config.external_scaler_enabled) return;
  await simulation.scale(one.application, one.name, randomInt(random, 6));
  await settle(simulation);
}

describe("planned equals performed", () => {
  it("for 1,000 pairs of configs: actions, targets and peaks", async () => {
    const seen = new Map<string, number>();
    for (let seed = 1; seed <= 20; seed++) {
      for (const [action, count] of await walk(seed, 50)) seen.set(action, (seen.get(action) ?? 0) + count);
    }
    for (const action of ["NONE", "CREATE", "SETTINGS", "SCALE", "RECONFIGURE", "RESTART", "DELETE"]) {
      expect([action, (seen.get(action) ?? 0) >= 40]).toEqual([action, true]);
    }
  }, 60_000);
});
