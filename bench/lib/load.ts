import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Started, start } from "./children.ts";

/** Where requests go. */
export type Target = { readonly host: string; readonly port: number };

/** A load on one target. */
export interface LoadOptions {
  readonly target: Target;
  /** Default "/". */
  readonly path?: string;
  /** Default GET. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** In place of `body`: so many bytes of "x". */
  readonly bodyBytes?: number;
  /** Each has one request under way at any time. */
  readonly connections: number;
  /** Requests of this time are not counted. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** What became of the requests of a load. */
export interface LoadResult {
  readonly ok: number;
  /** Answers of any kind, those of the warm-up with them. */
  readonly answered: number;
  /** Bytes of answers' bodies, those of answers under way with them. */
  readonly bodyBytesPerSecond: number;
  /** The same in all, with the warm-up. */
  readonly allBodyBytes: number;
  /** How often each way to fail came: a status other than 200, or an error code. */
  readonly failures: Readonly<Record<string, number>>;
  /** Good answers a second. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Share of a core the generator itself used; near 1 it is what limits. */
  readonly cpuShare: number;
}

/** From this share of a core on the generator is taken to be what limits. */
export const GENERATOR_LIMIT = 0.9;

const PROGRAM = fileURLToPath(new URL("../programs/load-client.ts", import.meta.url));
const GRPC_PROGRAM = fileURLToPath(new URL("../programs/grpc-client.ts", import.meta.url));

/** Unary gRPC calls of one method. */
export interface GrpcLoadOptions {
  readonly target: Target;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The message, in base64. */
  readonly message: string;
  readonly connections: number;
  /** Calls under way on each connection at any time. */
  readonly streams: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** A load that runs until `finish`, or until its seconds are over. */
export interface RunningLoad {
  finish(): Promise<LoadResult>;
}

/** Starts the generator, a process of its own. */
export function startLoad(options: LoadOptions): RunningLoad {
  const started = start(process.execPath, [PROGRAM, JSON.stringify(options)]);
  return {
    finish() {
      started.child.stdin?.end();
      return resultOf(started);
    },
  };
}

/** Runs a load for its time; on `core` alone, where one is named. */
export function runLoad(options: LoadOptions, core?: number): Promise<LoadResult> {
  const pinned = core === undefined ? [] : ["taskset", "-c", String(core)];
  const [command, ...args] = [...pinned, process.execPath, PROGRAM, JSON.stringify(options)];
  return resultOf(start(command!, args));
}

/** Runs a load of gRPC calls for its time. */
export function runGrpcLoad(options: GrpcLoadOptions): Promise<LoadResult> {
  return resultOf(start(process.execPath, [GRPC_PROGRAM, JSON.stringify(options)]));
}

/** Failed requests in all. */
export function failed({ failures }: LoadResult): number {
  return Object.values(failures).reduce((sum, count) => sum + count, 0);
}

async function resultOf(started: Started): Promise<LoadResult> {
  const code = await started.exited;
  const { stdout, stderr } = started.output();
  if (code !== 0) throw new Error(`the load generator ended with ${code}: ${stderr.trim().split("\n")[0]}`);
  return JSON.parse(stdout) as LoadResult;
}

/** Where wrk is installed, requests a second by it; a check on our own generator. undefined without wrk. */
export async function runWrk(url: string, connections: number, seconds: number): Promise<number | undefined> {
  if (!hasWrk()) return undefined;
  const wrk = start("wrk", ["-t1", `-c${connections}`, `-d${Math.max(1, Math.round(seconds))}s`, url]);
  if ((await wrk.exited) !== 0) throw new Error(`wrk at ${url} failed: ${wrk.output().stderr.trim()}`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(wrk.output().stdout)?.[1]);
}

let wrkFound: boolean | undefined;

/** Whether a wrk that works is on the PATH. */
function hasWrk(): boolean {
  // It prints its version and ends with 1.
  wrkFound ??= spawnSync("wrk", ["-v"], { encoding: "utf8" }).stdout?.startsWith("wrk ") ?? false;
  return wrkFound;
}
