import { join } from "node:path";
import { createInterface } from "node:readline";
import { start, stop, tempFolder } from "../lib/children.ts";
import type { PeerFigures } from "./figures.ts";

/** Measuring takes some minutes; this is for a run that hangs. */
const MOST_MS = 1_800_000;

/**
 * The first process of the namespaces: brings the loopback interface up, starts its arguments and ends with them. Others
 * whose parents have ended become its children: it takes note of their ends, or they would be waited for.
 */
const FIRST = `
import fcntl, os, socket, struct, sys
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 0x41))
main = os.fork()
if main == 0:
    os.execv(sys.argv[1], sys.argv[1:])
while True:
    pid, status = os.wait()
    if pid == main:
        os._exit(max(1, os.waitstatus_to_exitcode(status)) if status else 0)
`;

/** A program of the bench that runs where nothing but its own processes can be reached. */
export interface Isolated {
  /** Its file; it is given `args` and prints one JSON value, its progress on stderr. */
  readonly program: string;
  readonly args: readonly string[];
  progress(text: string): void;
}

/**
 * Runs a program in namespaces that have nothing but its own processes and loopback: several processes of Ray listen on every
 * interface, whatever they are told. Linux with `unshare` only; throws where that fails.
 */
export async function runIsolated<T>({ program, args, progress }: Isolated): Promise<T> {
  const main = [process.execPath, join(import.meta.dirname, program), ...args];
  // With --pid all of them end with the first, those too that have left its tree; --mount-proc shows them their own ids.
  const namespaces = ["--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const isolated = [...namespaces, "python3", "-c", FIRST, ...main];
  // Its temporary files go into a folder of ours, and away with us even if it is killed. A short path: sockets are in it.
  const env = { ...process.env, TMPDIR: tempFolder("wb-") };
  const started = start("unshare", isolated, { timeout: MOST_MS, env });
  createInterface({ input: started.child.stderr! }).on("line", progress);
  try {
    const code = await started.exited;
    const { stdout, stderr } = started.output();
    if (code !== 0) throw new Error(`in namespaces of its own: ${stderr.trim().split("\n").at(-1)}`);
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
  const args = [options.ray, String(options.seconds)];
  return runIsolated({ program: "ray-main.ts", args, progress: options.progress });
}
