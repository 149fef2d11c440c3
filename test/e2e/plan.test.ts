/** What a plan says is what real processes do: 20 changes of one fixture, each planned and applied by its token. */
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import type { ApplicationConfig, DeploymentOverride } from "../../src/config/types.ts";
import { writeApp } from "../support/apps.ts";
import { createEventParser, openStream } from "../support/event-stream.ts";
import { api, clientEnv, eventually, runWindlass, startWindlass, type Windlass } from "../support/windlass.ts";

const source = (answer: string, extra = ""): string => `
import { deployment } from "windlass";
class Back {
  reconfigure() {}
  hello() { return ${JSON.stringify(answer)}; }
}
class Front {
  #back;
  constructor(back) { this.#back = back; }
  reconfigure() {}
  async fetch() { return new Response(await this.#back.hello.remote()); }
}
const back = deployment(Back${extra}).bind();
export const app = deployment(Front).bind(back);
`;

interface Plan {
  readonly token: string;
  readonly applications: readonly {
    readonly name: string;
    readonly action: string;
    readonly deployments: readonly {
      readonly name: string;
      readonly action: string;
      readonly target_num_replicas: number;
      readonly planned_target_num_replicas: number;
      readonly peak_extra_replicas: number;
      readonly peak_missing_replicas: number;
    }[];
  }[];
}

/** Replicas as the watch tells of them. */
class Seen {
  readonly #states = new Map<string, string>();
  readonly #told = new Map<string, Set<string>>();
  #extremes = new Map<string, { live: number; serving: number }>();

  /** One event; `last`: its revision is complete. */
  take(message: { replica?: { name: string; state: string }; deleted?: string }, last: boolean): void {
    const { replica, deleted } = message;
    if (deleted?.includes("/replicas/")) this.#become(deleted, undefined);
    if (replica) this.#become(replica.name, replica.state.replace("STATE_", ""));
    if (last) this.#note();
  }

  forget(): void {
    this.#told.clear();
    this.#extremes = new Map();
  }

  count(deployment: string, what: "started" | "stopped" | "UPDATING"): number {
    return this.#told.get(`${deployment} ${what}`)?.size ?? 0;
  }

  extremes(deployment: string): { live: number; serving: number } {
    return this.#extremes.get(deployment) ?? { live: 0, serving: Infinity };
  }

