import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { writeApp } from "../support/apps.ts";
import { api, application, eventually, runningPids, startWindlass, waitForStatus } from "../support/windlass.ts";

const GPUS = `
import { deployment } from "windlass";
class Gpus {
  fetch(): Response {
    return Response.json({ pid: process.pid, gpus: process.env["CUDA_VISIBLE_DEVICES"] ?? null });
  }
}
export const app = deployment(Gpus).bind();
`;

const CONFIG = (replicas: number, more = ""): string => `
start:
  num_cpus: 2
  num_gpus: 2
applications:
  - name: gpus
    import_path: ./app.ts:app
    external_scaler_enabled: true
    deployments:
      - name: Gpus
        num_replicas: ${replicas}
        graceful_shutdown_timeout_s: 2
        ray_actor_options: {num_cpus: 1, num_gpus: 1}
${more}`;

/** What each replica's process was started with. */
const devices = (pids: readonly number[]): (string | undefined)[] =>
  pids
    .map((pid) => /(?:^|\0)CUDA_VISIBLE_DEVICES=([^\0]*)/.exec(readFileSync(`/proc/${pid}/environ`, "latin1"))?.[1])
    .sort();

it.runIf(process.platform === "linux")(
  "replicas that do not fit wait and say so, GPUs are their own, and a killed controller keeps the accounts",
  async () => {
    const windlass = await startWindlass([writeApp(GPUS, CONFIG(3))]);
    const view = async () => (await application(windlass, "gpus"))?.deployments["Gpus"];
    const waits = "1 of 3 replicas waits for resources: each takes CPU 1, GPU 1; free are CPU 0 of 2, GPU 0 of 2.";
    await eventually(async () => {
      const present = await view();
      return present?.message === waits && (await runningPids(windlass, "gpus", "Gpus")).length === 2;
    });
    const present = await view();
    expect(present?.status).toBe("UPDATING");
    expect(present?.replicas.map(({ state }) => state).sort()).toEqual(["RUNNING", "RUNNING", "STARTING"]);
    const pids = await runningPids(windlass, "gpus", "Gpus");
    expect(devices(pids)).toEqual(["0", "1"]);

    process.kill(windlass.pids.controller, "SIGKILL");
    const back = await eventually(async () => {
      const answer = await api(windlass, "/-/readyz").catch(() => undefined);
      return answer?.status === 200 && (answer.json as { pid: number }).pid !== windlass.pids.controller;
    });
    expect(back).toBe(true);
    process.kill(pids[0]!, "SIGKILL");
    await eventually(async () => {
      const now = await runningPids(windlass, "gpus", "Gpus");
      return now.length === 2 && !now.includes(pids[0]!);
    });
    expect(devices(await runningPids(windlass, "gpus", "Gpus"))).toEqual(["0", "1"]);

    await api(windlass, "/api/v1/applications/gpus/deployments/Gpus/scale", { body: { target_num_replicas: 2 } });
    await waitForStatus(windlass, "gpus", "RUNNING");
    expect((await view())?.message).toBe("");
  },
);
