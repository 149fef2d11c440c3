import { spawn } from "node:child_process";
import { onTestFinished } from "vitest";
import { installPackage } from "./debian.ts";
import { eventually } from "./windlass.ts";

const PROMETHEUS = "/usr/bin/prometheus";

/** Installs Debian's Prometheus unless it is there. Throws with what to do where that is impossible. */
export function installPrometheus(): Promise<void> {
  return installPackage("prometheus", PROMETHEUS);
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
