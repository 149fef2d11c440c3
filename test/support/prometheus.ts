import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import { eventually } from "./windlass.ts";

const PROMETHEUS = "/usr/bin/prometheus";

/** Installs Debian's Prometheus unless it is there. Throws with what to do where that is impossible. */
export async function installPrometheus(): Promise<void> {
  if (existsSync(PROMETHEUS)) return;
  const apt = async (...args: string[]): Promise<void> => {
    await promisify(execFile)("apt-get", args, { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  };
  try {
    await apt("update");
    await apt("install", "--yes", "--no-install-recommends", "prometheus");
  } catch (error) {
    throw new Error(`this test needs prometheus; install it: apt-get install prometheus (${String(error)})`);
  }
}

/** Runs Prometheus on a config until it is stopped or the test ends; resolves when it answers. */
export async function startPrometheus(
  configFile: string,
  dataDir: string,
  port: number,
): Promise<{ stop(): Promise<void> }> {
  const child = spawn(
    PROMETHEUS,
    [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${dataDir}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=error",
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  onTestFinished(stop);
  await eventually(async () => (await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => undefined))?.ok);
  return { stop };
}
