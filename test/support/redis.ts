import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import { installPackage } from "./debian.ts";
import { eventually } from "./windlass.ts";

const REDIS = "/usr/bin/redis-server";
const run = promisify(execFile);

/** Installs Debian's Redis unless it is there. Throws with what to do where that is impossible. */
export function installRedis(): Promise<void> {
  return installPackage("redis-server", REDIS);
}

/** A Redis that keeps nothing on disk. */
export interface Redis {
  /** Runs a command with `redis-cli` and returns what it prints. */
  command(...words: string[]): Promise<string>;
  stop(): Promise<void>;
}

/** Runs Redis with a password until it is stopped or the test ends; resolves when it answers. */
export async function startRedis(port: number, password: string): Promise<Redis> {
  const settings = ["--port", String(port), "--bind", "127.0.0.1", "--requirepass", password, "--save", ""];
  const child = spawn(REDIS, settings, { stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  onTestFinished(stop);
  const command = async (...words: string[]): Promise<string> => {
    const login = { ...process.env, REDISCLI_AUTH: password };
    return (await run("redis-cli", ["-p", String(port), ...words], { env: login })).stdout.trim();
  };
  await eventually(async () => (await command("ping").catch(() => "")) === "PONG");
  return { command, stop };
}
