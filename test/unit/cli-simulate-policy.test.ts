import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type CliResult, runCli } from "../support/run-cli.ts";
import { tempDir } from "../support/temp-dir.ts";

const config = (policy: string, more = "", scaling = ""): string => `
applications:
  - name: a
    import_path: ./a.ts:app
    runtime_env: {env_vars: {PER: "2"}}
    ${more}
    deployments:
      - name: D
        max_ongoing_requests: 3
        autoscaling_config: {min_replicas: 1, max_replicas: 9, metrics_interval_s: 1, look_back_period_s: 3, upscale_delay_s: 1, downscale_delay_s: 4, ${scaling}${policy}}
`;
const own = (name: string, kwargs = "{}"): string =>
  `policy: {policy_function: "./policy.ts:${name}", policy_kwargs: ${kwargs}}`;

const POLICIES = `
import type { PolicyInput } from "windlass";
/** What the request-based policy says. */
export const byRequests = ({ totalNumRequests: total, currentNumReplicas: running, targetNumReplicas, config }: PolicyInput) =>
  ({ desired: running === 0 ? targetNumReplicas : running * (total / (config.target_ongoing_requests! * running)) });
/** Another one each second, by the number of calls; a call is told what the one before left. */
export class Counting {
  #step: number;
  constructor({ step }: { step: number }) { this.#step = step; }
  async decide({ policyState, currentTimeS, config }: PolicyInput) {
    const calls = ((policyState["calls"] as number | undefined) ?? 0) + 1;
    const sinceS = currentTimeS - ((policyState["beganS"] as number | undefined) ?? currentTimeS);
    if (Math.abs(sinceS - (calls - 1) / 10) > 0.001) throw new Error("called at " + sinceS + " the " + calls + ". time");
    (config as { max_replicas: number }).max_replicas = 1;
    return { desired: Number(process.env.PER) + Math.floor(sinceS / this.#step), state: { calls, beganS: currentTimeS - sinceS } };
  }
}
export const seen = (input: PolicyInput) => {
  if (input.currentTimeS > 1_789_948_804.95 && input.currentTimeS < 1_789_948_805.05) console.log(JSON.stringify(input));
  return { desired: 1 };
};
export const failing = ({ currentTimeS }: PolicyInput) => {
  if (currentTimeS % 10 < 5) throw new Error("no signal");
  return { desired: 3 };
};
export const ending = () => process.exit(3);
`;
/** Policies of an application that has D and E. */
const COMMON = `
import type { PolicyInput } from "windlass";
import { byRequests } from "./policy.ts";
type Inputs = Record<string, PolicyInput>;
/** Each by its own load, with a state that has to come back. */
export const each = (inputs: Inputs) => {
  const all = Object.entries(inputs);
  for (const [name, { policyState, currentTimeS }] of all) {
    const { name: mine = name, atS = currentTimeS - 0.1 } = policyState as { name?: string; atS?: number };
    if (mine !== name || Math.abs(currentTimeS - atS - 0.1) > 0.001) throw new Error("lost a state");
  }
  return {
    desired: Object.fromEntries(all.map(([name, input]) => [name, byRequests(input).desired])),
    states: Object.fromEntries(all.map(([name, { currentTimeS }]) => [name, { name, atS: currentTimeS }])),
  };
};
/** Each by the load of the other. */
export const crossed = ({ D, E }: Inputs) => ({ desired: { D: E!.totalNumRequests, E: D!.totalNumRequests } });
export const strange = () => ({ desired: { X: 1 } });
`;
const TRACE = "start_s,end_s,rps,service_s\n0,30,4,1\n30,60,12,1\n60,100,0,1\n";

async function simulate(policy: string, ...more: string[]): Promise<CliResult> {
  return simulateTrace(TRACE, policy, ...more);
}

async function simulateTrace(trace: string, policy: string, ...more: string[]): Promise<CliResult> {
  const dir = tempDir();
  writeFileSync(join(dir, "c.yaml"), policy);
  writeFileSync(join(dir, "policy.ts"), POLICIES);
  writeFileSync(join(dir, "package.json"), '{"type":"module"}');
  writeFileSync(join(dir, "common.ts"), COMMON);
  writeFileSync(join(dir, "t.csv"), trace);
  return runCli(["simulate", "--config", "c.yaml", "--trace", "t.csv", ...more], {
    cwd: dir,
    env: { PATH: process.env["PATH"] ?? "" },
  });
}

interface Deployment {
  readonly targets: { at_s: number; replicas: number }[];
  readonly policy_failures?: number;
}

async function deploymentOf(policy: string): Promise<{ deployment: Deployment; err: string }> {
  const { out, err, code } = await simulate(policy, "-o", "json");
  expect([code, code === 0 ? "" : err]).toEqual([0, ""]);
  const { configs } = JSON.parse(out) as { configs: { deployments: Deployment[] }[] };
  return { deployment: configs[0]!.deployments[0]!, err };
}

