/** Starts a real Windlass for a scenario and stops it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Clock } from "../../core/clock.ts";

const LAUNCHER = fileURLToPath(new URL("../../../bin/windlass.cjs", import.meta.url));

/** How long the start may take. */
const START_TIMEOUT_MS = 30_000;
/** How long a stop may take before what is left is killed. */
const STOP_TIMEOUT_MS = 15_000;

/** A started Windlass. */
export interface RunningWindlass {
  /** "http://127.0.0.1:8265". */
  readonly control: string;
  /** "http://127.0.0.1:8000". */
  readonly http: string;
  /** "127.0.0.1:9000". */
  readonly grpc: string;
  stop(): Promise<void>;
}

/** Starts `windlass start` on free ports, without tokens; rejects with what it printed if it does not get ready. */
export async function startInstance(options: {
  readonly appDir: string;
  /** Make an instance at once. */
  readonly instance: boolean;
  readonly clock: Clock;
}): Promise<RunningWindlass> {
  const { clock } = options;
  const stateDir = mkdtempSync(join(tmpdir(), "windlass-conformance-"));
  const args = ["start", "--state-dir", join(stateDir, "state"), "--app-dir", options.appDir, "--auth", "off"];
  args.push("--control-port", "0", "--http-port", "0", "--grpc-port", "0", "--proxy-workers", "1");
  if (!options.instance) args.push("--no-instance");
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(WINDLASS_|VITEST|NODE_ENV$)/.test(name)),
  );
  const child = spawn(process.execPath, [LAUNCHER, ...args], { stdio: ["ignore", "pipe", "pipe"], env });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const timer = clock.timer(STOP_TIMEOUT_MS, () => child.kill("SIGKILL"));
    await exited;
    timer.cancel();
    rmSync(stateDir, { recursive: true, force: true });
  };
  try {
    const ready = JSON.parse(await readyLine(child, clock)) as Pick<RunningWindlass, "control" | "http" | "grpc">;
    return { ...ready, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function readyLine(child: ChildProcess, clock: Clock): Promise<string> {
  let stdout = "";
  let stderr = "";
  return new Promise((resolve, reject) => {
    const timer = clock.timer(START_TIMEOUT_MS, () => reject(new Error(`windlass start is not ready: ${stderr}`)));
    child.stderr?.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-2_000);
    });
    child.stdout?.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      const line = /^windlass ready (.*)\n/m.exec(stdout)?.[1];
      if (line === undefined) return;
      timer.cancel();
      resolve(line);
    });
    child.once("exit", (code) => {
      timer.cancel();
      reject(new Error(`windlass start exited with ${code}: ${stderr.trim()}`));
    });
  });
}
