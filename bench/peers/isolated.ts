import { join } from "node:path";
import { createInterface } from "node:readline";
import { start, stop, tempFolder } from "../lib/children.ts";
import type { PeerFigures } from "./figures.ts";

/** Measuring takes some minutes; this is for a run that hangs. */
const MOST_MS = 1_800_000;

/** Brings the loopback interface of a new network namespace up, then becomes its arguments. */
const LOOPBACK_UP = `
import fcntl, os, socket, struct, sys
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 0x41))
os.execv(sys.argv[1], sys.argv[1:])
`;

/** A program of the bench that runs where nothing but its own processes can be reached. */
export interface Isolated {
  /** Its file; it is given `args` and prints one JSON value, its progress on stderr. */
  readonly program: string;
  readonly args: readonly string[];
  progress(text: string): void;
}

/**
 * Runs a program in a network namespace that has nothing but its own loopback: several processes of Ray listen on every
 * interface, whatever they are told. Linux with `unshare` only; throws where that fails.
 */
export async function runIsolated<T>({ program, args, progress }: Isolated): Promise<T> {
  const main = [process.execPath, join(import.meta.dirname, program), ...args];
  const isolated = ["--map-root-user", "--net", "python3", "-c", LOOPBACK_UP, ...main];
  const started = start("unshare", isolated, { timeout: MOST_MS });
  createInterface({ input: started.child.stderr! }).on("line", progress);
  try {
    const code = await started.exited;
    const { stdout, stderr } = started.output();
    if (code !== 0) throw new Error(`in a network namespace of its own: ${stderr.trim().split("\n").at(-1)}`);
    return JSON.parse(stdout) as T;
  } finally {
    await stop(started);
  }
}

/** Measures Ray Serve by itself, with the application of the main table; `ray` is its program. */
export async function measureRayIsolated(options: {
  readonly ray: string;
  readonly seconds: number;
  progress(text: string): void;
}): Promise<PeerFigures> {
  // The folder is ours, so that it goes even if the program is killed.
  const args = [options.ray, String(options.seconds), tempFolder()];
  return runIsolated({ program: "ray-main.ts", args, progress: options.progress });
}
