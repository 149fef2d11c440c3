import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { ECHO, writeApp } from "../support/apps.ts";
import { reach } from "../support/targets.ts";
import {
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
