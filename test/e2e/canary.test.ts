/** Canaries with real processes and load: what clients see while a revision is tried, sent back or promoted. */
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { writeApp } from "../support/apps.ts";
import { startTally } from "../support/tally.ts";
import {
  api,
  application,
  clientEnv,
  eventually,
  runningPids,
  runWindlass,
  startWindlass,
  type Windlass,
  waitForStatus,
} from "../support/windlass.ts";

interface CanaryBody {
  readonly revision: number;
  readonly step: number;
  readonly weight: number;
  readonly phase: string;
  readonly message: string;
  readonly sample: { readonly requests: number; readonly errors: number };
  readonly stable_sample: { readonly requests: number };
}

async function canary(windlass: Windlass, name: string): Promise<CanaryBody | undefined> {
  const { status, json } = await api(windlass, `/api/v1/applications/${name}/canary`);
  return status === 200 ? (json as CanaryBody) : undefined;
}

/** "3 AUTO_ROLLBACK RUNNING", newest first. */
async function history(windlass: Windlass, name: string): Promise<string[]> {
  const { json } = await api(windlass, `/api/v1/applications/${name}/revisions`);
  const { revisions } = json as { revisions: { number: number; cause: string; state: string }[] };
  return revisions.map(({ number, cause, state }) => `${number} ${cause} ${state}`);
}

const cli = (windlass: Windlass, ...args: string[]) => runWindlass(args, clientEnv(windlass));

/** Answers `version`; of every `failEvery` requests one fails, and each takes `ms`. */
const source = (version: string, { failEvery = 0, ms = 2 } = {}): string => `
import { deployment } from "windlass";
let count = 0;
class Echo {
  async fetch() {
    await new Promise((resolve) => setTimeout(resolve, ${ms}));
    count += 1;
    if (${failEvery} > 0 && count % ${failEvery} === 0) return new Response("injected", { status: 500 });
    return new Response("${version}");
  }
}
export const app = deployment(Echo).bind();
`;

it("two canaries, one that fails 5 % and one that is slow, are sent back by themselves, and no request is lost", async () => {
  const entry = (name: string, analysis = ""): string => `
  - name: ${name}
    route_prefix: /${name}
    import_path: ./${name}.ts:app
    deployments:
      - name: Echo
        num_replicas: 2
        graceful_shutdown_timeout_s: 5
        rollout:
          canary: [{ weight: 30, pause_s: 60 }]
          canary_analysis: { min_requests: 100${analysis} }
`;
  const path = writeApp("", `applications:${entry("bad", ", max_latency_ratio: null")}${entry("slow")}`, {
    "bad.ts": source("v1"),
    "slow.ts": source("v1"),
  });
  const windlass = await startWindlass([path]);
  for (const name of ["bad", "slow"]) await waitForStatus(windlass, name, "RUNNING");
  const before = { bad: await runningPids(windlass, "bad", "Echo"), slow: await runningPids(windlass, "slow", "Echo") };
  const load = { bad: startTally(`${windlass.http}/bad`), slow: startTally(`${windlass.http}/slow`) };

  writeFileSync(join(dirname(path), "bad.ts"), source("v2", { failEvery: 20 }));
  writeFileSync(join(dirname(path), "slow.ts"), source("v2", { ms: 60 }));
  const deployed = await cli(windlass, "deploy", path, "--wait", "--timeout", "25");
  expect(deployed.code).toBe(1);
  expect(deployed.stderr).toContain("bad  DEPLOYING  Canary: revision 2 gets 30 % of the requests (step 1 of 1).\n");
  const failures = deployed.stderr.split("\n").filter((line) => line.startsWith("windlass: "));
  expect(failures).toEqual([
    expect.stringMatching(
      /^windlass: application bad failed and went back to revision 1: canary of revision 2 aborted: .* of its \d+ requests failed/,
    ),
    expect.stringMatching(/^windlass: application slow failed .*: its p95 latency is \d+ ms, the stable/),
  ]);
  for (const name of ["bad", "slow"] as const) {
    // The canary's replica drains meanwhile.
    await eventually(async () => (await application(windlass, name))?.deployments["Echo"]?.replicas.length === 2);
    await load[name].stop();
    expect(load[name].broken).toEqual([]);
    expect(await runningPids(windlass, name, "Echo")).toEqual(before[name]);
    expect(await history(windlass, name)).toEqual([
      "3 AUTO_ROLLBACK RUNNING",
      "2 SOURCES FAILED",
      "1 CONFIG SUPERSEDED",
    ]);
  }
  const { "200 v1": stable, "200 v2": tried, "500 injected": injected, ...other } = load.bad.counts();
  expect(other).toEqual({});
  expect(stable).toBeGreaterThan(tried!);
  // One of twenty that the one replica of the canary answered.
  expect(injected).toBe(Math.floor((tried! + injected!) / 20));
  expect(Object.keys(load.slow.counts()).sort()).toEqual(["200 v1", "200 v2"]);
}, 60_000);

