import { format, type InspectOptions, inspect } from "node:util";
import type { LogLevel } from "../observability/logger.ts";
import type { LoggedRequest, ReplicaLog } from "./replica-log.ts";

/** How severe what a method of the console writes is. The other methods write through these. */
const LEVELS: Readonly<Record<"debug" | "log" | "info" | "warn" | "error", LogLevel>> = {
  debug: "debug",
  log: "info",
  info: "info",
  warn: "warn",
  error: "error",
};

/** Makes the console of user code follow the log's settings; `request` tells which request the code works on. */
export function governConsole(target: Console, log: ReplicaLog, request: () => LoggedRequest | undefined): void {
  for (const name of Object.keys(LEVELS) as (keyof typeof LEVELS)[]) {
    const plain = target[name].bind(target);
    target[name] = (...args: unknown[]) =>
      log.console(
        LEVELS[name],
        () => format(...args),
        () => plain(...args),
        request(),
      );
  }
  // `dir` alone writes past the others.
  const plain = target.dir.bind(target);
  target.dir = (item?: unknown, options?: InspectOptions) =>
    log.console(
      "info",
      () => inspect(item, { customInspect: false, ...options }),
      () => plain(item, options),
      request(),
    );
}
