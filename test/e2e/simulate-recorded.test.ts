import { dirname } from "node:path";
import { expect, it } from "vitest";
import { ECHO, writeApp } from "../support/apps.ts";
import { startLoad } from "../support/load.ts";
import { reach } from "../support/targets.ts";
import { clientEnv, eventually, runWindlass, startWindlass, waitForStatus } from "../support/windlass.ts";

const config = (max: number): string =>
  JSON.stringify({
    applications: [
      {
        name: "echo",
        import_path: "./app.ts:app",
        deployments: [
          {
            name: "Echo",
            autoscaling_config: {
              min_replicas: 1,
              max_replicas: max,
              target_ongoing_requests: 2,
              metrics_interval_s: 0.2,
              look_back_period_s: 1,
              upscale_delay_s: 0,
            },
          },
        ],
      },
    ],
  });

it("what an instance recorded is told by it while it runs, and read from its folder when it is stopped", async () => {
  const file = writeApp(ECHO, config(3), { "few.yaml": config(2) });
  const windlass = await startWindlass([file]);
  const fromS = Math.floor(Date.now() / 1_000);
  await waitForStatus(windlass, "echo", "RUNNING");
  const load = startLoad(windlass.http, { workers: 8, path: () => "/?ms=200" });
  await reach(windlass, "echo", { Echo: 3 });
  const argv = ["simulate", "--config", `${dirname(file)}/few.yaml`, "--from", String(fromS), "-o", "json"];
  const peaks = async (more: string[], env: Record<string, string>): Promise<[number, number] | string> => {
    const { code, stdout, stderr } = await runWindlass([...argv, ...more], env);
    if (code !== 0) return stderr;
    const { configs } = JSON.parse(stdout) as { configs: { total: { peak_replicas: number } }[] };
    return configs.map(({ total }) => total.peak_replicas) as [number, number];
  };
  // It had up to 3 replicas; with 2 at most there are 2.
  await eventually(async () => String(await peaks([], clientEnv(windlass))) === "3,2");
  const offline = ["--state-dir", windlass.stateDir];
  expect(await peaks(offline, {})).toMatch(
    /^windlass: --state-dir \S+: the store \S+ is in use by another process: stop /,
  );
  expect((await load.stop()).failures).toEqual([]);
  await windlass.stop();
  expect(await peaks(offline, {})).toEqual([3, 2]);
});
