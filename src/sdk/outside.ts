/** Handles in programs that Windlass does not run. Loaded where one is called. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { stateDir } from "../client/state-dir.ts";
import { type CallRouters, callRouters } from "../replica/call-routers.ts";
import { runDirs } from "../supervisor/run-dir.ts";
import { DeploymentUnavailableError } from "./errors.ts";
import { runtime } from "./runtime.ts";

/**
 * Places calls on the replicas of the Windlass whose state dir the environment names, on this machine: handles speak to
 * replicas by their sockets. Throws where there is none.
 */
export function outsideRouter(): CallRouters {
  const { clock, random } = runtime();
  const dir = stateDir(process.env, process.cwd());
  const socket = runDirs(dir, process.env)
    .map((runDir) => join(runDir, "controller.sock"))
    .find((path) => existsSync(path));
  if (socket === undefined) {
    throw new DeploymentUnavailableError(
      `no Windlass runs on ${dir}: outside of replicas, handles work on the machine and for the user that it runs as; ` +
        "set WINDLASS_STATE_DIR, or call the application over HTTP",
    );
  }
  return callRouters({
    controllerSocket: socket,
    application: "",
    routerId: `program/${process.pid}-${Math.floor(random.next() * 2 ** 32).toString(36)}`,
    revision: 0,
    clock,
    random,
  });
}
