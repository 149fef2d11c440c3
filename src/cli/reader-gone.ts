import { spawn } from "node:child_process";
import { fstatSync } from "node:fs";

/**
 * Tells when nobody reads the pipe on stdout any longer, which a process that has nothing to write does not notice:
 * `windlass watch | head -1` would wait for the next event. GNU tail does notice, and dies of it; where there is another
 * tail or none, only the next write tells. Does nothing where stdout is no pipe.
 */
export function onReaderGone(gone: () => void): void {
  if (!isPipe(1)) return;
  const args = ["-f", "-s", "0.2", `--pid=${process.pid}`, "/dev/null"];
  const witness = spawn("tail", args, { stdio: ["ignore", 1, "ignore"] });
  witness.unref();
  witness.on("error", () => {}); // no tail here
  witness.on("exit", (_code, signal) => {
    if (signal === "SIGPIPE") gone();
  });
  process.on("exit", () => witness.kill());
}

function isPipe(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFIFO();
  } catch {
    return false; // closed
  }
}
