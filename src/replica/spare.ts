import { readFileSync, writeFileSync } from "node:fs";
import type { FromSpare, TakeOver } from "./spare-protocol.ts";

/** What Node leaves in `process` of a channel to the parent; a process without one has none of it. */
const CHANNEL_PARTS = [
  "send",
  "disconnect",
  "channel",
  "connected",
  "_channel",
  "_send",
  "_disconnect",
  "_handleQueue",
  "_pendingMessage",
];

/**
 * Waits, with everything loaded, for the replica that this process is to become, and takes over its arguments,
 * environment and folder. Resolves with the arguments when nothing tells the process from one that was started for the
 * replica. The process ends where the supervisor does, and where the replica's folder is not to be entered.
 */
export async function becomeReplica(target: NodeJS.Process): Promise<readonly string[]> {
  const { promise, resolve } = Promise.withResolvers<TakeOver>();
  const orphaned = (): void => target.exit(0);
  target.once("disconnect", orphaned);
  target.once("message", (message) => resolve(message as TakeOver));
  await say(target, { kind: "idle" });
  const { args, env, cwd } = await promise;
  try {
    target.chdir(cwd);
  } catch {
    // A process that is started there fails with the reason.
    target.exit(1);
  }
  target.argv.splice(2, target.argv.length, ...args);
  for (const name of Object.keys(target.env)) if (!Object.hasOwn(env, name)) delete target.env[name];
  Object.assign(target.env, env);
  retitle(target);
  await say(target, { kind: "taken" });
  target.off("disconnect", orphaned);
  await disconnected(target);
  target.removeAllListeners("internalMessage");
  for (const part of CHANNEL_PARTS) Reflect.deleteProperty(target, part);
  return args;
}

/** Gives the process the command line that one of its own would have. Its short name stays: it would be cut from that. */
function retitle(target: NodeJS.Process): void {
  const shortName = readIfAny("/proc/self/comm");
  target.title = [target.execPath, ...target.argv.slice(1)].join(" ");
  if (shortName === undefined) return;
  try {
    writeFileSync("/proc/self/comm", shortName);
  } catch {
    // It is for people who look at processes only.
  }
}

/** Undefined where there is no such file: on other systems than Linux. */
function readIfAny(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}

/** Resolves once nothing is left to be done about the channel. */
async function disconnected(target: NodeJS.Process): Promise<void> {
  if (target.connected) {
    const closed = new Promise<void>((resolve) => target.once("disconnect", resolve));
    target.disconnect();
    await closed;
  }
  // Node takes its notes about the channel apart after it has said so.
  await new Promise((resolve) => setImmediate(resolve));
}

/** Resolves once it is written, or the channel is gone. */
function say(target: NodeJS.Process, message: FromSpare): Promise<void> {
  return new Promise((resolve) => {
    if (target.send?.(message, undefined, undefined, () => resolve()) === undefined) resolve();
  });
}
