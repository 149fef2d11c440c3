/** Drives every cell of docs/webhook-states.md over REST, on the real controller, a simulated engine and virtual time. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { type ApiServer, startApiServer } from "../../src/api/server.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { ADMIN_TOKEN, type Ask, ask, INSTANCE_KEY } from "../support/api-harness.ts";
import { application, type SimulatedController, simulate } from "../support/simulated-controller.ts";

const IMPORT_PATH = "./app.ts:app";

/** The application at version `n`: each differs from the others in a setting, all have two replicas. */
const version = (n: number) => application({ num_replicas: 2, max_ongoing_requests: n }, { import_path: IMPORT_PATH });

const CALL = { target_num_replicas: 4 };
const OWNED = { ...CALL, owner: "x", fence: 7 };
const SCALE = "/api/v1/applications/a/deployments/D/scale";
const ONE = "/api/v1/applications/a";
const WHOLE = "/api/serve/applications/";

/** The columns of the page; `present` is the version in force, or the last there was. */
const VERBS: Readonly<Record<string, (present: number) => Ask>> = {
  "scale by the owner": () => ({ path: SCALE, body: OWNED }),
  "the same, `dry_run`": () => ({ path: SCALE, body: { ...OWNED, dry_run: true } }),
  "scale without a name": () => ({ path: SCALE, body: CALL }),
  "PUT, unchanged": (present) => ({ method: "PUT", path: WHOLE, body: { applications: [version(present)] } }),
  "PUT, changed": (present) => ({ method: "PUT", path: WHOLE, body: { applications: [version(present + 1)] } }),
  rollback: () => ({ path: `${ONE}/rollback`, body: "{}" }),
  DELETE: () => ({ method: "DELETE", path: ONE }),
};

interface Stage {
  readonly simulation: SimulatedController;
  /** The version in force. */
  readonly present: number;
}

/** Two versions were deployed; then x set the target to 3, with a lease and a fence of 7. */
async function running(): Promise<Stage> {
  const simulation = await simulate();
  simulation.engine.applications.set(IMPORT_PATH, { deployments: [{ name: "D" }], ingress: "D", hash: "h" });
  for (const n of [1, 2]) {
    await simulation.put([version(n)]);
    await simulation.clock.advance(5_000);
  }
  await simulation.scale("a", "D", 3, { owner: "x", fence: 7 });
  await simulation.clock.advance(5_000);
  return { simulation, present: 2 };
}

/** Puts the next version, whose code is new. */
async function updated(behaviour: { startMs?: number; startError?: string }, waitMs: number): Promise<Stage> {
  const { simulation } = await running();
  simulation.engine.applications.get(IMPORT_PATH)!.hash = "new";
  simulation.engine.behaviour.set("a/D", behaviour);
  await simulation.put([version(3)]);
  await simulation.clock.advance(waitMs);
  return { simulation, present: 3 };
}

async function first(waitMs: number): Promise<Stage> {
  const simulation = await simulate();
  simulation.engine.applications.set(IMPORT_PATH, { deployments: [{ name: "D" }], ingress: "D", hash: "h" });
  simulation.engine.buildMs = 1_000;
  simulation.engine.behaviour.set("a/D", { startMs: 10_000 });
  await simulation.put([version(1)]);
  await simulation.clock.advance(waitMs);
  return { simulation, present: 1 };
}

async function deleted(how: "application" | "instance", waitMs: number): Promise<Stage> {
  const { simulation } = await running();
  simulation.engine.behaviour.set("a/D", { stopMs: 10_000 });
  if (how === "instance") await simulation.controller.endInstance("test");
  else
    await simulation.controller.deleteApplication({ application: "a", allowMissing: false, etag: "", actor: "test" });
  await simulation.clock.advance(waitMs);
  return { simulation, present: 2 };
}

async function redeployed(present: number): Promise<Stage> {
  const { simulation } = await running();
  await simulation.put([version(present)]);
  await simulation.clock.advance(5_000);
  return { simulation, present };
}

