import { setTimeout as sleep } from "node:timers/promises";
import { eventually, stop } from "../lib/children.ts";
import { failed, runLoad } from "../lib/load.ts";
import { footprint, look, processTree } from "../lib/proc.ts";
import { firstAnswer, targetOf } from "../lib/windlass.ts";
import type { PeerFigures } from "./figures.ts";
import { type Ray, rest, startRay } from "./ray-process.ts";

/** Scale events take seconds each. */
const REPEATS = 3;
const SETTLE_MS = 5_000;
const EVENT_MS = 120_000;

/** Starts Ray Serve with the same no-op application in its default mode, measures it and stops it. */
export async function measureRay(
  options: {
    /** The `ray` program. */
    readonly program: string;
    /** For its files; short, because of socket paths in it. */
    readonly folder: string;
    /** Of one load, in seconds. */
    readonly seconds: number;
  },
  progress: (text: string) => void,
): Promise<PeerFigures> {
  const { program, folder, seconds } = options;
  progress("Ray Serve: start");
  const ray = await startRay(program, folder);
  try {
    const firstAnswerMs = await firstAnswer(ray.http, ray.started.at, EVENT_MS);
    await runningReplicas(ray, 1);

    progress("Ray Serve: idle");
    await sleep(SETTLE_MS);
    const views = processTree(ray.started.pid).flatMap((pid) => look(pid) ?? []);

    const target = targetOf(ray.http);
    progress("Ray Serve: no-op, 32 connections");
    const many = await runLoad({ target, connections: 32, warmUpSeconds: 3, seconds: seconds * 2 });
    progress("Ray Serve: no-op, 1 connection");
    const single = await runLoad({ target, connections: 1, warmUpSeconds: 1, seconds: seconds * 2 });
    const bad = failed(many) + failed(single);
    if (bad > 0) throw new Error(`${bad} requests failed`);

    const scaleMs: number[] = [];
    for (let i = 1; i <= REPEATS; i++) {
      progress(`Ray Serve: scale 1 → 3, ${i} of ${REPEATS}`);
      await scale(ray, 3);
      const acknowledged = performance.now();
      await runningReplicas(ray, 3);
      scaleMs.push(performance.now() - acknowledged);
      await scale(ray, 1);
      await runningReplicas(ray, 1);
    }
    const fromZeroMs: number[] = [];
    for (let i = 1; i <= REPEATS; i++) {
      progress(`Ray Serve: scale from zero, ${i} of ${REPEATS}`);
      await scale(ray, 0);
      await runningReplicas(ray, 0);
      const answered = fetch(ray.http).then((response) => ({ at: performance.now(), status: response.status }));
      await sleep(500);
      const called = performance.now();
      await scale(ray, 1);
      const { at, status } = await answered;
      if (status !== 200) throw new Error(`the waiting request was answered ${status}`);
      fromZeroMs.push(at - called);
      await runningReplicas(ray, 1);
    }
    return {
      perSecond: many.perSecond,
      perSecondSingle: single.perSecond,
      p50SingleMs: single.p50Ms,
      p50Ms: many.p50Ms,
      p99Ms: many.p99Ms,
      firstAnswerMs,
      scaleMs,
      fromZeroMs,
      memory: footprint(views),
    };
  } finally {
    progress("Ray Serve: stop");
    // All is measured: it need not end in order, and nothing of it outlives the namespaces.
    await stop(ray.started, 5_000);
  }
}

async function scale(ray: Ray, replicas: number): Promise<void> {
  const path = "/api/v1/applications/noop/deployments/Noop/scale";
  const response = await rest(ray.control + path, "POST", { target_num_replicas: replicas });
  const { text } = response;
  if (response.status !== 200) throw new Error(`Ray's scale call answered ${response.status}: ${text.slice(0, 200)}`);
}

/** It has no feed: its REST is polled each 50 ms until exactly `count` replicas are there, all RUNNING. */
async function runningReplicas(ray: Ray, count: number): Promise<void> {
  await eventually(
    `${count} RUNNING replicas of Ray Serve`,
    async () => {
      const { text } = await rest(`${ray.control}/api/serve/applications/`, "GET");
      const view = JSON.parse(text) as RayView;
      const replicas = view.applications["noop"]?.deployments["Noop"]?.replicas;
      return replicas?.length === count && replicas.every(({ state }) => state === "RUNNING") ? true : undefined;
    },
    EVENT_MS,
    50,
  );
}

interface RayView {
  readonly applications: Readonly<
    Record<string, { readonly deployments: Readonly<Record<string, { readonly replicas: { state: string }[] }>> }>
  >;
}