  moving(): boolean {
    return [...this.#states.values()].some((state) => state !== "RUNNING");
  }

  running(deployment: string): number {
    return [...this.#states].filter(([name, state]) => deploymentOf(name) === deployment && state === "RUNNING").length;
  }

  #become(name: string, state: string | undefined): void {
    const tell = (what: string): void => {
      const key = `${deploymentOf(name)} ${what}`;
      this.#told.set(key, (this.#told.get(key) ?? new Set()).add(name));
    };
    const known = this.#states.get(name);
    if (state === undefined) this.#states.delete(name);
    else this.#states.set(name, state);
    if (known === undefined && state !== undefined) tell("started");
    if (state === "UPDATING") tell(state);
    if (known !== undefined && (state === undefined || state === "STOPPING")) tell("stopped");
  }

  #note(): void {
    for (const deployment of new Set([...this.#states.keys()].map(deploymentOf))) {
      const states = [...this.#states].filter(([name]) => deploymentOf(name) === deployment).map(([, state]) => state);
      const live = states.filter((state) => state !== "STOPPING").length;
      const serving = states.filter((state) => state === "RUNNING" || state === "UPDATING").length;
      const before = this.extremes(deployment);
      this.#extremes.set(deployment, {
        live: Math.max(before.live, live),
        serving: Math.min(before.serving, serving),
      });
    }
  }
}

/** "a/Front" of the resource name of one of its replicas. */
function deploymentOf(name: string): string {
  const [, application, , deployment] = name.split("/");
  return `${application}/${deployment}`;
}

type State = { applications: ApplicationConfig[]; code: string };

function start(front: Partial<DeploymentOverride> = {}, back: Partial<DeploymentOverride> = {}): ApplicationConfig {
  return {
    name: "a",
    route_prefix: "/",
    import_path: "./app.ts:app",
    deployments: [
      { name: "Front", num_replicas: 2, graceful_shutdown_timeout_s: 1, graceful_shutdown_wait_loop_s: 0.1, ...front },
      { name: "Back", num_replicas: 1, graceful_shutdown_timeout_s: 1, graceful_shutdown_wait_loop_s: 0.1, ...back },
    ],
  };
}

const other: ApplicationConfig = { ...start(), name: "b", route_prefix: "/b" };
const one = source("one");
const two = source("two");

/** Each of them follows from the one before it; the words are those of the plan. */
const STEPS: readonly (readonly [string, State, Readonly<Record<string, string>>])[] = [
  ["nothing", { applications: [start()], code: one }, { "a/Front": "NONE", "a/Back": "NONE" }],
  [
    "user_config",
    { applications: [start({ user_config: { n: 1 } })], code: one },
    { "a/Front": "RECONFIGURE", "a/Back": "NONE" },
  ],
  [
    "a count up",
    { applications: [start({ user_config: { n: 1 }, num_replicas: 3 })], code: one },
    { "a/Front": "SCALE" },
  ],
  ["a count down", { applications: [start({ user_config: { n: 1 } })], code: one }, { "a/Front": "SCALE" }],
  [
    "a limit of replicas",
    { applications: [start({ max_ongoing_requests: 9 })], code: one },
    { "a/Front": "RECONFIGURE" },
  ],
  [
    "a limit of routers",
    { applications: [start({ max_ongoing_requests: 9, max_queued_requests: 4 })], code: one },
    { "a/Front": "SETTINGS" },
  ],
  ["back to the start", { applications: [start()], code: one }, { "a/Front": "RECONFIGURE", "a/Back": "NONE" }],
  [
    "a variable",
    { applications: [start({}, { ray_actor_options: { runtime_env: { env_vars: { A: "1" } } } })], code: one },
    { "a/Front": "NONE", "a/Back": "RESTART" },
  ],
  [
    "the end's grace",
    {
      applications: [
        start({ graceful_shutdown_timeout_s: 2 }, { ray_actor_options: { runtime_env: { env_vars: { A: "1" } } } }),
      ],
      code: one,
    },
    { "a/Front": "SETTINGS" },
  ],
  [
    "both at once",
    { applications: [start({ user_config: { n: 2 } })], code: one },
    { "a/Front": "RECONFIGURE", "a/Back": "RESTART" },
  ],
  ["edited sources", { applications: [start()], code: two }, { "a/Front": "RESTART", "a/Back": "RESTART" }],
  [
    "sources and counts",
    { applications: [start({ num_replicas: 1 }, { num_replicas: 2 })], code: one },
    { "a/Front": "RESTART", "a/Back": "RESTART" },
  ],
  [
    "one replica less",
    { applications: [start({ num_replicas: 1 }, { num_replicas: 1 })], code: one },
    { "a/Back": "SCALE" },
  ],
  [
    "settings of one",
    { applications: [start({ num_replicas: 1 }, { num_replicas: 1, user_config: { n: 1 } })], code: one },
    { "a/Front": "NONE", "a/Back": "RECONFIGURE" },
  ],
  [
    "another application",
    { applications: [start(), other], code: one },
    { "a/Front": "SCALE", "a/Back": "RECONFIGURE", "b/Front": "CREATE", "b/Back": "CREATE" },
  ],
  [
    "a prefix",
    { applications: [start(), { ...other, route_prefix: "/c" }], code: one },
    { "a/Front": "NONE", "b/Front": "RECONFIGURE", "b/Back": "NONE" },
  ],
  [
    "an application less",
    { applications: [start()], code: one },
    { "a/Front": "NONE", "b/Front": "DELETE", "b/Back": "DELETE" },
  ],
  [
    "a surge",
    { applications: [start({ rollout: { max_surge: 1 }, ray_actor_options: { num_cpus: 2 } })], code: one },
    { "a/Front": "RESTART" },
  ],
  [
    "a setting in code",
    {
      applications: [start({ rollout: { max_surge: 1 }, ray_actor_options: { num_cpus: 2 } })],
      code: source("one", ", { maxQueuedRequests: 3 }"),
    },
    { "a/Front": "RESTART", "a/Back": "RESTART" },
  ],
  ["everything goes", { applications: [], code: one }, { "a/Front": "DELETE", "a/Back": "DELETE" }],
];

it("for 20 changes, what is planned is what the processes do", async () => {
  expect(STEPS).toHaveLength(20);
  const path = writeApp(one, "applications: []\n");
  const folder = dirname(path);
  const windlass = await startWindlass(["--app-dir", folder]);
  const seen = await watch(windlass);
  await perform(windlass, { applications: [start()], code: one }, folder, seen);

  for (const [name, state, wanted] of STEPS) {
    seen.forget();
    const { applications } = await perform(windlass, state, folder, seen);
    const said = applications.flatMap((application) =>
      application.deployments.map((deployment) => ({ of: `${application.name}/${deployment.name}`, ...deployment })),
    );
    expect({ name, ...Object.fromEntries(said.map(({ of, action }) => [of, action])) }).toMatchObject({
      name,
      ...wanted,
    });
    for (const { of, action, ...plan } of said) {
      const { target_num_replicas: from, planned_target_num_replicas: to } = plan;
      const still = action === "NONE" || action === "SETTINGS";
      const all = action === "RESTART";
      const done = {
        started: seen.count(of, "started"),
        stopped: seen.count(of, "stopped"),
        reconfigured: seen.count(of, "UPDATING"),
        running: seen.running(of),
      };
      const label = `${name}: ${of} ${action}`;
      expect({ label, ...done }).toEqual({
        label,
        started: still ? 0 : all ? to : Math.max(0, to - from),
        stopped: still ? 0 : all ? from : Math.max(0, from - to),
        reconfigured: action === "RECONFIGURE" ? Math.min(from, to) : 0,
        running: to,
      });
      const { live, serving } = seen.extremes(of);
      expect([label, live - Math.max(from, to) <= plan.peak_extra_replicas]).toEqual([label, true]);
      expect([label, Math.min(from, to) - serving <= plan.peak_missing_replicas]).toEqual([label, true]);
    }
  }
}, 90_000);

it("the command line plans, refuses and applies", async () => {
  const path = writeApp(one, `applications: [${JSON.stringify(start())}]\n`);
  const windlass = await startWindlass([path]);
  await eventually(async () => (await runningOf(windlass, "Front")) === 2);
  const cli = (...argv: string[]) => runWindlass(argv, clientEnv(windlass));
  const same = await cli("deploy", path, "--dry-run");
  expect([same.code, same.stdout]).toEqual([0, "application a: no change\nnothing would change\n"]);

  writeFileSync(join(dirname(path), "app.ts"), two);
  const refused = await cli("deploy", path, "--fail-on", "restart");
  expect([refused.code, refused.stderr]).toEqual([
    1,
    "windlass: a/Back, a/Front would restart, which --fail-on refuses; nothing was changed\n",
  ]);
  const kept = join(dirname(path), "plan.json");
  const planned = await cli("plan", path, "--out", kept);
  expect(planned.stdout).toContain("application a: update, sources differ\n");
  expect(planned.stdout).toContain("2 to restart\n");
  // What is edited after the plan does not count.
  writeFileSync(join(dirname(path), "app.ts"), "this is no code");
  const applied = await cli("deploy", "--plan", kept, "--wait");
  expect([applied.code, applied.stdout]).toEqual([0, expect.stringContaining("a: running\n")]);
  expect(await (await fetch(windlass.http)).text()).toBe("two");
  const broken = await cli("deploy", path, "--dry-run");
  expect([broken.code, broken.stderr]).toEqual([
    1,
    expect.stringMatching(/^windlass: Deploying application "a" failed: /),
  ]);

  await api(windlass, "/api/v1/applications/a", {
    method: "PATCH",
    body: { external_scaler_enabled: true },
    headers: { "content-type": "application/merge-patch+json" },
  });
  const stale = await cli("deploy", "--plan", kept);
  expect([stale.code, stale.stderr]).toEqual([1, expect.stringContaining('application "a" has changed')]);
}, 60_000);

async function runningOf(windlass: Windlass, deployment: string): Promise<number | undefined> {
  const answer = await api(windlass, "/api/v1/applications/a");
  const found = (answer.json as { deployments?: { name: string; replica_counts: Record<string, number> }[] })
    .deployments;
  return found?.find(({ name }) => name === deployment)?.replica_counts["RUNNING"];
}

/** Plans, applies by the token, and waits until all is as planned. */
async function perform(windlass: Windlass, state: State, folder: string, seen: Seen): Promise<Plan> {
  writeFileSync(join(folder, "app.ts"), state.code);
  const body = { applications: state.applications };
  const planned = await api(windlass, "/api/v1/plan", { body });
  expect([planned.status, planned.text]).toEqual([200, planned.text]);
  const plan = planned.json as Plan;
  const applied = await api(windlass, `/api/v1/plan/${plan.token}/apply`, { method: "POST" });
  expect([applied.status, applied.text]).toEqual([200, applied.text]);
  const said = plan.applications.flatMap(({ name, deployments }) =>
    deployments.map((each) => [`${name}/${each.name}`, each.planned_target_num_replicas] as const),
  );
  await eventually(async () => {
    const { json } = await api(windlass, "/api/serve/applications/");
    const { applications } = json as { applications: Record<string, { status: string }> };
    const up = Object.values(applications).every(({ status }) => status === "RUNNING");
    const gone = Object.keys(applications).length === state.applications.length;
    return up && gone && !seen.moving() && said.every(([of, target]) => seen.running(of) === target);
  });
  return plan;
}

/** Follows the replicas of everything until the test ends. */
async function watch(windlass: Windlass): Promise<Seen> {
  const seen = new Seen();
  const port = Number(new URL(windlass.control).port);
  const stream = await openStream(port, "/api/v1/watch", { authorization: `Bearer ${windlass.token}` });
  expect(stream.status).toBe(200);
  stream.body.setEncoding("utf8").on(
    "data",
    createEventParser({
      event: ({ data, id }) => seen.take(JSON.parse(data) as Parameters<Seen["take"]>[0], id !== undefined),
    }),
  );
  return seen;
}
