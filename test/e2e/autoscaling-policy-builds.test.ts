import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { ECHO, writeApp } from "../support/apps.ts";
import { reach } from "../support/targets.ts";
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

const wish = (replicas: number): string => `export const wish = () => ({ desired: ${replicas} });`;

const scaling = (policy: string) => ({
  max_replicas: 9,
  upscale_delay_s: 0,
  policy: { policy_function: policy },
});

const deploy = async (windlass: Windlass, config: string): Promise<void> => {
  const { code, stderr } = await runWindlass(["deploy", config], clientEnv(windlass));
  expect([code, stderr.includes("failed")]).toEqual([0, false]);
};

const messageOf = async (windlass: Windlass, app: string): Promise<string | undefined> =>
  (await application(windlass, app))?.message;

describe("the policy of a shadow", () => {
  const config = (policy: string): string =>
    JSON.stringify({
      applications: [
        {
          name: "echo",
          import_path: "./app.ts:app",
          deployments: [{ name: "Echo", num_replicas: 2, autoscaling_shadow: scaling(policy) }],
        },
      ],
    });

  it("is built by the deploy: an edit is noticed, an export that is not there refused, and nothing else touched", async () => {
    const file = writeApp(ECHO, config("./policy.ts:wish"), { "policy.ts": wish(7) });
    const windlass = await startWindlass([file]);
    await waitForStatus(windlass, "echo", "RUNNING");
    const pids = await runningPids(windlass, "echo", "Echo");
    expect(pids).toHaveLength(2);
    const would = (replicas: number) =>
      eventually(async () => {
        const { stdout } = await runWindlass(["explain", "echo", "Echo", "--shadow"], clientEnv(windlass));
        return stdout.includes(`Its autoscaling_shadow would have ${replicas} replicas; nothing follows it.`);
      });
    await would(7);
    writeFileSync(join(dirname(file), "policy.ts"), wish(8));
    await deploy(windlass, file);
    await would(8);
    expect(await runningPids(windlass, "echo", "Echo")).toEqual(pids);
    await reach(windlass, "echo", { Echo: 2 });
    writeFileSync(file, config("./policy.ts:wishes"));
    await deploy(windlass, file);
    const { message } = await waitForStatus(windlass, "echo", "DEPLOY_FAILED");
    expect(message).toContain('policy_function "./policy.ts:wishes": no export "wishes": the module exports wish');
    const { pid } = (await (await fetch(windlass.http)).json()) as { pid: number };
    expect(pids).toContain(pid);
  });

  it("of a whole application is built and asked, and nothing follows what it says", async () => {
    const application = {
      name: "echo",
      import_path: "./app.ts:app",
      autoscaling_shadow: { policy_function: "./policy.ts:all" },
      deployments: [{ name: "Echo", autoscaling_config: { min_replicas: 1, max_replicas: 9, upscale_delay_s: 0 } }],
    };
    const policy = "export const all = () => ({ desired: { Echo: 7 } });";
    const file = writeApp(ECHO, JSON.stringify({ applications: [application] }), { "policy.ts": policy });
    const windlass = await startWindlass([file]);
    await waitForStatus(windlass, "echo", "RUNNING");
    const path = "/api/v1/applications/echo/deployments/Echo/decisions";
    const newest = async (query: string) => {
      const { json } = await api(windlass, `${path}${query}`);
      return (json as { decisions: { result: number; policy: string }[] }).decisions[0];
    };
    await eventually(async () => (await newest("?shadow=true"))?.result === 7);
    expect(await newest("?shadow=true")).toMatchObject({ policy: "user", shadow: true });
    expect(await newest("")).toMatchObject({ policy: "built-in", shadow: false, result: 1 });
    const { stdout } = await runWindlass(["explain", "echo", "Echo", "--shadow"], clientEnv(windlass));
    expect(stdout).toContain("The application's autoscaling_shadow would have 7 replicas; nothing follows it.");
  });
});

describe("the policy of a program", () => {
  const SERVER = `
import { createServer } from "node:http";
const server = createServer((_, response) => response.end("hi")).listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => server.close(() => process.exit(0)));`;
  const config = (policy: string): string =>
    JSON.stringify({
      applications: [
        {
          name: "prog",
          deployments: [{ name: "P", command: ["node", "server.mjs"], autoscaling_config: scaling(policy) }],
        },
      ],
    });

  it("is built by the deploy: an edit is noticed, and an export that is not there refused", async () => {
    const file = writeApp("", config("./policy.ts:wish"), { "policy.ts": wish(2), "server.mjs": SERVER });
    const windlass = await startWindlass([file]);
    await waitForStatus(windlass, "prog", "RUNNING");
    await reach(windlass, "prog", { P: 2 });
    writeFileSync(join(dirname(file), "policy.ts"), wish(3));
    await deploy(windlass, file);
    await reach(windlass, "prog", { P: 3 });
    expect(await messageOf(windlass, "prog")).toBe("");
    writeFileSync(file, config("./policy.ts:none"));
    await deploy(windlass, file);
    const { message } = await waitForStatus(windlass, "prog", "DEPLOY_FAILED");
    expect(message).toContain('policy_function "./policy.ts:none": no export "none": the module exports wish');
    expect((await fetch(windlass.http)).status).toBe(200);
  });
});