/** The rows of the page, and what each state is recognised by. */
const STATES: Readonly<
  Record<string, { stage: () => Promise<Stage>; is: (simulation: SimulatedController) => string }>
> = {
  "no instance": { stage: () => deleted("instance", 60_000), is: instance("absent") },
  "instance ending": { stage: () => deleted("instance", 100), is: instance("ending") },
  "application unknown, or deleted": { stage: () => deleted("application", 60_000), is: () => "none" },
  "building for the first time": { stage: () => first(100), is: status("DEPLOYING none") },
  "deploying for the first time": { stage: () => first(2_000), is: status("DEPLOYING STARTING 2") },
  running: { stage: running, is: status("RUNNING RUNNING 3") },
  "redeployed, unchanged": { stage: () => redeployed(2), is: status("RUNNING RUNNING 3") },
  "redeployed, changed": { stage: () => redeployed(3), is: status("RUNNING RUNNING 2") },
  updating: { stage: () => updated({ startMs: 20_000 }, 2_000), is: status("DEPLOYING") },
  "update failed": { stage: () => updated({ startError: "no" }, 300_000), is: status("DEPLOY_FAILED") },
  deleting: { stage: () => deleted("application", 100), is: status("DELETING STOPPING 3") },
  "controller restarting": { stage: restarting, is: () => "closed" },
};

function instance(state: string) {
  return (simulation: SimulatedController): string => {
    expect(simulation.controller.snapshot().instance.state).toBe(state);
    return state;
  };
}

function status(begin: string) {
  return (simulation: SimulatedController): string => {
    const record = simulation.controller.application("a");
    const text = `${record?.status} ${simulation.replicas("a", "D") || "none"}`;
    expect(text).toMatch(new RegExp(`^${begin}`));
    return text;
  };
}

async function restarting(): Promise<Stage> {
  const stage = await running();
  await stage.simulation.controller.close();
  return stage;
}

function serve({ controller, store }: SimulatedController): Promise<ApiServer> {
  const auth = { kind: "on", adminToken: ADMIN_TOKEN, instanceKey: INSTANCE_KEY } as const;
  return startApiServer({ controller, store, clock: systemClock, auth, appDir: "/apps", host: "127.0.0.1", port: 0 });
}

/** "none" where there is no deployment, else its target. */
function target(simulation: SimulatedController): string {
  return String(simulation.controller.deployment("a", "D")?.target.replicas ?? "none");
}

/** "200, 4": the status of the answer, and the target once all has settled. */
async function cellOf(state: string, verb: string): Promise<string> {
  const { simulation, present } = await STATES[state]!.stage();
  STATES[state]!.is(simulation);
  const server = await serve(simulation);
  const dead = state === "controller restarting";
  if (dead) await server.close(0);
  try {
    const request = { token: ADMIN_TOKEN, ...VERBS[verb]!(present) };
    const answer = await ask(server.port, request).then(
      (reply) => String(reply.status),
      () => "no answer",
    );
    if (dead) await simulation.restart();
    await simulation.clock.advance(300_000);
    return `${answer}, ${target(simulation)}`;
  } finally {
    if (!dead) await server.close(0);
  }
}

const page = readFileSync(new URL("../../docs/webhook-states.md", import.meta.url), "utf8");
const [columns = [], , ...rows] = (page.split("## The table\n")[1]?.split("\n## ")[0] ?? "")
  .split("\n")
  .filter((line) => line.startsWith("|"))
  .map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

it("the page has the verbs and the states that are driven, and no other", () => {
  expect(columns.slice(2)).toEqual(Object.keys(VERBS));
  expect(rows.map(([state]) => state)).toEqual(Object.keys(STATES));
});

it.each(rows.map(([state = "", before = "", ...cells]) => ({ state, before, cells })))(
  "$state: each verb answers and acts as the page says",
  async ({ state, before, cells }) => {
    expect(target((await STATES[state]!.stage()).simulation)).toBe(before);
    const seen: string[] = [];
    for (const verb of Object.keys(VERBS)) seen.push(await cellOf(state, verb));
    expect(seen).toEqual(cells);
  },
);
