import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { installPrometheus, startPrometheus } from "../support/prometheus.ts";
import { freePort } from "../support/proxy-process.ts";
import { reach } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";
import { application, eventually, ROOT, startWindlass, type Windlass, waitForStatus } from "../support/windlass.ts";

/** A copy of the example with other ports, and shorter of breath. */
function example(ports: Readonly<Record<string, number>>): string {
  const folder = join(tempDir(), "autoscaling");
  cpSync(join(ROOT, "examples", "autoscaling"), folder, { recursive: true });
  for (const name of ["prometheus.yaml", "prometheus.yml"]) {
    let text = readFileSync(join(folder, name), "utf8").replace("freshness_s: 10", "freshness_s: 4");
    for (const [from, to] of Object.entries(ports)) text = text.replaceAll(`127.0.0.1:${from}`, `127.0.0.1:${to}`);
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const messageOf = async (windlass: Windlass): Promise<string> => (await application(windlass, "jobs"))?.message ?? "";

beforeAll(installPrometheus, 120_000);

it("autoscaling/prometheus.yaml follows a value of a real Prometheus; holds while it is missing, and says so", async () => {
  const [port, queuePort] = [await freePort(), await freePort()];
  const folder = example({ 9090: port, 9400: queuePort });
  const queue = spawn(process.execPath, [join(folder, "queue.mjs"), String(queuePort)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void queue.kill("SIGKILL"));
  await once(queue.stdout, "data");
  const put = (waiting: number) => fetch(`http://127.0.0.1:${queuePort}/${waiting}`, { method: "PUT" });
  await put(35);
  const windlass = await startWindlass([join(folder, "prometheus.yaml")]);
  await waitForStatus(windlass, "jobs", "RUNNING");
  // Nobody answers yet.
  await eventually(async () => (await messageOf(windlass)).includes("cannot be asked: ECONNREFUSED"));
  await reach(windlass, "jobs", { Worker: 1 });
  const prometheus = await startPrometheus(join(folder, "prometheus.yml"), join(folder, "data"), port);
  await reach(windlass, "jobs", { Worker: 4 });
  expect(await messageOf(windlass)).toBe("");
  await put(12);
  await reach(windlass, "jobs", { Worker: 2 });
  // Prometheus goes on answering, without a value.
  queue.kill("SIGKILL");
  await eventually(async () => (await messageOf(windlass)).endsWith("more than 4 s: the query matches nothing"));
  // It goes too.
  await prometheus.stop();
  await eventually(async () => (await messageOf(windlass)).endsWith("cannot be asked: ECONNREFUSED"));
  await reach(windlass, "jobs", { Worker: 2 });
  expect((await application(windlass, "jobs"))?.status).toBe("RUNNING");
});