it("an identical revision is promoted by itself, users stay with theirs, and kill -9 of the controller does not matter", async () => {
  const config = (note: string): string => `
applications:
  - name: echo
    import_path: ./app.ts:app
    deployments:
      - name: Echo
        num_replicas: 2
        graceful_shutdown_timeout_s: 5
        ray_actor_options: { runtime_env: { env_vars: { NOTE: "${note}" } } }
        rollout:
          canary: [{ weight: 20, pause_s: 2 }, { weight: 60, pause_s: 1 }]
          canary_analysis: { min_requests: 50, max_latency_ratio: null }
          canary_sticky: { header: X-User }
`;
  const path = writeApp(source("v1"), config("one"));
  const windlass = await startWindlass([path]);
  await waitForStatus(windlass, "echo", "RUNNING");
  let next = 0;
  const load = startTally(windlass.http, { user: () => `user-${next++ % 40}` });
  writeFileSync(path, config("two"));
  const deploying = cli(windlass, "deploy", path, "--wait", "--timeout", "25");

  const running = await eventually(async () => {
    const now = await canary(windlass, "echo");
    return now !== undefined && now.sample.requests > 0 && now.stable_sample.requests > 0 && now;
  });
  expect(running).toMatchObject({ revision: 2, step: 0, weight: 20, phase: "RUNNING" });
  expect((await application(windlass, "echo"))?.message).toBe(
    "Canary: revision 2 gets 20 % of the requests (step 1 of 2).",
  );
  process.kill(windlass.pids.controller, "SIGKILL");
  const atKill = load.seen.length;
  await eventually(async () => (await api(windlass, "/-/readyz").catch(() => undefined))?.status === 200);
  const meanwhile = load.seen.slice(atKill);
  expect(new Set(meanwhile.map(({ revision }) => revision))).toEqual(new Set([1, 2]));
  // What it had seen is lost, the step is not.
  expect(await canary(windlass, "echo")).toMatchObject({ revision: 2, phase: "RUNNING" });

  const { code, stderr } = await deploying;
  await load.stop();
  expect([code, load.broken, Object.keys(load.counts())]).toEqual([0, [], ["200 v1"]]);
  expect(stderr).toContain("gets 60 % of the requests (step 2 of 2).");
  expect(await history(windlass, "echo")).toEqual(["2 CONFIG RUNNING", "1 CONFIG SUPERSEDED"]);
  // Per user: the stable revision, then perhaps the canary, never back.
  const paths = new Map<string, string>();
  for (const { user, revision } of load.seen) {
    if (revision > 0 && !paths.get(user)?.endsWith(`${revision}`)) {
      paths.set(user, `${paths.get(user) ?? ""}${revision}`);
    }
  }
  expect([...new Set(paths.values())].sort()).toEqual(
    ["1", "12", "2"].filter((each) => [...paths.values()].includes(each)),
  );
  expect(paths.size).toBe(40);
  expect([...paths.values()]).toContain("12");
}, 60_000);

