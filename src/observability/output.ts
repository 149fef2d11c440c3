/**
 * Makes this process outlive its log: a full disk, or a reader that is gone, loses lines and nothing else. Without
 * this, a failed write to standard output or error ends the process.
 */
export function surviveLostOutput(): void {
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
}
