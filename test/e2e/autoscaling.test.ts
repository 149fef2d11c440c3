import { join } from "node:path";
import { expect, it } from "vitest";
import { replay } from "../../src/autoscaling/replay.ts";
import { recordedEntries } from "../../src/controller/autoscale-decisions.ts";
import { openEmbeddedStore } from "../../src/store/embedded.ts";
import { ECHO, writeApp } from "../support/apps.ts";
import { startLoad } from "../support/load.ts";
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

const config = (autoscaling: Record<string, unknown>) => ({
  applications: [
    {
      name: "echo",
      route_prefix: "/",
      import_path: "./app.ts:app",
      deployments: [
        {
          name: "Echo",
          max_ongoing_requests: 100,
          graceful_shutdown_timeout_s: 5,
          graceful_shutdown_wait_loop_s: 0.1,
          autoscaling_config: {
            min_replicas: 0,
            initial_replicas: 1,
            max_replicas: 6,
            target_ongoing_requests: 10,
            metrics_interval_s: 0.2,
            look_back_period_s: 1,
            upscale_delay_s: 0.3,
            downscale_delay_s: 0.6,
            ...autoscaling,
          },
        },
      ],
    },
  ],
});

/** Long beside what the clients themselves need between two requests, so that as many are under way as there are. */
const SLOW = (): string => "/?ms=250";

async function target(windlass: Windlass): Promise<number | undefined> {
  return (await application(windlass, "echo"))?.deployments["Echo"]?.target_num_replicas;
}

async function reaches(windlass: Windlass, count: number): Promise<void> {
  let seen: number | undefined;
  let running: number[] = [];
  await eventually(
    async () => {
      seen = await target(windlass);
      running = await runningPids(windlass, "echo", "Echo");
      return seen === count && running.length === count;
    },
    () => `target ${seen}, ${running.length} running, wanted ${count}`,
  );
}

/** What was recorded, decided again by the same code, gives the same, moment by moment. */
async function replaysItself(windlass: Windlass): Promise<void> {
  const store = await openEmbeddedStore({ path: join(windlass.stateDir, "state.db"), busyTimeoutMs: 5_000 });
  try {
    const entries = recordedEntries(store, "echo", "Echo");
    expect(new Set(entries.map(({ result }) => result)).size).toBeGreaterThan(2);
    expect(replay(entries).differences).toEqual([]);
  } finally {
    await store.close();
  }
}

it("follows a step of load from 2 to 40 to none, and comes back from zero on one request; no request fails", async () => {
  const windlass = await startWindlass([writeApp(ECHO, JSON.stringify(config({})))]);
  await waitForStatus(windlass, "echo", "RUNNING");
  const few = startLoad(windlass.http, { workers: 2, path: SLOW });
  await eventually(() => few.count() > 10);
  expect(await target(windlass)).toBe(1);
  const many = startLoad(windlass.http, { workers: 38, path: SLOW });
  // 40 at 10 each.
  await reaches(windlass, 4);
  expect((await application(windlass, "echo"))?.status).toBe("RUNNING");
  const explained = await runWindlass(["explain", "echo", "Echo"], clientEnv(windlass));
  expect(explained.stderr).toBe("");
  expect(explained.stdout).toMatch(
    /^echo\/Echo is to have \d replicas, set by the autoscaler at .*: .* requests on \d running/,
  );
  for (const load of [few, many]) expect((await load.stop()).failures).toEqual([]);
  await reaches(windlass, 0);
  const begun = performance.now();
  const answer = await fetch(`${windlass.http}/?ms=1`);
  expect(answer.status).toBe(200);
  expect(performance.now() - begun).toBeLessThan(5_000);
  await reaches(windlass, 0);
});

it("goes on where it was when its controller is killed under load, and while replicas are wanted", async () => {
  const windlass = await startWindlass([writeApp(ECHO, JSON.stringify(config({ upscale_delay_s: 2 })))]);
  await waitForStatus(windlass, "echo", "RUNNING");
  let controller = windlass.pids.controller;
  const kill = async (): Promise<void> => {
    process.kill(controller, "SIGKILL");
    controller = await eventually(async () => {
      const answer = await api(windlass, "/-/readyz").catch(() => undefined);
      const { pid } = (answer?.json ?? {}) as { pid?: number };
      return pid !== controller ? pid : undefined;
    });
  };
  const load = startLoad(windlass.http, { workers: 30, path: SLOW });
  await eventually(() => load.count() > 100);
  await kill();
  await reaches(windlass, 3);
  const pids = await runningPids(windlass, "echo", "Echo");
  await kill();
  const served = load.count();
  await eventually(() => load.count() > served + 200);
  // Nothing was decided on an empty window: the same replicas run, once each of them was found again.
  await reaches(windlass, 3);
  expect(await runningPids(windlass, "echo", "Echo")).toEqual(pids);
  expect(await target(windlass)).toBe(3);
  expect((await load.stop()).failures).toEqual([]);
  await kill();
  await reaches(windlass, 0);
  await kill();
  expect((await fetch(`${windlass.http}/?ms=1`)).status).toBe(200);
  await reaches(windlass, 0);
  await windlass.stop();
  await replaysItself(windlass);
});
