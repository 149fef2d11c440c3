import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { randomInt } from "../../src/core/random.ts";
import { ECHO, ECHO_CONFIG, writeApp } from "../support/apps.ts";
import { startLoad } from "../support/load.ts";
import { seededRandom } from "../support/seeded-random.ts";
import {
  api,
  application,
  eventually,
  processesOf,
  runningPids,
  startWindlass,
  type Windlass,
  waitForStatus,
} from "../support/windlass.ts";

const MINUTES = Number(process.env["SOAK_MINUTES"] ?? 10);
const SEED = Number(process.env["SEED"] ?? 1);

/**
 * GETs go on without one failure while the controller and replicas are killed, targets change and sources are edited;
 * a watch sees every revision once; nothing grows without end.
 */
it(`${MINUTES} minutes of load and chaos, seed ${SEED}`, async () => {
  const random = seededRandom(SEED);
  const config = writeApp(ECHO, ECHO_CONFIG(3));
  const windlass = await startWindlass([config]);
  await waitForStatus(windlass, "echo", "RUNNING");
  const load = startLoad(windlass.http, { workers: 12, path: () => "/?ms=3" });
  const watch = watchRevisions(windlass);
  const counts = { controller: 0, replica: 0, scale: 0, edit: 0 };
  const memory: number[] = [];
  const end = performance.now() + MINUTES * 60_000;
  let edits = 0;
  while (performance.now() < end) {
    const pids = await runningPids(windlass, "echo", "Echo");
    switch (randomInt(random, 4)) {
      case 0: {
        const controller = await controllerPid(windlass);
        process.kill(controller, "SIGKILL");
        counts.controller += 1;
        await eventually(async () => (await controllerPid(windlass).catch(() => controller)) !== controller);
        break;
      }
      case 1:
        // One is left to take over: the last one's death is an outage.
        if (pids.length < 2) break;
        process.kill(pids[randomInt(random, pids.length)]!, "SIGKILL");
        counts.replica += 1;
        break;
      case 2: {
        const target = 2 + randomInt(random, 3);
        const path = "/api/v1/applications/echo/deployments/Echo/scale";
        expect((await api(windlass, path, { body: { target_num_replicas: target } })).status).toBe(200);
        counts.scale += 1;
        break;
      }
      default: {
        writeFileSync(
          join(dirname(config), "app.ts"),
          ECHO.replace("pid: process.pid", `edit: ${++edits}, pid: process.pid`),
        );
        const body = {
          applications: [
            {
              name: "echo",
              import_path: "./app.ts:app",
              external_scaler_enabled: true,
              deployments: [{ name: "Echo", num_replicas: 3, graceful_shutdown_timeout_s: 5 }],
            },
          ],
        };
        const headers = { "x-windlass-base-dir": dirname(config) };
        expect((await api(windlass, "/api/serve/applications/", { method: "PUT", body, headers })).status).toBe(200);
        counts.edit += 1;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 500 + randomInt(random, 2_500)));
    await eventually(
      async () => {
        const view = await application(windlass, "echo");
        const echo = view?.deployments["Echo"];
        const running = echo?.replicas.filter(({ state }) => state === "RUNNING").length;
        return (
          view?.status === "RUNNING" &&
          echo?.replicas.length === echo?.target_num_replicas &&
          running === echo?.target_num_replicas
        );
      },
      () => "the deployment did not settle",
      60_000,
    );
    memory.push(residentMb(windlass.stateDir));
  }
  const { ok, failures } = await load.stop();
  const tail = memory.slice(-5).reduce((sum, mb) => sum + mb, 0) / 5;
  const head = memory.slice(5, 10).reduce((sum, mb) => sum + mb, 0) / 5;
  process.stdout.write(
    `${JSON.stringify({ minutes: MINUTES, seed: SEED, ok, failures: failures.length, counts, memoryMb: { head: Math.round(head), tail: Math.round(tail) } })}\n`,
  );
  expect(failures).toEqual([]);
  expect(ok).toBeGreaterThan(MINUTES * 1_000);
  // Every process but the supervisor is younger than the run, so this bounds growth from one minute to the last.
  expect(tail).toBeLessThan(head * 1.5 + 100);
  const seen = watch.stop();
  expect(seen.length).toBeGreaterThan(counts.scale);
  expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
});

async function controllerPid(windlass: Windlass): Promise<number> {
  const response = await fetch(`${windlass.control}/-/readyz`, { headers: { connection: "close" } });
  return ((await response.json()) as { pid: number }).pid;
}

/** Ids of an SSE feed that resumes whenever it is cut. */
function watchRevisions(windlass: Windlass): { stop(): number[] } {
  const abort = new AbortController();
  const ids: number[] = [];
  void (async () => {
    while (!abort.signal.aborted) {
      try {
        const last = ids.at(-1);
        const response = await fetch(`${windlass.control}/api/v1/watch`, {
          signal: abort.signal,
          headers: {
            authorization: `Bearer ${windlass.token}`,
            ...(last === undefined ? {} : { "last-event-id": String(last) }),
          },
        });
        let text = "";
        for await (const chunk of response.body!) {
          text += Buffer.from(chunk).toString();
          const events = text.split("\n\n");
          text = events.pop()!;
          for (const event of events) {
            const id = /^id: ?(\d+)$/m.exec(event)?.[1];
            if (id !== undefined && !/^event: ?(progress|synced)$/m.test(event)) ids.push(Number(id));
          }
        }
      } catch {
        // The controller was killed: the feed goes on from the last id.
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  return {
    stop() {
      abort.abort();
      return ids;
    },
  };
}

function residentMb(stateDir: string): number {
  let kb = 0;
  for (const pid of processesOf(stateDir)) {
    try {
      kb += Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
    } catch {
      // It ended meanwhile.
    }
  }
  return kb / 1024;
}
