/** The same over HTTP, over gRPC and by handles, while replicas and proxies come and go: docs/three-paths.md. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LIFE } from "../support/three-paths/life.ts";
import { deploy, endStage, type Staged, setStage } from "../support/three-paths/stage.ts";
import { expected, nothingLeft, runRow, type Stage } from "../support/three-paths/table.ts";
import { waitForStatus } from "../support/windlass.ts";

const QUICK = {
  min_replicas: 0,
  initial_replicas: 0,
  max_replicas: 1,
  metrics_interval_s: 0.1,
  look_back_period_s: 0.3,
  upscale_delay_s: 0,
  downscale_delay_s: 0.1,
  downscale_to_zero_delay_s: 0.1,
};

const APPLICATIONS: Readonly<Record<string, Staged>> = {
  paths: {},
  held: { args: { how: "held" } },
  asleep: { paths: { autoscaling_config: QUICK } },
  mortal: { paths: { num_replicas: 2 } },
  one: { paths: { max_ongoing_requests: 1 } },
  scaled: { more: { external_scaler_enabled: true } },
};

let stage: Stage;
afterAll(endStage);
beforeAll(async () => {
  stage = await setStage(APPLICATIONS);
  for (const name of ["paths", "asleep", "mortal", "one", "scaled", "relay"]) {
    await waitForStatus(stage.windlass, name, "RUNNING");
  }
  await deploy(stage, { ...APPLICATIONS, unbuilt: { from: "unbuilt" } });
});

describe(LIFE.title, () => {
  it.each(LIFE.rows.map((row, index) => [row.title, row, index] as const))("%s", async (_title, row, index) => {
    expect(await runRow(stage, row, `life-${index}`)).toEqual(expected(stage, row));
  });
});

it("leaves nothing behind", async () => {
  await nothingLeft(stage);
});
