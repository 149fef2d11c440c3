import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect, it, onTestFinished } from "vitest";
import { DeploymentService, type WatchScalingDecisionsResponse } from "../../gen/windlass/v1/deployment_service_pb.ts";
import type { ScalingDecision } from "../../gen/windlass/v1/scaling_pb.ts";
import { ECHO, writeApp } from "../support/apps.ts";
import { startLoad } from "../support/load.ts";
import { api, application, eventually, startWindlass, type Windlass, waitForStatus } from "../support/windlass.ts";

const CONFIG = {
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
            min_replicas: 1,
            max_replicas: 4,
            target_ongoing_requests: 5,
            metrics_interval_s: 0.2,
            look_back_period_s: 1,
            upscale_delay_s: 0.3,
            downscale_delay_s: 0.6,
          },
        },
      ],
    },
  ],
};

const SLOW = (): string => "/?ms=250";

/** Follows all decisions, resuming after the last complete revision whenever the stream breaks. */
function follow({ control, token }: Windlass) {
  const transport = createConnectTransport({
    baseUrl: control,
    httpVersion: "1.1",
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${token}`);
        return next(request);
      },
    ],
  });
  const client = createClient(DeploymentService, transport);
  const left = new AbortController();
  const told: ScalingDecision[] = [];
  const revisions: bigint[] = [];
  const errors: string[] = [];
  let complete = 0n;
  let streams = 0;
  /** Of the revision that is not complete yet. */
  let open: WatchScalingDecisionsResponse[] = [];
  const close = (): void => {
    for (const { decision, revision } of open) {
      if (decision === undefined) continue;
      told.push(decision);
      revisions.push(revision);
    }
    open = [];
  };
  const run = async (): Promise<void> => {
    while (!left.signal.aborted) {
      const request = { name: "applications/-", startRevision: complete, progressInterval: { nanos: 200_000_000 } };
      try {
        open = [];
        for await (const message of client.watchScalingDecisions(request, { signal: left.signal })) {
          if (open.length === 0 && complete === 0n) streams += 1;
          const { revision, decision, synced, deleted } = message;
          const before = open.at(-1)?.revision;
          if (before !== undefined && before < revision) {
            close();
            if (complete > 0n) complete = before;
          }
          if (decision !== undefined || deleted !== "") open.push(message);
          else {
            close();
            // A snapshot is complete with `synced` alone.
            if (synced || complete > 0n) complete = revision;
          }
        }
      } catch (error) {
        errors.push(String(error));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  const done = run();
  onTestFinished(async () => {
    left.abort();
    await done;
  });
  return { told, revisions, errors, begun: () => streams };
}

it("tells each decision once and in order, though its controller is killed again and again", async () => {
  const windlass = await startWindlass([writeApp(ECHO, JSON.stringify(CONFIG))]);
  await waitForStatus(windlass, "echo", "RUNNING");
  const { told, revisions, errors, begun } = follow(windlass);
  await eventually(() => told.length > 0);
  let controller = windlass.pids.controller;
  const kill = async (): Promise<void> => {
    process.kill(controller, "SIGKILL");
    controller = await eventually(async () => {
      const answer = await api(windlass, "/-/readyz").catch(() => undefined);
      const { pid } = (answer?.json ?? {}) as { pid?: number };
      return pid !== controller ? pid : undefined;
    });
  };
  const target = async (): Promise<number | undefined> =>
    (await application(windlass, "echo"))?.deployments["Echo"]?.target_num_replicas;
  const reaches = async (count: number): Promise<void> => {
    await eventually(async () => (await target()) === count && told.at(-1)?.result === count);
  };
  const load = startLoad(windlass.http, { workers: 18, path: SLOW });
  await eventually(async () => (await target())! > 1);
  await kill();
  await reaches(4);
  await kill();
  expect((await load.stop()).failures).toEqual([]);
  await reaches(1);
  await kill();
  const again = startLoad(windlass.http, { workers: 9, path: SLOW });
  await reaches(2);
  expect((await again.stop()).failures).toEqual([]);
  await reaches(1);

  expect(errors.length).toBeGreaterThanOrEqual(3);
  expect(begun()).toBe(1);
  expect(revisions).toEqual(revisions.toSorted((a, b) => Number(a - b)));
  const times = told.map(({ time }) => Number(time!.seconds) * 1e9 + time!.nanos);
  expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
  // Each change of the target begins where the one before it has led.
  const changes = told.filter(({ targetReplicas, result }) => targetReplicas !== result);
  expect(changes.length).toBeGreaterThanOrEqual(4);
  for (const [i, { targetReplicas }] of changes.entries()) {
    expect(targetReplicas).toBe(i === 0 ? 1 : changes[i - 1]!.result);
  }
});
