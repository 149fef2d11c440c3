import type { StartOptions } from "./options.ts";

/** What the supervisor hands to the controller process, as one JSON argument: ports are concrete here. */
export type ControllerOptions = Omit<StartOptions, "onReady"> & {
  /** Private folder for sockets. */
  readonly runDir: string;
};
