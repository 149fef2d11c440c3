import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { tempDir } from "./temp-dir.ts";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LAUNCHER = join(ROOT, "bin", "windlass.cjs");

/** A real `windlass start` with all its processes. */
export interface Windlass {
  readonly control: string;
  readonly http: string;
  /** "127.0.0.1:9000". */
  readonly grpc: string;
  readonly stateDir: string;
  readonly token: string;
  readonly pids: { supervisor: number; controller: number; proxies: number[] };
  readonly process: ChildProcess;
  /** What it has printed so far. */
  output(): { stdout: string; stderr: string };
  /** Sends a signal and resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/**
 * Starts Windlass from the built dist/ on free ports and resolves at its ready line; it is stopped with the test, or
 * when `atEnd` runs what it was given.
 */
export async function startWindlass(
  args: string[] = [],
  options: { stateDir?: string; env?: Record<string, string>; atEnd?: (stop: () => Promise<void>) => void } = {},
): Promise<Windlass> {
  const stateDir = options.stateDir ?? join(tempDir(), "state");
  const child = spawn(process.execPath, [LAUNCHER, "start", ...args, "--state-dir", stateDir, ...freePorts(args)], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...cleanEnv(stateDir), ...options.env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> => {
    child.kill(signal);
    return exited;
  };
  (options.atEnd ?? onTestFinished)(async () => {
    await stop();
    for (const pid of processesOf(stateDir)) process.kill(pid, "SIGKILL");
  });
  const line = await eventually(() => {
    if (child.exitCode !== null) throw new Stop(`start exited with ${child.exitCode}: ${stderr}`);
    return /^windlass ready (.*)$/m.exec(stdout)?.[1];
  });
  const ready = JSON.parse(line) as Pick<Windlass, "control" | "http" | "grpc" | "pids">;
  return {
    ...ready,
    stateDir,
    token: readFileSync(join(stateDir, "admin.token"), "utf8").trim(),
    process: child,
    output: () => ({ stdout, stderr }),
    stop,
  };
}

/** Runs `windlass <args>` to its end. */
export async function runWindlass(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...cleanEnv(tempDir()), ...env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}

/** Environment for client commands against a started Windlass. */
export function clientEnv(windlass: Windlass): Record<string, string> {
  return { WINDLASS_ADDRESS: windlass.control, WINDLASS_TOKEN: windlass.token };
}

/** A JSON request to the control port as admin. */
export async function api(
  windlass: Windlass,
  path: string,
  init: { method?: string; body?: unknown; token?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; text: string; json: unknown; headers: Headers }> {
  const response = await fetch(`${windlass.control}${path}`, {
    method: init.method ?? (init.body === undefined ? "GET" : "POST"),
    headers: {
      authorization: `Bearer ${init.token ?? windlass.token}`,
      ...(init.body === undefined ? {} : { "content-type": "application/json" }),
      ...init.headers,
    },
    ...(init.body === undefined ? {} : { body: typeof init.body === "string" ? init.body : JSON.stringify(init.body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    text,
    json: text.startsWith("{") ? JSON.parse(text) : undefined,
    headers: response.headers,
  };
}

/** The REST document of an application, as far as tests look at it. */
export interface ApplicationView {
  status: string;
  message: string;
  deployments: Record<
    string,
    {
      status: string;
      status_trigger: string;
      message: string;
      target_num_replicas: number;
      replicas: { replica_id: string; state: string; pid: number | null }[];
    }
  >;
}

/** Reads an application over REST; undefined when it is not there or nobody answers. */
export async function application(windlass: Windlass, name: string): Promise<ApplicationView | undefined> {
  const answer = await api(windlass, "/api/serve/applications/").catch(() => undefined);
  return (answer?.json as { applications: Record<string, ApplicationView> } | undefined)?.applications[name];
}

/** Waits until an application has a status. */
export async function waitForStatus(
  windlass: Windlass,
  name: string,
  status: string,
  timeoutMs = 20_000,
): Promise<ApplicationView> {
  let last: ApplicationView | undefined;
  return eventually(
    async () => {
      last = await application(windlass, name);
      return last?.status === status ? last : undefined;
    },
    () => `application ${name} is ${last?.status} (${last?.message}), not ${status}`,
    timeoutMs,
  );
}

/** Pids of the RUNNING replicas of a deployment, sorted. */
export async function runningPids(windlass: Windlass, app: string, deployment: string): Promise<number[]> {
  const replicas = (await application(windlass, app))?.deployments[deployment]?.replicas ?? [];
  return replicas
    .filter(({ state }) => state === "RUNNING")
    .map(({ pid }) => pid ?? 0)
    .sort((a, b) => a - b);
}

/** Ends {@link eventually} at once. */
export class Stop extends Error {}

/** Polls until `look` returns something other than undefined or false; fails after 20 s with what was missing. */
export async function eventually<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  missing: () => string = () => "the condition did not come to hold",
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found as T;
    if (performance.now() > deadline) throw new Error(missing());
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

/** Pids of every process whose command line names this state dir or its run dir. */
export function processesOf(stateDir: string): number[] {
  const runDir = runDirOf(stateDir);
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        const zombie = /^\S+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
        return (
          !zombie &&
          line.includes("windlass") &&
          (line.includes(stateDir) || (runDir !== undefined && line.includes(runDir)))
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** The folder for sockets of a Windlass that runs on a state dir. */
export function runDirOf(stateDir: string): string | undefined {
  try {
    const log = readFileSync(join(stateDir, "run.json"), "utf8");
    const records = JSON.parse(log) as { id: string; process: { pid: number } | null }[];
    const controller = records.find(({ id }) => id === "controller")?.process?.pid;
    return controller === undefined
      ? undefined
      : /"runDir":"([^"]+)"/.exec(readFileSync(`/proc/${controller}/cmdline`, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

function freePorts(args: string[]): string[] {
  return ["--control-port", "--http-port", "--grpc-port"].flatMap((flag) => (args.includes(flag) ? [] : [flag, "0"]));
}

function cleanEnv(stateDir: string): NodeJS.ProcessEnv {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(WINDLASS_|VITEST|NODE_ENV$)/.test(name)),
  );
  return { ...env, WINDLASS_STATE_DIR: stateDir };
}