it("a chain stays within its revision, and people pause, resume, promote and abort it", async () => {
  const chain = (version: string): string => `
import { deployment, type DeploymentHandle } from "windlass";
class Back { answer(): string { return "${version}"; } }
class Front {
  readonly #back: DeploymentHandle<Back>;
  constructor(back: DeploymentHandle<Back>) { this.#back = back; }
  async fetch() { return new Response("${version} " + (await this.#back.answer.remote())); }
}
export const app = deployment(Front).bind(deployment(Back).bind());
`;
  const path = writeApp(
    chain("v1"),
    `
applications:
  - name: chain
    import_path: ./app.ts:app
    deployments:
      - name: Front
        graceful_shutdown_timeout_s: 5
        rollout:
          canary: [{ weight: 30 }, { weight: 70 }]
          canary_analysis: { min_requests: 20, max_latency_ratio: null }
`,
  );
  const windlass = await startWindlass([path]);
  await waitForStatus(windlass, "chain", "RUNNING");
  const none = await cli(windlass, "canary", "chain");
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('application "chain" has no canary now')]);
  const load = startTally(windlass.http);
  writeFileSync(join(dirname(path), "app.ts"), chain("v2"));
  expect((await cli(windlass, "deploy", path)).code).toBe(0);
  await eventually(async () => (await canary(windlass, "chain"))?.phase === "AWAITING_PROMOTION");

  expect((await cli(windlass, "canary", "pause", "chain")).stdout).toBe(
    "chain: canary held at step 1 of 2, 30 % of the requests\n",
  );
  const held = await cli(windlass, "canary", "chain");
  expect(held.stdout).toMatch(
    /^chain: canary of revision 2 beside revision 1\nstep 1 of 2, 30 % of the requests, PAUSED since \S+\nheld by admin; resume it to go on\n\nREVISION /,
  );
  expect((await cli(windlass, "canary", "resume", "chain")).code).toBe(0);
  expect((await cli(windlass, "canary", "promote", "chain")).stdout).toBe(
    "chain: revision 2 goes on: step 2 of 2, 70 % of the requests\n",
  );
  const chosen = await fetch(windlass.http, { headers: { "x-windlass-revision": "1" } });
  expect([chosen.headers.get("x-windlass-revision"), await chosen.text()]).toEqual(["1", "v1 v1"]);
  // Requests that are under way when a canary ends finish with what is there.
  const during = load.seen.slice();
  const aborted = await cli(windlass, "canary", "abort", "chain", "--reason", "not today", "--wait");
  expect([aborted.code, aborted.stdout]).toEqual([
    0,
    "chain: goes back to revision 1, as revision 3\nchain: running\n",
  ]);
  expect(await history(windlass, "chain")).toEqual(["3 ROLLBACK RUNNING", "2 SOURCES FAILED", "1 CONFIG SUPERSEDED"]);

  const tried = during.filter(({ revision }) => revision === 2);
  expect(new Set(tried.map(({ body }) => body))).toEqual(new Set(["v2 v2"]));
  const stable = during.filter(({ revision }) => revision === 1);
  expect(new Set(stable.map(({ body }) => body))).toEqual(new Set(["v1 v1"]));

  writeFileSync(join(dirname(path), "app.ts"), chain("v3"));
  expect((await cli(windlass, "deploy", path)).code).toBe(0);
  await eventually(async () => (await canary(windlass, "chain"))?.revision === 4);
  const promoted = await cli(windlass, "canary", "promote", "chain", "--full", "--wait");
  expect([promoted.code, promoted.stdout]).toEqual([0, "chain: revision 4 is promoted\nchain: running\n"]);
  await load.stop();
  expect(load.broken).toEqual([]);
  expect(load.seen.filter(({ status }) => status !== 200)).toEqual([]);
  expect(await (await fetch(windlass.http)).text()).toBe("v3 v3");
}, 60_000);

it("a program in another language is tried the same way", async () => {
  const program = (version: string): string => `
import { createServer } from "node:http";
const server = createServer((request, response) => {
  response.end("${version} " + (request.headers["x-windlass-revision"] ?? "none"));
});
server.listen(process.env.WINDLASS_SOCKET);
process.on("SIGTERM", () => server.close(() => process.exit(0)));
`;
  const config = (file: string): string => `
applications:
  - name: prog
    deployments:
      - name: Prog
        command: ["node", "${file}"]
        graceful_shutdown_timeout_s: 3
        rollout:
          canary: [{ weight: 50, pause_s: 1 }]
          canary_analysis: { min_requests: 20, max_latency_ratio: null }
`;
  const path = writeApp("", config("one.mjs"), { "one.mjs": program("v1"), "two.mjs": program("v2") });
  const windlass = await startWindlass([path]);
  await waitForStatus(windlass, "prog", "RUNNING");
  const load = startTally(windlass.http);
  writeFileSync(path, config("two.mjs"));
  const { code } = await cli(windlass, "deploy", path, "--wait", "--timeout", "25");
  await load.stop();
  expect([code, load.broken]).toEqual([0, []]);
  const split = load.seen.filter(({ revision }) => revision > 0).map(({ body }) => body);
  expect([...new Set(split)].sort()).toEqual(["v1 1", "v2 2"]);
  expect(load.seen.every(({ status }) => status === 200)).toBe(true);
}, 60_000);