describe("a policy of one's own", () => {
  it("that says what the request-based one does comes to the very same", async () => {
    const mine = await deploymentOf(config(own("byRequests")));
    const builtIn = await deploymentOf(config("policy: {}"));
    expect(mine).toEqual(builtIn);
    expect(mine.deployment.targets.length).toBeGreaterThan(3);
  });

  it("is asked ten times a second of virtual time, keeps its state, and has its arguments and its environment", async () => {
    const { deployment, err } = await deploymentOf(config(own("Counting", "{step: 20}"), "", "upscaling_factor: 1, "));
    expect(err).toBe("");
    expect(deployment.policy_failures).toBeUndefined();
    const steps = deployment.targets.map(({ replicas }) => replicas);
    expect(steps).toEqual([1, 2, 3, 4, 5, 6]);
    // Each a second after it was wished for.
    expect(deployment.targets.slice(2).map(({ at_s }) => Math.round(at_s))).toEqual([21, 41, 61, 81]);
  });

  it("is told load, replicas and bounds as by the controller, and what it prints goes to stderr", async () => {
    const { err } = await simulate(config(own("seen")));
    const input = JSON.parse(err) as Record<string, unknown>;
    expect(input).toMatchObject({
      application: "a",
      deployment: "D",
      currentNumReplicas: 1,
      targetNumReplicas: 1,
      runningReplicas: ["0"],
      capacityAdjustedMinReplicas: 1,
      capacityAdjustedMaxReplicas: 9,
      policyState: {},
      aggregatedMetrics: {},
      lastScaleUpTimeS: null,
      config: { look_back_period_s: 3 },
    });
    const { totalNumRequests: all, totalQueuedRequests: queued, totalRunningRequests: running } = input;
    // 4 a second for a replica that works on 3 at a time: some wait.
    expect(running).toBeGreaterThan(1);
    expect(queued).toBeGreaterThan(0);
    expect(Number(queued) + Number(running)).toBeCloseTo(Number(all), 9);
  });

  it("that fails keeps the target, and how often it did is told", async () => {
    const { deployment, err } = await deploymentOf(config(own("failing")));
    expect(err).toMatch(
      /^warning: c\.yaml: the policy of a\/D failed \d{3} times, first at 0 s: Error: no signal \(policy\.ts:\d+:\d+\)\n$/,
    );
    expect(deployment.policy_failures).toBeGreaterThan(400);
    expect(deployment.targets.map(({ replicas }) => replicas)).toEqual([1, 3]);
  });

  it.each([
    {
      name: "none",
      says: './policy.ts:none: no export "none": the module exports Counting, byRequests, ending, failing, seen',
    },
    { name: "ending", says: "a/D: its policy ended the process (exit code 3)" },
  ])("that cannot be asked ends it in one line: $name", async ({ name, says }) => {
    const { code, out, err } = await simulate(config(own(name)));
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(/^windlass: [^\n]+\n$/);
    expect(err).toContain(says);
  });

  it.each([
    {
      name: "that asks a server",
      text: config(
        'policy: {policy_function: "windlass:prometheus", policy_kwargs: {url: "http://127.0.0.1:1", query: x, target_value: 1}}',
      ),
      says: "windlass:prometheus is not simulated: what it asks knows nothing of virtual time",
    },
    {
      name: "in a zip",
      text: config(own("seen")).replace("env_vars:", "working_dir: 'https://127.0.0.1/a.zip', env_vars:"),
      says: "./policy.ts:seen is not simulated: its code lies in the zip of runtime_env.working_dir",
    },
  ])("$name is refused", async ({ text, says }) => {
    const { code, err } = await simulate(text);
    expect(code).toBe(1);
    expect(err).toContain(says);
  });
});

describe("a policy of a whole application", () => {
  const SCALING =
    "min_replicas: 1, max_replicas: 9, metrics_interval_s: 1, look_back_period_s: 3, upscale_delay_s: 1, downscale_delay_s: 4";
  const both = (name: string | null): string => `
applications:
  - name: a
    import_path: ./a.ts:app
    ${name === null ? "" : `autoscaling_policy: {policy_function: "./common.ts:${name}"}`}
    deployments:
      - {name: D, max_ongoing_requests: 3, autoscaling_config: {${SCALING}}}
      - {name: E, max_ongoing_requests: 3, autoscaling_config: {${SCALING}}}
      - {name: F, num_replicas: 1}
`;
  const HEAD = "start_s,end_s,rps,service_s,deployment\n";
  const OF_D = "0,30,4,1,D\n30,60,12,1,D\n60,90,0,1,D\n";
  const OF_E = "0,50,9,1,E\n";

  async function deployments(name: string | null, trace: string): Promise<(Deployment & { readonly name: string })[]> {
    const { out, err, code } = await simulateTrace(HEAD + trace, both(name), "-o", "json");
    expect([code, err]).toEqual([0, ""]);
    const { configs } = JSON.parse(out) as { configs: { deployments: (Deployment & { name: string })[] }[] };
    return configs[0]!.deployments;
  }

  it("that gives each what requests would comes to the very same for all, and keeps a state for each", async () => {
    const together = await deployments("each", OF_D + OF_E);
    expect(together).toEqual(await deployments(null, OF_D + OF_E));
    expect(together.map(({ targets }) => targets.length > 3)).toEqual([true, true]);
  });

  it("decides on one by the load of another at the moment, also where that is idle and in no report", async () => {
    const most = (all: readonly Deployment[]) => all.map(({ targets }) => Math.max(...targets.map((t) => t.replicas)));
    expect(most(await deployments("crossed", OF_D + OF_E))[0]).toBeGreaterThan(3);
    expect(most(await deployments("crossed", OF_D))).toEqual([1]);
  });

  it("that says what it may not has failed, for each", async () => {
    const { code, err } = await simulateTrace(HEAD + OF_D + OF_E, both("strange"));
    expect(code).toBe(0);
    for (const name of ["D", "E"]) {
      expect(err).toMatch(
        new RegExp(`^warning: c\\.yaml: the policy of a/${name} failed \\d+ times, .*names "X"`, "m"),
      );
    }
  });

  it("is refused where one of them alone is wanted", async () => {
    const { code, err } = await simulateTrace(HEAD + OF_D, both("each"), "--deployment", "a/D");
    expect([code, err]).toEqual([
      1,
      expect.stringContaining("./common.ts:each decides for D, E together, and --deployment"),
    ]);
  });
});
