import { parseArgs } from "node:util";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import { logLimits } from "../observability/log-limits.ts";
import { keepOwnLogBounded } from "../observability/rotate.ts";
import { runtime } from "../sdk/runtime.ts";
import { userErrorLine } from "../sdk/user-error.ts";
import { serveControl } from "./control-server.ts";
import { Replica } from "./replica.ts";
import { createReplicaLog } from "./replica-log.ts";
import { becomeReplica } from "./spare.ts";
import { governConsole } from "./user-console.ts";

/** Milliseconds an idle replica process waits for its work. */
const ATTACH_TIMEOUT_MS = 60_000;

/**
 * The replica process: `replica --control-socket PATH`. It does nothing until a controller attaches. With `--spare` it
 * waits first for the replica that it is to become; its path is replaced by that replica's.
 */
export async function main(
  argv: readonly string[],
  { clock, random }: { clock: Clock; random: Random },
): Promise<void> {
  const given = optionsOf(argv.slice(2));
  const { "control-socket": socketPath } = given.spare === true ? optionsOf(await becomeReplica(process)) : given;
  if (typeof socketPath !== "string") {
    process.stderr.write("usage: replica --control-socket PATH\n");
    process.exit(2);
  }
  process.setSourceMapsEnabled(true);
  const limits = logLimits(process.env);
  const log = createReplicaLog(clock, limits);
  const { logger } = log;
  keepOwnLogBounded(process.env, limits, clock, (error) => logger.warn("the log grows beyond its limit", { error }));
  governConsole(console, log, () => runtime().requests.getStore());
  const replica = new Replica({ clock, random, log, exit: (code) => process.exit(code) });

  // Ctrl-C reaches the whole group; whether to stop is the controller's to decide.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => replica.drain());
  process.on("unhandledRejection", (error) => logger.error("unhandled rejection in user code", { error }));
  process.on("uncaughtException", (error) => {
    log.critical("uncaught exception", { error });
    // While it starts the controller is told why; later the process is in an unknown state.
    if (replica.phase === "initializing") replica.fail(userErrorLine(error, replica.spec?.baseDir ?? ""));
    else process.exit(1);
  });
  clock.timer(
    ATTACH_TIMEOUT_MS,
    () => {
      if (replica.spec !== null) return;
      logger.error("no controller attached", { waited_s: ATTACH_TIMEOUT_MS / 1000 });
      process.exit(1);
    },
    { unref: true },
  );
  await serveControl(socketPath, replica);
}

function optionsOf(args: readonly string[]) {
  const options = { "control-socket": { type: "string" }, spare: { type: "boolean" } } as const;
  return parseArgs({ args: [...args], options, strict: false }).values;
}
