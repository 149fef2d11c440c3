import { join } from "node:path";
import { createInterface } from "node:readline";
import { start, stop, tempFolder } from "../lib/children.ts";
import type { PeerFigures } from "./figures.ts";
import { installRay } from "./ray-process.ts";

/** Measuring takes two to three minutes; this is for a run that hangs. */
const MOST_MS = 900_000;

/** Brings the loopback interface of a new network namespace up, then becomes its arguments. */
const LOOPBACK_UP = `
import fcntl, os, socket, struct, sys
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 0x41))
os.execv(sys.argv[1], sys.argv[1:])
`;

/**
 * Installs Ray Serve and measures it in a network namespace that has nothing but its own loopback: several of its
 * processes listen on every interface, whatever it is told. Linux with `unshare` only; throws where that fails.
 */
export async function measureRayIsolated(options: {
  readonly venv: string | undefined;
  readonly seconds: number;
  progress(text: string): void;
}): Promise<PeerFigures> {
  const ray = await installRay(options.venv, options.progress);
  const program = join(import.meta.dirname, "ray-main.ts");
  // The folder is ours, so that it goes even if the program is killed.
  const main = [process.execPath, program, ray, String(options.seconds), tempFolder()];
  const isolated = ["--map-root-user", "--net", "python3", "-c", LOOPBACK_UP, ...main];
  const started = start("unshare", isolated, { timeout: MOST_MS });
  createInterface({ input: started.child.stderr! }).on("line", options.progress);
  try {
    const code = await started.exited;
    const { stdout, stderr } = started.output();
    if (code !== 0) throw new Error(`in a network namespace of its own: ${stderr.trim().split("\n").at(-1)}`);
    return JSON.parse(stdout) as PeerFigures;
  } finally {
    await stop(started);
  }
}
