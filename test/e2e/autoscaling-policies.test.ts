import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { makeSchedule } from "../../src/autoscaling/schedule.ts";
import { readScheduleKwargs } from "../../src/config/policy-kwargs.ts";
import type { ApplicationConfig, DeployConfig } from "../../src/config/types.ts";
import { ECHO, writeApp } from "../support/apps.ts";
import { startLoad } from "../support/load.ts";
import { reach } from "../support/targets.ts";
import {
  application,
  clientEnv,
  eventually,
  processesOf,
  ROOT,
  runWindlass,
  startWindlass,
  type Windlass,
  waitForStatus,
} from "../support/windlass.ts";

const EXAMPLES = join(ROOT, "examples", "autoscaling");

/** The arguments of the policy of an application's first deployment. */
function kwargsOf({ deployments }: ApplicationConfig): unknown {
  return (deployments?.[0]?.autoscaling_config?.policy as { policy_kwargs?: unknown } | undefined)?.policy_kwargs;
}

const messageOf = async (windlass: Windlass, app: string): Promise<string> =>
  (await application(windlass, app))?.message ?? "";

describe("the examples of scaling policies", () => {
  it("custom-policy.yaml: a class runs ahead of the load and remembers its peak", async () => {
    const windlass = await startWindlass([join(EXAMPLES, "custom-policy.yaml")]);
    await waitForStatus(windlass, "headroom", "RUNNING");
    const load = startLoad(windlass.http, { workers: 12, path: () => "/" });
    // 12 at 4 each, and 2 ahead.
    await reach(windlass, "headroom", { Worker: 5 });
    expect((await load.stop()).failures).toEqual([]);
    expect(await messageOf(windlass, "headroom")).toBe("");
    await windlass.stop();
    expect(processesOf(windlass.stateDir)).toEqual([]);
  });

  it("application-policy.yaml: deployments share a number of replicas", async () => {
    const windlass = await startWindlass([join(EXAMPLES, "application-policy.yaml")]);
    await waitForStatus(windlass, "gallery", "RUNNING");
    const first = startLoad(windlass.http, { workers: 16, path: () => "/a.png" });
    await reach(windlass, "gallery", { Thumbnails: 5, Captions: 1 });
    expect((await first.stop()).failures).toEqual([]);
    const second = startLoad(windlass.http, { workers: 16, path: () => "/a.png?caption" });
    await reach(windlass, "gallery", { Thumbnails: 1, Captions: 5 });
    expect((await second.stop()).failures).toEqual([]);
  });

  it("schedule.yaml: as many as its windows say now", async () => {
    const { applications } = parse(readFileSync(join(EXAMPLES, "schedule.yaml"), "utf8")) as DeployConfig;
    const read = readScheduleKwargs(kwargsOf(applications[0]!));
    if (!read.ok) throw new Error("the example's schedule is not right");
    const schedule = makeSchedule(read.kwargs);
    const windlass = await startWindlass([join(EXAMPLES, "schedule.yaml")]);
    await waitForStatus(windlass, "office", "RUNNING");
    // Asked again: a window may open meanwhile.
    await eventually(async () => {
      const { replicas } = schedule.at(Date.now() / 1000);
      expect([6, 3, 2]).toContain(replicas);
      return (await application(windlass, "office"))?.deployments["Worker"]?.target_num_replicas === replicas;
    });
  });
});

const scaled = (name: string, policy: string) => ({
  name,
  route_prefix: `/${name}`,
  import_path: "./app.ts:app",
  deployments: [
    {
      name: "Echo",
      autoscaling_config: {
        max_replicas: 5,
        upscale_delay_s: 0,
        policy: { policy_function: `./policy.ts:${policy}` },
      },
    },
  ],
});

describe("a policy that goes wrong", () => {
  it("keeps the target and says so on its application; others are scaled; an edit and a deploy mend it", async () => {
    const config = writeApp(ECHO, JSON.stringify({ applications: [scaled("bad", "bad"), scaled("good", "good")] }));
    const policy = join(dirname(config), "policy.ts");
    const good = "export const good = () => ({ desired: 2 });";
    writeFileSync(policy, `${good}\nexport const bad = () => {\n  throw new Error("no signal");\n};`);
    const windlass = await startWindlass([config]);
    await waitForStatus(windlass, "good", "RUNNING");
    await reach(windlass, "good", { Echo: 2 });
    const expected = 'deployment "Echo": ./policy.ts:bad: Error: no signal (policy.ts:3:9)';
    await eventually(async () => (await messageOf(windlass, "bad")) === expected);
    await waitForStatus(windlass, "bad", "RUNNING");
    expect(await messageOf(windlass, "bad")).toBe(expected);
    await reach(windlass, "bad", { Echo: 1 });
    writeFileSync(policy, `${good}\nexport const bad = () => ({ desired: 3 });`);
    expect((await runWindlass(["deploy", config], clientEnv(windlass))).code).toBe(0);
    await reach(windlass, "bad", { Echo: 3 });
    await eventually(async () => (await messageOf(windlass, "bad")) === "");
  });

  it("is refused by the deploy where it is missing, and what runs goes on", async () => {
    const config = writeApp(ECHO, JSON.stringify({ applications: [scaled("app", "good")] }));
    writeFileSync(join(dirname(config), "policy.ts"), "export const good = () => ({ desired: 2 });");
    const windlass = await startWindlass([config]);
    await reach(windlass, "app", { Echo: 2 });
    writeFileSync(config, JSON.stringify({ applications: [scaled("app", "good")] }).replace("policy.ts", "polici.ts"));
    expect((await runWindlass(["deploy", config], clientEnv(windlass))).code).toBe(0);
    const { message } = await waitForStatus(windlass, "app", "DEPLOY_FAILED");
    expect(message).toContain('policy_function "./polici.ts:good": no such file; looked for polici.ts in ');
    expect((await fetch(`${windlass.http}/app`)).status).toBe(200);
  });
});
