/** The same cases over HTTP, over gRPC and by handles, from outside and from inside of replicas: docs/three-paths.md. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reach } from "../support/targets.ts";
import { ANSWERS, CONTEXT } from "../support/three-paths/answers.ts";
import { ABSENT, ERRORS } from "../support/three-paths/failures.ts";
import {
  DEPLOYMENT_TIMEOUT_S,
  INSTANCE_TIMEOUT_S,
  LEAVING,
  LIMITS,
  MAX_ONGOING,
  MAX_QUEUED,
  TIMEOUTS,
} from "../support/three-paths/limits.ts";
import { endStage, setStage } from "../support/three-paths/stage.ts";
import { expected, nothingLeft, runRow, type Stage } from "../support/three-paths/table.ts";
import { TELLING } from "../support/three-paths/telling.ts";
import { api, waitForStatus } from "../support/windlass.ts";

const UNBOUNDED = { request_timeout_s: 600 };

let stage: Stage;
afterAll(endStage);
beforeAll(async () => {
  stage = await setStage(
    {
      paths: { paths: UNBOUNDED },
      counted: { paths: UNBOUNDED },
      limited: {
        paths: {
          ...UNBOUNDED,
          max_ongoing_requests: MAX_ONGOING,
          max_queued_requests: MAX_QUEUED,
          autoscaling_config: { min_replicas: 1, max_replicas: 1, metrics_interval_s: 0.5, look_back_period_s: 2 },
          backpressure_config: { status_code: 429, retry_after_s: 2.2 },
        },
      },
      timed: { paths: { request_timeout_s: DEPLOYMENT_TIMEOUT_S } },
      bounded: {},
      never: { args: { how: "never" } },
      empty: { paths: { ...UNBOUNDED, cold_start_timeout_s: 0.2 }, more: { external_scaler_enabled: true } },
    },
    {
      http_options: { request_timeout_s: INSTANCE_TIMEOUT_S },
      grpc_options: { request_timeout_s: INSTANCE_TIMEOUT_S },
    },
  );
  for (const name of ["paths", "counted", "limited", "timed", "bounded", "empty", "relay"]) {
    await waitForStatus(stage.windlass, name, "RUNNING");
  }
  await waitForStatus(stage.windlass, "never", "DEPLOY_FAILED");
  const scale = "/api/v1/applications/empty/deployments/Paths/scale";
  expect((await api(stage.windlass, scale, { body: { target_num_replicas: 0 } })).status).toBe(200);
  await reach(stage.windlass, "empty", { Paths: 0 });
});

describe.each([ANSWERS, CONTEXT, ERRORS, ABSENT, TIMEOUTS, LIMITS, LEAVING, TELLING])("$title", ({ title, rows }) => {
  it.each(rows.map((row, index) => [row.title, row, index] as const))("%s", async (_title, row, index) => {
    expect(await runRow(stage, row, `${title.split(" ")[0]}-${index}`)).toEqual(expected(stage, row));
  });
});

it("leaves nothing behind", async () => {
  await nothingLeft(stage);
});
