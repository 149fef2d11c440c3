import { availableParallelism, cpus, loadavg, totalmem } from "node:os";

/** What the figures were measured on, in one line. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() || process.arch;
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${availableParallelism()} cores (${model}), ${memory} memory, ${process.platform}, Node ${process.version}`;
}

/** "1.24": how busy the machine is, over the last minute. */
export function load(): string {
  return loadavg()[0]!.toFixed(2);
}
